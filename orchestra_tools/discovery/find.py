"""Finding tools: by capability, by text, or both, with filters; best first, and an honest "nothing fits".

    finder = Finder(index, catalogue.tools, statistics=lambda name: None)
    findings = finder.find("latest news about bittensor", max_cost=Decimal("0.05"))
    findings.confidence, [card.name for card in findings.cards]

The words of a text decide; what is measured of a tool, and whether it can be called now, shift the order mildly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from orchestra_tools.compile import Tool
from orchestra_tools.discovery.card import Card, card_of, shorten
from orchestra_tools.discovery.filters import Filters, Verdict
from orchestra_tools.discovery.fusion import DEPTH, fuse
from orchestra_tools.discovery.index import Hit, Index
from orchestra_tools.discovery.matching import (
    CLOSE,
    CLOSE_FROM,
    Confidence,
    Match,
    Query,
    judge,
    match_document,
    read_query,
)
from orchestra_tools.discovery.ranking import Candidate, capability_order, text_order
from orchestra_tools.discovery.vocabulary import Vocabulary, packaged_vocabulary
from orchestra_tools.model import Statistics

if TYPE_CHECKING:
    from orchestra_tools.discovery.semantic import MeaningIndex

CANDIDATES = 50  # of a text search, before they are ranked again
_LOOKED_AT = 3  # at least so many are matched with the query, for what the findings say of it


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found.

    Attributes:
        cards: Best first.
        confidence: "good"; "weak" if the cards are only the nearest there is; "none" if nothing fits.
        no_match: A sentence that says why, and what to do, unless the confidence is good.
        total: Tools that fit, before `limit`; a text search looks at no more than the best 50.
        unknown: Tools left out only because a figure that was asked for is not known of them.
        note: Why the search by meaning, though switched on, had no part in it.
    """

    cards: tuple[Card, ...]
    confidence: Confidence
    no_match: str | None
    total: int
    unknown: int = 0
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON form."""
        body: dict[str, Any] = {"tools": [card.to_json() for card in self.cards], "confidence": self.confidence}
        if self.no_match:
            body["no_match"] = self.no_match
        body["total"] = self.total
        return body | {name: value for name in ("unknown", "note") if (value := getattr(self, name))}


@dataclass(slots=True)
class _Search:
    """One search: what it is about, and what its filters have kept out so far."""

    pool: Mapping[str, Tool]
    patterns: tuple[str, ...]
    capabilities: tuple[str, ...]
    filters: Filters
    statistics: Callable[[str], Statistics | None]
    callable_with: Callable[[Tool], str | None] | None
    callable_now: bool
    within: Callable[[Tool], bool] | None = None
    failed: int = 0
    unknown: int = 0
    able: dict[str, Literal[True] | str | None] = field(default_factory=dict)
    verdicts: dict[str, Verdict | None] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)

    def accept(self, name: str) -> bool:
        """Whether the filters let a tool pass; if not, it is counted among those they kept out."""
        verdict = self._judge(name)
        if name not in self.counted:
            self.counted.add(name)
            self.failed += verdict == "fail"
            self.unknown += verdict == "unknown"
        return verdict == "pass"

    def accept_close(self, name: str, closeness: float) -> bool:
        """The same for a search by meaning, in which every tool comes up: of those far away none was kept out."""
        return self.accept(name) if closeness >= CLOSE_FROM else self._judge(name) == "pass"

    def _judge(self, name: str) -> Verdict | None:
        if name not in self.verdicts:
            self.verdicts[name] = self._judge_anew(name)
        return self.verdicts[name]

    def _judge_anew(self, name: str) -> Verdict | None:
        if (tool := self.pool.get(name)) is None or (self.within is not None and not self.within(tool)):
            return None
        if self.callable_now and isinstance(self.ability(tool), str):
            return "fail"
        return self.filters.judge(tool, self.measured(tool))

    def candidate(self, name: str, score: float = 0.0) -> Candidate:
        tool = self.pool[name]
        return Candidate(tool, self.measured(tool), self.ability(tool), score)

    def ability(self, tool: Tool) -> Literal[True] | str | None:
        if tool.name not in self.able:
            able: Literal[True] | str | None = tool.operation.obstacle
            if able is None and self.callable_with is not None:
                able = self.callable_with(tool) or True
            self.able[tool.name] = able
        return self.able[tool.name]

    def measured(self, tool: Tool) -> Statistics | None:
        found = self.statistics(tool.name)
        # What was measured of a stand-in says nothing of the subnet.
        return None if found is not None and found.sandbox and not tool.sandbox else found

    @property
    def left_out(self) -> str:
        """What the filters did, in words."""
        parts = [f"{self.failed} do not pass the filters"] if self.failed else []
        parts += [f"of {self.unknown} a figure asked for is not known"] if self.unknown else []
        return "; ".join(parts)


class Finder:
    """Searches the tools of one catalogue."""

    def __init__(
        self,
        index: Index,
        tools: Mapping[str, Tool],
        statistics: Callable[[str], Statistics | None] = lambda name: None,
        *,
        vocabulary: Vocabulary | None = None,
        meaning: MeaningIndex | None = None,
    ) -> None:
        """Search `tools`, whose documents `index` has.

        Args:
            index: Made with `document_of`; brought up to date by whoever changes the tools.
            tools: By name.
            statistics: What is measured of a tool, by name.
            vocabulary: Terms of capabilities; the packaged ones unless given. Terms of the tools are known as well.
            meaning: Has the same documents; takes part in every search by text.
        """
        self._index = index
        self._meaning = meaning
        self._tools = tools
        self._statistics = statistics
        self._by_capability: dict[str, dict[str, Tool]] = {}
        for name, tool in tools.items():
            for term in tool.capabilities:
                self._by_capability.setdefault(term, {})[name] = tool
        packaged = packaged_vocabulary() if vocabulary is None else vocabulary
        self._vocabulary = packaged.extended(sorted(self._by_capability))

    def find(
        self,
        text: str | None = None,
        *,
        capability: str | Iterable[str] | None = None,
        limit: int = 5,
        max_cost: Decimal | float | None = None,
        max_latency_ms: float | None = None,
        min_reliability: float | None = None,
        callable_with: Callable[[Tool], str | None] | None = None,
        callable_now: bool = False,
        audience: str | Collection[str] | None = None,
        read_only: bool | None = None,
        within: Callable[[Tool], bool] | None = None,
    ) -> Findings:
        """The tools that fit, best first.

        Args:
            text: What is wanted, in words.
            capability: Terms of the vocabulary, each exact or with `*` at its end; the tool has one of them.
            limit: At most so many cards.
            max_cost: Most that one call may cost, in USD.
            max_latency_ms: Most that half of the calls take.
            min_reliability: Least measured reliability, 0 to 1.
            callable_with: Says why a tool cannot be called now, or None if it can. By itself it ranks only.
            callable_now: Only tools that can be called now.
            audience: "consumer", "compute" or "operator", or several of them.
            read_only: Only tools that change nothing, or only such that do.
            within: Says of which tools the search knows at all.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
            InputError: `max_cost` is no amount.
        """
        patterns = () if capability is None else (capability,) if isinstance(capability, str) else tuple(capability)
        wanted = self.terms(patterns)
        having = {name: tool for term in wanted for name, tool in self._by_capability.get(term, {}).items()}
        filters = Filters.of(
            max_cost=max_cost,
            max_latency_ms=max_latency_ms,
            min_reliability=min_reliability,
            audience=audience,
            read_only=read_only,
        )
        pool = having if patterns else self._tools
        search = _Search(pool, patterns, wanted, filters, self._statistics, callable_with, callable_now, within)
        text = (text or "").strip()
        if patterns or not text:
            return self._find_by_capability(search, text, limit)
        return self._find_by_text(search, text, limit)

    def terms(self, patterns: Iterable[str]) -> tuple[str, ...]:
        """The terms of the vocabulary that some patterns mean, each once.

        Raises:
            UnknownCapabilityError: The vocabulary has no such term.
        """
        return tuple(dict.fromkeys(term for pattern in patterns for term in self._vocabulary.select(pattern)))

    def _find_by_capability(self, search: _Search, text: str, limit: int) -> Findings:
        """All tools that have it; a text orders them, and keeps none out."""
        fitting = [search.candidate(name) for name in search.pool if search.accept(name)]
        if not fitting:
            what = f"has {' or '.join(search.patterns)}" if search.patterns else "fits"
            return Findings((), "none", _sentence(f"No tool {what}", search.left_out), 0, search.unknown)
        query = read_query(text, self._index)
        hits, _ = self._search(query, text, len(fitting), search)
        scores = {hit.key: hit.score for hit in hits}
        best = self._order([replace(each, score=scores.get(each.tool.name, 0.0)) for each in fitting], search, query)
        cards = []
        for each in best[:limit]:
            found = match_document(query, each.tool.name, self._index)
            shared = _shared_capabilities(each.tool, search.capabilities)
            cards.append(_card(each, "; ".join(filter(None, (shared, str(found))))))
        return Findings(tuple(cards), "good", None, len(fitting), search.unknown, self._note(text))

    def _find_by_text(self, search: _Search, text: str, limit: int) -> Findings:
        query = read_query(text, self._index)
        hits, closeness = self._search(query, text, CANDIDATES, search)
        best = self._order([search.candidate(hit.key, hit.score) for hit in hits], search, query)
        if (named := text.lower()) in search.pool:
            best.sort(key=lambda each: each.tool.name != named)
        matches = [
            match_document(
                query, each.tool.name, self._index, closeness.get(each.tool.name) if self._calibrated else None
            )
            for each in best[: max(limit, _LOOKED_AT)]
        ]
        confidence: Confidence = "good" if best and best[0].tool.name == named else judge(matches)
        if confidence == "none" and closeness and not self._calibrated:
            confidence = "weak"  # words cannot tell what only the meaning has found
        if confidence == "none":
            return Findings((), "none", _nothing(query, text, search), 0, search.unknown, self._note(text))
        cards = tuple(
            _card(each, str(found) or (CLOSE if each.tool.name in closeness else ""))
            for each, found in zip(best[:limit], matches, strict=False)
        )
        no_match = None if confidence == "good" else _nearest(query, matches[:_LOOKED_AT])
        return Findings(cards, confidence, no_match, len(best), search.unknown, self._note(text))

    def _search(
        self, query: Query, text: str, limit: int, search: _Search
    ) -> tuple[Sequence[Hit], Mapping[str, float]]:
        """The best tools by words and, if that is ready, by meaning too; and how close in meaning each is."""
        if not text:
            return (), {}
        depth = max(limit, DEPTH)
        close = None if self._meaning is None else self._meaning.search(text, limit=depth, accept=search.accept_close)
        if close is None:
            return self._index.search(query.search, limit=limit, accept=search.accept), {}
        words = self._index.search(query.search, limit=depth, accept=search.accept)
        found, closeness = fuse(words, close), {hit.key: hit.score for hit in close}
        if self._calibrated:
            # What shares no word with the query must at least be close to it.
            worded = {hit.key for hit in words}
            found = [hit for hit in found if hit.key in worded or closeness[hit.key] >= CLOSE_FROM]
        return found[:limit], closeness

    @property
    def _calibrated(self) -> bool:
        return self._meaning is not None and self._meaning.embedder.calibrated

    def _note(self, text: str) -> str | None:
        return self._meaning.note if self._meaning is not None and text else None

    def _order(self, candidates: list[Candidate], search: _Search, query: Query) -> list[Candidate]:
        exact = frozenset(pattern.rstrip("*") for pattern in search.patterns)
        stems = frozenset[str]().union(*query.stems.values())
        ordered = sorted(candidates, key=lambda each: capability_order(each, search.capabilities, exact))
        return sorted(ordered, key=lambda each: text_order(each, stems, self._main_capability_stems(each.tool)))

    def _main_capability_stems(self, tool: Tool) -> frozenset[str]:
        words = tool.capabilities[0].split("_") if tool.capabilities else []
        return frozenset(self._index.stems(words).values())


def _card(candidate: Candidate, why: str) -> Card:
    return card_of(candidate.tool, statistics=candidate.statistics, callable_now=candidate.callable, why=why)


def _shared_capabilities(tool: Tool, wanted: Collection[str]) -> str:
    shared = [term for term in tool.capabilities if term in wanted]
    return f"capability {', '.join(shared)}" if shared else ""


def _nothing(query: Query, text: str, search: _Search) -> str:
    what = f"No tool of this ledger fits {shorten(text, 80)!r}"
    unknown = f"no tool knows {', '.join(query.unknown[:5])}" if query.unknown else ""
    remedy = "Say what the tool should do, or search by capability"
    return _sentence(what, "; ".join(filter(None, (unknown, search.left_out))), remedy)


def _nearest(query: Query, matches: Iterable[Match]) -> str:
    found = {word for each in matches for word in each.fields}
    missing = [word for word in query.weights if word not in found][:5]
    return _sentence(
        "No tool clearly fits; these are the nearest", f"none of them has {', '.join(missing)}" if missing else ""
    )


def _sentence(what: str, detail: str, remedy: str = "") -> str:
    return " ".join(filter(None, (f"{what}{f' ({detail})' if detail else ''}.", f"{remedy}." if remedy else "")))
