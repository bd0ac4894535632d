"""What is known of an object. No I/O.

Members that are spoken of by name have their own literals. Any other member is a *stranger*: which rules hold for it
depends on the patterns its name matches, so a stranger is looked for once for each set of patterns.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

from orchestra_tools.schema.inclusion.facts import Problem, Reasoner, Status
from orchestra_tools.schema.inclusion.rules import Item, Option
from orchestra_tools.schema.inclusion.universe import NOTHING, matches

_MAX_PATTERNS = 5  # patterns told apart for strangers; with more, a stranger is taken to be possible
_MAX_FILLED = 60  # members added only to have enough of them
_MAX_OPTIONAL = 40
_NONE: Problem = frozenset()
Slot = tuple[Problem, Problem]  # literals of the name, literals of the value
Other = tuple[frozenset[str], tuple[str, ...], int]  # names and patterns it is not for, literal of the value


class Objects:
    """Which members there are, which not, and what holds for their names and values."""

    def __init__(self) -> None:
        self._fewest = 0
        self._most: int | None = None
        self._required: dict[str, None] = {}
        self._lacking: frozenset[str] = frozenset()
        self._named: dict[str, Problem] = {}
        self._matching: tuple[tuple[str, int], ...] = ()
        self._others: tuple[Other, ...] = ()
        self._names: Problem = _NONE
        self._when: tuple[tuple[str, Option], ...] = ()
        self._wanted: tuple[Slot, ...] = ()
        self._strangers: tuple[Slot, ...] = ()
        self._unchecked: frozenset[str] = frozenset()

    def copy(self) -> Objects:
        """A copy that can go another way."""
        other = copy.copy(self)
        other._required, other._named = dict(self._required), dict(self._named)
        return other

    def add(self, fact: Item) -> Option | None:
        """Take a fact in; a member that is there may bring more with it."""
        match fact:
            case ("has", name):
                return self._require(name)
            case ("lacks", name):
                if name in self._required:
                    return None
                self._lacking |= {name}
            case ("member", name, literal):
                self._named[name] = self._named.get(name, _NONE) | {literal}
                self._unchecked |= {name}
            case ("when", name, items):
                if name in self._required:
                    return tuple(items)
                self._when = (*self._when, (name, items))
            case ("some_member", names, values):
                self._wanted = (*self._wanted, (names, values))
            case ("stranger", names, values):
                self._strangers = (*self._strangers, (names, values))
            case _:
                self._take_rule(fact)
        return ()

    def _take_rule(self, fact: Item) -> None:
        match fact:
            case ("shortest", length):
                self._fewest = max(self._fewest, length)
                return
            case ("longest", length):
                self._most = length if self._most is None else min(self._most, length)
                return
            case ("matching", pattern, literal):
                self._matching = (*self._matching, (pattern, literal))
            case ("other", names, patterns, literal):
                self._others = (*self._others, (names, patterns, literal))
            case ("names", literal):
                self._names |= {literal}
        self._unchecked |= self._required.keys()

    def _require(self, name: str) -> Option | None:
        if name in self._lacking:
            return None
        if name in self._required:
            return ()
        self._required[name] = None
        self._unchecked |= {name}
        brought = tuple(item for trigger, items in self._when if trigger == name for item in items)
        self._when = tuple(each for each in self._when if each[0] != name)
        return brought

    def implies(self, fact: Item, reasoner: Reasoner) -> bool:
        """Whether a fact is known to hold already."""
        match fact:
            case ("has", name):
                return name in self._required
            case ("lacks", name):
                return name in self._lacking
            case ("member", name, literal):
                return not self._possible(name, reasoner, frozenset({-literal}))
        return False

    def closed(self, reasoner: Reasoner) -> bool:
        """Whether no object can be like this."""
        fewest = max(self._fewest, len(self._required) + bool(self._strangers))
        if self._most is not None and fewest > self._most:
            return True
        unchecked, self._unchecked = self._unchecked, frozenset()
        if any(not self._possible(name, reasoner) for name in self._required if name in unchecked):
            return True
        if any(not self._has_place(slot, reasoner) for slot in (*self._wanted, *self._strangers)):
            return True
        return self._fewest > len(self._required) and not self._has_room(reasoner)

    def _possible(self, name: str, reasoner: Reasoner, more: Problem = _NONE) -> bool:
        """Whether a member can be there, as far as one can tell."""
        literals = self._literals(name, reasoner)
        return literals is not None and not reasoner.is_empty(literals | more)

    def _literals(self, name: str, reasoner: Reasoner) -> Problem | None:
        """What holds for the value of a member; None where the member cannot be there."""
        if name in self._lacking or not all(reasoner.universe.accepts(each, name) for each in self._names):
            return None
        found = set(self._named.get(name, _NONE))
        found |= {literal for pattern, literal in self._matching if matches(pattern, name)}
        for names, patterns, literal in self._others:
            if name not in names and not any(matches(each, name) for each in patterns):
                found.add(literal)
        return None if NOTHING in found else frozenset(found)

    def _known(self, reasoner: Reasoner) -> dict[str, None]:
        """Every name that is spoken of."""
        known = dict.fromkeys([*self._required, *self._named, *sorted(self._lacking)])
        for names, _, _ in self._others:
            known |= dict.fromkeys(sorted(names))
        for slot_names, _ in ((self._names, None), *self._wanted, *self._strangers):
            for literal in slot_names:
                keywords = reasoner.universe.meaning(abs(literal)).keywords
                options = [*keywords.get("enum", ()), *([keywords["const"]] if "const" in keywords else ())]
                known |= dict.fromkeys(each for each in options if isinstance(each, str))
        return known

    def _places(self, slot: Slot, reasoner: Reasoner) -> Iterator[str]:
        """Known names that a wanted member may have."""
        names, values = slot
        for name in self._known(reasoner):
            if all(reasoner.universe.accepts(each, name) for each in names) and self._possible(name, reasoner, values):
                yield name

    def _has_place(self, slot: Slot, reasoner: Reasoner) -> bool:
        return any(True for _ in self._places(slot, reasoner)) or any(True for _ in self._forms(slot, reasoner))

    def _forms(self, slot: Slot, reasoner: Reasoner) -> Iterator[Slot]:
        """What holds for the name and the value of a stranger, for each set of patterns its name may match."""
        patterns = list(dict.fromkeys([each for each, _ in self._matching] + [p for o in self._others for p in o[1]]))
        base = slot[0] | self._names | {reasoner.universe.make({"type": "string"})}
        if known := self._known(reasoner):
            base |= {-reasoner.universe.make({"enum": list(known)})}
        if len(patterns) > _MAX_PATTERNS:
            yield base, slot[1]
            return
        for chosen in itertools.product((False, True), repeat=len(patterns)):
            hit = {pattern for pattern, is_hit in zip(patterns, chosen, strict=True) if is_hit}
            made = [(each in hit, reasoner.universe.make({"pattern": each})) for each in patterns]
            names = base | {number if is_hit else -number for is_hit, number in made}
            values = slot[1] | {literal for pattern, literal in self._matching if pattern in hit}
            values |= {literal for _, without, literal in self._others if hit.isdisjoint(without)}
            if not reasoner.is_empty(values) and not reasoner.is_empty(names):
                yield names, values

    def _has_room(self, reasoner: Reasoner) -> bool:
        """Whether there can be as many members as there must be."""
        if any(True for _ in self._forms((_NONE, _NONE), reasoner)):
            return True
        return sum(self._possible(name, reasoner) for name in self._known(reasoner)) >= self._fewest

    def finite(self) -> list[Any] | None:
        """The only objects it can be, if these are few."""
        return [{}] if self._most == 0 else None

    def split(self, reasoner: Reasoner) -> list[Option] | None:
        """Which member is the one that must exist under some name."""
        if not self._wanted:
            return None
        slot, self._wanted = self._wanted[0], self._wanted[1:]
        options: list[Option] = [
            (("has", name), *(("member", name, literal) for literal in slot[1]))
            for name in self._places(slot, reasoner)
        ]
        return [*options, (("stranger", *slot),)]

    def candidates(self, reasoner: Reasoner) -> Iterator[Any]:
        """The object with only what must be there; then with all that may be."""
        made: dict[str, Any] = {}
        for name in self._required:
            literals = self._literals(name, reasoner)
            answer = None if literals is None else reasoner.solve(literals)
            if answer is None or answer.status is not Status.FOUND:
                return
            made[name] = answer.value
        for slot in self._strangers:
            if not self._add_stranger(made, slot, reasoner):
                return
        self._fill(made, reasoner)
        yield made
        full = dict(made)
        for name in itertools.islice(self._known(reasoner), _MAX_OPTIONAL):
            self._add_known(full, name, reasoner)
        if self._has_space(full):
            self._add_stranger(full, (_NONE, _NONE), reasoner)
        yield full

    def _fill(self, made: dict[str, Any], reasoner: Reasoner) -> None:
        for name in self._known(reasoner):
            if len(made) >= self._fewest:
                return
            self._add_known(made, name, reasoner)
        for _ in range(min(_MAX_FILLED, self._fewest - len(made))):
            if not self._add_stranger(made, (_NONE, _NONE), reasoner):
                return

    def _has_space(self, made: dict[str, Any]) -> bool:
        return self._most is None or len(made) < self._most

    def _add_known(self, made: dict[str, Any], name: str, reasoner: Reasoner) -> None:
        triggers = {trigger for trigger, _ in self._when}
        if name in made or name in triggers or not self._has_space(made):
            return
        literals = self._literals(name, reasoner)
        answer = None if literals is None else reasoner.solve(literals)
        if answer is not None and answer.status is Status.FOUND:
            made[name] = answer.value

    def _add_stranger(self, made: dict[str, Any], slot: Slot, reasoner: Reasoner) -> bool:
        taken = {-reasoner.universe.make({"const": name}) for name in made}
        for names, values in self._forms(slot, reasoner):
            name, value = reasoner.solve(names | taken), reasoner.solve(values)
            if name.status is Status.FOUND and value.status is Status.FOUND and isinstance(name.value, str):
                made[name.value] = value.value
                return True
        return False
