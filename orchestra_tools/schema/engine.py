"""jsonschema-rs, set up the one way we use it: formats on, nothing fetched, patterns bounded."""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import quote

import jsonschema_rs

Rules = jsonschema_rs.Draft202012Validator
COMPILE_ERRORS = (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError)
_ROOT = "urn:orchestra:schema"
_PATTERNS = jsonschema_rs.FancyRegexOptions(
    backtrack_limit=50_000  # bounds look-around patterns; plain ones run on a linear engine anyway
)


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"remote references are refused: {uri}")


def compile_rules(schema: Any, registry: jsonschema_rs.Registry | None = None) -> Rules:
    """The compiled form of a schema.

    Raises:
        ValueError: It cannot be compiled; one of `COMPILE_ERRORS`.
    """
    return Rules(
        schema, validate_formats=True, retriever=_refuse, registry=registry, pattern_options=_PATTERNS, mask="the value"
    )


class Parts:
    """The subschemas of one schema, compiled when first asked for."""

    def __init__(self, root: Any) -> None:
        self._registry = jsonschema_rs.Registry([(_ROOT, root)], retriever=_refuse)
        self._compiled: dict[str, Rules] = {}

    def accept(self, pointer: str, value: Any) -> bool:
        """Whether a value fits the subschema at a JSON pointer."""
        if (rules := self._compiled.get(pointer)) is None:
            rules = compile_rules({"$ref": f"{_ROOT}#{quote(pointer)}"}, self._registry)
            self._compiled[pointer] = rules
        return rules.is_valid(value)
