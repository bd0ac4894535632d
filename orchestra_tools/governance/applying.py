"""What an accepted proposal makes of an entry: the one function that changes the ledger, the same to the byte anywhere.

    applied = apply_proposal(proposal, entry, slot="SN13@1907637")
    applied.entry, applied.version, applied.bump, applied.changes

It is applied again whenever a ledger is checked, so it asks only whether the proposal fits the entry. Whether the
result is fit to be shown, by the vocabulary and the rules for texts and addresses of the day, is asked by `intake`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orchestra_tools.compile import ABSENT, Difference, compare_values
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.errors import Fault, ProposalRefusedError, SchemaRefusedError
from orchestra_tools.governance.bumps import bump_between
from orchestra_tools.governance.edits import Wish, edit, is_same, nothing, refusal
from orchestra_tools.governance.paths import FLAT_FIELDS, Place, find_place
from orchestra_tools.governance.versions import FIRST_VERSION, Bump, greatest, raise_version
from orchestra_tools.importers.documents import MAX_ENTRY_DEPTH
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model import Entry, faults_of
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.schema import Comparison
from orchestra_tools.schema.limits import is_deeper

KINDS: Mapping[str, tuple[str, ...]] = {
    "new_subnet": ("entry",),
    "new_operation": ("operation",),
    "schema_change": ("input_schema", "output_schema"),
    "endpoint_change": ("endpoint", "auth", "behaviour"),
    "capability_change": ("capabilities",),
    "cost_change": ("cost",),
    "identity_change": ("text",),
    "deprecation": ("entry", "operation", "availability"),
    "withdrawal": ("entry", "operation"),
}
"""The parts of an entry that each kind of proposal may change."""
MAX_CHANGES = 200
MAX_ENTRY_BYTES = 2 * 1024 * 1024
"""Of an entry. Readers of a log take 8 MiB for one document, and a proposal may have an entry in it twice."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a proposal makes of an entry.

    Attributes:
        entry: The entry from here on; None where it is withdrawn.
        version: Its version from here on.
        bump: What the change does to those who use the entry.
        changes: What changed, for people.
        place: Where it changed.
        comparison: Of a schema: whether the change is compatible, and with what witness.
        flags: What reviewers should look at twice: auth_removed, host_changed, price_raised, widened.
    """

    entry: Entry | None
    version: str
    bump: Bump
    changes: tuple[str, ...]
    place: Place
    comparison: Comparison | None = None
    flags: tuple[str, ...] = ()


def apply_proposal(proposal: Proposal, entry: Entry | None, *, slot: str, former: str | None = None) -> Applied:
    """What a proposal makes of an entry.

    Args:
        proposal: The wish.
        entry: The entry of the slot now; None where there is none.
        slot: The tenancy, as in `SN13@1907637`.
        former: Version of the entry when it was withdrawn, where it was: one that comes back goes on from there.

    Raises:
        ProposalRefusedError: It does not fit the entry; `reason` is field, kind, stale, nothing, invalid, confusable,
            slot or version.
    """
    if proposal.update_type == "new_subnet":
        if entry is not None:
            raise refusal("stale", "/old_value", f"{slot} has an entry already", "Propose a change of it")
    elif entry is None:
        raise refusal("stale", "/subnet", f"the ledger has no entry of {slot}", "Propose it as a new_subnet")
    if is_deeper([proposal.old_value, proposal.new_value], MAX_ENTRY_DEPTH + 1):
        raise refusal("invalid", "/new_value", f"it is nested deeper than {MAX_ENTRY_DEPTH} levels", "Flatten it")
    place = find_place(proposal.field, entry)
    _check_kind(proposal, place)
    document = {} if entry is None else entry.to_json()
    try:
        made = edit(Wish(proposal, entry, place, slot, document))
    except SchemaRefusedError as error:
        raise ProposalRefusedError(
            "the schema proposed is refused", error.faults, remedy="Mend the schema", reason="invalid"
        ) from error
    if made.document is None:
        return Applied(None, _raised(entry, former, made.bump), made.bump, made.notes, place)
    if entry is not None and is_same(made.document, document):
        raise nothing()
    after = _read(slot, {**made.document, "version": FIRST_VERSION})
    _check_operations(entry, after, place)
    bump, flags = _bump(entry, after, made.bump)
    after = after.replace(version=_raised(entry, former, bump))
    _check_readable(after)
    changes = made.notes if made.comparison is not None else (*made.notes, *_told(entry, after))
    return Applied(after, after.version, bump, changes[:MAX_CHANGES], place, made.comparison, (*made.flags, *flags))


def _check_kind(proposal: Proposal, place: Place) -> None:
    if place.part in KINDS[proposal.update_type]:
        return
    fitting = [kind for kind, parts in KINDS.items() if place.part in parts]
    raise refusal(
        "kind",
        "/update_type",
        f"a {proposal.update_type} does not change {place.part}",
        f"Propose it as {' or '.join(fitting)}",
    )


def _raised(entry: Entry | None, former: str | None, bump: Bump) -> str:
    if entry is not None:
        return raise_version(entry.version, bump)
    # What comes back need not be what went.
    return FIRST_VERSION if former is None else raise_version(former, "major")


def _bump(before: Entry | None, after: Entry, stated: Bump) -> tuple[Bump, tuple[str, ...]]:
    """What the change does in all: what its kind does, and what became of each operation."""
    bumps: list[Bump] = [stated]
    flags: dict[str, None] = {}
    for name, now in after.operations.items():
        old = None if before is None else before.operations.get(name)
        if old is not None:
            bump, found = bump_between(old, now)
            bumps.append(bump)
            flags |= dict.fromkeys(found)
    return greatest(*bumps), tuple(flags)


def _read(slot: str, document: dict[str, Any]) -> Entry:
    try:
        entry = Entry.from_document(slot.partition("@")[0], document)
    except ValidationError as error:
        raise ProposalRefusedError(
            "the entry would not be one", faults_of(error), remedy="Mend the value", reason="invalid"
        ) from error
    except ValueError as error:
        raise refusal("invalid", "/new_value", str(error)[:200], "Mend the value") from error
    if str(entry.slot) != slot:
        raise refusal("slot", "/subnet", f"the entry would be of {entry.slot}, not of {slot}", "Name the right slot")
    return entry


def _check_readable(entry: Entry) -> None:
    """Check that whoever reads the ledger will take the entry."""
    if is_deeper(entry.to_json(), MAX_ENTRY_DEPTH):
        problem = f"the entry would be nested deeper than {MAX_ENTRY_DEPTH} levels"
        raise refusal("invalid", "/new_value", problem, "Flatten it")
    try:
        size = len(entry_bytes(entry))
    except ValueError as error:
        raise refusal("invalid", "/new_value", "it holds something that is not JSON", "Mend the value") from error
    if size > MAX_ENTRY_BYTES:
        problem = f"the entry would have {size:,} bytes, and may have {MAX_ENTRY_BYTES:,}"
        raise refusal("invalid", "/new_value", problem, "Say less")


def _check_operations(before: Entry | None, after: Entry, place: Place) -> None:
    """Check that every operation that is new, was touched, or could be read before, can be read."""
    known = {} if before is None else before.unreadable
    touched = {place.root[1]} if place.root[:1] == ("operations",) else set[str]()
    if place.root[:1] and place.root[0] in FLAT_FIELDS:
        touched = set(after.stated)
    faults = [
        Fault(f"/operations/{name}{fault.pointer}"[:200], fault.problem, fault.remedy)
        for name, each in after.unreadable.items()
        if name not in known or name in touched
        for fault in each.faults
    ]
    if faults:
        raise ProposalRefusedError("the operation would not be one", faults, remedy="Mend the value", reason="invalid")


def _told(before: Entry | None, after: Entry) -> tuple[str, ...]:
    if before is None:
        return ()
    found = compare_values(before.to_json(), after.to_json())
    return tuple(f"{printable(each.path)} {_what(each)}" for each in found if each.path != "/version")


def _what(difference: Difference) -> str:
    if difference.before is ABSENT:
        return "was added"
    return "was removed" if difference.now is ABSENT else "changed"
