"""How specific a schema is: which corrupted versions of real answers it refuses. No I/O.

    specificity(schema, answers, seed=secret).score    # 0 for a schema that takes everything
    holds_on(schema, older_answers)                    # below 1 for one that only knows the answers it was made from

A schema that takes everything holds on every answer, so a proposal of one would pass every probe. And one that lists
the answers seen refuses every corruption. Only both figures together say that a schema describes the operation.

The mutants depend on the seed: whoever does not know it cannot write a schema that refuses just them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from orchestra_tools.schema.inference.profile import Profile, type_of
from orchestra_tools.schema.limits import check_schema
from orchestra_tools.schema.parts import REMOVED, Steps, changed, iter_steps, part_at
from orchestra_tools.schema.pointer import join
from orchestra_tools.schema.responses import what_is_unsound
from orchestra_tools.schema.validator import Validator

MIN_SPECIFICITY = 0.5
"""Below it, a schema says too little. Inferred from five answers, without `required`, schemas of the packaged ledger's
documented operations score 0.66 and more, 0.58 where a tenth of all fields is null; the type of the root alone scores
0.1, the names of all fields 0.25 (medians), an empty schema 0."""
MIN_TYPED = 0.5
"""Share of the fields of another type that must be refused: in small answers, names alone reach the score."""
MAX_SURVIVORS = 20
_MAX_STEPS = 2_000  # parts of a sample that are corrupted
_MAX_CHECKED = 2_000_000  # values of all mutants that are held against the schema
_MIN_MUTANTS = 8  # of each sample, however large it is
_WORDS = ("payload", "envelope", "content", "response", "body", "output", "wrapped", "inner")
_ERRORS = ("internal error", "upstream timed out", "rate limit exceeded", "invalid token", "service unavailable")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A corrupted version of an answer.

    Attributes:
        kind: What was done: `replaced`, `retyped`, `dropped`, `nulled`, `reshaped` or `spoilt`.
        what: The same in words, with the place.
    """

    value: Any = field(repr=False)
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Specificity:
    """How many mutants a schema refused.

    Attributes:
        killed: Mutants it refused.
        total: Mutants there were.
        survivors: What was done to those it took, the first few.
        kinds: For each kind of mutant, how many were refused, of how many.
        unfit: Samples without mutants, since the schema refuses them as they are, or they are no JSON.
    """

    killed: int
    total: int
    survivors: tuple[str, ...]
    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unfit: int = 0

    @property
    def score(self) -> float:
        """The share it refused; 0 where there was nothing to refuse."""
        return self.killed / self.total if self.total else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether a schema says enough to be believed: `MIN_SPECIFICITY` and `MIN_TYPED`."""
        killed, total = self.kinds.get("retyped", (0, 0))
        return self.score >= MIN_SPECIFICITY and killed >= MIN_TYPED * total


def specificity(schema: Any, samples: Iterable[Any], *, seed: str = "", limit: int = 200) -> Specificity:
    """Hold corrupted answers against a schema.

    Args:
        schema: JSON Schema 2020-12.
        samples: Real answers, parsed. Those the schema refuses do not count: see `holds_on`.
        seed: Decides how they are corrupted.
        limit: Most mutants of one sample; fewer for very large ones.

    Raises:
        SchemaRefusedError: The schema breaks the intake limits.
    """
    validator = _validator(schema)
    given = list(samples)
    fit = [sample for sample in given if not what_is_unsound(sample) and validator.accepts(sample)]
    usual = Profile()
    for sample in fit:
        usual.add(sample)
    kinds: dict[str, tuple[int, int]] = {}
    survivors: list[str] = []
    checked = 0
    for number, sample in enumerate(fit):
        size = _size(sample)
        affordable = max(_MIN_MUTANTS, (_MAX_CHECKED - checked) // size)
        for mutant in mutants(sample, seed=f"{number}:{seed}", limit=min(limit, affordable), usual=usual):
            checked += size
            killed, total = kinds.get(mutant.kind, (0, 0))
            if is_taken := validator.accepts(mutant.value):
                survivors.append(mutant.what)
            kinds[mutant.kind] = (killed + (not is_taken), total + 1)
    return Specificity(
        killed=sum(killed for killed, _ in kinds.values()),
        total=sum(total for _, total in kinds.values()),
        survivors=tuple(survivors[:MAX_SURVIVORS]),
        kinds=kinds,
        unfit=len(given) - len(fit),
    )


def holds_on(schema: Any, samples: Iterable[Any]) -> float:
    """The share of answers that a schema takes; 1 where there are none.

    Raises:
        SchemaRefusedError: The schema breaks the intake limits.
    """
    validator = _validator(schema)
    taken = [not what_is_unsound(sample) and validator.accepts(sample) for sample in samples]
    return sum(taken) / len(taken) if taken else 1.0


def mutants(sample: Any, *, seed: str = "", limit: int = 200, usual: Profile | None = None) -> Iterator[Mutant]:
    """Corrupt an answer in different ways, each mutant different from it and from the others.

    The kinds of corruption take turns, so that a large answer is not only retyped. The parts a mutant leaves as they
    are it shares with the sample.

    Args:
        sample: A JSON value of bounded depth.
        seed: Decides which parts are corrupted, and by what.
        limit: Most mutants made.
        usual: What is seen in answers of the operation. A field that some of them lack, or have as null, is not
            corrupted when it is.
    """
    usual = usual or Profile()
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    steps = list(iter_steps(sample, limit=_MAX_STEPS, random=random))
    random.shuffle(steps)
    ways = [
        _replaced(sample, random),
        _retyped(sample, steps, usual, random),
        _dropped(sample, steps, usual),
        _nulled(sample, steps, usual),
        _reshaped(sample, steps, random),
        _spoilt(sample, steps, random),
    ]
    seen = {_key(sample)}
    made = 0
    for mutant in _taking_turns(ways):
        if made >= limit:
            return
        if (key := _key(mutant.value)) not in seen:
            seen.add(key)
            made += 1
            yield mutant


def _taking_turns(ways: list[Iterator[Mutant]]) -> Iterator[Mutant]:
    for turn in itertools.zip_longest(*ways):
        yield from (mutant for mutant in turn if mutant is not None)


def _replaced(sample: Any, random: Random) -> Iterator[Mutant]:
    """Something else altogether."""
    word = random.choice(_WORDS)
    yield Mutant(_error(random), "replaced", "an error object instead")
    yield Mutant({}, "replaced", "an empty object instead")
    yield Mutant(_page(random), "replaced", "a web page instead")
    yield Mutant({f"{word}_{random.randrange(1000)}": sample}, "replaced", "wrapped in an unknown object")
    yield Mutant(None, "replaced", "null instead")
    yield Mutant([], "replaced", "an empty list instead")
    yield Mutant([sample], "replaced", "wrapped in a list")


def _retyped(sample: Any, steps: list[Steps], usual: Profile, random: Random) -> Iterator[Mutant]:
    for way in steps:
        before = part_at(sample, way)
        place = usual.at(way)
        known = {_broad(kind) for kind in (type_of(before), *(place.types if place is not None else ()))}
        others = [value for value in _of_each_type(random) if _broad(type_of(value)) not in known]
        for new in random.sample(others, min(2, len(others))):
            what = f"{_place(way)} is {type_of(new)} for {type_of(before)}"
            yield Mutant(changed(sample, way, new), "retyped", what)


def _dropped(sample: Any, steps: list[Steps], usual: Profile) -> Iterator[Mutant]:
    for way in steps:
        around, place = usual.at(way[:-1]), usual.at(way)
        is_optional = around is not None and place is not None and place.count < around.types.get("object", 0)
        if isinstance(way[-1], str) and not is_optional:
            yield Mutant(changed(sample, way, REMOVED), "dropped", f"{_place(way)} is dropped")


def _nulled(sample: Any, steps: list[Steps], usual: Profile) -> Iterator[Mutant]:
    for way in steps:
        place = usual.at(way)
        if part_at(sample, way) is not None and not (place is not None and "null" in place.types):
            yield Mutant(changed(sample, way, None), "nulled", f"{_place(way)} is null")


def _reshaped(sample: Any, steps: list[Steps], random: Random) -> Iterator[Mutant]:
    """Lists for objects and objects for lists, numbers as text, one level too many."""
    for way in steps:
        part = part_at(sample, way)
        if isinstance(part, dict):
            new: Any = [part]
        elif isinstance(part, list):
            new = {str(index): item for index, item in enumerate(part[:3])}
        elif isinstance(part, int | float):
            new = json.dumps(part)
        else:
            new = {random.choice(_WORDS): part}
        yield Mutant(changed(sample, way, new), "reshaped", f"{_place(way)} is reshaped")


def _spoilt(sample: Any, steps: list[Steps], random: Random) -> Iterator[Mutant]:
    """Errors and pages inside, and items that are cut off."""
    for way in steps:
        part = part_at(sample, way)
        if isinstance(way[-1], int) and not isinstance(part, str):
            half = dict(list(part.items())[: len(part) // 2]) if isinstance(part, dict) else {}
            new = half or json.dumps(part)[: random.randint(1, 12)]
            yield Mutant(changed(sample, way, new), "spoilt", f"{_place(way)} is cut off")
        elif isinstance(part, dict | list | str):
            yield Mutant(changed(sample, way, _error(random)), "spoilt", f"{_place(way)} is an error object")
        else:
            yield Mutant(changed(sample, way, _page(random)), "spoilt", f"{_place(way)} is a web page")


def _of_each_type(random: Random) -> list[Any]:
    """A value of each type but null, which has mutants of its own."""
    word = f"{random.choice(_WORDS)} {random.randrange(10**6)}"
    return [word, random.randrange(10**6) + 0.5, random.random() < 0.5, [word], {word: random.randrange(10**6)}]


def _broad(kind: str) -> str:
    return "number" if kind == "integer" else kind


def _error(random: Random) -> dict[str, Any]:
    text = f"{random.choice(_ERRORS)} ({random.randrange(10**6)})"
    return random.choice(
        ({"error": text}, {"detail": text}, {"error": {"code": 500, "message": text}}, {"message": text})
    )


def _page(random: Random) -> str:
    return f"<!DOCTYPE html><html><head><title>{random.choice(_ERRORS)} {random.randrange(10**6)}</title></head></html>"


def _place(way: Steps) -> str:
    return join(way)[:200]


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _size(value: Any) -> int:
    """Values in a value."""
    total, stack = 0, [value]
    while stack:
        part = stack.pop()
        total += 1
        stack.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return total


def _validator(schema: Any) -> Validator:
    check_schema(schema)
    return Validator(schema if isinstance(schema, dict) else {} if schema else {"not": {}})
