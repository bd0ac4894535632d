"""Laws of every change: it does what it says at its place, does nothing anywhere else, and can be taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import ProposalRefusedError
from orchestra_tools.governance.applying import Applied, apply_proposal
from orchestra_tools.governance.fingerprints import fingerprint_between
from orchestra_tools.importers.entry_bytes import entry_bytes, entry_from_bytes
from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import Proposal, UpdateType
from orchestra_tools.registry import packaged_ledger
from tests.governance.examples import flat_entry, wish

ENTRIES = [entry for entry in packaged_ledger() if entry.operations] + [flat_entry(registered_at_block=5)]
TEXTS: dict[str, str] = {"name": "A name", "description": "Other words.", "symbol": "x"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def leaves_of(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Every scalar in a document by its path; what is empty is one, too."""
    if isinstance(value, dict | list) and value:
        named = value.items() if isinstance(value, dict) else ((str(at), each) for at, each in enumerate(value))
        return {where: leaf for name, each in named for where, leaf in leaves_of(each, (*path, name)).items()}
    return {path: json.dumps(value)}


@dataclass(frozen=True)
class Change:
    """An entry, a change of it that fits, and where in the document that is."""

    entry: Entry = field(repr=False)  # thousands of lines
    proposal: Proposal
    place: tuple[str, ...]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A change of some entry."""
    entry = draw(st.sampled_from(ENTRIES))
    document = entry.to_json()
    if draw(st.booleans()):
        text = draw(st.sampled_from(sorted(TEXTS)))
        return Change(entry, _wish(entry, "identity_change", text, document.get(text), TEXTS[text]), (text,))
    side = draw(st.sampled_from(["input_schema", "output_schema"]))
    new = {"type": draw(st.sampled_from(["string", "integer", "boolean"])), "x-mark": "new"}
    if not entry.declared:
        return Change(entry, _wish(entry, "schema_change", f"{side}.brand_new", None, new), (side,))
    operation = draw(st.sampled_from(sorted(entry.operations)))
    pointer = f"/operations/{operation.replace('~', '~0').replace('/', '~1')}/{side}/properties/brand_new"
    return Change(entry, _wish(entry, "schema_change", pointer, None, new), ("operations", operation, side))


def _wish(entry: Entry, kind: UpdateType, where: str, old: Any, new: Any) -> Proposal:
    return wish(kind, where, old, new, subnet=entry.key)


def _apply(entry: Entry, proposal: Proposal) -> Applied | None:
    try:
        return apply_proposal(proposal, entry, slot=str(entry.slot))
    except ProposalRefusedError as error:
        # An answer that is a list, or one of several things, has no place for a field of an object.
        assert error.facts["reason"] in {"field", "nothing"}  # noqa: PT017  # any other would be a defect
        return None


@settings(deadline=None)
@given(changes())
def test_a_change_leaves_everything_else_as_it_was(change: Change) -> None:
    entry, proposal, place = change.entry, change.proposal, change.place
    if (applied := _apply(entry, proposal)) is None:
        return
    assert applied.entry is not None
    before, after = leaves_of(entry.to_json()), leaves_of(applied.entry.to_json())
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path for path in touched if path[: len(place)] != place} <= {("version",)}
    order = [name for name in applied.entry.to_json() if name in entry.to_json()]
    assert order == [name for name in entry.to_json() if name in applied.entry.to_json()]


@settings(deadline=None)
@given(changes())
def test_a_change_gives_the_same_bytes_from_what_was_kept(change: Change) -> None:
    """Ours: the log keeps bytes, and they are enough to come to the next bytes."""
    entry, proposal = change.entry, change.proposal
    if (applied := _apply(entry, proposal)) is None:
        return
    kept = entry_from_bytes(str(entry.slot), entry_bytes(entry))
    again = _apply(kept, Proposal.model_validate_json(json.dumps(proposal.to_json(), sort_keys=True)))
    assert applied.entry is not None
    assert again is not None
    assert again.entry is not None
    assert entry_bytes(again.entry) == entry_bytes(applied.entry)


@settings(deadline=None)
@given(changes())
def test_what_was_done_can_be_taken_back_and_is_known_as_that(
    change: Change,
) -> None:
    entry, proposal = change.entry, change.proposal
    if (applied := _apply(entry, proposal)) is None or proposal.update_type == "schema_change":
        return
    assert applied.entry is not None
    back = proposal.model_copy(update={"old_value": proposal.new_value, "new_value": proposal.old_value})
    undone = _apply(applied.entry, back)
    assert undone is not None
    assert undone.entry is not None
    assert {**undone.entry.to_json(), "version": entry.version} == {**entry.to_json(), "version": entry.version}
    slot = str(entry.slot)
    assert fingerprint_between(applied.entry, entry, slot=slot) == fingerprint_between(
        applied.entry, undone.entry, slot=slot
    )


@settings(deadline=None)
@given(
    st.sampled_from(UpdateType.__args__),  # type: ignore[attr-defined]  # a Literal has its choices
    st.text(max_size=20) | st.sampled_from(["", "output_schema", "capabilities", "operations.query_data", "/status"]),
    JSON,
    JSON,
)
def test_whatever_is_wished_is_done_or_refused_in_words(kind: UpdateType, field: str, old: Any, new: Any) -> None:
    """Ours: no proposal makes the rules fall over."""
    for entry in (flat_entry(registered_at_block=5), None):
        proposal = wish(kind, field, old, new, subnet="SN22")
        try:
            applied = apply_proposal(proposal, entry, slot="SN22@5")
        except ProposalRefusedError as error:
            refusal: ProposalRefusedError | None = error
        else:
            refusal = None
            assert applied.entry is None or entry_from_bytes("SN22@5", entry_bytes(applied.entry))
        assert refusal is None or (refusal.faults and refusal.remedy and refusal.facts["reason"])
