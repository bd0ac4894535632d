"""What a validator holds a change of an output schema against: its own answers, and older ones. No I/O.

A change is as true as its least part: every field that it adds is looked for in the answers, and every field of which
it says something else must have asked for it. So nothing false comes in together with something true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_sync.governance.fields import Way, fields_of, holders_of, outline_of, spell, values_at
from orchestra_tools.compile import ABSENT
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.governance.applying import Applied
from orchestra_tools.governance.paths import ITEMS, read_at
from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import Check
from orchestra_tools.schema import Validator, expand
from orchestra_tools.schema.comparison import Verdict, compare
from orchestra_tools.schema.specificity import holds_on, specificity

PRESENT_SHARE = 0.5
"""Of the objects that could have the field that is proposed, so many must: one that is seen once is no field yet."""
_MUTANTS = 60  # of each answer


@dataclass(frozen=True, slots=True)
class Change:
    """What a proposal changes of an output schema.

    Attributes:
        before: The schema as it is, expanded; {} where nothing is documented.
        after: The schema as it would be.
        field: The field that is proposed; empty where it is the whole schema.
        is_compatible: Whether it is proven that every answer of the new schema fits the old one.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    field: Way = ()
    is_compatible: bool = False


def change_of(applied: Applied, entry: Entry) -> Change:
    """What an applied schema_change changes."""
    place = applied.place
    before, after = (
        _expanded(read_at({} if each is None else each.to_json(), place.root)) for each in (entry, applied.entry)
    )
    is_compatible = applied.comparison is not None and applied.comparison.verdict is Verdict.COMPATIBLE
    return Change(before, after, () if place.exact else place.inner, is_compatible)


def check_output_change(change: Change, live: Sequence[Any], older: Sequence[Any], *, seed: str) -> Iterator[Check]:
    """Check a change of what comes out.

    Args:
        change: What is to be changed.
        live: Answers to the validator's own calls.
        older: Answers that it did not ask for: the proposer's, or such of earlier days.
        seed: What corrupted answers are made from; private until the verdict is out.
    """
    old, new = fields_of(change.before), fields_of(change.after)
    added = [way for way in new if way not in old]
    gone = [way for way in old if way not in new and way[:-1] in new]
    if gone:
        yield _check_gone(gone, live)
    if added:
        yield _check_present(change, added, live)
    yield _check_news(change, old, new, live)
    if not gone or change.field in new:
        looser = [way for way in new if way and way in old and not _is_narrower(old[way], new[way])]
        yield from _check_described(change, new, [*added, *looser], live, seed)
    held = holds_on(dict(change.after), live)
    yield Check(name="live", passed=held == 1, detail=f"the new schema holds on {held:.0%} of {len(live)} answers")
    yield from _check_older(change, held, older)


def check_described(schema: Mapping[str, Any], live: Sequence[Any], *, seed: str) -> Iterator[Check]:
    """Check the output schema of an operation that is new, or elsewhere, against live answers."""
    held = holds_on(dict(schema), live)
    yield Check(name="live", passed=held == 1, detail=f"{held:.0%} of {len(live)} answers fit the output schema")
    yield _check_specific(schema, live, seed)


def _check_gone(gone: Sequence[Way], live: Sequence[Any]) -> Check:
    seen = [way for way in gone if any(True for answer in live for _ in values_at(answer, way))]
    unsure = [way for way in gone if not any(True for answer in live for _ in holders_of(answer, way))]
    if seen:
        return Check(name="gone", passed=False, detail=f"answers still have {_list(seen)}")
    if unsure:
        return Check(
            name="gone", passed=False, detail=f"no answer has anything that {_list(unsure)} could be a part of"
        )
    return Check(name="gone", passed=True, detail=f"{_list(gone)} is in none of {len(live)} answers")


def _check_present(change: Change, added: Sequence[Way], live: Sequence[Any]) -> Check:
    unseen = [way for way in added if not any(True for answer in live for _ in values_at(answer, way))]
    if change.field not in added:
        detail = f"no answer has {_list(unseen)}" if unseen else f"answers have every new field: {_list(added)}"
        return Check(name="present", passed=not unseen, detail=detail)
    rarest = min((change.field[:end] for end in range(len(change.field), 0, -1)), key=lambda way: _share(way, live))
    holders = sum(1 for answer in live for _ in holders_of(answer, rarest))
    having = sum(1 for answer in live for _ in values_at(answer, rarest))
    detail = f"{_list([rarest])} is in {having} of {holders} that could have it, in {len(live)} answers"
    if having and unseen:
        detail += f"; no answer has {_list(unseen)}"
    return Check(name="present", passed=_share(rarest, live) >= PRESENT_SHARE and not unseen, detail=detail)


