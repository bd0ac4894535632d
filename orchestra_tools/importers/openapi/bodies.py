"""A request body becomes arguments: one for each member where it is a plain object, else one for the whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from orchestra_tools.importers.openapi import media
from orchestra_tools.importers.openapi.arguments import Argument, describe
from orchestra_tools.importers.openapi.identifiers import argument_name, unique_name
from orchestra_tools.importers.openapi.parts import DEFINED, Part
from orchestra_tools.importers.openapi.references import Document, expect_name, expect_object, text_of
from orchestra_tools.importers.openapi.schemas import SchemaReader
from orchestra_tools.importers.openapi.values import stated_examples
from orchestra_tools.schema import escape

_WHOLE = "body"
# What a plain object may say beside its members, for those to become arguments of their own.
_FLAT = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "title", "description", "examples"),
        *("allOf", "$ref", "deprecated", "default", "unevaluatedProperties"),
    )
)
_MAX_HOPS = 20  # references that lead to a type
_STYLES = ("form", "spaceDelimited", "pipeDelimited", "deepObject")


@dataclass(frozen=True)
class Body:
    """The body of an operation.

    Attributes:
        media_type: None where it has none.
        open: Whether members that are no arguments may be added to it.
    """

    media_type: str | None = None
    arguments: tuple[Argument, ...] = ()
    open: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Object:
    """A plain object: its members, and which of them it needs."""

    members: dict[str, Any]
    required: frozenset[str]
    open: bool


def read_body(document: Document, reader: SchemaReader, stated: Any, pointer: str, taken: Collection[str]) -> Body:
    """The body an operation takes.

    Args:
        document: Where references lead.
        reader: For the schemas of requests.
        stated: Its `requestBody`.
        pointer: Where that stands.
        taken: Names of arguments that are parameters.

    Raises:
        Unusable: It cannot be read.
    """
    if stated is None:
        return Body()
    value, pointer = document.follow(stated, pointer)
    body = expect_object(value, pointer, "a request body")
    content = expect_object(body.get("content"), f"{pointer}/content", "content")
    kinds = sorted((media.rank(media.plain(name)), name) for name in content if isinstance(name, str))
    if not kinds:
        return Body(notes=("a body is declared without saying what is in it",) if body else ())
    _, chosen = kinds[0]
    others = sorted({media.plain(name) for _, name in kinds[1:]} - {media.plain(chosen)})
    notes = (f"also takes {', '.join(others)[:200]}",) if others else ()
    where = f"{pointer}/content/{escape(chosen)}"
    holder = expect_object(content[chosen], where, "a media type")
    if "$ref" in holder:  # OpenAPI 3.2 keeps media types among the components
        found, where = document.follow(holder, where)
        holder = expect_object(found, where, "a media type")
    part = reader.read(holder.get("schema"), f"{where}/schema")
    kind = _kind_of(media.plain(chosen), part)
    described = describe(reader, part, {"description": body.get("description")}, holder)
    whole = Argument(_WHOLE, described, {"in": "body", "whole": True}, required=body.get("required") is True)
    if kind in (media.FORM, media.MULTIPART) or media.is_json(kind):
        flat = _flatten(reader, part)
        if flat is not None and not flat.members:
            if not media.is_json(kind):
                return Body(notes=notes)  # a form without fields
            flat = None
        if flat is not None and (whole.required or not flat.required):
            arguments = _members(reader, flat, kind, holder, where)
            names = [argument_name(each.name) for each in arguments]
            if not media.is_json(kind) or (len(set(names)) == len(names) and not set(names) & set(taken)):
                return Body(kind, tuple(_named(arguments, taken)), flat.open, notes)
    if not media.is_json(kind):
        whole = replace(whole, part=_raw(whole.part, kind))
    name = unique_name(_WHOLE, taken, "content")
    return Body(kind, (replace(whole, name=name),), notes=notes)


def _kind_of(kind: str, part: Part) -> str:
    """The media type that is sent where the document leaves it open."""
    if not media.is_any(kind):
        return kind
    stated = part.schema.get("type") if isinstance(part.schema, dict) else None
    binary = stated == "string" and part.schema.get("format") == "binary"
    return media.BINARY if binary else "text/plain" if stated == "string" else media.JSON


def _flatten(reader: SchemaReader, part: Part) -> _Object | None:
    """The plain object a schema describes, through references and `allOf`; None where it is something else."""
    found = _flat(reader, part.schema, {})
    return None if found is None or found.required - found.members.keys() else found


def _flat(reader: SchemaReader, schema: Any, known: dict[str, _Object | None]) -> _Object | None:
    """One part of an object; `known` holds the components that were looked at, so that none is twice."""
    if not isinstance(schema, dict) or not schema.keys() <= _FLAT or schema.get("type", "object") != "object":
        return None
    pieces = [_Object(schema.get("properties", {}), frozenset(schema.get("required", ())), _is_open(schema))]
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.removeprefix(DEFINED)
        if name not in known:
            known[name] = None  # where it is a part of itself
            known[name] = _flat(reader, reader.component(name).schema, known)
        if (found := known[name]) is None:
            return None
        pieces.append(found)
    for each in schema.get("allOf", ()):
        if (found := _flat(reader, each, known)) is None:
            return None
        pieces.append(found)
    return _merge(pieces)


def _is_open(schema: dict[str, Any]) -> bool:
    return schema.get("additionalProperties", True) is not False and schema.get("unevaluatedProperties") is not False


def _merge(pieces: list[_Object]) -> _Object | None:
    members: dict[str, Any] = {}
    # A closed object refuses what another part adds: nothing simple.
    if not all(piece.open for piece in pieces) and sum(bool(piece.members) for piece in pieces) > 1:
        return None
    for piece in pieces:
        for name, schema in piece.members.items():
            if name in members and members[name] != schema:
                return None
            members[name] = schema
    required = frozenset[str]().union(*(piece.required for piece in pieces))
    return _Object(members, required, all(piece.open for piece in pieces))


def _members(reader: SchemaReader, flat: _Object, kind: str, holder: dict[str, Any], where: str) -> list[Argument]:
    encodings = expect_object(holder.get("encoding"), f"{where}/encoding", "encoding")
    example = next((each for each in stated_examples(holder) if isinstance(each, dict)), {})
    arguments = []
    for name, schema in flat.members.items():
        expect_name(name, f"{where}/schema", "a member")
        encoding = expect_object(encodings.get(name), f"{where}/encoding/{escape(name)}", "an encoding")
        place: dict[str, Any] = {"in": "body", "name": name}
        if kind == media.MULTIPART:
            schema = _file(reader, schema)
        if not media.is_json(kind):
            place |= _written(reader, schema, kind, encoding)
        if isinstance(schema, dict) and name in example and "examples" not in schema and "$ref" not in schema:
            schema = {**schema, "examples": [example[name]]}
        arguments.append(Argument(name, Part(schema), place, required=name in flat.required))
    return arguments


def _named(arguments: list[Argument], taken: Collection[str]) -> list[Argument]:
    names = list(taken)
    named = []
    for each in arguments:
        names.append(unique_name(argument_name(each.name), names, "body"))
        named.append(replace(each, name=names[-1]))
    return named


def _written(reader: SchemaReader, schema: Any, kind: str, encoding: dict[str, Any]) -> dict[str, Any]:
    """How a field of a form is written, where that is not plain text."""
    written: dict[str, Any] = {}
    if (stated := media.plain(text_of(encoding.get("contentType")).partition(",")[0])) and "*" not in stated:
        written["media_type"] = stated
    if (style := encoding.get("style")) in _STYLES:
        explode = encoding.get("explode")
        written |= {"style": style, "explode": explode if isinstance(explode, bool) else style == "form"}
        written.pop("media_type", None)
    kind_of_items = _type_of(reader, schema)
    if kind_of_items == "array" and isinstance(schema, dict):
        kind_of_items = _type_of(reader, schema.get("items"))
    if not written and kind == media.MULTIPART and kind_of_items == "object":
        written["media_type"] = media.JSON  # OpenAPI 3.1, 4.8.15.1
    return written


def _type_of(reader: SchemaReader, schema: Any) -> Any:
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema and "type" not in schema and seen < _MAX_HOPS:
        schema, seen = reader.component(str(schema["$ref"]).removeprefix(DEFINED)).schema, seen + 1
    return schema.get("type") if isinstance(schema, dict) else None


def _file(reader: SchemaReader, schema: Any, depth: int = 0) -> Any:
    """The schema of a multipart field; a file is text in base64 here, whatever the document calls it."""
    if not isinstance(schema, dict) or depth > 3:
        return schema
    if set(schema) == {"$ref"}:
        inner = reader.component(str(schema["$ref"]).removeprefix(DEFINED)).schema
        # What the executor looks at must stand here; anything but a file may stay a reference.
        found = _file(reader, inner, depth + 1)
        return found if _holds_file(found) else schema
    options = schema.get("anyOf")
    if isinstance(options, list) and len(options) == 2 and options.count({"type": "null"}) == 1:
        found = _file(reader, next(each for each in options if each != {"type": "null"}), depth + 1)
        if _holds_file(found):
            rest = {keyword: each for keyword, each in schema.items() if keyword != "anyOf"}
            return {**found, "type": [found["type"], "null"], **rest}
        return schema
    if schema.get("type") == "array" and "items" in schema:
        return {**schema, "items": _file(reader, schema["items"], depth + 1)}
    if not schema or (schema.get("type") == "string" and _is_binary(schema)):
        return _as_base64(schema)
    if schema.get("contentEncoding") == "base64":
        # The server wants the text itself; `contentEncoding` would have its bytes sent.
        return {keyword: each for keyword, each in schema.items() if keyword != "contentEncoding"}
    return schema


def _is_binary(schema: dict[str, Any]) -> bool:
    if schema.get("format") == "binary":
        return True
    stated = media.plain(schema.get("contentMediaType", ""))
    return bool(stated) and "contentEncoding" not in schema and not (media.is_json(stated) or media.is_text(stated))


def _holds_file(schema: Any) -> bool:
    inner = schema.get("items", schema) if isinstance(schema, dict) else {}
    return isinstance(inner, dict) and inner.get("contentEncoding") == "base64"


def _as_base64(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {keyword: each for keyword, each in schema.items() if keyword not in ("format", "maxLength", "minLength")}
    kept["type"] = "string"
    kept["contentEncoding"] = "base64"
    kept["description"] = f"{kept.get('description', 'The file.')} Encoded in base64.".strip()
    return kept


def _raw(part: Part, kind: str) -> Part:
    """The schema of a body that is one text, or the bytes of a file."""
    schema = part.schema if isinstance(part.schema, dict) else {}
    if kind in (media.FORM, media.MULTIPART):
        return part
    notes = {keyword: schema[keyword] for keyword in ("title", "description", "examples") if keyword in schema}
    if media.is_text(kind):
        kept = {k: v for k, v in schema.items() if k in ("pattern", "minLength", "maxLength", "enum", "default")}
        return Part({**notes, "type": "string", **(kept if schema.get("type") == "string" else {})})
    raw = _as_base64(notes)
    return Part({key: raw[key] for key in raw if key != "examples"} | {"contentMediaType": kind})
