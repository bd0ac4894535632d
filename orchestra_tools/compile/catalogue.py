"""A ledger compiled: tools by name, what is in quarantine, and what is held by its user's pins.

Compiling is pure and incremental: an entry that did not change keeps its compiled tools.

    catalogue = compile_ledger(ledger)
    later = compile_ledger(changed_ledger, previous=catalogue)
    later.diff(catalogue).changed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from orchestra_tools.compile.hygiene import printable
from orchestra_tools.compile.names import assign_names
from orchestra_tools.compile.operation import compile_operation
from orchestra_tools.compile.pins import admits, pins_in_force
from orchestra_tools.compile.tool import Quarantined, Tool
from orchestra_tools.errors import PinnedError, QuarantinedError, UnknownToolError
from orchestra_tools.model import Entry, Ledger, Operation, Pin


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    """The tools of one entry.

    Attributes:
        compiled: Every operation that compiled, on offer or held.
        quarantined: Those that did not.
        held: Those that changed since they were pinned.
    """

    entry: Entry
    sandbox: bool
    compiled: tuple[Tool, ...]
    quarantined: tuple[Quarantined, ...]
    held: tuple[Tool, ...] = ()

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools on offer, in the order of the document."""
        return tuple(tool for tool in self.compiled if tool not in self.held) if self.held else self.compiled

    def under(self, pins: Mapping[str, Pin]) -> CompiledEntry:
        """The entry with every tool held that is not as it was pinned; itself where that is so already."""
        if not pins and not self.held:
            return self
        held = tuple(
            tool for tool in self.compiled if (pin := pins.get(tool.name)) is not None and not admits(pin, tool)
        )
        return self if held == self.held else replace(self, held=held)


@dataclass(frozen=True, slots=True)
class CatalogueDiff:
    """Names of tools that differ between two catalogues."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class Catalogue:
    """All tools of a ledger."""

    def __init__(self, ledger: Ledger, compiled: tuple[CompiledEntry, ...], pins: tuple[Pin, ...] = ()) -> None:
        self.ledger = ledger
        self.compiled = compiled
        self.pins = pins

    @cached_property
    def tools(self) -> Mapping[str, Tool]:
        """Tools by name, in the order of netuids and then of the entry's document."""
        return {tool.name: tool for each in self.compiled for tool in each.tools}

    @cached_property
    def quarantined(self) -> Mapping[str, Quarantined]:
        """What did not become a tool, by the name it would have had."""
        return {bad.name: bad for each in self.compiled for bad in each.quarantined}

    @cached_property
    def held(self) -> Mapping[str, Tool]:
        """Tools by name that changed since their user pinned them, as they are now: nothing of them is for a model."""
        return {tool.name: tool for each in self.compiled for tool in each.held}

    @cached_property
    def by_netuid(self) -> Mapping[int, CompiledEntry]:
        """The compiled entry of each netuid."""
        return {each.entry.netuid: each for each in self.compiled}

    def knows(self, name: str) -> bool:
        """Whether it is the name of an operation of this ledger, whatever became of it."""
        return name in self.tools or name in self.held or name in self.quarantined

    def find_tool(self, name: str) -> Tool:
        """The tool of that name.

        Raises:
            PinnedError: It changed since it was pinned.
            QuarantinedError: It is in quarantine.
            UnknownToolError: There is none.
        """
        if (tool := self.tools.get(name)) is not None:
            return tool
        if name in self.held:
            raise PinnedError(
                f"{name} changed since it was pinned, and is held until the user approves it",
                remedy=f"The user sees what changed with `orchestra pin --diff {name}` and approves it with "
                f"`orchestra pin {name}`; use another tool until then",
                tool=name,
            )
        if (bad := self.quarantined.get(name)) is not None:
            raise QuarantinedError(
                f"{name} is in quarantine: {'; '.join(bad.reasons)}",
                remedy="Its entry must be corrected first; see `orchestra tools --quarantined`",
                tool=name,
                reasons=list(bad.reasons),
            )
        raise UnknownToolError(
            f"no tool {name[:80]!r} in this ledger",
            remedy="Search with find_tools, or `orchestra find`",
            tool=name[:80],
        )

    def diff(self, before: Catalogue) -> CatalogueDiff:
        """What changed since another catalogue."""
        return diff_tools(before.tools, self.tools)


def diff_tools(before: Mapping[str, Tool], now: Mapping[str, Tool]) -> CatalogueDiff:
    """How the tools of now differ from those before."""
    # The same object was not recompiled: only others need to be compared.
    recompiled = [name for name in now if name in before and now[name] is not before[name]]
    return CatalogueDiff(
        added=tuple(name for name in now if name not in before),
        changed=tuple(name for name in recompiled if _differ(now[name], before[name])),
        removed=tuple(name for name in before if name not in now),
    )


def compile_ledger(
    ledger: Ledger, *, previous: Catalogue | None = None, pins: tuple[Pin, ...] | None = None
) -> Catalogue:
    """Compile the current entry of every netuid.

    Args:
        ledger: What to compile.
        previous: An earlier catalogue; entries it has compiled already are taken from it.
        pins: Tools that are held unless they are as pinned; None = the pins of `previous`.
    """
    sandbox = ledger.sandbox is not None
    kept = (previous.pins if previous else ()) if pins is None else pins
    pinned = pins_in_force(kept, sandbox=sandbox)
    judged = previous is not None and previous.pins is kept
    compiled = []
    for entry in sorted(ledger.current.values(), key=lambda each: each.netuid):
        known = previous.by_netuid.get(entry.netuid) if previous else None
        same = known is not None and known.sandbox == sandbox and _same_entry(known.entry, entry)
        if known is None or not same:
            compiled.append(compile_entry(entry, sandbox=sandbox).under(pinned))
        else:
            compiled.append(known if judged else known.under(pinned))
    return Catalogue(ledger, tuple(compiled), kept)


def compile_entry(entry: Entry, *, sandbox: bool = False) -> CompiledEntry:
    """Compile all operations of an entry; one bad operation does not take the others down."""
    names = assign_names(entry.netuid, entry.stated)
    results = [
        compile_operation(entry, operation_id, operation, name=names[operation_id], sandbox=sandbox)
        if isinstance(operation, Operation)
        else Quarantined(
            names[operation_id], entry.slot, operation_id, tuple(printable(str(fault)) for fault in operation.faults)
        )
        for operation_id, operation in entry.stated.items()
    ]
    return CompiledEntry(
        entry,
        sandbox,
        tuple(result for result in results if isinstance(result, Tool)),
        tuple(result for result in results if isinstance(result, Quarantined)),
    )


def _same_entry(before: Entry, now: Entry) -> bool:
    if before is now:
        return True
    # As text too: Python takes 1, 1.0 and true for equal, and the order of arguments is seen by a model.
    old, new = before.to_json(), now.to_json()
    return old == new and before.slot == now.slot and json.dumps(old) == json.dumps(new)


def _differ(before: Tool, now: Tool) -> bool:
    return before.digest != now.digest or before.operation != now.operation or before.entry_version != now.entry_version
