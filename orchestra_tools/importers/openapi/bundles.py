"""A schema and the components it reaches become one schema that refers to nothing outside itself.

A tool's schema is read by a model and sent to every host, so it has a budget well below the limits of `check_schema`.
Over it, what only describes goes first: the descriptions of nested members, then all others. If that is not enough, an
output schema keeps the components nearest to its root and says of the rest only what type they are. That accepts more
than the document promises, never less. An input schema is cut in one case only: where components contain each other,
and writing out what they reach has no natural end. One that is too large for another reason is refused.

Each component is checked once, by itself, and each root by itself; sizes are added up. Checking every bundle whole
would check a component again for each operation that reaches it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.importers.openapi.parts import Part, TooLarge, check_part
from orchestra_tools.importers.openapi.references import Unusable
from orchestra_tools.importers.openapi.schemas import ANNOTATIONS, SchemaReader
from orchestra_tools.schema import is_json_schema
from orchestra_tools.schema.limits import (
    DATA_KEYWORDS,
    DIALECT,
    MAPS_OF_SCHEMAS,
    MAX_BYTES,
    MAX_CHAIN,
    MAX_EXPANDED_NODES,
    MAX_NODES,
)

# Bytes. A thousand operations with schemas of these sizes are a ledger document that can still be read.
INPUT_BUDGET = 24 * 1024
OUTPUT_BUDGET = 12 * 1024
_NAME_SIZE = 80  # bytes a component's name takes in `$defs`, at most
_DESCRIBING = frozenset(("title", "description", "examples", "deprecated", "readOnly", "writeOnly"))
_Parts = Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A schema that stands by itself.

    Attributes:
        schema: None where nothing is said, or none small enough could be made.
        note: What it does not say for the sake of its size.
    """

    schema: dict[str, Any] | None
    note: str = ""


class Bundler:
    """Bundles what a reader reads."""

    def __init__(self, reader: SchemaReader) -> None:
        self.reader = reader
        self._bare: dict[str, Part] = {}
        self._outputs: dict[str, Bundle | Unusable] = {}

    def bundle_input(self, root: Part, pointer: str) -> Bundle:
        """The input schema `root` stands for.

        Raises:
            Unusable: It is too large, refers to what is not there, or is refused by `check_schema`.
        """
        check_part(root, pointer)
        reached = self._reach(root, pointer)
        parts = _present(reached)
        plain = {name: self._without_words(name, part) for name, part in parts.items()}
        if _is_whole(root, parts):
            for form, kept, limit in (
                (root, parts, INPUT_BUDGET),
                (root, plain, MAX_BYTES),
                (bare(root), plain, MAX_BYTES),
            ):
                if _fits(form, kept, limit):
                    note = "" if kept is parts else "its input schema is without descriptions of inner members"
                    return Bundle(_assemble(form, kept), note)
        if not _is_circular(parts):
            raise TooLarge(pointer, "its input schema is too large for a tool, even without descriptions")
        for form, limit in ((root, INPUT_BUDGET), (bare(root), MAX_BYTES)):
            if cut := _cut(form, plain, limit):
                return Bundle(
                    cut[0], f"its input schema is cut where it repeats itself: {cut[1]} parts are not described"
                )
        raise TooLarge(pointer, "its input schema is too large for a tool, even cut")

    def bundle_output(self, root: Part, pointer: str) -> Bundle:
        """The output schema `root` stands for, reduced as far as its size demands.

        Raises:
            Unusable: It refers to what is not there, or is refused by `check_schema`.
        """
        if not isinstance(root.schema, dict) or root.schema.keys() <= ANNOTATIONS:
            return Bundle(None)  # says nothing
        # Many operations answer the same.
        key = json.dumps(root.schema, sort_keys=True)
        if key not in self._outputs:
            try:
                self._outputs[key] = self._reduce(root, pointer)
            except TooLarge as large:
                self._outputs[key] = Bundle(None, f"its output schema is left out: {large.problem}")
            except Unusable as unusable:
                self._outputs[key] = unusable
        found = self._outputs[key]
        if isinstance(found, Unusable):
            raise Unusable(found.pointer, found.problem)
        return found

    def _reduce(self, root: Part, pointer: str) -> Bundle:
        check_part(root, pointer)
        parts = _present(self._reach(root, pointer))
        plain = {name: self._without_words(name, part) for name, part in parts.items()}
        if _is_whole(root, parts):
            for form, kept, note in (
                (root, parts, ""),
                (bare(root), plain, "its output schema is without descriptions"),
            ):
                if _fits(form, kept, OUTPUT_BUDGET):
                    return Bundle(_assemble(form, kept), note)
        if cut := _cut(bare(root), plain, OUTPUT_BUDGET):
            return Bundle(cut[0], f"its output schema is cut: {cut[1]} of its parts are not described")
        return Bundle(None, "its output schema is left out: it is too large")

    def _reach(self, root: Part, pointer: str) -> dict[str, Part | None]:
        """The components a schema reaches, nearest first, up to the most a schema can carry; None = one too large."""
        found: dict[str, Part | None] = {}
        queue, size = list(root.references), 0
        for name in queue:
            if name in found:
                continue
            try:
                part = self.reader.component(name)
            except TooLarge:
                found[name] = None
                continue
            found[name] = part
            size += self._without_words(name, part).size + _NAME_SIZE
            if size > MAX_BYTES:
                break
            queue += part.references
        return found

    def _without_words(self, name: str, part: Part) -> Part:
        if name not in self._bare:
            self._bare[name] = bare(part)
        return self._bare[name]


