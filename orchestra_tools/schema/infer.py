"""The schema of an operation's answers, inferred from samples. No I/O.

    inference = infer(responses)           # parsed JSON bodies, or `Response`s
    inference.schema                       # JSON Schema 2020-12; every sample that counted is valid under it
    inference.left_out                     # {ResponseKind.RATE_LIMITED: 3}
    inference.confidence["/properties/price"].absent_at_most    # 0.01: present in all of 300, so 3/300

    samples = Samples()                    # or bit by bit, on several machines, in any order
    samples.add(response)
    samples.merged(others).infer()

The schema is a function of the samples alone, not of their order. What is claimed from how much evidence is said in
`orchestra_tools.schema.inference.writing`; what was not claimed, and why, in the inference's notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema.inference.evidence import Evidence
from orchestra_tools.schema.inference.profile import MAX_KEYS, MAX_PLACES, Profile
from orchestra_tools.schema.inference.writing import Thresholds, Writer
from orchestra_tools.schema.limits import MAX_DEPTH, check_schema
from orchestra_tools.schema.response_kinds import MEANINGS
from orchestra_tools.schema.responses import Response, ResponseKind, judge_response, judge_value

_NOT_BOUNDED = "ranges of numbers, lengths of strings and lists, and positions in lists are not turned into rules"


@dataclass(frozen=True, slots=True)
class Inference:
    """What was inferred.

    Attributes:
        schema: JSON Schema 2020-12, let in by `check_schema`, with open objects.
        samples: How many samples counted.
        left_out: How many did not, by what they were instead.
        confidence: How much was seen of each place, by its JSON pointer in the schema.
        notes: What was left open or given up, and why.
    """

    schema: dict[str, Any]
    samples: int
    left_out: Mapping[ResponseKind, int]
    confidence: Mapping[str, Evidence]
    notes: tuple[str, ...]


class Samples:
    """Samples, profiled in bounded memory. Their order does not matter, nor in which parts they were merged."""

    def __init__(self, samples: Iterable[Any] = (), *, max_keys: int = MAX_KEYS, max_places: int = MAX_PLACES) -> None:
        """Take samples in; see `add`.

        Args:
            samples: The first ones.
            max_keys: Keys of one object from which they are no longer kept one by one.
            max_places: Places (properties, items) in all of which something is remembered.
        """
        self._profile = Profile(max_keys=max_keys, max_places=max_places)
        self._left_out: Counter[ResponseKind] = Counter()
        for sample in samples:
            self.add(sample)

    def __len__(self) -> int:
        """How many count."""
        return self._profile.samples

    @property
    def left_out(self) -> dict[ResponseKind, int]:
        """How many do not count, by what they are instead."""
        return dict(sorted(self._left_out.items()))

    def add(self, sample: Any) -> ResponseKind:
        """Take in a `Response` or a parsed JSON body, and say what it was; only a sample counts."""
        judged = judge_response(sample) if isinstance(sample, Response) else judge_value(sample)
        if judged.is_sample:
            self._profile.add(judged.value)
        else:
            self._left_out[judged.kind] += 1
        return judged.kind

    def merged(self, other: Samples) -> Samples:
        """The samples of both."""
        made = Samples()
        made._profile = self._profile.merged(other._profile)
        made._left_out = self._left_out + other._left_out
        return made

    def infer(self, *, required_after: int = 300, format_after: int = 30, enum_after: int | None = 300) -> Inference:
        """The schema of what was seen; see `infer`."""
        profile = self._profile
        writer = Writer(Thresholds(required_after, format_after, enum_after), profile.max_keys, profile.levels)
        schema = writer.write(profile.root)
        while not _is_let_in(schema):
            writer = Writer(writer.thresholds, writer.max_keys, writer.max_levels - 1)
            schema = writer.write(profile.root)
        return Inference(
            schema=schema,
            samples=len(self),
            left_out=self.left_out,
            confidence=writer.evidence,
            notes=tuple(self._notes(writer)),
        )

    def _notes(self, writer: Writer) -> Iterable[str]:
        if not len(self):
            yield "no sample counted, so any value is taken"
        for kind, count in self.left_out.items():
            yield f"{count:,} left out: {MEANINGS[kind]}"
        profile = self._profile
        if profile.levels < MAX_DEPTH:
            yield f"more than {profile.max_places:,} places, so only {profile.levels} levels are described"
        if writer.max_levels < profile.levels:
            yield f"a schema of everything would be too large, so only {writer.max_levels} levels are described"
        yield from writer.notes()
        yield _NOT_BOUNDED


def infer(
    samples: Iterable[Any],
    *,
    required_after: int = 300,
    format_after: int = 30,
    enum_after: int | None = 300,
) -> Inference:
    """Infer the schema that samples have in common.

    Args:
        samples: `Response`s or parsed JSON bodies; what is no answer is left out.
        required_after: Objects that must have been seen, all with a property, before it is required; by the rule of
            three, 300 bound its absence to 1 %. A tenth as many responses must have held them.
        format_after: Strings that must all have kept a format before it is claimed.
        enum_after: Responses that must have held nothing but a few constant-like words, each of them often, before
            those are claimed to be all; None = never.
    """
    return Samples(samples).infer(required_after=required_after, format_after=format_after, enum_after=enum_after)


def _is_let_in(schema: dict[str, Any]) -> bool:
    try:
        check_schema(schema)
    except SchemaRefusedError:
        return False
    return True
