"""A schema that was read: a component, an argument, an answer.

It says how large it is and what it refers to, so that sizes can be added up without looking into it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.importers.openapi.references import Unusable
from orchestra_tools.schema import check_schema
from orchestra_tools.schema.limits import DATA_KEYWORDS, MAPS_OF_SCHEMAS, MAX_BYTES, MAX_NODES

DEFINED = "#/$defs/"
_MAX_REASONS = 3


class TooLarge(Unusable):
    """A schema that is sound, and more than a tool can carry."""


@dataclass(frozen=True)
class Part:
    """A schema that was read.

    Attributes:
        schema: JSON Schema 2020-12; its references lead to `#/$defs/`.
    """

    schema: Any

    @cached_property
    def size(self) -> int:
        """Bytes as JSON."""
        return len(json.dumps(self.schema, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    @property
    def subschemas(self) -> int:
        """How many schemas it consists of."""
        return self._contents[0]

    @property
    def nodes(self) -> int:
        """How many members and items it consists of."""
        return self._contents[1]

    @property
    def occurrences(self) -> list[str]:
        """The name of each reference in it, in the order of `iter_subschemas`."""
        return self._contents[2]

    @cached_property
    def references(self) -> tuple[str, ...]:
        """The names it refers to."""
        return tuple(dict.fromkeys(self.occurrences))

    @cached_property
    def _contents(self) -> tuple[int, int, list[str]]:
        schemas = nodes = 0
        names: list[str] = []
        stack: list[tuple[Any, bool]] = [(self.schema, True)]
        while stack:
            node, is_schema = stack.pop()
            if isinstance(node, list):
                nodes += len(node)
                stack += [(each, is_schema) for each in node if isinstance(each, dict | list)]
            elif isinstance(node, dict):
                nodes += len(node)
                schemas += is_schema is True
                if is_schema and isinstance(reference := node.get("$ref"), str):
                    names.append(reference.removeprefix(DEFINED))
                for keyword, each in node.items():
                    if isinstance(each, dict | list):
                        if is_schema and keyword in DATA_KEYWORDS:
                            nodes += _count(each)
                        else:
                            stack.append((each, not (is_schema and keyword in MAPS_OF_SCHEMAS)))
        return schemas, nodes, names


def _count(value: dict[str, Any] | list[Any]) -> int:
    inside = value.values() if isinstance(value, dict) else value
    return len(value) + sum(_count(each) for each in inside if isinstance(each, dict | list))


def check_part(part: Part, pointer: str) -> None:
    """Hold one part against the rules of `check_schema`, without what it refers to.

    Raises:
        Unusable: It is refused.
    """
    if part.nodes >= MAX_NODES or part.size > MAX_BYTES:
        raise TooLarge(pointer, f"a schema of {part.nodes:,} nodes and {part.size:,} bytes")
    defined: dict[str, Any] = {"$defs": {name: {} for name in part.references}} if part.references else {}
    try:
        check_schema({**part.schema, **defined} if isinstance(part.schema, dict) else part.schema)
    except SchemaRefusedError as refused:
        told = "; ".join(
            f"{fault.pointer[:100] or '(root)'} {fault.problem}" for fault in refused.faults[:_MAX_REASONS]
        )
        raise Unusable(pointer, f"its schema is refused: {told}") from None