def bare(part: Part) -> Part:
    """The same schema without what only describes."""
    return Part(_strip(part.schema))


def _strip(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strip(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    stripped: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in MAPS_OF_SCHEMAS:
            stripped[keyword] = {name: _strip(each) for name, each in value.items()}
        elif keyword not in _DESCRIBING:
            stripped[keyword] = value if keyword in DATA_KEYWORDS else _strip(value)
    return stripped


def _present(parts: Mapping[str, Part | None]) -> dict[str, Part]:
    return {name: part for name, part in parts.items() if part is not None}


def _is_whole(root: Part, parts: _Parts) -> bool:
    return all(name in parts for part in (root, *parts.values()) for name in part.references)


def _is_circular(parts: _Parts) -> bool:
    """Whether some component contains itself, directly or through others."""
    done: set[str] = set()
    opened: dict[str, None] = {}
    stack = [(name, False) for name in parts]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            del opened[name]
            done.add(name)
        elif name in opened:
            return True
        elif name in parts and name not in done:
            opened[name] = None
            stack += [(name, True), *((inner, False) for inner in parts[name].references)]
    return False


def _assemble(root: Part, parts: _Parts) -> dict[str, Any]:
    schema: dict[str, Any] = dict(root.schema)
    if not is_json_schema(schema):
        schema = {"$schema": DIALECT, **schema}  # else it would be taken for the ledger's shorthand
    return schema | ({"$defs": {name: part.schema for name, part in parts.items()}} if parts else {})


def _cut(root: Part, parts: _Parts, budget: int) -> tuple[dict[str, Any], int] | None:
    """The schema with the nearest components only, and how many are not described; None where no cut is enough."""
    names, size = [], root.size
    for name, part in parts.items():
        size += part.size + _NAME_SIZE
        if size > budget:
            break
        names.append(name)
    while True:
        near = {name: parts[name] for name in names}
        edge = dict.fromkeys(name for part in (root, *near.values()) for name in part.references if name not in near)
        kept = near | {name: _stub(parts.get(name)) for name in edge}
        if _fits(root, kept, budget):
            return _assemble(root, kept), len(edge)
        if not names:
            return None
        names = names[: len(names) * 3 // 4]


def _stub(part: Part | None) -> Part:
    """What is left of a component that is cut: its type."""
    stated = part.schema.get("type") if part is not None and isinstance(part.schema, dict) else None
    return Part({} if stated is None else {"type": stated})


def _fits(root: Part, parts: _Parts, budget: int) -> bool:
    every = (root, *parts.values())
    if sum(part.size + _NAME_SIZE for part in every) > budget or sum(part.nodes + 1 for part in every) >= MAX_NODES:
        return False
    return _expanded_size(root, parts) <= MAX_EXPANDED_NODES


def _expanded_size(root: Part, parts: _Parts) -> int:
    """Schemas once each reference is written out, counted as `check_schema` counts them and in its order."""
    sizes: dict[str, int] = {}
    opened = {"#"}

    def size_of(name: str) -> int:
        if name in sizes:
            return sizes[name]
        if name in opened:
            return 1
        if len(opened) > MAX_CHAIN:
            return MAX_EXPANDED_NODES + 1
        opened.add(name)
        total = sum_of((parts[name],))
        opened.discard(name)
        sizes[name] = total
        return total

    def sum_of(group: Iterable[Part]) -> int:
        total = 0
        for part in group:
            total += part.subschemas
            for name in part.occurrences:
                total += size_of(name)
                if total > MAX_EXPANDED_NODES:
                    return total
        return total

    # A reference at the very root is met first, `$defs` next and from its end, then the rest of the root.
    first = size_of(root.occurrences[0]) if "$ref" in root.schema else 0
    return first + sum_of((*reversed([*parts.values()]), root))
