"""Arguments become a request. Pure: nothing is sent here.

Each argument goes where the endpoint says: path, query, header, cookie, a member of the body, or the whole body, and in
the style that its place states (`calls.styles`). Values arrive exactly as they are given, whatever characters are in
them; a value that cannot travel in its place is refused. An argument that is None is left out, except in a JSON body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from orchestra_tools.calls.bodies import Member, content_text, encode_body
from orchestra_tools.calls.styles import (
    Pair,
    Refused,
    checked_text,
    names_in,
    notation_of,
    percent_encode,
    write_pairs,
    write_text,
)
from orchestra_tools.calls.wire import WireRequest
from orchestra_tools.compile import Tool
from orchestra_tools.errors import ConfigurationError, Fault, InvalidArgumentsError, NotCallableError
from orchestra_tools.model import ApiKeyAuth, ArgumentPlace, HttpEndpoint
from orchestra_tools.model.operation import Location
from orchestra_tools.schema import join

USER_AGENT = "orchestra-tools"
IN_TEMPLATE = "/:@!$&'()*+,;=~%"  # what a path template may hold unencoded; its author has encoded the rest
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
# Headers that decide where a request goes, or where it ends.
_FRAMING = frozenset(
    ("connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


def build_request(tool: Tool, arguments: Mapping[str, Any], *, key: str | None = None) -> WireRequest:
    """The request that calls a tool.

    Args:
        tool: A tool with an HTTP endpoint.
        arguments: Validated, with defaults applied.
        key: The subnet's API key, where its auth scheme sends one.

    Raises:
        InvalidArgumentsError: A value cannot travel where it must, for instance `..` in a path.
        NotCallableError: The endpoint has no address, or names a header that cannot be sent.
        ConfigurationError: The key cannot travel in a header.
    """
    endpoint = tool.operation.endpoint
    if not isinstance(endpoint, HttpEndpoint) or endpoint.base_url is None:
        raise NotCallableError(f"{tool.name} has no HTTP address: {tool.operation.obstacle}", tool=tool.name)
    parts = _Parts(tool, endpoint)
    try:
        for name, value in arguments.items():
            parts.place(name, value)
        if isinstance(auth := tool.operation.auth, ApiKeyAuth):
            parts.authenticate(auth, key)
        return parts.build(endpoint.base_url)
    except Refused as refused:
        raise InvalidArgumentsError(
            f"the arguments of {tool.name} cannot be sent",
            [Fault(join(refused.path), refused.problem, refused.remedy)],
            tool=tool.name,
        ) from None


class _Parts:
    """The parts of a request while arguments are put in their places."""

    def __init__(self, tool: Tool, endpoint: HttpEndpoint) -> None:
        self.tool = tool
        self.endpoint = endpoint
        path, _, query = endpoint.path.partition("?")
        self.path = path if not path or path.startswith("/") else f"/{path}"
        self.unfilled = set(endpoint.placeholders)
        self.fixed_query = query
        self.query: list[Pair] = []
        self.headers: dict[str, str] = {"accept": _accept(endpoint), "user-agent": USER_AGENT}
        self.cookies: dict[str, list[str]] = {}
        self.members: dict[str, Member] = {}
        self.whole: Member | None = None

    def place(self, name: str, value: Any) -> None:
        place = self.endpoint.place_of(name)
        wire_name = place.name or name
        if place.location == "body":
            if place.whole:
                self.whole = Member(name, value, place)
            elif value is not None or not place.omit_null:
                self.members[wire_name] = Member(name, value, place)
            return
        if value is None:
            return
        match place.location:
            case "path":
                self._place_in_path(name, wire_name, place, value)
            case "query":
                self.query += self._query_pairs(name, wire_name, place, value)
            case "header":
                self._place_in_header(name, wire_name, place, value)
            case "cookie":
                for cookie, text in self._cookie_pairs(name, wire_name, place, value):
                    self.cookies.setdefault(cookie, []).append(text)

    def _place_in_path(self, name: str, wire_name: str, place: ArgumentPlace, value: Any) -> None:
        if notation := notation_of(place, "path", wire_name, argument=name):
            text = write_text(notation, value) or ""
        else:
            text = percent_encode(_plain_text(name, place, value))
        if text in ("", ".", ".."):
            raise Refused((name,), f"cannot be {text!r}: it stands in the path", "give the id itself")
        self.path = self.path.replace(f"{{{wire_name}}}", text)
        self.unfilled.discard(wire_name)

    def _query_pairs(self, name: str, wire_name: str, place: ArgumentPlace, value: Any) -> list[Pair]:
        others = self._names_in("query") if isinstance(value, dict) else ()
        if notation := notation_of(place, "query", wire_name, argument=name, others=others):
            return write_pairs(notation, value)
        encoded = percent_encode(wire_name)
        if place.media_type:
            return [(encoded, percent_encode(content_text(place.media_type, (name,), value)))]
        values = value if isinstance(value, list) else [value]
        return [(encoded, percent_encode(checked_text(each, (name,)))) for each in values]

    def _names_in(self, location: Location) -> frozenset[str]:
        auth = self.tool.operation.auth
        key = [auth.name] if isinstance(auth, ApiKeyAuth) and auth.location == location else []
        return frozenset((*names_in(self.endpoint, self.tool.input_schema, location).values(), *key))

    def _place_in_header(self, name: str, wire_name: str, place: ArgumentPlace, value: Any) -> None:
        if not (notation := notation_of(place, "header", wire_name, argument=name)):
            text = _plain_text(name, place, value, ascii_only=True)
        elif (styled := write_text(notation, value)) is None:
            return
        else:
            text = styled
        if notation and text != text.strip(" \t"):
            raise Refused((name,), "begins or ends with a space, which headers lose")
        if not _HEADER_VALUE.fullmatch(text):
            raise Refused((name,), "cannot travel in a header: only printable ASCII can")
        self.headers[wire_name.lower()] = text

    def _cookie_pairs(self, name: str, wire_name: str, place: ArgumentPlace, value: Any) -> list[Pair]:
        others = self._names_in("cookie") if isinstance(value, dict) else ()
        if not (notation := notation_of(place, "cookie", wire_name, argument=name, others=others)):
            text = content_text(place.media_type, (name,), value) if place.media_type else checked_text(value, (name,))
            return [(wire_name, percent_encode(text))]
        pairs = write_pairs(notation, value)
        if any(not cookie for cookie, _ in pairs):
            raise Refused((name, ""), "is a cookie without a name, which cannot be sent")
        return pairs

    def authenticate(self, auth: ApiKeyAuth, key: str | None) -> None:
        self.headers |= {name.lower(): value for name, value in auth.headers.items()}
        if key is None:
            return
        if auth.location == "query":
            self.query.append((percent_encode(auth.name), percent_encode(key)))
            return
        if not _HEADER_VALUE.fullmatch(key):
            raise ConfigurationError(
                f"the key of {self.tool.subnet} has characters that no header can carry",
                remedy="Store it again, without line breaks",
                subnet=self.tool.subnet,
            )
        self.headers[auth.name.lower()] = f"{auth.prefix}{key}"

    def build(self, base_url: str) -> WireRequest:
        for name in sorted(self.unfilled):
            raise Refused((name,), "is missing: it stands in the path")
        base, _, base_query = base_url.partition("?")
        path = quote(self.path, safe=IN_TEMPLATE)
        if any(part in (".", "..") for part in path.split("/")):
            raise Refused((), "make a path that leads elsewhere")
        named = "&".join(f"{name}={value}" for name, value in self.query)
        fixed = (quote(part, safe=IN_TEMPLATE + "?") for part in (base_query, self.fixed_query))
        query = "&".join(part for part in (*fixed, named) if part)
        url = f"{base.rstrip('/')}{path}" + (f"?{query}" if query else "")
        body = self._encode_body()
        if self.cookies:
            self.headers["cookie"] = "; ".join(
                f"{name}={value}" for name, values in self.cookies.items() for value in values
            )
        self._check_headers()
        if body:
            self.headers["content-length"] = str(len(body))
        return WireRequest(self.endpoint.method, url, self.headers, body)

    def _encode_body(self) -> bytes:
        declared = any(place.location == "body" for place in self.endpoint.arguments.values())
        if not (self.members or self.whole) and not (declared and self.endpoint.method not in ("GET", "HEAD")):
            return b""
        if self.whole is not None and self.whole.value is None:
            return b""
        media_type, body = encode_body(
            self.endpoint.request_media_type or "application/json",
            self.whole if self.whole is not None else self.members,
            self.tool.input_schema,
        )
        self.headers["content-type"] = media_type
        return body

    def _check_headers(self) -> None:
        names = [*self.headers, *self.cookies]
        good = all(map(_TOKEN.fullmatch, names)) and all(map(_HEADER_VALUE.fullmatch, self.headers.values()))
        if not good or not _FRAMING.isdisjoint(self.headers):
            raise NotCallableError(
                f"{self.tool.name} cannot be called: its entry names a header or cookie that must not be sent",
                remedy="Use another tool; the entry must be corrected",
                tool=self.tool.name,
            )


def _plain_text(name: str, place: ArgumentPlace, value: Any, *, ascii_only: bool = False) -> str:
    """The text of a value whose place states no style, where it is one text: a list with commas."""
    if place.media_type:
        return content_text(place.media_type, (name,), value, ascii_only=ascii_only)
    values = value if isinstance(value, list) else [value]
    return ",".join(checked_text(each, (name,)) for each in values)


def _accept(endpoint: HttpEndpoint) -> str:
    if endpoint.streaming == "sse":
        return "text/event-stream"
    if endpoint.streaming == "optional":
        return f"{endpoint.response_media_type}, text/event-stream"
    return f"{endpoint.response_media_type}, */*;q=0.1"
