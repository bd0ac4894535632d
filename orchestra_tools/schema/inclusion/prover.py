"""Whether some value makes all literals of a problem true: a proof that none does, a value, or neither. No I/O.

A value of each kind is taken apart by the rules, choice by choice (a tableau). A branch is closed where its facts
contradict each other; parts of a value are problems of their own. Where a branch stays open, a value is built for it,
and it counts only if the engine agrees.

A problem that comes up again inside itself is taken to be empty: the smallest value of the outer one would hold a
smaller value of the same. What rests on that stands only while the outer problem turns out to be empty too.

Sound by this: forgetting a literal or a fact can only leave a branch open, never close it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from orchestra_tools.schema.engine import COMPILE_ERRORS
from orchestra_tools.schema.inclusion.branch import COMPOSITE, Branch, Choice
from orchestra_tools.schema.inclusion.facts import EMPTY, UNKNOWN, Answer, Problem, Status
from orchestra_tools.schema.inclusion.rules import Option, Rulebook
from orchestra_tools.schema.inclusion.universe import ANYTHING, NOTHING, Universe
from orchestra_tools.schema.inclusion.vocabulary import Kind

MAX_STEPS = 250_000
MAX_DEPTH = 110  # problems and choices inside one another; keeps clear of Python's own limit
_MAX_CANDIDATES = 600
_MAX_TRIED = 1_000  # items of options tried to find the narrowest choice
_ALONE = 1 << 30  # depth of a problem nothing rests on
_ORDER: tuple[Kind, ...] = ("string", "number", "object", "array", "boolean", "null")
_FEW: dict[str, tuple[Any, ...]] = {"boolean": (True, False), "null": (None,)}


class ExhaustedError(Exception):
    """The work that one question is worth is done."""


class Prover:
    """Answers problems about the classes of a universe, and remembers the answers."""

    def __init__(self, universe: Universe, max_steps: int = MAX_STEPS) -> None:
        self.universe = universe
        self._rules = Rulebook(universe)
        self._left = max_steps
        self._depth = 0
        self._kept: dict[Problem, tuple[Answer, int]] = {}
        self._open: dict[Problem, int] = {}
        self._trail: list[Problem] = []
        self._lowest = _ALONE

    def decide(self, sub: int, whole: int) -> Answer:
        """Look for a value that fits one class and not another."""
        try:
            return self.solve(frozenset({sub, -whole}))
        except (ExhaustedError, RecursionError, *COMPILE_ERRORS):  # a part may not compile apart from its whole
            self._open.clear()
            self._forget(0)
            self._depth = 0
            return UNKNOWN

    def is_empty(self, problem: Problem) -> bool:
        """Whether it is certain that no value fits."""
        return self.solve(problem).status is Status.EMPTY

    def solve(self, problem: Problem) -> Answer:
        """Look for a value that fits."""
        problem -= {ANYTHING, -NOTHING}
        if self._contradicts(problem):
            return EMPTY
        if (place := self._open.get(problem)) is not None:
            self._lowest = min(self._lowest, place)
            return EMPTY
        if (kept := self._kept.get(problem)) is not None:
            self._lowest = min(self._lowest, kept[1])
            return kept[0]
        if self._depth >= MAX_DEPTH:
            return UNKNOWN
        return self._settle(problem)

    def _contradicts(self, problem: Problem) -> bool:
        if NOTHING in problem or -ANYTHING in problem:
            return True
        return any(
            literal > 0 and -literal in problem and not self.universe.meaning(literal).circular for literal in problem
        )

    def _settle(self, problem: Problem) -> Answer:
        place, mark = len(self._open), len(self._trail)
        outer, self._lowest = self._lowest, _ALONE
        self._open[problem] = place
        self._depth += 1
        answer = self._answer(problem)
        self._depth -= 1
        del self._open[problem]
        if answer.status is Status.EMPTY:
            rests_on = self._lowest if self._lowest < place else _ALONE
            self._trail.append(problem)
            for each in self._trail[mark:]:
                self._kept[each] = (EMPTY, rests_on)
            if rests_on == _ALONE:
                del self._trail[mark:]
        else:
            rests_on = _ALONE
            self._forget(mark)
            self._kept[problem] = (answer, _ALONE)
        self._lowest = min(outer, rests_on)
        return answer

    def _forget(self, mark: int) -> None:
        for each in self._trail[mark:]:
            self._kept.pop(each, None)
        del self._trail[mark:]

    def _answer(self, problem: Problem) -> Answer:
        if (stated := self._stated(problem)) is not None:
            return self._only(problem, stated)
        answer = EMPTY
        for kind in self._kinds(problem):
            found = self._of_kind(problem, kind)
            if found.status is Status.FOUND:
                return found
            answer = UNKNOWN if found.status is Status.UNKNOWN else answer
        return answer

    def _stated(self, problem: Problem) -> list[Any] | None:
        """The values that a literal lists, where one does."""
        for literal in problem:
            if literal > 0:
                keywords = self.universe.meaning(literal).keywords
                for keyword in ("enum", "const"):
                    if keyword in keywords:
                        return list(keywords["enum"]) if keyword == "enum" else [keywords["const"]]
        return None

    def _kinds(self, problem: Problem) -> list[Kind]:
        allowed = set(_ORDER)
        for literal in problem:
            if literal > 0 and (kinds := self.universe.kinds(literal)) is not None:
                allowed &= kinds
        return [kind for kind in _ORDER if kind in allowed]

    def _of_kind(self, problem: Problem, kind: Kind) -> Answer:
        if kind not in COMPOSITE:
            return self._only(problem, _FEW[kind])
        branch = Branch(self.universe, self._rules, kind, self._spend)
        return self._explore(problem, branch) if branch.apply(tuple(problem)) else EMPTY

    def _explore(self, problem: Problem, branch: Branch) -> Answer:
        self._spend()
        if branch.among is not None:
            return self._only(problem, branch.among)
        if branch.facts.closed(self):
            return EMPTY
        if (values := branch.facts.finite()) is not None:
            return self._only(problem, values)
        if self._depth >= MAX_DEPTH:
            return UNKNOWN
        options = self._choose(branch)
        if options is None:
            candidates = itertools.islice(branch.facts.candidates(self), _MAX_CANDIDATES)
            return self._any_fitting(problem, candidates)
        return self._any_of(problem, branch, options)

    def _any_of(self, problem: Problem, branch: Branch, options: list[Option]) -> Answer:
        answer = EMPTY
        for option in options:
            way = branch.copy()
            if not way.apply(option):
                continue
            self._depth += 1
            found = self._explore(problem, way)
            self._depth -= 1
            if found.status is Status.FOUND:
                return found
            answer = UNKNOWN if found.status is Status.UNKNOWN else answer
        return answer

    def _choose(self, branch: Branch) -> list[Option] | None:
        """The options of the choice to make next, which is taken off the branch; None where none is left."""
        negative = [choice for choice in branch.choices if choice.negative]
        if len(negative) > 1:
            branch.choices = [each for each in branch.choices if not (each.negative and self._is_made(branch, each))]
            negative = [choice for choice in branch.choices if choice.negative]
        if not branch.choices:
            return branch.facts.split(self)
        # What must be broken is mostly closed before the rest is looked at; where several must be, the narrowest
        # choice keeps the number of branches down.
        chosen = negative[0] if len(negative) == 1 else self._narrowest(branch)
        branch.choices = [choice for choice in branch.choices if choice is not chosen]
        return chosen.options

    def _is_made(self, branch: Branch, choice: Choice) -> bool:
        return any(branch.implies(option, self) for option in choice.options)

    def _narrowest(self, branch: Branch) -> Choice:
        if sum(len(option) for choice in branch.choices for option in choice.options) > _MAX_TRIED:
            # A large union held against another: once its branch is known, most of the other is decided.
            return min(branch.choices, key=lambda choice: (choice.negative, len(choice.options)))

        def width(choice: Choice) -> int:
            return sum(branch.copy().apply(option) for option in choice.options)

        return min(branch.choices, key=width)

    def _only(self, problem: Problem, values: Iterable[Any]) -> Answer:
        """The answer where it can be nothing but one of some values."""
        answer = EMPTY
        for value in values:
            refusing = self._refusing(problem, value)
            if not refusing:
                return Answer(Status.FOUND, value)
            if all(self.universe.meaning(abs(literal)).unsure for literal in refusing):
                answer = UNKNOWN
        return answer

    def _any_fitting(self, problem: Problem, values: Iterable[Any]) -> Answer:
        """The first of some candidates that fits."""
        for value in values:
            self._spend()
            if all(self.universe.accepts(literal, value) for literal in problem):
                return Answer(Status.FOUND, value)
        return UNKNOWN

    def _refusing(self, problem: Problem, value: Any) -> list[int]:
        self._spend()
        return [literal for literal in problem if not self.universe.accepts(literal, value)]

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ExhaustedError
