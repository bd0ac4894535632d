"""What a client may read of the ledger: each entry, the schemas of each tool, the vocabulary.

An entry and the schemas of its tools are found by their URIs as `uris` has them; what is in them is said by the core.
Lists are made once for each catalogue, and the part of an entry that did not change is taken over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from mcp_server_orchestra import completion
from mcp_server_orchestra.callers import Caller, LastReceipts
from mcp_server_orchestra.card import CARD_URI, card_contents, card_resource
from mcp_server_orchestra.pages import Listing
from mcp_server_orchestra.uris import (
    ENTRY_TEMPLATE,
    SCHEMAS_TEMPLATE,
    VOCABULARY,
    Address,
    entry_uri,
    read_uri,
    schemas_uri,
)
from orchestra_tools.compile import Catalogue, CompiledEntry, Tool, check_entry
from orchestra_tools.discovery.card import shorten
from orchestra_tools.errors import UnknownSubnetError
from orchestra_tools.toolsets import LedgerToolset, to_text
from orchestra_tools.toolsets.entries import entry_facts, schema_facts, vocabulary_facts

JSON = "application/json"
MAX_SUMMARY = 200  # characters
Row = Mapping[str, Any]
Origin = Literal["server", "ledger", "caller"]
"""What contents depend on: on this release alone, on the ledger, or also on the keys and calls of whoever asks."""
Source = CompiledEntry | Tool | Catalogue
"""What a resource is made from: an entry, a tool for its schemas, a catalogue for the vocabulary."""

TEMPLATES: tuple[Row, ...] = (
    {
        "uriTemplate": ENTRY_TEMPLATE,
        "name": "entry",
        "title": "A subnet's entry",
        "description": "What the ledger says of a subnet: what it can do, its tools with cost and measured "
        "reliability, and the receipt of the last call. The subnet by key (SN22), netuid or name.",
        "mimeType": JSON,
    },
    {
        "uriTemplate": SCHEMAS_TEMPLATE,
        "name": "schemas",
        "title": "Schemas of an operation",
        "description": "Input and output schema of one operation of a subnet, whole.",
        "mimeType": JSON,
    },
)
_VOCABULARY_ROW: Row = {
    "uri": VOCABULARY,
    "name": "vocabulary",
    "title": "Capabilities",
    "description": "What subnets can do, in terms they share, each with a sentence and the tools that have it.",
    "mimeType": JSON,
}


class NoSuchResourceError(Exception):
    """There is no resource with that URI. The text says which come close."""


class Resources:
    """The resources of a ledger as it is now."""

    def __init__(self, toolset: LedgerToolset, receipts: LastReceipts) -> None:
        self._toolset = toolset
        self._receipts = receipts
        self._listed: tuple[Catalogue, Listing[Row]] | None = None
        self._rows: dict[int, tuple[CompiledEntry, list[Row]]] = {}

    def listing(self) -> Listing[Row]:
        """All of them: what is fixed, then the entries by netuid, then the schemas of their tools."""
        catalogue = self._toolset.catalogue
        if self._listed is None or self._listed[0] is not catalogue:
            known = self._rows
            self._rows = {}
            for compiled in catalogue.compiled:
                netuid = compiled.entry.netuid
                before = known.get(netuid)
                self._rows[netuid] = before if before and before[0] is compiled else (compiled, rows_of(compiled))
            rows: list[Row] = [_VOCABULARY_ROW, card_resource()]
            rows += [of_entry[0] for _, of_entry in self._rows.values()]
            rows += [row for _, of_entry in self._rows.values() for row in of_entry[1:]]
            self._listed = (catalogue, Listing("resources", rows, [row["uri"] for row in rows]))
        return self._listed[1]

    def read(self, uri: str, caller: Caller | None) -> tuple[Row, Origin]:
        """The contents of a resource, and what they depend on.

        Raises:
            NoSuchResourceError: There is none.
        """
        if uri == CARD_URI:
            return card_contents(), "server"
        origin: Origin = "ledger"
        match find_source(self._toolset.catalogue, uri):
            case CompiledEntry() as compiled:
                facts, origin = entry_facts(self._toolset, compiled), "caller"
                if caller is not None:
                    facts["last_receipt"] = self._receipts.of(caller, str(compiled.entry.slot))
            case Tool() as tool:
                facts = schema_facts(tool)
            case Catalogue() as catalogue:
                facts = vocabulary_facts(catalogue)
        return {"uri": uri, "mimeType": JSON, "text": to_text(facts)}, origin

    def check(self, uri: str) -> None:
        """See that there is such a resource.

        Raises:
            NoSuchResourceError: There is none.
        """
        if uri != CARD_URI:
            find_source(self._toolset.catalogue, uri)


def rows_of(compiled: CompiledEntry) -> list[Row]:
    """The rows of an entry in the list: its own, then one for the schemas of each tool on offer."""
    key, texts = compiled.entry.key, check_entry(compiled.entry)
    row: dict[str, Any] = {
        "uri": entry_uri(key),
        "name": key,
        "title": f"{key} {texts.name or ''}".rstrip(),
        "mimeType": JSON,
    }
    if texts.description:
        row["description"] = shorten(texts.description, MAX_SUMMARY)
    return [row, *(_schemas_row(key, tool) for tool in compiled.tools)]


def list_differs(before: Catalogue, after: Catalogue) -> bool:
    """Whether another list of resources is given now."""
    return before.by_netuid.keys() != after.by_netuid.keys() or any(
        rows_of(old) != rows_of(after.by_netuid[netuid])
        for netuid, old in before.by_netuid.items()
        if old is not after.by_netuid[netuid]
    )


def differs(before: Catalogue, after: Catalogue, uri: str) -> bool:
    """Whether a change of the ledger changed what is read at a URI."""
    old, new = _find_or_none(before, uri), _find_or_none(after, uri)
    if old is new:
        return False
    match old, new:
        case Tool(), Tool():
            return schema_facts(old) != schema_facts(new)
        case Catalogue(), Catalogue():
            return vocabulary_facts(old) != vocabulary_facts(new)
    return True


def find_source(catalogue: Catalogue, uri: str) -> Source:
    """What the resource of a URI is made from.

    Raises:
        NoSuchResourceError: There is no such resource.
    """
    if uri.lower() == VOCABULARY:
        return catalogue
    if (address := read_uri(uri)) is None:
        raise NoSuchResourceError(
            f"{uri[:120]!r} is no resource of this server: "
            f"there are {VOCABULARY}, {ENTRY_TEMPLATE} and {SCHEMAS_TEMPLATE}"
        )
    try:
        compiled = catalogue.by_netuid[catalogue.ledger.find_entry(address.subnet).netuid]
    except UnknownSubnetError:
        raise NoSuchResourceError(_no_subnet(catalogue, address)) from None
    if address.operation is None:
        return compiled
    tool = next((tool for tool in compiled.tools if address.operation in (tool.operation_id, tool.name)), None)
    if tool is None:
        raise NoSuchResourceError(_no_schemas(compiled, address.operation))
    return tool


def _find_or_none(catalogue: Catalogue, uri: str) -> Source | None:
    try:
        return find_source(catalogue, uri)
    except NoSuchResourceError:
        return None


def _schemas_row(key: str, tool: Tool) -> Row:
    return {
        "uri": schemas_uri(key, tool.operation_id),
        "name": tool.name,
        "title": f"{tool.title}: schemas",
        "mimeType": JSON,
    }


def _no_subnet(catalogue: Catalogue, address: Address) -> str:
    subnet, close = address.subnet, [entry_uri(key) for key in completion.close_subnets(catalogue, address.subnet)]
    if sum(each.entry.name.casefold() == subnet.strip().casefold() for each in catalogue.compiled) > 1:
        return f"Several subnets are called {subnet[:80]!r}. Take one of {', '.join(close)}"
    hint = f"Did you mean {', '.join(close)}?" if close else f"It has {len(catalogue.compiled)} subnets"
    return f"This ledger has no subnet {subnet[:80]!r}. {hint}"


def _no_schemas(compiled: CompiledEntry, operation: str) -> str:
    key = compiled.entry.key
    what = f"{key} has no operation {operation[:80]!r} whose schemas can be read"
    for name, why in _not_on_offer(compiled, operation):
        return f"{what}: {name} is {why}. See {entry_uri(key)}"
    close = [schemas_uri(key, each) for each in completion.close_operations(compiled, operation)]
    return f"{what}. Did you mean {', '.join(close)}?" if close else f"{what}. See {entry_uri(key)}"


def _not_on_offer(compiled: CompiledEntry, operation: str) -> Iterator[tuple[str, str]]:
    for bad in compiled.quarantined:
        if operation in (bad.operation_id, bad.name):
            yield bad.name, "in quarantine"
    for tool in compiled.held:
        if operation in (tool.operation_id, tool.name):
            yield tool.name, "held since it changed after it was pinned"
