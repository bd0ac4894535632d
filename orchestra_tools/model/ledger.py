"""A ledger: entries by slot, as one immutable snapshot."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from orchestra_tools.errors import UnknownSubnetError
from orchestra_tools.model.base import Value
from orchestra_tools.model.entry import Entry, Slot, Unreadable

LEDGER_FORMAT = "orchestra-ledger/1"


class SandboxMark(Value):
    """Says that every address of the ledger is a loopback stand-in.

    Attributes:
        url: Root of the sandbox server, on a loopback address.
        key: The key its stand-ins accept. Not a secret, and never a real one.
    """

    url: str
    key: str = "sandbox"


class Ledger:
    """Entries by slot. A change makes a new ledger."""

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        sandbox: SandboxMark | None = None,
        unreadable: Mapping[str, Unreadable] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Collect entries.

        Args:
            entries: At most one for each slot.
            sandbox: Set where every address is a loopback stand-in.
            unreadable: Entries that could not be read, by key. They are kept and written back.
            extra: Further fields of the document.

        Raises:
            ValueError: Two entries claim one slot.
        """
        self.entries: tuple[Entry, ...] = tuple(entries)
        self.sandbox = sandbox
        self.unreadable: Mapping[str, Unreadable] = dict(unreadable or {})
        self.extra: Mapping[str, Any] = dict(extra or {})
        self.by_slot: Mapping[Slot, Entry] = {entry.slot: entry for entry in self.entries}
        if len(self.by_slot) != len(self.entries):
            raise ValueError("two entries claim one slot")

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def current(self) -> Mapping[int, Entry]:
        """The tenant of each netuid: of several slots, the one registered last."""
        ordered = sorted(self.entries, key=lambda entry: entry.slot.order)
        return {entry.netuid: entry for entry in ordered}

    def find_entry(self, subnet: str | int) -> Entry:
        """The current entry of a subnet, by "SN22", "22", 22 or its name.

        Raises:
            UnknownSubnetError: There is none, or several have that name.
        """
        wanted = str(subnet).strip()
        number = wanted[2:] if wanted[:2].upper() == "SN" else wanted
        if number.isdecimal() and len(number) <= 5 and (entry := self.current.get(int(number))):
            return entry
        names = {entry.netuid: entry.name.casefold() for entry in self.current.values() if entry.name}
        named = [self.current[netuid] for netuid, name in names.items() if name == wanted.casefold()]
        if len(named) == 1:
            return named[0]
        if named:
            keys = ", ".join(entry.key for entry in named)
            raise UnknownSubnetError(
                f"{wanted[:80]!r} is the name of several subnets: {keys}", remedy="Use the key", subnet=wanted[:80]
            )
        close = difflib.get_close_matches(wanted[:80].casefold(), names.values(), n=3)
        meant = [self.current[netuid].name for netuid, name in names.items() if name in close]
        hint = f"Did you mean {', '.join(meant)}?" if meant else f"This ledger has {len(self.current)} subnets"
        raise UnknownSubnetError(f"no subnet {wanted[:80]!r} in this ledger", remedy=hint, subnet=wanted[:80])
