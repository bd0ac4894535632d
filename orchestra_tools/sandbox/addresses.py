"""A ledger with every address moved to a sandbox. No I/O.

    sandbox_ledger(ledger, "http://127.0.0.1:9000")
    # https://api.desearch.ai + /web  ->  http://127.0.0.1:9000/sn22/api.desearch.ai + /web

An address that is there already stays.
Nothing else changes: schemas, authentication and paths stay as the real ones are: a client that works here works there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from orchestra_tools.model import (
    Entry,
    GrpcEndpoint,
    HttpEndpoint,
    Ledger,
    Operation,
    SandboxMark,
    SynapseEndpoint,
    UndocumentedAuth,
)

UNKNOWN_HOST = "unknown"


def sandbox_ledger(ledger: Ledger, url: str, key: str = "sandbox") -> Ledger:
    """The ledger a client of the sandbox reads.

    Args:
        ledger: The real one; it is not changed.
        url: Root of the sandbox, without a slash at the end.
        key: The key the stand-ins accept.
    """
    return Ledger(
        [_move_entry(entry, url) for entry in ledger],
        sandbox=SandboxMark(url=url, key=key),
        unreadable=ledger.unreadable,
        extra=ledger.extra,
    )


def _move_entry(entry: Entry, url: str) -> Entry:
    document = entry.to_json()
    if "operations" in document and entry.declared:
        written = dict(document["operations"])
        for name, operation in entry.operations.items():
            written[name] = _move_operation(written[name], operation, entry.netuid, url)
        return entry.replace(operations=written)
    for operation in entry.operations.values():
        # The seed's flat form has one operation, and its endpoint stands in the entry.
        return entry.replace(endpoint=_move_endpoint(document.get("endpoint"), operation, entry.netuid, url))
    return entry


def _move_operation(document: dict[str, Any], operation: Operation, netuid: int, url: str) -> dict[str, Any]:
    endpoint = operation.endpoint
    if isinstance(endpoint, GrpcEndpoint):
        return document
    moved = dict(document)
    moved["endpoint"] = _move_endpoint(document.get("endpoint"), operation, netuid, url)
    undocumented = isinstance(operation.auth, UndocumentedAuth)
    if undocumented:
        moved["auth"] = None
    if undocumented or isinstance(endpoint, SynapseEndpoint) or endpoint.base_url is None:
        moved.pop("unavailable", None)
    return moved


def _move_endpoint(written: Any, operation: Operation, netuid: int, url: str) -> Any:
    endpoint = operation.endpoint
    root = f"{url.rstrip('/')}/sn{netuid}"
    match endpoint:
        case GrpcEndpoint():
            return written
        case SynapseEndpoint():
            return {
                "kind": "http",
                "method": "POST",
                "base_url": f"{root}/synapse",
                "path": f"/{quote(endpoint.name, safe='')}",
                "request_media_type": "application/json",
            }
        case HttpEndpoint():
            document = dict(written) if isinstance(written, dict) else endpoint.to_json() | {"kind": "http"}
            if endpoint.base_url is not None and endpoint.base_url.startswith(f"{url.rstrip('/')}/"):
                return document
            return document | {"base_url": root + _host_and_prefix(endpoint.base_url)}


def _host_and_prefix(base_url: str | None) -> str:
    if base_url is None:
        return f"/{UNKNOWN_HOST}"
    parts = urlsplit(base_url if "//" in base_url else f"//{base_url}")
    host = quote(parts.netloc.rpartition("@")[2] or UNKNOWN_HOST, safe=":.-_{}[]")
    return f"/{host}{parts.path.rstrip('/')}"
