"""`ledger://` URIs, written and read. Pure.

ledger://SN22                       an entry; also ledger://22 and ledger://desearch
ledger://SN22/schemas/web_search    the schemas of one of its operations, by the operation's id
ledger://vocabulary                 the capabilities
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

SCHEME = "ledger://"
VOCABULARY = f"{SCHEME}vocabulary"
ENTRY_TEMPLATE = f"{SCHEME}{{subnet}}"
SCHEMAS_TEMPLATE = f"{SCHEME}{{subnet}}/schemas/{{operation}}"
MAX_URI = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Address:
    """What a URI names.

    Attributes:
        subnet: A subnet by key, netuid or name.
        operation: Id of an operation whose schemas are meant; None = the entry.
    """

    subnet: str
    operation: str | None = None


def entry_uri(key: str) -> str:
    """The URI of an entry."""
    return f"{SCHEME}{quote(key, safe='')}"


def schemas_uri(key: str, operation_id: str) -> str:
    """The URI of an operation's schemas."""
    return f"{entry_uri(key)}/schemas/{quote(operation_id.encode('utf-8', 'surrogatepass'), safe='')}"


def read_uri(uri: str) -> Address | None:
    """What a URI names; None where it is no URI of ours."""
    if len(uri) > MAX_URI or uri[: len(SCHEME)].lower() != SCHEME or "?" in uri or "#" in uri:
        return None
    try:
        parts = [unquote(part, errors="strict") for part in uri[len(SCHEME) :].removesuffix("/").split("/")]
    except UnicodeDecodeError:
        return None
    match parts:
        case [subnet] if subnet.strip():
            return Address(subnet)
        case [subnet, schemas, operation] if subnet.strip() and schemas == "schemas" and operation:
            return Address(subnet, operation)
    return None
