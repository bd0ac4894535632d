"""How well a tool answers a query: which of its words it has, how much these say, and whether that is good enough.

BM25 orders tools but cannot say that the best one is no answer: its scores do not compare between queries. So the share
of the query's meaning that a tool covers is weighed separately. A word weighs as much as it is rare in the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from orchestra_tools.discovery.index import Index
from orchestra_tools.discovery.synonyms import SYNONYMS
from orchestra_tools.discovery.text import FILLER_WORDS, query_words, split_words

Confidence = Literal["good", "weak", "none"]
CLOSE: Final = "close in meaning"
_RISING: Final[tuple[Confidence, ...]] = ("none", "weak", "good")
_JUDGED = 3

# All of these are set on the requests of tests/discovery/queries.json that are marked "tune"; those held out are
# measured by bench/retrieval.py.
GOOD_COVERAGE = 0.5
CERTAIN_COVERAGE = 0.75  # from here one word is enough
WEAK_COVERAGE = 0.15  # "nothing fits" shows no tool, so it must seldom be wrong
_UNKNOWN_WEIGHT = 0.5  # of the rarest word: it may be the subject, or something the tool would be asked about
_NAME_WEIGHT = 0.15  # of the rarest word: names of people and places, numbers
_PARAMETER_CREDIT = 0.5  # what a tool takes tells less than what it is for
# By meaning: closeness and, for a part, coverage.
_COVERAGE_SHARE = 0.3
_GOOD_SUPPORT = 0.45
CLOSE_FROM = 0.3
_MAX_DEMAND = 5  # rarest words: a long request tells a story, and no tool has all of its words


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks for.

    Attributes:
        search: The words to search with, synonyms included.
        stems: For each word that carries the subject, its stem and those of its synonyms.
        weights: How much each of these words says.
        demand: What a tool's words must weigh to cover it all.
        unknown: Those words that no tool has, in any form.
    """

    search: tuple[str, ...]
    stems: dict[str, frozenset[str]]
    weights: dict[str, float]
    demand: float
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """What a tool has of a query.

    Attributes:
        coverage: Share of the query's meaning, 0 to 1.
        fields: For each word found, where: "name", "subnet", "description", "parameters" or "category".
        closeness: Its score in a search by meaning; None where there was none, or its scale is not known.
    """

    coverage: float
    fields: dict[str, str]
    closeness: float | None = None

    @property
    def support(self) -> float:
        """How much speaks for it, by meaning and words, or by words alone; these two do not compare."""
        return self.coverage if self.closeness is None else self.closeness + _COVERAGE_SHARE * self.coverage

    @property
    def confidence(self) -> Confidence:
        """Whether this is an answer."""
        if self.closeness is not None:
            return "good" if self.support >= _GOOD_SUPPORT else "weak" if self.support >= CLOSE_FROM else "none"
        telling = sum(field != "parameters" for field in self.fields.values())
        if self.coverage >= CERTAIN_COVERAGE or (self.coverage >= GOOD_COVERAGE and telling > 1):
            return "good"
        return "weak" if self.coverage >= WEAK_COVERAGE else "none"

    def __str__(self) -> str:
        """As in "close in meaning; matches: search, web in name; news in description"."""
        places: dict[str, list[str]] = {}
        for word, field in self.fields.items():
            places.setdefault(field, []).append(word)
        found = [f"{', '.join(words)} in {field}" for field, words in places.items()]
        matches = f"matches: {'; '.join(found)}" if found else ""
        close = CLOSE if (self.closeness or 0) >= CLOSE_FROM else ""
        return "; ".join(filter(None, (close, matches)))


def judge(matches: Iterable[Match]) -> Confidence:
    """Whether a search found anything: the best of its first matches decides."""
    judged: list[Confidence] = ["none", *(each.confidence for each in islice(matches, _JUDGED))]
    return max(judged, key=_RISING.index)


def read_query(text: str, index: Index) -> Query:
    """Weigh the words of a query against an index."""
    words = query_words(text)
    subjects = [word for word in words if word not in FILLER_WORDS]
    forms = _with_synonyms(words, index)
    stemmed = index.stems(form for each in forms.values() for form in each)
    names = _proper_names(text)
    rarest = math.log(2 + len(index))
    weights: dict[str, float] = {}
    unknown: list[str] = []
    for word in subjects or words:
        known = [stemmed[form] for form in forms[word] if index.frequency(stemmed[form])]
        if known:
            weights[word] = index.rarity(known[0])
        else:
            weights[word] = rarest * (_NAME_WEIGHT if word in names or word.isdigit() else _UNKNOWN_WEIGHT)
            unknown.append(word)
    return Query(
        # Fillers too: they say little, but BM25 knows how little. Without them nDCG@10 on public sets falls by 0.003.
        search=tuple(dict.fromkeys(form for each in forms.values() for form in each)),
        stems={word: frozenset(stemmed[form] for form in forms[word]) for word in weights},
        weights=weights,
        # A wish without a subject ("find something") has near answers at best.
        demand=min(sum(weights.values()), _MAX_DEMAND * rarest) / (1.0 if subjects else WEAK_COVERAGE),
        unknown=tuple(unknown),
    )


def match_document(query: Query, key: str, index: Index, closeness: float | None = None) -> Match:
    """What the document under `key` has of a query; `closeness` is its score in a search by meaning."""
    fields = index.fields_of(key)
    found = {
        word: place
        for word, stems in query.stems.items()
        if (place := next((name for name, there in fields.items() if stems & there), None)) is not None
    }
    credit = sum(
        query.weights[word] * (_PARAMETER_CREDIT if place == "parameters" else 1.0) for word, place in found.items()
    )
    return Match(min(1.0, credit / query.demand) if query.demand else float(bool(found)), found, closeness)


def _with_synonyms(words: list[str], index: Index) -> dict[str, tuple[str, ...]]:
    """Each word, followed by its synonyms."""
    keys = {stem: word for word, stem in index.stems(SYNONYMS).items()}
    return {
        word: (word, *SYNONYMS[keys[stem]]) if stem in keys else (word,) for word, stem in index.stems(words).items()
    }


def _proper_names(text: str) -> frozenset[str]:
    """Words written like names: with a capital, but not only because a sentence begins."""
    return frozenset(word for run in text.split()[1:] if run[:1].isupper() for word in split_words(run))
