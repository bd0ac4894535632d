"""A definition: a tool as hosts and models are shown it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.compile import Annotations, Tool
from orchestra_tools.exports.portable import portable_input


@dataclass(frozen=True, slots=True)
class Definition:
    """What a host is told of a tool.

    Attributes:
        description: The tool's own, and in words whatever rule its shown input schema leaves out.
        input_schema: JSON Schema of the arguments without choices at its root; see `portable`. Calls are validated
            against the full one.
        output_schema: JSON Schema of the answer, in full; None = not documented.
    """

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any] = field(repr=False)
    output_schema: Mapping[str, Any] | None = field(repr=False)
    annotations: Annotations

    def named(self, given: Sequence[Any], arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name, where a program gives some by position: in the order of the schema's properties.

        Raises:
            TypeError: There are more than the schema has, as of a call of any function.
        """
        if not given:
            return arguments
        names = list(self.input_schema.get("properties", ()))
        if len(given) > len(names):
            raise TypeError(f"{self.name} takes {len(names)} arguments but {len(given)} were given")
        return dict(zip(names, given, strict=False)) | arguments


def define(tool: Tool | Definition) -> Definition:
    """The definition of a compiled tool; a definition stays as it is."""
    if isinstance(tool, Definition):
        return tool
    schema, rule = portable_input(tool.input_schema)
    return Definition(
        name=tool.name,
        title=tool.title,
        description=f"{tool.description} {rule}".rstrip(),
        input_schema=schema,
        output_schema=tool.output_schema,
        annotations=tool.annotations,
    )
