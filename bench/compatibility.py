"""Verdicts on changed schemas, beside jsoncompat's on the same pairs.

    python bench/compatibility.py [--pairs N] [--fixtures FOLDER] [--suite FOLDER] [--json]

Three sets: jsoncompat's own 63 pairs both ways, neighbouring schemas of the JSON-Schema-Test-Suite, and random schemas
with random edits (10,000 differences). "False compatible" is a "compatible" that a value refutes: an example of the
set, or one found by search, valid on the one side and not on the other by our validator. jsoncompat is told nothing
about formats, which it takes for remarks; where only a format makes the difference, its verdict is not held against it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import jsoncompat
import jsonschema_rs

if not __package__:
    # Run as a file: its own folder has a module called mcp, which must not hide the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.compatibility_pairs import ask_jsoncompat, edited, random_document, random_schema, refutation, signed
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema import check_schema, compare

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "vectors"


@dataclass
class Pair:
    """Whether `sub` is included in `whole` is asked."""

    sub: Any
    whole: Any
    values: list[Any] = field(default_factory=list)


@dataclass
class Score:
    """What one checker said about a set."""

    checker: str
    set: str
    pairs: int = 0
    compatible: int = 0
    incompatible: int = 0
    undecided: int = 0
    errors: int = 0
    false_compatible: int = 0
    false_incompatible: int = 0
    seconds: float = 0.0


def fixture_pairs(folder: Path) -> Iterator[Pair]:
    """jsoncompat's pairs, both ways, with their examples."""
    for each in sorted(folder.iterdir()):
        old, new = (json.loads((each / f"{name}.json").read_text("utf-8")) for name in ("old", "new"))
        examples = each / "examples.json"
        lists = json.loads(examples.read_text("utf-8")).values() if examples.exists() else ()
        values = [value for values in lists for value in values]
        yield Pair(new, old, values)
        yield Pair(old, new, values)


def suite_pairs(folder: Path) -> Iterator[Pair]:
    """Neighbours in each file of the test suite, both ways, with their instances."""
    for path in sorted(folder.rglob("*.json")):
        for one, other in pairwise(json.loads(path.read_text("utf-8"))):
            values = [case["data"] for group in (one, other) for case in group["tests"]]
            yield Pair(one["schema"], other["schema"], values)
            yield Pair(other["schema"], one["schema"], values)


def random_pairs() -> Iterator[Pair]:
    """Random schemas and edits of them, both ways, without end."""
    for seed in count():
        random = Random(f"bench {seed}")
        one = signed(random_document(random))
        two = signed(edited(one, random))
        three = signed(random_schema(random, 2))
        four = signed({random.choice(("anyOf", "oneOf", "allOf")): [edited(three, random), random_schema(random, 2)]})
        yield from (Pair(one, two), Pair(two, one), Pair(three, four), Pair(four, three))


def ours(pair: Pair) -> bool | None:
    """Our verdict."""
    return compare(pair.sub, pair.whole, direction="input").compatible


def theirs(pair: Pair) -> bool | None:
    """jsoncompat's verdict; it has no third one."""
    sides = json.dumps(pair.sub), json.dumps(pair.whole)
    return bool(ask_jsoncompat(lambda: jsoncompat.check_compat(*sides, role="deserializer")))


def refuted(pair: Pair, *, formats: bool) -> bool:
    """Whether a value shows that `sub` is not included in `whole`."""
    validator = jsonschema_rs.Draft202012Validator
    one, other = (validator(side, validate_formats=formats) for side in (pair.sub, pair.whole))
    if any(one.is_valid(value) and not other.is_valid(value) for value in pair.values):
        return True
    found = refutation(pair.sub, pair.whole, Random(0))
    return any(one.is_valid(value) and not other.is_valid(value) for value in found)


def let_in(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs that pass the intake limits."""
    for pair in pairs:
        try:
            check_schema(pair.sub)
            check_schema(pair.whole)
        except SchemaRefusedError:
            continue
        yield pair


def score(name: str, pairs: list[Pair]) -> list[Score]:
    """Both checkers on one set."""
    told: list[list[bool | None]] = []
    mine, other = Score("orchestra", name, len(pairs)), Score("jsoncompat", name, len(pairs))
    for checker, result in ((ours, mine), (theirs, other)):
        answers: list[bool | None] = []
        started = time.perf_counter()
        for pair in pairs:
            try:
                answers.append(checker(pair))
            except (ValueError, RecursionError):
                result.errors += 1
                answers.append(None)
        result.seconds = round(time.perf_counter() - started, 2)
        counted = Counter(answers)
        result.compatible, result.incompatible = counted[True], counted[False]
        result.undecided = counted[None] - result.errors
        told.append(answers)
    for pair, (mine_said, they_said) in zip(pairs, zip(*told, strict=True), strict=True):
        mine.false_compatible += mine_said is True and refuted(pair, formats=True)
        other.false_compatible += they_said is True and refuted(pair, formats=False)
        other.false_incompatible += they_said is False and mine_said is True
    return [mine, other]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000, help="random differences (default: 10,000)")
    fixtures = DATA / "jsoncompat-fixtures" / "tests" / "fixtures" / "backcompat"
    suite = DATA / "json-schema-test-suite" / "tests" / "draft2020-12"
    parser.add_argument("--fixtures", type=Path, default=fixtures, help="jsoncompat's backcompat fixtures")
    parser.add_argument("--suite", type=Path, default=suite, help="the test suite's draft2020-12")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    sets = {
        "jsoncompat's fixtures": let_in(fixture_pairs(options.fixtures)),
        "JSON-Schema-Test-Suite": let_in(suite_pairs(options.suite)),
        "random edits": islice(let_in(random_pairs()), options.pairs),
    }
    scores = [each for name, pairs in sets.items() for each in score(name, list(pairs))]
    if options.json:
        print(json.dumps([asdict(each) for each in scores], indent=2))
        return
    print("| set | checker | pairs | compatible | incompatible | undecided | errors | false compatible "
          "| incompatible that we prove compatible | s |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for each in scores:
        print(
            f"| {each.set} | {each.checker} | {each.pairs:,} | {each.compatible:,} | {each.incompatible:,} "
            f"| {each.undecided:,} | {each.errors:,} | **{each.false_compatible}** | {each.false_incompatible:,} "
            f"| {each.seconds} |"
        )


if __name__ == "__main__":
    main()
