"""Parameters become arguments, each with its place in the request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.importers.openapi.identifiers import argument_name, unique_name
from orchestra_tools.importers.openapi.parts import Part
from orchestra_tools.importers.openapi.references import (
    MAX_SHOWN,
    Document,
    Unusable,
    expect_list,
    expect_name,
    expect_object,
    text_of,
)
from orchestra_tools.importers.openapi.schemas import SchemaReader
from orchestra_tools.importers.openapi.security import carries_key
from orchestra_tools.importers.openapi.values import stated_examples

_LOCATIONS = ("path", "query", "header", "cookie")
_STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# Set from the body and the answer, or by the auth (OpenAPI 3.1, 4.8.12.1).
_NOT_PARAMETERS = frozenset(("accept", "content-type", "authorization"))
_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_SCALARS = frozenset(("string", "integer", "number", "boolean", "null"))
_MAX_PARAMETERS = 500


@dataclass(frozen=True)
class Argument:
    """An argument of an operation.

    Attributes:
        place: As it stands in a ledger document.
    """

    name: str
    part: Part
    place: dict[str, Any]
    required: bool = False


@dataclass(frozen=True)
class Parameters:
    """The parameters of an operation.

    Attributes:
        stated: Those that may carry a key included, as the document has them.
    """

    stated: list[dict[str, Any]] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)


def collect_parameters(document: Document, levels: Iterable[tuple[Any, str]]) -> Parameters:
    """The parameters of an operation; those of the operation itself override those of its path.

    Args:
        document: Where references lead.
        levels: `parameters` of the path and of the operation, each with its pointer.

    Raises:
        Unusable: One of them is no parameter.
    """
    found: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
    for stated, pointer in levels:
        items = expect_list(stated, pointer, "parameters")
        if len(items) > _MAX_PARAMETERS:
            raise Unusable(pointer, f"more than {_MAX_PARAMETERS} parameters")
        for index, each in enumerate(items):
            value, where = document.follow(each, f"{pointer}/{index}")
            parameter = expect_object(value, where, "a parameter")
            name, location = expect_name(parameter.get("name"), where, "a parameter"), parameter.get("in")
            if location not in _LOCATIONS:
                remedy = "" if location not in ("body", "formData") else " (that is Swagger 2.0)"
                raise Unusable(where, f"a parameter in {str(location)[:MAX_SHOWN]!r} is not supported{remedy}")
            # Header names do not differ by case.
            key = (location, name.lower() if location == "header" else name)
            found[key] = (parameter, where)
    return Parameters([each for each, _ in found.values()], [where for _, where in found.values()])


def read_arguments(
    reader: SchemaReader, parameters: Parameters, path: str, secrets: frozenset[tuple[str, str]]
) -> tuple[list[Argument], list[str]]:
    """The arguments parameters stand for, and notes.

    Args:
        reader: For the schemas of requests.
        parameters: Of the operation.
        path: Its path template.
        secrets: Where the auth sends something; no argument goes there.

    Raises:
        Unusable: A schema cannot be read.
    """
    arguments: list[Argument] = []
    notes: list[str] = []
    placeholders = dict.fromkeys(_PLACEHOLDER.findall(path.partition("?")[0]))
    # A name in the path is what a reader sees first, so it keeps its plain form.
    ordered = sorted(
        zip(parameters.stated, parameters.pointers, strict=True), key=lambda each: _LOCATIONS.index(each[0]["in"])
    )
    for stated, pointer in ordered:
        location, name = stated["in"], stated["name"]
        if (location, name.lower()) in secrets:
            continue
        if carries_key(location, name):
            notes.append(f"the {location} parameter {name} carries a key and is left out")
            continue
        if location == "header" and name.lower() in _NOT_PARAMETERS:
            notes.append(f"the header {name} is set by the transport")
            continue
        if location == "path" and name not in placeholders:
            notes.append(f"the path parameter {name[:MAX_SHOWN]!r} is left out: the path has no such part")
            continue
        arguments.append(_read(reader, stated, pointer, {each.name for each in arguments}))
    declared = {each.place["name"] for each in arguments if each.place["in"] == "path"}
    for name in placeholders:
        if name not in declared:
            notes.append(f"the part {{{name[:MAX_SHOWN]}}} of the path is not described")
            unique = unique_name(argument_name(name), (each.name for each in arguments), "path")
            place = {"in": "path", "name": name}
            arguments.append(Argument(unique, Part({"type": "string", "minLength": 1}), place, required=True))
    return arguments, notes


def _read(reader: SchemaReader, stated: dict[str, Any], pointer: str, taken: set[str]) -> Argument:
    location, wire_name = stated["in"], stated["name"]
    plain = wire_name.lower() if location == "header" else wire_name
    name = unique_name(argument_name(plain), taken, location)
    place: dict[str, Any] = {"in": location, "name": wire_name}
    content = expect_object(stated.get("content"), f"{pointer}/content", "content")
    if content:
        media_type, holder = next(iter(content.items()))
        place["media_type"] = str(media_type).partition(";")[0].strip().lower()
        holder = expect_object(holder, f"{pointer}/content", "a media type")
        part = reader.read(holder.get("schema"), f"{pointer}/content/{_escaped(media_type)}/schema", wire_name)
    else:
        holder = stated
        part = reader.read(stated.get("schema"), f"{pointer}/schema", wire_name)
        place |= _written(stated, pointer, part)
    described = describe(reader, part, stated, holder)
    return Argument(name, described, place, required=location == "path" or stated.get("required") is True)


def describe(reader: SchemaReader, part: Part, stated: dict[str, Any], holder: dict[str, Any]) -> Part:
    """The schema with what its parameter says of it: description, examples, deprecation."""
    schema: dict[str, Any] = {} if part.schema else {"not": {}}
    if isinstance(part.schema, dict):
        schema = dict(part.schema)
    if description := reader.texts.description(stated.get("description")):
        schema["description"] = description
    if "examples" not in schema and (examples := stated_examples(holder)):
        schema["examples"] = examples
    if stated.get("deprecated") is True:
        schema["deprecated"] = True
    return Part(schema)


def _written(stated: dict[str, Any], pointer: str, part: Part) -> dict[str, Any]:
    """How the value is written, where that is not plain text."""
    location = stated["in"]
    style = stated.get("style") or _STYLES[location][0]
    if style not in _STYLES[location]:
        raise Unusable(f"{pointer}/style", f"{text_of(style)[:40]!r} is no style of a {location} parameter")
    written: dict[str, Any] = {}
    stated_type = part.schema.get("type") if isinstance(part.schema, dict) else None
    types = stated_type if isinstance(stated_type, list) else [stated_type]
    several = not _SCALARS.issuperset(types)
    if several or style != _STYLES[location][0]:
        explode = stated.get("explode")
        written = {"style": style, "explode": explode if isinstance(explode, bool) else style in ("form", "deepObject")}
    if location == "query" and stated.get("allowReserved") is True:
        written["allow_reserved"] = True
    return written


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
