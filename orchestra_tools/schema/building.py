"""One attempt at a value: built from the schema down, each part checked where it may be wrong. No I/O."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from orchestra_tools.schema.choices import TYPES, Node, Way, allowed_types, alternatives, enumerated, identity
from orchestra_tools.schema.guides import Guide, Path
from orchestra_tools.schema.members import MemberSource
from orchestra_tools.schema.prepared import ENDLESS, PreparedSchema
from orchestra_tools.schema.scalars import limit, numbers, strings
from orchestra_tools.schema.words import string_for

MAX_STEPS = 20_000  # parts one attempt may visit
MAX_NESTING = 60  # levels of a value
_CALM_STEPS = 4_000  # after so many, only what is required is made
_CALM_DEPTH = 12
_MAX_WAYS = 40
_MAX_TRIES = 400
# Where these stand, a value made part by part may still break the whole.
_RISKY = frozenset(
    {"not", "oneOf", "contains", "uniqueItems", "propertyNames", "patternProperties", "minProperties", "maxProperties"}
    | {"unevaluatedProperties", "unevaluatedItems", "dependentRequired", "dependentSchemas", "pattern", "format"}
    | {"minLength", "maxLength", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"enum", "const"}
)
# Which type a keyword speaks of, for schemas that state none.
_SIGNS = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
    "string": ("pattern", "format", "minLength", "maxLength", "contentEncoding", "contentMediaType"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}

Extent = Literal["all", "documented", "required", "smallest"]
"""Which optional properties are made: all, those with an example or default, none, or none with the shortest way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A strategy."""

    extent: Extent
    shuffled: bool = False
    defaults_first: bool = False


class StuckError(Exception):
    """Nothing fits here; another way may."""


class ExhaustedError(Exception):
    """The attempt took too many steps."""


class Attempt:
    """One walk through a schema with one strategy."""

    def __init__(self, prepared: PreparedSchema, plan: Plan, random: Random, guide: Guide | None) -> None:
        self.prepared = prepared
        self.plan = plan
        self.random = random
        self.guide = guide
        self.deepest: tuple[int, str] = (-1, "")
        self._steps = 0
        self._open: Counter[str] = Counter()
        self._small = 0

    def value(self, parts: Sequence[Node], path: Path, avoid: frozenset[Any] | set[Any] = frozenset()) -> Any:
        """A value that fits all of `parts` and is none of `avoid`.

        Raises:
            StuckError: None was found.
            ExhaustedError: The attempt is over.
        """
        self._steps += 1
        if self._steps > MAX_STEPS:
            self._remember(parts, path)
            raise ExhaustedError
        live = [part for part in parts if part is not True and part != {}]
        if len(path) <= MAX_NESTING and False not in live:
            for value, sure in itertools.islice(self._proposals(live, path), _MAX_TRIES):
                if avoid and identity(value) in avoid:
                    continue
                if sure or self.prepared.fits(live, value):
                    return value
        self._remember(live, path)
        raise StuckError

    def _remember(self, parts: Sequence[Node], path: Path) -> None:
        for part in parts:
            pointer = self.prepared.pointer_of(part)
            if pointer is not None and len(path) > self.deepest[0]:
                self.deepest = (len(path), pointer)

    def _proposals(self, parts: list[dict[str, Any]], path: Path) -> Iterator[tuple[Any, bool]]:
        """Values, each with whether it fits for sure."""
        if self.guide is not None:
            for value in self.guide.propose(path, self.prepared.plain(parts[0]) if parts else {}, self.random):
                yield value, not parts
        stated = [value for part in parts for value in self._stated(part)]
        yield from ((value, False) for value in stated)
        ways = alternatives(parts, self.prepared.follow, self._order)
        for way in itertools.islice(ways, _MAX_WAYS):
            sure = not any(_RISKY & part.keys() for part in way.parts)
            for value in self._build(way, path):
                yield value, sure
        yield from ((part["default"], False) for part in parts if "default" in part)

    def _stated(self, part: dict[str, Any]) -> list[Any]:
        """Values the schema itself names, where this strategy wants them."""
        examples = part.get("examples")
        found = list(examples) if isinstance(examples, list) else []
        if "example" in part:
            found.append(part["example"])
        if self.plan.defaults_first and part.get("default") is not None:
            found.append(part["default"])
        return found

    def _order(self, branches: Sequence[Node]) -> Sequence[Node]:
        """Branches, the most promising first."""
        ordered = list(branches)
        if self.plan.shuffled:
            self.random.shuffle(ordered)
        if self.calm(()):
            ordered.sort(key=self.prepared.height)
        # Null last, then what would come back to itself.
        ordered.sort(
            key=lambda branch: (self._is_open(branch), isinstance(branch, dict) and branch.get("type") == "null")
        )
        return ordered

    def _is_open(self, branch: Node) -> bool:
        if not isinstance(branch, dict):
            return False
        if self._open[branch.get("$ref", "")] > 0:
            return True
        items = branch.get("items")
        return isinstance(items, dict) and self._open[items.get("$ref", "")] > 0

    def calm(self, path: Path) -> bool:
        """Whether only what is needed should be made from here on."""
        return self.plan.extent == "smallest" or self._small > 0 or self._steps > _CALM_STEPS or len(path) > _CALM_DEPTH

    def _build(self, way: Way, path: Path) -> Iterator[Any]:
        options = enumerated(way.parts)
        names = [each for each in reversed(path) if isinstance(each, str)]
        name = names[0] if names else ""
        if options is not None:
            start = self.random.randrange(len(options)) if options and self.plan.extent == "all" else 0
            rotated = options[start:] + options[:start]
            named = string_for(name, self.random)
            # A null among choices means "nothing chosen".
            yield from sorted(rotated, key=lambda option: (option != named, option is None))
            return
        for kind in self._types(way.parts):
            match kind:
                case "object":
                    yield from self._tries(way, lambda bare: self._object(way.parts, path, bare=bare))
                case "array":
                    yield from self._tries(way, lambda bare: self._array(way.parts, path, bare=bare))
                case "string":
                    yield from strings(way.parts, name, self.random)
                case "integer" | "number":
                    yield from numbers(way.parts, names[:2], self.random, whole=kind == "integer")
                case "boolean":
                    first = self.random.random() < 0.5
                    yield first
                    yield not first
                case "null":
                    yield None

    def _types(self, parts: Sequence[dict[str, Any]]) -> list[str]:
        allowed = allowed_types(parts)
        if allowed is not None:
            ordered = allowed
        else:
            signs = [kind for kind, keys in _SIGNS.items() if any(key in part for part in parts for key in keys)]
            ordered = signs + [kind for kind in ("string", *TYPES) if kind not in signs]
            ordered = list(dict.fromkeys(ordered))
        null_first = self.calm(())
        return sorted(ordered, key=lambda kind: (kind != "null") if null_first else (kind == "null"))

    def _tries(self, way: Way, make: Callable[[bool], Any]) -> Iterator[Any]:
        """A few composites: as the strategy says, then with nothing but what is required."""
        for number in range(6):
            returns = any(self._open[ref] for ref in way.refs)
            self._open.update(way.refs)
            self._small += returns
            try:
                made = make(number in (2, 3))
            except StuckError:
                if number >= 2:
                    return
                continue
            finally:
                self._small -= returns
                self._open.subtract(way.refs)
            yield made

    def _object(self, parts: Sequence[dict[str, Any]], path: Path, *, bare: bool) -> dict[str, Any]:
        members = MemberSource(parts, self.prepared)
        most = limit(parts, "maxProperties", min)
        required = members.required()
        wanted = dict.fromkeys(required)
        if not (bare or self.calm(path)):
            wanted |= dict.fromkeys(name for name in members.known if self._wants(members, name))
        made: dict[str, Any] = {}
        left = len(required)
        for name in [
            *(name for name in members.known if name in wanted),
            *(n for n in wanted if n not in members.known),
        ]:
            needed = name in required
            left -= needed
            if needed or most is None or len(made) + left < most:
                self._add(made, members, name, path, needed=needed)
        self._fill(made, members, parts, path, bare=bare)
        return made

    def _wants(self, members: MemberSource, name: str) -> bool:
        if self.plan.extent == "all":
            return not any(self._is_open(schema) for schema in members.schemas_of(name) or ())
        return self.plan.extent == "documented" and any(
            schema.get("default") is not None or schema.get("examples")
            for schema in members.schemas_of(name) or ()
            if isinstance(schema, dict)
        )

    def _add(self, made: dict[str, Any], members: MemberSource, name: str, path: Path, *, needed: bool) -> None:
        schemas = members.schemas_of(name)
        if schemas is None:
            if needed:
                raise StuckError
            return
        try:
            made[name] = self.value(schemas, (*path, name))
        except StuckError:
            if needed:
                raise

    def _fill(
        self, made: dict[str, Any], members: MemberSource, parts: Sequence[dict[str, Any]], path: Path, *, bare: bool
    ) -> None:
        """Add members until there are enough, and a few that only `additionalProperties` describes."""
        least = int(limit(parts, "minProperties", max) or 0)
        extras = 0
        if self.plan.extent == "all" and not bare and not self.calm(path) and members.describes_additional():
            extras = 2
            if (most := limit(parts, "maxProperties", min)) is not None:
                extras = max(0, min(2, int(most) - len(made)))
        if len(made) >= least and not extras:
            return
        extras += len(made)
        for name in members.further_names(self.random):
            if len(made) >= max(least, extras):
                return
            if name not in made and (schemas := members.schemas_of(name)) is not None:
                try:
                    made[name] = self.value(schemas, (*path, name))
                except StuckError:
                    continue
        if len(made) < least:
            raise StuckError

    def _array(self, parts: Sequence[dict[str, Any]], path: Path, *, bare: bool) -> list[Any]:
        least, most = int(limit(parts, "minItems", max) or 0), limit(parts, "maxItems", min)
        needs = [
            _Need(part["contains"], int(part.get("minContains", 1)), part.get("maxContains"))
            for part in parts
            if "contains" in part
        ]
        length = max(least, sum(need.least for need in needs), self._length(parts, path, bare=bare))
        length = length if most is None else min(length, int(most))
        unique = any(part.get("uniqueItems") for part in parts)
        made: list[Any] = []
        seen: set[Any] = set()
        while len(made) < length:
            schemas = _item_schemas(parts, len(made))
            try:
                if False in schemas:
                    raise StuckError
                made.append(self._item(schemas, needs, (*path, len(made)), seen))
            except StuckError:
                if len(made) < least:
                    raise
                break
            if unique:
                seen.add(identity(made[-1]))
        return made

    def _item(self, schemas: list[Node], needs: list[_Need], path: Path, seen: set[Any]) -> Any:
        """One item; it meets a `contains` that is not met yet, if it can."""
        full = [{"not": need.schema} for need in needs if need.most is not None and need.met >= need.most]
        open_needs = [need.schema for need in needs if need.met < need.least]
        attempts = [[*schemas, *open_needs], *([*schemas, one] for one in open_needs), schemas]
        for number, attempt in enumerate(attempts):
            try:
                item = self.value([*attempt, *full], path, seen)
            except StuckError:
                if number == len(attempts) - 1:
                    raise
                continue
            for need in needs:
                need.met += self.prepared.fits([need.schema], item)
            return item
        raise StuckError

    def _length(self, parts: Sequence[dict[str, Any]], path: Path, *, bare: bool) -> int:
        if bare or self.calm(path):
            return 0
        if self.guide is not None and (asked := self.guide.count(path)) is not None:
            return asked
        if any(self.prepared.height(part["items"]) >= ENDLESS for part in parts if isinstance(part.get("items"), dict)):
            return 0
        prefix = max((len(part.get("prefixItems", ())) for part in parts), default=0)
        return max(prefix, 2 if len(path) < 4 and self.plan.extent == "all" else 1)


@dataclass(slots=True)
class _Need:
    """A `contains`, and how many items meet it so far."""

    schema: Node
    least: int
    most: int | None
    met: int = 0


def _item_schemas(parts: Sequence[dict[str, Any]], index: int) -> list[Node]:
    found: list[Node] = []
    for part in parts:
        prefix = part.get("prefixItems", ())
        found.append(prefix[index] if index < len(prefix) else part.get("items", True))
    return found