def _share(way: Way, live: Sequence[Any]) -> float:
    holders = sum(1 for answer in live for _ in holders_of(answer, way))
    # An empty list has no items, and lacks none.
    having = sum(1 for answer in live for _ in (holders_of if way[-1] is ITEMS else values_at)(answer, way))
    return having / holders if holders else 0.0


def _check_news(
    change: Change, old: Mapping[Way, Mapping[str, Any]], new: Mapping[Way, Mapping[str, Any]], live: Sequence[Any]
) -> Check:
    """Whether the answers ask for the change: the old schema lacks the field, refuses answers, or says less."""
    looser = [way for way in new if way in old and not _is_narrower(old[way], new[way])]
    uncalled = [way for way in looser if not _is_called_for(old[way], way, live)]
    if uncalled:
        detail = f"the old schema takes every value of {_list(uncalled)}: nothing asks for a wider one"
        return Check(name="news", passed=False, detail=detail)
    lacking = [way for way in new if way not in old]
    if lacking:
        return Check(name="news", passed=True, detail=f"the old schema does not know {_list(lacking)}")
    if change.is_compatible:
        return Check(name="news", passed=True, detail="the new schema says more than the old one")
    held = holds_on(dict(change.before), live)
    detail = f"the old schema holds on {held:.0%} of {len(live)} answers"
    return Check(name="news", passed=held < 1 or any(way not in new for way in old), detail=detail)


def _is_narrower(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether every value of the newer schema fits the older one, whatever its fields and items are."""
    old, new = outline_of(before), outline_of(after)
    return old == new or compare(_marked(old), _marked(new), direction="output").verdict is Verdict.COMPATIBLE


def _is_called_for(before: Mapping[str, Any], way: Way, live: Sequence[Any]) -> bool:
    validator = Validator(outline_of(before))
    return any(not validator.accepts(value) for answer in live for value in values_at(answer, way))


def _check_described(
    change: Change, new: Mapping[Way, Mapping[str, Any]], parts: Sequence[Way], live: Sequence[Any], seed: str
) -> Iterator[Check]:
    """Whether the new schema says what the values are like: of the field, and of every part that is new or wider."""
    schema = new.get(change.field, change.after)
    values = [value for answer in live for value in values_at(answer, change.field)]
    fits = holds_on(dict(schema), values) if values else 0.0
    yield Check(name="fits", passed=fits == 1, detail=f"{fits:.0%} of {len(values)} values fit the new schema")
    if not values:
        return
    whole = _check_specific(schema, values, seed)
    for way in parts:
        seen = [value for answer in live for value in values_at(answer, way)]
        if whole.passed and seen and not _check_specific(new[way], seen, seed).passed:
            yield Check(name="specific", passed=False, detail=f"it says too little of {_list([way])}")
            return
    yield whole


def _check_specific(schema: Mapping[str, Any], values: Sequence[Any], seed: str) -> Check:
    found = specificity(dict(schema), values, seed=seed, limit=_MUTANTS)
    detail = f"it refuses {found.killed} of {found.total} corrupted values"
    if found.survivors:
        detail += f"; it takes: {', '.join(found.survivors[:3])}"
    return Check(name="specific", passed=found.is_enough, detail=detail)


def _check_older(change: Change, held: float, older: Sequence[Any]) -> Iterator[Check]:
    if not older:
        yield Check(name="shown", passed=False, detail="nobody has an answer that the validator did not ask for itself")
        return
    kept = holds_on(dict(change.after), older)
    yield Check(name="held_out", passed=kept == 1, detail=f"it holds on {kept:.0%} of {len(older)} older answers")
    detail = "it holds on the answers that were handed in, and not on others"
    if kept == 1 and held < 1:
        yield Check(name="general", passed=False, detail=detail)


def _expanded(form: Any) -> dict[str, Any]:
    return {} if form is None or form is ABSENT else expand(form)


def _marked(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that nobody takes for shorthand."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _list(ways: Sequence[Way]) -> str:
    shown = ", ".join(printable(spell(way) or "the answer", limit=80) for way in ways[:3])
    return f"{shown} and {len(ways) - 3} more" if len(ways) > 3 else shown
