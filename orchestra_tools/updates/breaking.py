"""Whether a difference between two versions of an operation breaks those who call it, as far as that is certain.

Direction decides: what goes in may be widened, what comes out may be narrowed. Only what is certain is said: where a
keyword that can turn "wider" into "narrower" stands anywhere in a schema, or a difference lies inside a choice, it
stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from orchestra_tools.compile import ABSENT, Difference
from orchestra_tools.schema import resolve
from orchestra_tools.schema.limits import DATA_KEYWORDS, MAPS_OF_SCHEMAS
from orchestra_tools.schema.pointer import join, split

TEXTS = frozenset({"title", "description", "use_when", "notes", "docs_url", "confidence"})
_ANNOTATIONS = frozenset({"title", "description", "examples", "example", "$comment", "deprecated"})
_MAPS = frozenset({"properties", "$defs", "definitions"})
_PLAIN_STEPS = frozenset({"items", "additionalProperties"})
_TURNING = frozenset(
    {"not", "if", "then", "else", "oneOf", "contains", "propertyNames", "dependentSchemas", "unevaluatedProperties"}
)
_NUMBER, _INTEGER = repr("number"), repr("integer")
_LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_UPPER_BOUNDS = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})


class Verdict(Enum):
    """What a difference does to callers."""

    TEXT = "text"
    COMPATIBLE = "compatible"
    BREAKING = "breaking"
    UNDECIDED = "undecided"

    @property
    def breaking(self) -> bool | None:
        """Whether it breaks them; None where that is not decided."""
        return None if self is Verdict.UNDECIDED else self is Verdict.BREAKING


class _Set(Enum):
    """What a change does to the set of values a schema allows."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    UNKNOWN = "unknown"


def judge(difference: Difference, before: Mapping[str, Any], now: Mapping[str, Any]) -> Verdict:
    """What a difference between two documents of one operation does to callers."""
    field, *path = split(difference.path)
    if field in TEXTS or field in ("deprecated", "capabilities", "audience"):
        return Verdict.TEXT
    if field not in ("input_schema", "output_schema"):
        return Verdict.UNDECIDED
    if not path:
        return _judge_whole(field, before.get(field), now.get(field))
    owner = _owner_of(path)
    old, new = before.get(field), now.get(field)
    keyword = path[len(owner)]
    if keyword in _ANNOTATIONS or _is_annotation(path):
        return Verdict.TEXT
    if _turns(old) or _turns(new) or "patternProperties" in path:
        return Verdict.UNDECIDED
    inward = field == "input_schema"
    if keyword == "properties" and len(path) == len(owner) + 2:
        return _judge_property(difference, old, new, owner, inward=inward)
    effect = _effect(difference, path[len(owner) :], old, new, owner)
    if effect in (_Set.SAME, _Set.UNKNOWN):
        return Verdict.TEXT if effect is _Set.SAME else Verdict.UNDECIDED
    return Verdict.COMPATIBLE if (effect is _Set.WIDER) is inward else Verdict.BREAKING


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several differences together."""
    found = set(verdicts)
    order = (Verdict.BREAKING, Verdict.UNDECIDED, Verdict.COMPATIBLE)
    return next((each for each in order if each in found), Verdict.TEXT)


def _judge_whole(field: str, before: Any, now: Any) -> Verdict:
    """A schema that came or went: without one, an answer may be anything."""
    if field == "output_schema" and before is None:
        return Verdict.COMPATIBLE
    return Verdict.BREAKING if field == "output_schema" and now is None else Verdict.UNDECIDED


def _judge_property(difference: Difference, before: Any, now: Any, owner: list[str], *, inward: bool) -> Verdict:
    """A property that came or went. In an open object its values were free before, and perhaps nobody used them."""
    came = difference.before is ABSENT
    name = repr(split(difference.path)[-1])
    needed = name in _listed(_value_at(now if came else before, [*owner, "required"]))
    closed = _value_at(before if came else now, [*owner, "additionalProperties"]) is False
    match inward, came:
        case True, True:
            if needed:
                return Verdict.BREAKING
            return Verdict.COMPATIBLE if closed else Verdict.UNDECIDED
        case True, False:
            return Verdict.BREAKING if closed else Verdict.UNDECIDED
        case False, True:
            return Verdict.BREAKING if closed else Verdict.COMPATIBLE
    return Verdict.BREAKING if needed else Verdict.UNDECIDED


def _effect(difference: Difference, path: list[str], before: Any, now: Any, owner: list[str]) -> _Set:
    keyword = path[0]
    if keyword in ("required", "enum", "type"):
        # A list that changed in its middle differs in single items: the whole lists tell more.
        return _effect_of_list(keyword, _value_at(before, [*owner, keyword]), _value_at(now, [*owner, keyword]))
    return _effect_of_bound(keyword, difference) if len(path) == 1 else _Set.UNKNOWN


def _owner_of(path: list[str]) -> list[str]:
    """Path to the schema that a difference is in, as far as each step to it is plain."""
    at = 0
    while True:
        step, rest = path[at], len(path) - at
        if step in _MAPS and rest > 2:
            at += 2
        elif step in _PLAIN_STEPS and rest > 1:
            at += 1
        else:
            return path[:at]


def _effect_of_list(keyword: str, before: Any, now: Any) -> _Set:
    old, new = _listed(before), _listed(now)
    if keyword != "required" and (before is ABSENT or now is ABSENT):
        return _Set.WIDER if now is ABSENT else _Set.NARROWER
    if keyword == "type" and _NUMBER in old ^ new and _INTEGER in old | new:
        return _Set.UNKNOWN  # every integer is a number
    more, fewer = bool(new - old), bool(old - new)
    if more and fewer:
        return _Set.UNKNOWN
    if not more and not fewer:
        return _Set.SAME
    grows = more if keyword != "required" else fewer
    return _Set.WIDER if grows else _Set.NARROWER


def _effect_of_bound(keyword: str, difference: Difference) -> _Set:
    if keyword not in _LOWER_BOUNDS | _UPPER_BOUNDS:
        return _Set.UNKNOWN
    old, new = difference.before, difference.now
    if old is ABSENT or new is ABSENT:
        return _Set.NARROWER if old is ABSENT else _Set.WIDER
    if not (isinstance(old, int | float) and isinstance(new, int | float)):
        return _Set.UNKNOWN
    return _Set.WIDER if (new < old) is (keyword in _LOWER_BOUNDS) else _Set.NARROWER


def _turns(schema: Any) -> bool:
    """Whether a schema has a keyword that turns "wider" into "narrower" somewhere, or a property of such a name."""
    nodes = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            if not _TURNING.isdisjoint(node):
                return True
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
    return False


def _is_annotation(path: list[str]) -> bool:
    inside_data = not DATA_KEYWORDS.isdisjoint(path)
    return path[-1] in _ANNOTATIONS and len(path) > 1 and path[-2] not in MAPS_OF_SCHEMAS and not inside_data


def _value_at(schema: Any, path: list[str]) -> Any:
    try:
        return resolve(schema, join(path).replace("%", "%25"))
    except LookupError:
        return ABSENT


def _listed(value: Any) -> frozenset[str]:
    """Values of a list as texts, to be held against others; one that stands alone counts as a list of one."""
    if value is ABSENT or value is None:
        return frozenset()
    return frozenset(map(repr, value)) if isinstance(value, list) else frozenset((repr(value),))
