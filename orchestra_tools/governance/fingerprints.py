"""One fingerprint for every spelling of one wish: a cosmetic variant of a proposal is the same proposal.

It is made from what the wish changes, not from how it is told: whether a field is added by itself or together with the
object around it, by its name or by a pointer, in shorthand or in JSON Schema, it is the same change. Who wishes it, on
what evidence, and what only describes a schema, are not in it.
"""

from __future__ import annotations

from typing import Any

from orchestra_tools.compile import ABSENT, compare_values
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.governance.normal_forms import normal_contract, normal_entry, normal_text
from orchestra_tools.model import Entry, Operation
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.trust import canonicalise_any, sha256_hex

FINGERPRINT_DOMAIN = "orchestra/fingerprint/v1"


def fingerprint_of(proposal: Proposal, entry: Entry | None, *, slot: str) -> str:
    """The fingerprint of a wish, hex.

    Args:
        proposal: The wish.
        entry: The entry of the slot now; None where there is none.
        slot: The tenancy, as in `SN13@1907637`.

    Raises:
        ProposalRefusedError: It does not fit the entry; see `apply_proposal`.
    """
    return fingerprint_between(entry, apply_proposal(proposal, entry, slot=slot).entry, slot=slot)


def fingerprint_between(before: Entry | None, after: Entry | None, *, slot: str) -> str:
    """The fingerprint of whatever makes one entry of another; None where there is none."""
    wish = {"slot": slot, "changes": _changes(before, after)}
    return sha256_hex(canonicalise_any(wish)[1], domain=FINGERPRINT_DOMAIN)


def _changes(before: Entry | None, after: Entry | None) -> Any:
    if after is None:
        return "withdrawn"
    new = [_new_operation(each) for name, each in after.stated.items() if before is None or name not in before.stated]
    found: list[Any] = [["new", each] for each in sorted(new)]
    if before is None:
        # What a new entry is called does not make it another one, where it has something to call.
        return found or [["name", normal_text(after.name).casefold()]]
    old, now = normal_entry(before), normal_entry(after)
    now["operations"] = {name: each for name, each in now["operations"].items() if name in before.stated}
    return found + _differences(old, now) or _differences(before.to_json(), after.to_json(), texts=True)


def _differences(old: Any, now: Any, *, texts: bool = False) -> list[Any]:
    differences = [each for each in compare_values(old, now) if each.path != "/version"]
    return [[each.path, _told(each.now, texts=texts)] for each in sorted(differences, key=lambda each: each.path)]


def _told(value: Any, *, texts: bool) -> Any:
    if value is ABSENT:
        return None
    return [normal_text(value) if texts and isinstance(value, str) else value]


def _new_operation(stated: Any) -> str:
    """An operation that was not there: the same one whatever it is called, and whatever is said of it."""
    document = normal_contract(stated) if isinstance(stated, Operation) else stated.document
    return sha256_hex(canonicalise_any(document)[1])
