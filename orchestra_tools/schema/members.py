"""Which members an object may have when several schemas must hold, and what their values must be. No I/O."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Any

import jsonschema_rs

from orchestra_tools.schema.choices import Node
from orchestra_tools.schema.patterns import matching
from orchestra_tools.schema.prepared import PreparedSchema
from orchestra_tools.schema.scalars import strings
from orchestra_tools.schema.words import slug

_MAX_NAMES = 600


class MemberSource:
    """The members that `parts` together allow."""

    def __init__(self, parts: Sequence[dict[str, Any]], prepared: PreparedSchema) -> None:
        self.parts = parts
        self.prepared = prepared
        self.known: dict[str, None] = {name: None for part in parts for name in part.get("properties", ())}

    def required(self) -> dict[str, None]:
        """Names that must be there, those they depend on included."""
        names = dict.fromkeys(name for part in self.parts for name in part.get("required", ()))
        rules = [part["dependentRequired"] for part in self.parts if "dependentRequired" in part]
        before = -1
        while rules and len(names) != before:
            before = len(names)
            for rule in rules:
                names |= dict.fromkeys(more for name in list(names) for more in rule.get(name, ()))
        return names

    def schemas_of(self, name: str) -> list[Node] | None:
        """What the value of a member must fit; None where the member is forbidden."""
        found: list[Node] = []
        for part in self.parts:
            hits = [part["properties"][name]] if name in part.get("properties", ()) else []
            patterns = part.get("patternProperties", {})
            hits += [schema for pattern, schema in patterns.items() if _matches(pattern, name)]
            if not hits and "additionalProperties" in part:
                hits = [part["additionalProperties"]]
            found += hits
        if not found and any(part.get("unevaluatedProperties") is False for part in self.parts):
            return None
        return None if False in found else found

    def describes_additional(self) -> bool:
        """Whether some schema says what further members are like, and few members have names of their own."""
        rules = [part.get("additionalProperties") for part in self.parts]
        rules += [schema for part in self.parts for schema in part.get("patternProperties", {}).values()]
        return len(self.known) < 3 and any(isinstance(rule, dict) and rule for rule in rules)

    def further_names(self, random: Random) -> Iterator[str]:
        """Names for members beyond the required ones, best first."""
        yield from self.known
        for rule in (part["dependentRequired"] for part in self.parts if "dependentRequired" in part):
            yield from rule
        rules = [part["propertyNames"] for part in self.parts if "propertyNames" in part]
        for part in self.parts:
            for pattern in part.get("patternProperties", {}):
                yield from self._fitting(itertools.islice(matching(pattern, random, 1, None), 30), rules)
        plain = [self.prepared.plain(rule) for rule in rules]
        stated = [option for rule in plain for option in rule.get("enum", [rule["const"]] if "const" in rule else ())]
        yield from self._fitting((one for one in stated if isinstance(one, str)), rules)
        if rules:
            yield from self._fitting(itertools.islice(strings(plain, "", random), _MAX_NAMES), rules)
            return
        for number in range(_MAX_NAMES):
            yield slug(random).replace("-", "_") if number < 20 else f"member_{number}"

    def _fitting(self, names: Iterator[str], rules: list[Node]) -> Iterator[str]:
        return (name for name in names if not rules or self.prepared.fits(rules, name))


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:
    options = jsonschema_rs.FancyRegexOptions(backtrack_limit=50_000)
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options)


def _matches(pattern: str, name: str) -> bool:
    return bool(_pattern(pattern).is_valid(name))
