"""One way a value can be, while the prover is still choosing. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from orchestra_tools.schema.choices import identity
from orchestra_tools.schema.inclusion.arrays import Arrays
from orchestra_tools.schema.inclusion.facts import Facts, Reasoner
from orchestra_tools.schema.inclusion.numbers import Numbers
from orchestra_tools.schema.inclusion.objects import Objects
from orchestra_tools.schema.inclusion.rules import Option, Rulebook
from orchestra_tools.schema.inclusion.texts import Texts
from orchestra_tools.schema.inclusion.universe import ANYTHING, NOTHING, Universe
from orchestra_tools.schema.inclusion.vocabulary import Kind

_WORLDS: dict[Kind, Callable[[], Facts]] = {"number": Numbers, "string": Texts, "array": Arrays, "object": Objects}
COMPOSITE = frozenset(_WORLDS)
"""Kinds with more than a few values."""


class Choice(NamedTuple):
    """Options of which one holds."""

    options: list[Option]
    negative: bool = False


class Branch:
    """Literals, facts and open choices."""

    def __init__(self, universe: Universe, rules: Rulebook, kind: Kind, spend: Callable[[], None]) -> None:
        self.kind: Kind = kind
        self.literals: set[int] = set()
        self.choices: list[Choice] = []
        self.facts = _WORLDS[kind]()
        self.among: list[Any] | None = None
        self._universe = universe
        self._rules = rules
        self._spend = spend

    def copy(self) -> Branch:
        """A copy that can go another way."""
        other = Branch.__new__(Branch)
        other.kind, other._universe, other._rules, other._spend = self.kind, self._universe, self._rules, self._spend
        other.literals, other.choices = set(self.literals), list(self.choices)
        other.facts, other.among = self.facts.copy(), self.among
        return other

    def apply(self, option: Option) -> bool:
        """Take items in, with all that follows at once; False where they contradict what is known."""
        todo = list(option)
        while todo:
            item = todo.pop()
            brought = self._assume(item) if isinstance(item, int) else self._learn(item)
            if brought is None:
                return False
            todo.extend(brought)
        return True

    def implies(self, option: Option, reasoner: Reasoner) -> bool:
        """Whether an option is known to hold already."""
        return bool(option) and all(
            item in self.literals if isinstance(item, int) else self.facts.implies(item, reasoner) for item in option
        )

    def _learn(self, fact: Any) -> Option | None:
        match fact:
            case ("among", values):
                if self.among is not None:
                    known = {identity(value) for value in self.among}
                    values = [value for value in values if identity(value) in known]
                self.among = list(values)
                return ()
            case ("any", options):
                self.choices.append(Choice(list(options)))
                return ()
            case ("none_of", _):
                return ()  # the engine sorts these out when a value is made
        return self.facts.add(fact)

    def _assume(self, literal: int) -> Option | None:
        if literal in (ANYTHING, -NOTHING) or literal in self.literals:
            return ()
        if literal in (NOTHING, -ANYTHING):
            return None
        self._spend()
        number = abs(literal)
        if -literal in self.literals and not self._universe.meaning(number).circular:
            return None
        self.literals.add(literal)
        if literal > 0:
            found = self._rules.consequences(number, self.kind)
            if not all(found.choices):
                return None
            self.choices += map(Choice, found.choices)
            return tuple(found.items)
        ways = self._rules.escapes(number, self.kind)
        if ways is None:
            return ()
        if len(ways) > 1:
            self.choices.append(Choice(ways, negative=True))
            return ()
        return ways[0] if ways else None
