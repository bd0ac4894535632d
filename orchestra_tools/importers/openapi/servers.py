"""Where an operation is reached: the first server of its own, of its path or of the document that we can use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from orchestra_tools.importers.openapi.references import MAX_SHOWN, Unusable, expect_list, expect_object

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_UNFIT = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")
_SCHEMES = ("http", "https")
_NO_ADDRESS = "no server address is stated, and none can be told from where the document was read"


@dataclass(frozen=True, slots=True)
class Server:
    """An address.

    Attributes:
        base_url: None where the document leaves it open.
        note: Why, or what was assumed.
        pointer: Where the servers are stated.
    """

    base_url: str | None
    note: str = ""
    pointer: str = "/servers"


def choose_server(levels: list[tuple[Any, str]], url: str | None) -> Server:
    """The server of an operation.

    Args:
        levels: `servers` of the operation, of its path and of the document, each with its pointer. The first that
            states any is used.
        url: Where the document was read from; relative addresses start there.

    Raises:
        Unusable: None of them speaks HTTP.
    """
    url = url if url and urlsplit(url).scheme in _SCHEMES else None
    pointer = "/servers"
    for stated, pointer in levels:
        if servers := expect_list(stated, pointer, "servers"):
            read = [_read(each, f"{pointer}/{index}", url) for index, each in enumerate(servers[:50])]
            break
    else:
        # A document without servers is served at the root of its own host (OpenAPI 3.1, 4.8.1).
        read = [_resolve("/", url, "")]
    usable = [server for server in read if isinstance(server, Server)]
    if not usable:
        raise Unusable(pointer, next(each for each in read if isinstance(each, str)))
    chosen = next((server for server in usable if server.base_url), usable[0])
    others = sorted({server.base_url for server in usable if server.base_url} - {chosen.base_url})
    more = f"also served at {', '.join(others)[:MAX_SHOWN]}" if others else ""
    return Server(chosen.base_url, "; ".join(part for part in (chosen.note, more) if part), pointer)


def _read(stated: Any, pointer: str, url: str | None) -> Server | str:
    server = expect_object(stated, pointer, "a server")
    template = server.get("url") or "/"
    if not isinstance(template, str):
        raise Unusable(f"{pointer}/url", "an address is text")
    variables = expect_object(server.get("variables"), f"{pointer}/variables", "server variables")
    assumed: list[str] = []
    missing: list[str] = []

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        default = variables[name].get("default") if isinstance(variables.get(name), dict) else None
        if not isinstance(default, str | int) or default == "":
            missing.append(name)
            return ""
        options = variables[name].get("enum")
        if not (isinstance(options, list) and len(options) == 1):
            assumed.append(f"{name} = {default}")
        return str(default)

    address = _VARIABLE.sub(fill, template[:2_000])
    if missing:
        listed = ", ".join(missing)[:MAX_SHOWN]
        return Server(None, f"the server address {template[:MAX_SHOWN]!r} needs a value for {listed}")
    return _resolve(address, url, f"of the server address, {', '.join(assumed)[:MAX_SHOWN]}" if assumed else "")


def _resolve(address: str, url: str | None, note: str) -> Server | str:
    try:
        parts = urlsplit(address if urlsplit(address).scheme else urljoin(url or "", address))
        _ = parts.port  # reads it
    except ValueError:
        return f"its server address is no URL: {address[:MAX_SHOWN]!r}"
    if address.startswith("//") and not url:
        return _resolve(f"https:{address}", url, note or "https is assumed for the server address")
    if not parts.scheme and not url:
        return Server(None, _NO_ADDRESS)
    if parts.scheme not in _SCHEMES:
        return f"its server is not reached by HTTP: {address[:MAX_SHOWN]!r}"
    if not parts.hostname or parts.username is not None or _UNFIT.search(address):
        return f"its server address cannot be used: {address[:MAX_SHOWN]!r}"
    query = f"?{parts.query}" if parts.query else ""
    return Server(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{query}", note)
