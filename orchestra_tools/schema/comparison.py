"""Whether a newer schema can stand for an older one: proven, refuted by a value, or undecided. No I/O.

    comparison = compare(old, new, direction="output")
    comparison.verdict      # "compatible", "incompatible" or "undecided"
    comparison.witness      # for "incompatible": a value that one side takes and the other does not
    comparison.bump         # "none", "patch", "minor" or "major"
    comparison.changes      # every difference, as a sentence

Direction decides. What goes in may be widened: whatever fitted the old schema must fit the new one. What comes out may
be narrowed: whatever fits the new schema must fit the old one. "Compatible" is only said with a proof, "incompatible"
only with a value that our own validator judges differently on the two sides, formats asserted. All else is undecided,
and counts as a major change.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.schema.differences import Change, describe_changes, is_same, printable
from orchestra_tools.schema.inclusion.facts import Status
from orchestra_tools.schema.inclusion.prover import Prover
from orchestra_tools.schema.inclusion.search import search
from orchestra_tools.schema.inclusion.universe import Universe
from orchestra_tools.schema.inclusion.vocabulary import ANNOTATIONS, ASSERTIONS
from orchestra_tools.schema.legacy import modernise
from orchestra_tools.schema.limits import check_schema
from orchestra_tools.schema.shorthand import expand, is_json_schema
from orchestra_tools.schema.validator import Validator

__all__ = ["Change", "Comparison", "Verdict", "compare"]
Direction = Literal["input", "output"]
Bump = Literal["none", "patch", "minor", "major"]
_BUMPS: tuple[Bump, ...] = ("none", "patch", "minor", "major")
_MAX_REASON = 400  # characters
_TWO_READINGS = "it can be read as shorthand or as JSON Schema, and the two do not agree; a $schema would tell"


class Verdict(StrEnum):
    """What a change of a schema does to those who rely on it."""

    COMPATIBLE = "compatible"
    INCOMPATIBLE = "incompatible"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a newer schema is to an older one.

    Attributes:
        direction: Whether the schema is of what goes in or of what comes out.
        verdict: Whether those who rely on the old one can live with the new one.
        bump: The part of a semantic version that the change raises.
        changes: Every difference.
        witness: Where incompatible, a value that shows it; it may be null itself.
        witness_pointer: Where in the witness the refusing side finds fault.
        reason: The verdict in a sentence.
    """

    direction: Direction
    verdict: Verdict
    bump: Bump
    changes: tuple[Change, ...]
    witness: Any = field(default=None, repr=False)
    witness_pointer: str | None = None
    reason: str = ""

    @property
    def compatible(self) -> bool | None:
        """The verdict as a truth value; None where it is undecided."""
        return None if self.verdict is Verdict.UNDECIDED else self.verdict is Verdict.COMPATIBLE

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON; `witness` is there only where there is one."""
        told: dict[str, Any] = {
            "direction": self.direction,
            "verdict": self.verdict.value,
            "bump": self.bump,
            "reason": self.reason,
            "changes": [{"pointer": each.pointer, "sentence": each.sentence} for each in self.changes],
        }
        if self.verdict is Verdict.INCOMPATIBLE:
            told |= {"witness": self.witness, "witness_pointer": self.witness_pointer}
        return told


def compare(old: Any, new: Any, direction: Direction) -> Comparison:
    """Compare two versions of a schema.

    Args:
        old: JSON Schema 2020-12, a boolean, or the seed's shorthand; None for an output that is not documented, which
            may be anything. A form that could be either, such as `{}`, is undecided where that makes a difference.
        new: The same, for the newer version.
        direction: Whether the schema is of what goes in or of what comes out.

    Raises:
        SchemaRefusedError: One of them breaks the intake limits or refers outside itself; the message says which.
    """
    if direction not in ("input", "output"):
        raise ValueError(f"direction is 'input' or 'output', not {direction!r}")
    befores, nows = _read(old, "old schema", direction), _read(new, "new schema", direction)
    # Where both could be either, both are the same.
    pairs = zip(befores, nows, strict=True) if len(befores) == len(nows) else itertools.product(befores, nows)
    first, *others = (_compare(before, now, direction) for before, now in pairs)
    if any(each.verdict is not first.verdict for each in others):
        return replace(first, verdict=Verdict.UNDECIDED, bump="major", witness=None, reason=_TWO_READINGS)
    return max([first, *others], key=lambda each: _BUMPS.index(each.bump))


def _compare(before: dict[str, Any], now: dict[str, Any], direction: Direction) -> Comparison:
    changes = describe_changes(before, now)
    if is_same(before, now):
        return Comparison(direction, Verdict.COMPATIBLE, "none", changes, reason="the schemas are the same")
    sides = (before, now) if direction == "input" else (now, before)
    universe = Universe(*sides)
    sub, whole = universe.roots
    if sub == whole:
        reason = "they differ in annotations or in the way they are written"
        return Comparison(direction, Verdict.COMPATIBLE, "patch", changes, reason=reason)
    prover = Prover(universe)
    answer = prover.decide(sub, whole)
    if answer.status is Status.EMPTY:
        bump: Bump = "patch" if prover.decide(whole, sub).status is Status.EMPTY else "minor"
        return Comparison(direction, Verdict.COMPATIBLE, bump, changes, reason=_reason(direction, bump))
    if answer.status is Status.FOUND and _is_witness(answer.value, *sides):
        return _refuted(direction, changes, answer.value, sides[1])
    for value in search(*sides):
        if _is_witness(value, *sides):
            return _refuted(direction, changes, value, sides[1])
    reason = "neither a proof nor a counter-example was found"
    return Comparison(direction, Verdict.UNDECIDED, "major", changes, reason=reason)


def _read(form: Any, what: str, direction: Direction) -> list[dict[str, Any]]:
    """The schemas a form can be read as: mostly one."""
    if form is None and direction == "output":
        return [{}]
    try:
        schemas = _readings(form)
    except SchemaRefusedError as error:
        raise SchemaRefusedError(f"the {what} is refused", error.faults) from error
    except RecursionError as error:
        raise SchemaRefusedError(f"the {what} is refused", [Fault("", "nested too deeply")]) from error
    for schema in schemas:
        check_schema(schema, what=what)
    return schemas


def _readings(form: Any) -> list[dict[str, Any]]:
    if not isinstance(form, dict):
        return [expand(form)]
    if is_json_schema(form):
        return [modernise(form)]
    if not all(isinstance(key, str) and (key in ASSERTIONS or key in ANNOTATIONS) for key in form):
        return [expand(form)]
    plain = modernise(form)
    try:
        check_schema(plain)
    except SchemaRefusedError:
        return [expand(form)]
    # A name is that of a type in shorthand, and {} an object: only what follows in both readings is said.
    if all(isinstance(value, str) and value.isidentifier() for value in form.values()):
        return [plain, expand(form)]
    return [plain]


def _is_witness(value: Any, sub: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether a value, as a reader of its JSON text gets it, fits one side and not the other."""
    try:
        read = json.loads(json.dumps(value, allow_nan=False))
    except (ValueError, RecursionError):
        return False
    return is_same(read, value) and Validator(sub).accepts(read) and not Validator(whole).accepts(read)


def _reason(direction: Direction, bump: Bump) -> str:
    if bump == "patch":
        return "they allow the same values"
    return {
        "input": "everything that fitted the old schema fits the new one",
        "output": "everything that fits the new schema fits the old one",
    }[direction]


def _refuted(direction: Direction, changes: tuple[Change, ...], value: Any, whole: dict[str, Any]) -> Comparison:
    faults = Validator(whole).faults(value)
    fault = faults[0] if faults else Fault("", "does not fit")
    known, other = ("old", "new") if direction == "input" else ("new", "old")
    where = f" at {fault.pointer}" if fault.pointer else ""
    reason = f"a value that fits the {known} schema does not fit the {other} one: it {fault.problem}{where}"
    return Comparison(
        direction, Verdict.INCOMPATIBLE, "major", changes, witness=value, witness_pointer=fault.pointer,
        reason=printable(reason, _MAX_REASON),
    )  # fmt: skip
