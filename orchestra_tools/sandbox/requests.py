"""A request read back into the arguments it was made from. No I/O.

Where a place states a style, its values are read in it (`calls.styles`), and get the types that their schema asks for
(`sandbox.texts`). What the schema does not know is kept under its own name, so that the check of the arguments refuses
it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from orchestra_tools.calls.bodies import FORM, MULTIPART, is_binary, is_json, plain_media_type
from orchestra_tools.calls.request import IN_TEMPLATE
from orchestra_tools.calls.styles import (
    Kind,
    Medium,
    Notation,
    Pair,
    claims,
    names_in,
    notation_of,
    read_pairs,
    read_text,
)
from orchestra_tools.model import HttpEndpoint
from orchestra_tools.model.operation import Location
from orchestra_tools.sandbox.bodies import (
    Part,
    UnreadableRequestError,
    decode_bytes,
    decode_text,
    read_json,
    read_parts,
)
from orchestra_tools.sandbox.texts import branches, item_schema, kind_of, member_schema, members_of, typed, typed_within

__all__ = ["ArgumentReader", "RequestParts", "UnreadableRequestError"]

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class RequestParts:
    """A request as it stood on the wire.

    Attributes:
        path_values: What stands in the path, decoded.
        query: Names and values, decoded, without what is no argument.
        raw_path: As it was sent; "" = made again from the values.
        raw_query: The same of the query.
    """

    path_values: Mapping[str, str]
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    raw_path: str = ""
    raw_query: str = ""

    @property
    def encoded_query(self) -> list[Pair]:
        """Names and values of the query as they were sent, where styles tell delimiters from data."""
        if not self.raw_query:
            return [(quote(name, safe=""), quote(value, safe="")) for name, value in self.query]
        kept = {name for name, _ in self.query}
        return [pair for pair in _split_form(self.raw_query) if unquote_plus(pair[0]) in kept]


class ArgumentReader:
    """Reads the requests of one operation."""

    def __init__(self, endpoint: HttpEndpoint, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.endpoint = endpoint
        self.media_type = endpoint.request_media_type
        self.whole = next((name for name, place in endpoint.arguments.items() if place.whole), None)

    def read(self, parts: RequestParts) -> dict[str, Any]:
        """The arguments.

        Raises:
            UnreadableRequestError: The body is not what its content type says, or not of the type that is asked for.
        """
        return {
            **self._read_path(parts),
            **self._read_pairs("query", "query", parts.encoded_query, unquote_plus),
            **self._read_headers(parts.headers),
            **self._read_cookies(parts.headers.get("Cookie", "")),
            **self._read_body(parts),
        }

    @cached_property
    def _names(self) -> dict[Location, dict[str, str]]:
        """Arguments by their names on the wire, by place."""
        locations: tuple[Location, ...] = ("path", "query", "header", "cookie", "body")
        return {
            location: {wire: name for name, wire in names_in(self.endpoint, self.schema, location).items()}
            for location in locations
        }

    def _read_path(self, parts: RequestParts) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        encoded = _encoded_values(self.endpoint.path, parts.raw_path)
        for wire, text in parts.path_values.items():
            name = self._names["path"].get(wire, wire)
            if notation := self._notation(name, "path", wire):
                raw = encoded.get(wire, quote(text, safe=",;="))
                arguments[name] = self._typed_within(name, read_text(notation, raw, self._kind(name)))
            else:
                arguments[name] = self._listed(name, text)
        return arguments

    def _read_headers(self, headers: Mapping[str, str]) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        for wire, name in self._names["header"].items():
            if (given := headers.get(wire)) is None:
                continue
            if notation := self._notation(name, "header", wire):
                arguments[name] = self._typed_within(name, read_text(notation, given, self._kind(name)))
            else:
                arguments[name] = self._listed(name, given)
        return arguments

    def _read_cookies(self, header: str) -> dict[str, Any]:
        if not self._names["cookie"]:
            return {}
        split = (piece.partition("=") for piece in header.split(";") if "=" in piece)
        pairs = [(name.strip(), value.strip().strip('"')) for name, _, value in split]
        read = self._read_pairs("cookie", "cookie", pairs, unquote)
        return {name: value for name, value in read.items() if name in self._names["cookie"].values()}

    def _read_body(self, parts: RequestParts) -> dict[str, Any]:
        if not parts.body:
            return {}
        stated = parts.headers.get("Content-Type", "")
        kind = plain_media_type(stated)
        wanted = plain_media_type(self.media_type or (kind if kind in (FORM, MULTIPART) else "application/json"))
        if kind != wanted and not (is_json(kind) and is_json(wanted)):
            raise UnreadableRequestError(415, f"the body is {kind or 'of no type'}, {wanted} is expected")
        if kind == FORM:
            return self._gather(self._read_pairs("body", "form", _split_form(decode_text(parts.body)), unquote_plus))
        if kind == MULTIPART:
            return self._gather(self._read_multipart(read_parts(stated, parts.body)))
        if not is_json(kind):
            name = self.whole or "body"
            return {name: self._file(name, parts.body)}
        body = read_json(parts.body)
        if (whole := self.whole) is not None:
            return {whole: body}
        if not isinstance(body, dict):
            raise UnreadableRequestError(422, "the body is not a JSON object")
        names = self._names["body"]
        return {names.get(str(wire), str(wire)): value for wire, value in body.items()}

    def _gather(self, members: dict[str, Any]) -> dict[str, Any]:
        return members if self.whole is None else {self.whole: members}

    def _read_multipart(self, parts: list[Part]) -> dict[str, Any]:
        names = self._names["body"]
        values: dict[str, list[Any]] = {}
        texts: list[Pair] = []
        for part in parts:
            name = names.get(part.name, part.name)
            if part.is_file:
                values.setdefault(name, []).append(self._file(name, part.data))
            elif is_json(part.media_type):
                values.setdefault(name, []).append(read_json(part.data))
            else:
                texts.append((part.name, decode_bytes(part.data)))
        read = self._read_pairs("body", "multipart", texts, str)
        for name, several in values.items():
            single = len(several) == 1 and self._kind(name) != "list"
            read[name] = several[0] if single else several
        return read

    def _read_pairs(
        self, location: Location, medium: Medium, pairs: Iterable[Pair], decode: Callable[[str], str]
    ) -> dict[str, Any]:
        """The arguments among names and values as they were sent: first those that state a style, then the others."""
        names = self._names[location]
        left = list(pairs)
        arguments: dict[str, Any] = {}
        for wire, name in sorted(names.items(), key=lambda item: self._is_open(item[1])):
            if not (notation := self._notation(name, medium, wire)):
                continue
            members = members_of(self._schema_of(name), self.schema)
            texts = read_pairs(notation, left, self._kind(name), members)
            if texts is not None:
                arguments[name] = self._typed_within(name, texts)
                left = [pair for pair in left if not claims(notation, pair[0], texts)]
        found: dict[str, list[str]] = {}
        for encoded, text in left:
            wire = decode(encoded)
            found.setdefault(names.get(wire, wire), []).append(decode(text))
        return {name: self._several(name, texts) for name, texts in found.items()} | arguments

    def _notation(self, name: str, medium: Medium, wire: str) -> Notation | None:
        place = self.endpoint.place_of(name)
        return notation_of(place, medium, wire, others=self._names[place.location])

    def _is_open(self, name: str) -> bool:
        """Whether an argument may have members of any name; it takes what the others leave."""
        return self._kind(name) == "object" and members_of(self._schema_of(name), self.schema) is None

    def _schema_of(self, name: str) -> Any:
        properties = self.schema.get("properties", {})
        if name in properties or self.whole is None:
            return properties.get(name, {})
        return member_schema(name, properties.get(self.whole, {}), self.schema)

    def _kind(self, name: str) -> Kind:
        return kind_of(self._schema_of(name), self.schema)

    def _typed_within(self, name: str, texts: Any) -> Any:
        return typed_within(texts, self._schema_of(name), self.schema)

    def _listed(self, name: str, text: str) -> Any:
        """A text that stands alone; a list has commas in it, unless its place writes it as JSON."""
        in_json = self.endpoint.place_of(name).media_type is not None
        if self._kind(name) == "list" and not in_json:
            return self._several(name, text.split(","))
        return self._several(name, [text])

    def _several(self, name: str, texts: list[str]) -> Any:
        schema = self._schema_of(name)
        if len(texts) == 1 and is_json(plain_media_type(self.endpoint.place_of(name).media_type or "")):
            return _json_or_text(texts[0])
        if self._kind(name) == "list" and not (len(texts) == 1 and texts[0].startswith("[") and texts[0].endswith("]")):
            return [typed(text, item_schema(schema, self.schema), self.schema) for text in texts]
        # One value given twice is no single value: the check of the arguments says so.
        return typed(texts[0], schema, self.schema) if len(texts) == 1 else texts

    def _file(self, name: str, data: bytes) -> Any:
        schema = self._schema_of(name)
        encoded = any(each.get("contentEncoding") == "base64" for each in _with_items(schema, self.schema))
        if encoded or is_binary(plain_media_type(self.media_type or "")):
            return base64.b64encode(data).decode()
        return typed(decode_bytes(data), schema, self.schema)


def _with_items(schema: Any, root: dict[str, Any]) -> list[dict[str, Any]]:
    layers = branches(schema, root)
    return [*layers, *(each["items"] for each in layers if isinstance(each.get("items"), dict))]


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _split_form(text: str) -> list[Pair]:
    """Names and values of a query or a form, still encoded."""
    split = (piece.partition("=") for piece in text.split("&") if piece)
    return [(name, value) for name, _, value in split]


def _encoded_values(template: str, path: str) -> dict[str, str]:
    """What stands in a path for the placeholders of a template, still encoded."""
    wanted = template.partition("?")[0].split("/")
    given = path.split("/")[-len(wanted) :]
    values: dict[str, str] = {}
    for pattern, segment in zip(wanted, given, strict=False):
        if names := _PLACEHOLDER.findall(pattern):
            literal = [re.escape(quote(piece, safe=IN_TEMPLATE)) for piece in _PLACEHOLDER.split(pattern)[::2]]
            if found := re.fullmatch("(.+?)".join(literal), segment):
                values |= dict(zip(names, found.groups(), strict=True))
    return values
