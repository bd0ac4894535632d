"""What somebody who called an operation can propose: fields that the ledger does not know, or knows otherwise. No I/O.

drafts = draft_proposals(entry, "query_data", answers, evidence_hash="0x7a3f...", proposed_by="miner_uid_42")
drafts.proposals      # in the seed's form: one for each new field, at the highest level that is new
drafts.left_out       # what was seen and cannot be proposed, with the reason
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_sync.governance.checks import PRESENT_SHARE
from ledger_sync.governance.fields import Way, fields_of, holders_of, outline_of, spell, values_at
from orchestra_tools.compile import ABSENT
from orchestra_tools.errors import ProposalRefusedError, UnknownToolError
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.governance.paths import ITEMS
from orchestra_tools.governance.schema_fields import read_field
from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.schema import Validator, expand
from orchestra_tools.schema.infer import infer
from orchestra_tools.schema.responses import judge_value

_SPECIAL = re.compile(r"([.\\\[\]])")


@dataclass(frozen=True, slots=True)
class Drafts:
    """What can be proposed.

    Attributes:
        proposals: One for each field.
        left_out: The fields that cannot be proposed, and why.
    """

    proposals: tuple[Proposal, ...]
    left_out: Mapping[str, str]


def draft_proposals(
    entry: Entry, operation: str, answers: Iterable[Any], *, evidence_hash: str, proposed_by: str
) -> Drafts:
    """Draft a schema_change for each field that answers have, and the output schema lacks or refuses.

    Args:
        entry: The entry as the ledger has it.
        operation: Id of the operation that was called.
        answers: What it answered; errors that came with 200 do not count.
        evidence_hash: Digest of the evidence with these answers.
        proposed_by: Who proposes, as in `miner_uid_42`.

    Raises:
        UnknownToolError: The entry has no such operation.
    """
    if (known := entry.operations.get(operation)) is None:
        raise UnknownToolError(f"{entry.slot} has no operation {operation[:60]!r}", tool=operation[:60])
    samples = [answer for answer in answers if judge_value(answer).is_sample]
    form = known.output_form
    old = fields_of({} if form is None else expand(form))
    seen = fields_of(infer(samples).schema) if samples else {}
    proposals: list[Proposal] = []
    left_out: dict[str, str] = {}
    prefix = "output_schema" if operation == entry.main_operation else f"operations.{_escape(operation)}.output_schema"
    for way in [()] if form is None and samples else _news(old, seen, samples):
        field = prefix + _dotted(way)
        current = read_field(form, way, field) if way else form
        proposal = Proposal(
            subnet=entry.key,
            update_type="schema_change",
            field=field,
            old_value=None if current is ABSENT else current,
            new_value=dict(seen[way]),
            evidence_hash=evidence_hash,
            proposed_by=proposed_by,
        )
        try:
            _check_usual(way, old, samples)
            apply_proposal(proposal, entry, slot=str(entry.slot))
        except (ProposalRefusedError, _RareError) as error:
            left_out[field] = str(error)
        else:
            proposals.append(proposal)
    return Drafts(tuple(proposals), left_out)


class _RareError(Exception):
    """A field is in too few answers to be proposed."""


def _news(
    old: Mapping[Way, Mapping[str, Any]], seen: Mapping[Way, Mapping[str, Any]], samples: Sequence[Any]
) -> list[Way]:
    """Fields that are new or of which the old schema refuses values; nothing below such a field."""
    found: list[Way] = []
    for way in seen:
        if any(way[: len(other)] == other for other in found):
            continue
        if way in old:
            validator = Validator(outline_of(old[way]))
            if any(not validator.accepts(value) for answer in samples for value in values_at(answer, way)):
                found.append(way)
        elif not _is_covered(old, way):
            found.append(way)
    return found


def _is_covered(old: Mapping[Way, Mapping[str, Any]], way: Way) -> bool:
    """Whether the old schema says something of whatever has no name of its own, as of the keys of a map."""
    return way[-1] is not ITEMS and isinstance(old.get(way[:-1], {}).get("additionalProperties"), dict)


def _check_usual(way: Way, old: Mapping[Way, Mapping[str, Any]], samples: Sequence[Any]) -> None:
    if way in old or not way or way[-1] is ITEMS:
        return
    holders = sum(1 for answer in samples for _ in holders_of(answer, way))
    having = sum(1 for answer in samples for _ in values_at(answer, way))
    if having < PRESENT_SHARE * holders:
        raise _RareError(f"{spell(way)} is in {having} of {holders} objects that could have it: too few to be believed")


def _dotted(way: Way) -> str:
    return "".join("[]" if step is ITEMS else f".{_escape(step)}" for step in way)


def _escape(name: str) -> str:
    return _SPECIAL.sub(r"\\\1", name)
