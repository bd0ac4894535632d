"""What a ledger client answers from the ledger it holds: pure decisions, written once for both clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from orchestra_tools.compile import Catalogue, CatalogueDiff, Tool
from orchestra_tools.discovery import Card, Document, Index
from orchestra_tools.errors import InputError, UnknownSubnetError
from orchestra_tools.model import Entry
from orchestra_tools.schema import expand

SUBNET_OR_SLOT = re.compile(r"SN\d{1,5}(@(\d{1,20}|\?))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in the ledger.

    Attributes:
        subnet: Key of the subnet whose entry or tools changed.
        entry: The entry as it is from this change on; None where it is gone, or cannot be read.
        added: Names of tools that are new.
        changed: Names of tools that are different.
        removed: Names of tools that are gone.
        index: Position in the ledger's log; None where the ledger has none.
    """

    subnet: str
    entry: Entry | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    index: int | None = None


class Subscription:
    """News of changes, until `close`."""

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close

    def close(self) -> None:
        """End the news. Closing again does nothing."""
        close, self._close = self._close, _nothing
        close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def schemas_of(catalogue: Catalogue, subnet: str | int) -> dict[str, Any]:
    """The schemas of a subnet: of its main operation, and of each.

    Raises:
        UnknownSubnetError: There is no such subnet.
    """
    entry = catalogue.ledger.find_entry(subnet)
    compiled = catalogue.by_netuid[entry.netuid]
    operations = {tool.operation_id: _schemas_of_tool(tool) for tool in compiled.tools}
    main = operations.get(entry.main_operation or "")
    return {
        "subnet": entry.key,
        "version": entry.version,
        "input_schema": main["input_schema"] if main else None,
        "output_schema": main["output_schema"] if main else None,
        "operations": operations,
    }


def entries_found(catalogue: Catalogue, cards: Iterable[Card], nearest: Iterable[str]) -> list[Entry]:
    """The subnets of the tools found, then those whose own description fits; best first, each once."""
    return [catalogue.ledger.find_entry(key) for key in dict.fromkeys([*subnets_of(cards), *nearest])]


def subnets_of(cards: Iterable[Card]) -> list[str]:
    """Keys of the subnets that cards are of, each once."""
    return list(dict.fromkeys(card.subnet.split()[0] for card in cards))


def amount_of(max_cost: Decimal | float | None) -> Decimal | None:
    """The most a call may cost, as it was meant: 0.1 is a tenth.

    Raises:
        InputError: It is no amount.
    """
    if max_cost is None or isinstance(max_cost, Decimal):
        return max_cost
    try:
        return Decimal(str(max_cost))
    except InvalidOperation:
        raise InputError(f"max_cost {str(max_cost)[:40]!r} is no amount", remedy="Give a number, as in 0.05") from None


def document_of_entry(entry: Entry) -> Document:
    """What the search index has of an entry itself; most subnets have no tools yet."""
    extra = entry.model_extra or {}
    categories = extra.get("categories")
    return Document(
        key=entry.key,
        name=entry.name,
        subnet=f"{entry.key} {entry.name}",
        description=entry.description,
        parameters="",
        category=" ".join(categories) if isinstance(categories, list) else "",
    )


def index_entries(catalogue: Catalogue) -> Index:
    """A search index over the entries."""
    index = Index()
    index.update([document_of_entry(entry) for entry in catalogue.ledger.current.values()], ())
    return index


def changes_of(before: Catalogue, after: Catalogue, diff: CatalogueDiff, subnet: str | None) -> list[Change]:
    """The changes of each subnet between two catalogues, or of just one; entries may change without their tools."""
    names: dict[str, dict[str, list[str]]] = {
        # Entries that did not change keep their compiled form.
        f"SN{netuid}": {}
        for netuid in sorted({*before.by_netuid, *after.by_netuid})
        if before.by_netuid.get(netuid) is not after.by_netuid.get(netuid)
    }
    for kind in ("added", "changed", "removed"):
        for name in getattr(diff, kind):
            names.setdefault(name.split("_", 1)[0].upper(), {}).setdefault(kind, []).append(name)
    return [
        Change(
            key,
            _entry_or_none(after, key),
            added=tuple(found.get("added", ())),
            changed=tuple(found.get("changed", ())),
            removed=tuple(found.get("removed", ())),
        )
        for key, found in names.items()
        if subnet in (None, key)
    ]


def subnet_key(catalogue: Catalogue, subnet: str | int) -> str:
    """The key of a subnet the user named, also where the ledger does not have it yet."""
    try:
        return catalogue.ledger.find_entry(subnet).key
    except UnknownSubnetError:
        text = str(subnet).strip().upper()
        number = text.removeprefix("SN")
        if number.isdecimal() and len(number) <= 5:
            return f"SN{int(number)}"
        raise


def subnet_or_slot(catalogue: Catalogue, subnet: str | int) -> str:
    """The key of a subnet the user named, or the slot."""
    text = str(subnet).strip().upper()
    return text if "@" in text and SUBNET_OR_SLOT.fullmatch(text) else subnet_key(catalogue, subnet)


def _schemas_of_tool(tool: Tool) -> dict[str, Any]:
    return {
        "tool": tool.name,
        "title": tool.title,
        "input_schema": expand(dict(tool.input_schema)),
        "output_schema": tool.output_schema,
    }


def _entry_or_none(catalogue: Catalogue, key: str) -> Entry | None:
    try:
        return catalogue.ledger.find_entry(key)
    except UnknownSubnetError:
        return None


def _nothing() -> None:
    """Closing twice is allowed."""
