"""What a validator does not call just because a proposal says so: a key is not for everybody, and calls can do harm.

Whoever proposes an operation decides where a validator's key would go, and what would happen there. No I/O.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from orchestra_tools.model import ApiKeyAuth, Entry, HttpEndpoint, Operation

_SAFE_METHODS = frozenset({"GET", "HEAD"})  # RFC 9110, 9.2.1


def obstacle_to_calling(operation: Operation, name: str, known: Entry | None, *, writes: bool) -> str | None:
    """Why an operation is not to be called, or None.

    Args:
        operation: The operation as it would be.
        name: Its id.
        known: The entry as the ledger has it.
        writes: The validator agrees to calls that may change something.
    """
    if isinstance(operation.auth, ApiKeyAuth) and _host(operation) not in _hosts(known):
        return f"the key would go to {_host(operation)}, where the ledger has no operation of this subnet yet"
    before = None if known is None else known.operations.get(name)
    is_said = before.read_only if before is not None else operation.read_only and _method(operation) in _SAFE_METHODS
    if not is_said and not writes:
        return f"{name} may change something where it is called"
    return None


def _hosts(entry: Entry | None) -> frozenset[str]:
    """Hosts that a key of the subnet goes to as it is."""
    operations = () if entry is None else entry.operations.values()
    return frozenset(_host(each) for each in operations if isinstance(each.auth, ApiKeyAuth)) - {""}


def _host(operation: Operation) -> str:
    endpoint = operation.endpoint
    parts = urlsplit((endpoint.base_url or "") if isinstance(endpoint, HttpEndpoint) else "")
    # Without TLS it is another place: everybody on the way reads along.
    return f"{parts.scheme}://{parts.netloc.lower()}" if parts.netloc else ""


def _method(operation: Operation) -> str:
    return operation.endpoint.method if isinstance(operation.endpoint, HttpEndpoint) else ""
