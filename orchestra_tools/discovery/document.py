"""What is indexed of a tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.compile import Tool

_PARAMETER_CHARACTERS = 160  # of each parameter's description; the rest repeats what the operation says already


@dataclass(frozen=True, slots=True)
class Document:
    """The searchable text of one tool.

    Attributes:
        key: Its id.
        name: Its name without a prefix that others share, and its title.
        subnet: Key and name of the subnet.
        parameters: Names and descriptions, as `describe_parameters` puts them.
    """

    key: str
    name: str
    subnet: str = ""
    description: str = ""
    parameters: str = ""
    category: str = ""


def document_of(tool: Tool, *, category: str = "") -> Document:
    """The document of a tool. What the compiler adds to every description (subnet, cost) stays out of it."""
    operation = tool.operation
    return Document(
        key=tool.name,
        name=f"{tool.operation_id} {operation.title}",
        subnet=f"{tool.subnet} {tool.entry_name}",
        description=" ".join((operation.description, operation.use_when, *operation.capabilities)),
        parameters=describe_parameters(tool.input_schema),
        category=category,
    )


def describe_parameters(schema: Mapping[str, Any]) -> str:
    """Names of the properties, each with the beginning of its description."""
    return " ".join(_parameters(schema))


def _parameters(schema: Mapping[str, Any]) -> Iterator[str]:
    properties = schema.get("properties")
    for name, sub in properties.items() if isinstance(properties, dict) else ():
        yield name
        if isinstance(sub, dict) and isinstance(description := sub.get("description"), str):
            yield description[:_PARAMETER_CHARACTERS]
