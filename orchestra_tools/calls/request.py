"""Arguments become a request. Pure: nothing is sent here.

Each argument goes where the endpoint says: path, query, header, cookie, a member of the body, or the whole body. Values
arrive exactly as they are given, whatever characters are in them; a value that cannot travel in its place is refused.
An argument that is None is left out, except in a JSON body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote

from orchestra_tools.calls.bodies import BodyRefused, as_text, encode_body
from orchestra_tools.calls.wire import WireRequest
from orchestra_tools.compile import Tool
from orchestra_tools.errors import ConfigurationError, Fault, InvalidArgumentsError, NotCallableError
from orchestra_tools.model import ApiKeyAuth, HttpEndpoint
from orchestra_tools.schema import join

USER_AGENT = "orchestra-tools"
_IN_TEMPLATE = "/:@!$&'()*+,;=~%"  # what a path template may hold unencoded; its author has encoded the rest
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
    for name, value in arguments.items():
        parts.place(name, value)
    if isinstance(auth := tool.operation.auth, ApiKeyAuth):
        parts.authenticate(auth, key)
    return parts.build(endpoint.base_url)


class _Parts:
    """The parts of a request while arguments are put in their places."""

    def __init__(self, tool: Tool, endpoint: HttpEndpoint) -> None:
        self.tool = tool
        self.endpoint = endpoint
        path, _, query = endpoint.path.partition("?")
        self.path = path if not path or path.startswith("/") else f"/{path}"
        self.unfilled = set(endpoint.placeholders)
        self.fixed_query = query
        self.query: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {"accept": _accept(endpoint), "user-agent": USER_AGENT}
        self.cookies: dict[str, str] = {}
        self.members: dict[str, tuple[str, Any]] = {}
        self.whole: tuple[str, Any] | None = None

    def place(self, name: str, value: Any) -> None:
        place = self.endpoint.place_of(name)
        wire_name = place.name or name
        if place.location == "body":
            if place.whole:
                self.whole = (name, value)
            else:
                self.members[wire_name] = (name, value)
            return
        if value is None:
            return
        match place.location:
            case "path":
                self.path = self.path.replace(f"{{{wire_name}}}", self._path_segment(name, value))
                self.unfilled.discard(wire_name)
            case "query":
                values = value if isinstance(value, list) else [value]
                self.query += [(wire_name, self._text(name, each)) for each in values]
            case "header":
                self.headers[wire_name.lower()] = self._header_value(name, value)
            case "cookie":
                self.cookies[wire_name] = quote(self._text(name, value), safe="")

    def authenticate(self, auth: ApiKeyAuth, key: str | None) -> None:
        self.headers |= {name.lower(): value for name, value in auth.headers.items()}
        if key is None:
            return
        if auth.location == "query":
            self.query.append((auth.name, key))
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
            self._refuse(name, "is missing: it stands in the path")
        base, _, base_query = base_url.partition("?")
        path = quote(self.path, safe=_IN_TEMPLATE)
        if any(part in (".", "..") for part in path.split("/")):
            self._refuse("", "make a path that leads elsewhere")
        named = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.query)
        fixed = (quote(part, safe=_IN_TEMPLATE + "?") for part in (base_query, self.fixed_query))
        query = "&".join(part for part in (*fixed, named) if part)
        url = f"{base.rstrip('/')}{path}" + (f"?{query}" if query else "")
        body = self._encode_body()
        if self.cookies:
            self.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._check_headers()
        if body:
            self.headers["content-length"] = str(len(body))
        return WireRequest(self.endpoint.method, url, self.headers, body)

    def _encode_body(self) -> bytes:
        declared = any(place.location == "body" for place in self.endpoint.arguments.values())
        if not (self.members or self.whole) and not (declared and self.endpoint.method not in ("GET", "HEAD")):
            return b""
        if self.whole is not None and self.whole[1] is None:
            return b""
        try:
            media_type, body = encode_body(
                self.endpoint.request_media_type or "application/json",
                self.whole if self.whole is not None else self.members,
                self.tool.input_schema,
            )
        except BodyRefused as refused:
            self._refuse(refused.name, refused.problem, refused.remedy)
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

    def _path_segment(self, name: str, value: Any) -> str:
        text = self._listed(name, value)
        if text in ("", ".", ".."):
            self._refuse(name, f"cannot be {text!r}: it stands in the path", "give the id itself")
        return quote(text, safe="")

    def _header_value(self, name: str, value: Any) -> str:
        text = self._listed(name, value)
        if not _HEADER_VALUE.fullmatch(text):
            self._refuse(name, "cannot travel in a header: only printable ASCII can")
        return text

    def _listed(self, name: str, value: Any) -> str:
        values = value if isinstance(value, list) else [value]
        return ",".join(self._text(name, each) for each in values)

    def _text(self, name: str, value: Any) -> str:
        try:
            text = as_text(value)
            text.encode()
        except ValueError:
            self._refuse(name, "holds a number or character that cannot be sent")
        return text

    def _refuse(self, name: str, problem: str, remedy: str = "") -> NoReturn:
        raise InvalidArgumentsError(
            f"the arguments of {self.tool.name} cannot be sent",
            [Fault(join([name]) if name else "", problem, remedy)],
            tool=self.tool.name,
        )


def _accept(endpoint: HttpEndpoint) -> str:
    if endpoint.streaming == "sse":
        return "text/event-stream"
    if endpoint.streaming == "optional":
        return f"{endpoint.response_media_type}, text/event-stream"
    return f"{endpoint.response_media_type}, */*;q=0.1"
