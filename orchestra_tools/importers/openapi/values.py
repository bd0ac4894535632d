"""Values of a document that are data, not schemas: examples, defaults, what an enum lists."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_VALUE_DEPTH = 8  # levels
MAX_VALUE_NODES = 5_000  # as many as a schema may have
MAX_EXAMPLE_BYTES = 500
_SCALARS = (str, int, float, type(None))


def is_plain(value: Any) -> bool:
    """Whether a value is JSON of a sensible size. Iterative: it may be deeper than Python's stack."""
    level, nodes = [value], 1
    for _ in range(MAX_VALUE_DEPTH):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                if not all(isinstance(key, str) for key in each):
                    return False
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif not isinstance(each, _SCALARS) or (isinstance(each, float) and not math.isfinite(each)):
                return False
            if nodes + len(below) > MAX_VALUE_NODES:
                return False
        if not below:
            return True
        nodes += len(below)
        level = below
    return False


def is_example(value: Any) -> bool:
    """Whether a value is worth keeping as an example: plain, and short."""
    if isinstance(value, str) and len(value) > MAX_EXAMPLE_BYTES:
        return False
    return is_plain(value) and len(json.dumps(value)) <= MAX_EXAMPLE_BYTES


def stated_examples(holder: dict[str, Any]) -> list[Any]:
    """The examples of a parameter or a media type, in either form, that stand in the document itself."""
    found = [holder["example"]] if holder.get("example") is not None else []
    named = holder.get("examples")
    if isinstance(named, dict):
        found += [each["value"] for each in named.values() if isinstance(each, dict) and "value" in each]
    return [each for each in found if is_example(each)][:2]
