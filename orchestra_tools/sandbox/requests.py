"""A request read back into the arguments it was made from. No I/O.

Texts are given the type their schema asks for, strictly: `5` is an integer, `true` a boolean, nothing else is. What the
schema does not know is kept under its own name, so that the check of the arguments refuses it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from orchestra_tools.model import HttpEndpoint
from orchestra_tools.schema import resolve

_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


class UnreadableRequestError(ValueError):
    """The request cannot be read at all; `status` is what an API answers to that."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestParts:
    """A request as it stood on the wire."""

    path_values: Mapping[str, str]
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


class ArgumentReader:
    """Reads the requests of one operation."""

    def __init__(self, endpoint: HttpEndpoint, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.media_type = endpoint.request_media_type
        self.whole: str | None = None
        self._names: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}, "cookie": {}, "body": {}}
        for name in {**schema.get("properties", {}), **endpoint.arguments}:
            place = endpoint.place_of(name)
            if place.whole:
                self.whole = name
            else:
                self._names[place.location][place.name or name] = name

    def read(self, parts: RequestParts) -> dict[str, Any]:
        """The arguments.

        Raises:
            UnreadableRequestError: The body is not what its content type says, or not of the type that is asked for.
        """
        arguments: dict[str, Any] = {}
        for wire, text in parts.path_values.items():
            name = self._names["path"].get(wire, wire)
            schema = self._schema_of(name)
            # A list in a path is one segment with commas.
            listed = "array" in types_of(schema, self.schema)
            arguments[name] = self._several(name, text.split(",")) if listed else self._typed(name, text)
        arguments |= self._pairs(parts.query, self._names["query"])
        for wire, name in self._names["header"].items():
            if (given := parts.headers.get(wire)) is not None:
                arguments[name] = self._typed(name, given)
        cookies = dict(_cookies(parts.headers.get("Cookie", ""))) if self._names["cookie"] else {}
        for wire, name in self._names["cookie"].items():
            if wire in cookies:
                arguments[name] = self._typed(name, cookies[wire])
        return arguments | self._read_body(parts)

    def _read_body(self, parts: RequestParts) -> dict[str, Any]:
        if not parts.body:
            return {}
        stated = parts.headers.get("Content-Type", "")
        kind = stated.partition(";")[0].strip().lower()
        wanted = self.media_type or (kind if kind in (_FORM, _MULTIPART) else "application/json")
        if kind != wanted and not (_is_json(kind) and _is_json(wanted)):
            raise UnreadableRequestError(415, f"the body is {kind or 'of no type'}, {wanted} is expected")
        if kind == _FORM:
            return self._pairs(parse_qsl(_text(parts.body), keep_blank_values=True), self._names["body"])
        if kind == _MULTIPART:
            return self._read_multipart(stated, parts.body)
        if not _is_json(kind):
            name = self.whole or "body"
            return {name: self._file(name, parts.body)}
        try:
            body = json.loads(_text(parts.body))
        except (ValueError, RecursionError) as error:
            raise UnreadableRequestError(422, f"the body is not JSON: {error}") from error
        if (whole := self.whole) is not None:
            return {whole: body}
        if not isinstance(body, dict):
            raise UnreadableRequestError(422, "the body is not a JSON object")
        names = self._names["body"]
        return {names.get(str(wire), str(wire)): value for wire, value in body.items()}

    def _read_multipart(self, content_type: str, body: bytes) -> dict[str, Any]:
        names = self._names["body"]
        texts: list[tuple[str, str]] = []
        files: dict[str, Any] = {}
        for wire, is_file, data in _multipart(content_type, body):
            if is_file:
                name = names.get(wire, wire)
                files[name] = self._file(name, data)
            else:
                texts.append((wire, _decoded(data)))
        return self._pairs(texts, names) | files

    def _file(self, name: str, data: bytes) -> str:
        schema = self._schema_of(name)
        encoded = isinstance(schema, dict) and schema.get("contentEncoding") == "base64"
        return base64.b64encode(data).decode() if encoded else _decoded(data)

    def _schema_of(self, name: str) -> Any:
        return self.schema.get("properties", {}).get(name, {})

    def _pairs(self, pairs: list[tuple[str, str]], names: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, list[str]] = {}
        for wire, text in pairs:
            found.setdefault(names.get(wire, wire), []).append(text)
        return {name: self._several(name, texts) for name, texts in found.items()}

    def _several(self, name: str, texts: list[str]) -> Any:
        schema = self._schema_of(name)
        types = types_of(schema, self.schema)
        if "array" in types and not (len(texts) == 1 and texts[0].startswith("[") and texts[0].endswith("]")):
            items = [each.get("items", {}) for each in _branches(schema, self.schema) if "items" in each]
            return [typed(text, items[0] if items else {}, self.schema) for text in texts]
        # One value given twice is no single value: the check of the arguments says so.
        return self._typed(name, texts[0]) if len(texts) == 1 else texts

    def _typed(self, name: str, text: str) -> Any:
        return typed(text, self._schema_of(name), self.schema)


def typed(text: str, schema: Any, root: dict[str, Any]) -> Any:
    """A text as the type its schema asks for; the text itself where none fits."""
    types = types_of(schema, root)
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"object", "array"} and text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if "null" in types and (text == "null" or (text == "" and "string" not in types)):
        options = [option for each in _branches(schema, root) for option in each.get("enum", ())]
        return text if "string" in types and (not options or text in options) else None
    return text


def types_of(schema: Any, root: dict[str, Any]) -> set[str]:
    """The types a schema names, through references and choices."""
    found: set[str] = set()
    for branch in _branches(schema, root):
        stated = branch.get("type")
        found |= {stated} if isinstance(stated, str) else set(stated or ())
        options = [*branch.get("enum", ()), *([branch["const"]] if "const" in branch else [])]
        found |= {_type_of(option) for option in options} if stated is None else set()
    return found


def _branches(schema: Any, root: dict[str, Any], depth: int = 0) -> list[dict[str, Any]]:
    if not isinstance(schema, dict) or depth > 8:
        return []
    found = [schema]
    inner = [branch for keyword in ("anyOf", "oneOf", "allOf") for branch in schema.get(keyword, ())]
    if isinstance(reference := schema.get("$ref"), str):
        inner.append(resolve(root, reference.removeprefix("#")))
    for branch in inner:
        found += _branches(branch, root, depth + 1)
    return found


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRequestError(422, "the body is not UTF-8") from error


def _decoded(data: bytes) -> str:
    """Bytes as a JSON value can hold them."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _cookies(header: str) -> list[tuple[str, str]]:
    pairs = (piece.partition("=") for piece in header.split(";") if "=" in piece)
    return [(name.strip(), unquote(value.strip().strip('"'))) for name, _, value in pairs]


def _multipart(content_type: str, body: bytes) -> list[tuple[str, bool, bytes]]:
    """(name, whether it is a file, contents) of each field of a multipart form."""
    if not (boundary := re.search(r'boundary="?([^";]+)', content_type)):
        raise UnreadableRequestError(422, "the multipart body has no boundary")
    fields = []
    for piece in (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("latin-1"))[1:]:
        if piece.startswith(b"--"):
            break
        head, separator, data = piece.partition(b"\r\n\r\n")
        name = re.search(rb';\s*name="((?:[^"\\]|\\.)*)"', head)
        if not separator or not name:
            raise UnreadableRequestError(422, "a part of the multipart body has no name")
        # An empty part is how some clients keep a form multipart that has no file.
        if name[1]:
            fields.append((unquote(name[1].decode("utf-8", "replace")), b"filename=" in head, data))
    return fields
