"""What a validator holds the other kinds of changes against: prices, capabilities, names, and ends. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from ledger_sync.governance.caller import Probed
from ledger_sync.governance.evidence import Call
from orchestra_tools.compile import ABSENT
from orchestra_tools.errors import CallError
from orchestra_tools.governance.applying import Applied
from orchestra_tools.governance.paths import read_at
from orchestra_tools.model import Entry, HttpEndpoint, Operation, Outcome
from orchestra_tools.model.proposal import Check, Proposal


class ChainFacts(Protocol):
    """What the chain says of a slot."""

    def identity(self, slot: str) -> Mapping[str, Any] | None:
        """Name, description and links that its owner registered; None where there are none."""
        ...


def check_chain(proposal: Proposal, applied: Applied, slot: str, chain: ChainFacts | None) -> Check:
    """Check a text of an entry, or the name of a new one, against the chain."""
    facts = None if chain is None else chain.identity(slot)
    if facts is None:
        return Check(name="chain", passed=False, detail="nobody has looked at the chain")
    if proposal.update_type == "new_subnet":
        name = "" if applied.entry is None else applied.entry.name
        return Check(name="chain", passed=facts.get("name") == name, detail=f"the chain calls it {facts.get('name')!r}")
    place = applied.place
    if place.operation is not None:
        return Check(name="chain", passed=False, detail="the chain says nothing of operations")
    known = read_at(dict(facts), (*place.root, *map(str, place.inner)))
    passed = known is not ABSENT and known == proposal.new_value
    return Check(
        name="chain", passed=passed, detail=f"the chain has {'this' if passed else 'another'} {place.root[-1]}"
    )


def check_host(applied: Applied, entry: Entry, slot: str, chain: ChainFacts | None) -> Check:
    """Check that an operation moves to a host of its own subnet: anybody can pass calls on to the right one."""
    hosts = {host for name in entry.operations for host in _hosts_of(entry, name)}
    moved = {host for name in entry.operations for host in _hosts_of(applied.entry, name)} - hosts
    facts = None if chain is None else chain.identity(slot)
    links = facts.get("links") if facts is not None else None
    owned = {urlsplit(str(link)).hostname or "" for link in (links.values() if isinstance(links, dict) else ())} - {""}
    strange = sorted(host for host in moved if not any(host == each or host.endswith(f".{each}") for each in owned))
    if strange:
        return Check(name="chain", passed=False, detail=f"nothing says that {strange[0]} is of this subnet")
    return Check(name="chain", passed=True, detail="its host is known to be of this subnet")


def check_capabilities(applied: Applied, entry: Entry) -> Check:
    """Check that a capability that is gained has an operation, and one that is lost has none."""
    before, after = _capabilities(entry), _capabilities(applied.entry)
    name = applied.place.operation
    # The operation of a flat entry has the entry's capabilities, whatever they are.
    operations = applied.entry.operations if applied.entry is not None and applied.entry.declared else {}
    borne = {term for id_, each in operations.items() if id_ != name for term in (id_, *each.capabilities)}
    claimed = sorted(after - before - borne) if name is None else []
    kept = sorted((before - after) & borne) if name is None else []
    if claimed:
        return Check(name="capability", passed=False, detail=f"no operation is known to offer {', '.join(claimed[:5])}")
    if kept:
        return Check(name="capability", passed=False, detail=f"an operation still offers {', '.join(kept[:5])}")
    if name is not None:
        return Check(name="capability", passed=False, detail="calls do not show what an operation is good for")
    return Check(name="capability", passed=True, detail="the operations bear it out")


def check_cost(before: Operation | None, after: Operation | None, calls: Sequence[Call]) -> Check:
    """Check a price against what answers say was charged. The calls were made by the older entry."""
    wanted = None if after is None else after.price
    if wanted is None or before is None or before.price == wanted:
        return Check(name="cost", passed=False, detail="calls do not show such a change of the price")
    charged = {call.receipt.cost for call in calls}
    if charged <= {None, before.price}:
        return Check(name="cost", passed=False, detail="the answers do not say what was charged")
    told = ", ".join(sorted(map(str, charged)))
    return Check(name="cost", passed=charged == {wanted}, detail=f"charged: {told}; proposed: {wanted}")


def check_gone(name: str, operation: Operation | None, probed: Probed | str, wanted: int) -> Check:
    """Check that nothing answers any more. An outage is no end: what fails today may work tomorrow."""
    if isinstance(probed, str):
        return Check(name="allowed", passed=False, detail=probed)
    if probed.refused is not None:
        return Check(name="allowed", passed=False, detail=f"{name} was not called: {probed.refused.problem}")
    there = [each for each in probed.attempts if each.error is None or not _is_gone(each.error, operation)]
    if there:
        last = there[-1].error
        detail = f"{name} answers" if last is None else f"{name} is not gone: {last.problem}"
        return Check(name="alive", passed=False, detail=detail)
    detail = f"{len(probed.attempts)} of {wanted} calls of {name} found nothing there"
    return Check(name="alive", passed=len(probed.attempts) >= wanted, detail=detail)


def _is_gone(error: CallError, operation: Operation | None) -> bool:
    if error.outcome is Outcome.UNREACHABLE:
        return True
    # Below a path with arguments in it, 404 may only say that there is nothing of that name.
    endpoint = None if operation is None else operation.endpoint
    is_plain = isinstance(endpoint, HttpEndpoint) and "{" not in endpoint.path
    return error.status == 410 or (error.status == 404 and is_plain)


def _hosts_of(entry: Entry | None, name: str) -> set[str]:
    operation = None if entry is None else entry.operations.get(name)
    endpoint = None if operation is None else operation.endpoint
    host = urlsplit(endpoint.base_url or "").hostname if isinstance(endpoint, HttpEndpoint) else None
    return set() if host is None else {host}


def _capabilities(entry: Entry | None) -> set[str]:
    return set() if entry is None else set(entry.capabilities)
