"""A schema prepared for questions about its parts: does a value fit this one, where does that one lead. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.schema.choices import Node
from orchestra_tools.schema.limits import iter_subschemas
from orchestra_tools.schema.pointer import resolve
from orchestra_tools.schema.validator import Validator

_ROOT = "urn:orchestra:schema"
_BACKTRACKS = 50_000  # as in the validator
ENDLESS = 99  # levels; what never ends counts as this high
_MAX_MADE = 512  # compiled schemas that do not stand in the original
_ROUNDS = 40  # each settles one more level; a schema is at most 32 deep


class PreparedSchema:
    """A schema and what has been found out about its parts."""

    def __init__(self, schema: Node) -> None:
        """Compile a schema.

        Raises:
            SchemaRefusedError: It cannot be compiled.
        """
        self.schema: dict[str, Any] = schema if isinstance(schema, dict) else ({} if schema else {"not": {}})
        self.validator = Validator(self.schema)
        self._pointers = {id(node): pointer for pointer, node in iter_subschemas(self.schema)}
        bare = {key: value for key, value in self.schema.items() if key not in ("$id", "$schema")}
        self._registry = jsonschema_rs.Registry([(_ROOT, bare)], draft=jsonschema_rs.Draft202012)
        self._checks: dict[int, tuple[Node, Any]] = {}
        self._made = 0
        self._heights: dict[int, int] | None = None

    def fits(self, parts: Sequence[Node], value: Any) -> bool:
        """Whether a value fits schemas that stand in this one, or are made of such."""
        return all(self._check(part).is_valid(value) for part in parts if part is not True)

    def follow(self, reference: str) -> Node:
        """The schema a local reference leads to.

        Raises:
            SchemaRefusedError: It leads nowhere.
        """
        try:
            return resolve(self.schema, reference.removeprefix("#"))
        except (LookupError, TypeError):
            raise SchemaRefusedError(
                "the schema refers to nothing", [Fault("", f"leads nowhere: {reference[:120]!r}")]
            ) from None

    def plain(self, part: Node) -> dict[str, Any]:
        """The part itself, or what its reference leads to."""
        for _ in range(32):
            if not (isinstance(part, dict) and "$ref" in part and "type" not in part):
                break
            part = self.follow(part["$ref"])
        return part if isinstance(part, dict) else {}

    def pointer_of(self, part: Node) -> str | None:
        """Where a part stands in the schema."""
        return self._pointers.get(id(part))

    def height(self, part: Node) -> int:
        """Levels the smallest value has, roughly; `ENDLESS` where it never ends."""
        if self._heights is None:
            self._heights = {}
            nodes = [node for _, node in iter_subschemas(self.schema)]
            for _ in range(_ROUNDS):
                before = dict(self._heights)
                self._heights.update((id(node), self._height(node)) for node in nodes)
                if before == self._heights:
                    break
        return self._height(part)

    def _height(self, part: Node) -> int:
        if not isinstance(part, dict):
            return 0 if part else ENDLESS
        properties = part.get("properties", {})
        inner = [self._known(properties[name]) for name in part.get("required", ()) if name in properties]
        if part.get("minItems") and "items" in part:
            inner.append(self._known(part["items"]))
        heights = [1 + max(inner) if inner else 0]
        if "$ref" in part:
            heights.append(self._known(self.follow(part["$ref"])))
        heights += [self._known(branch) for branch in part.get("allOf", ())]
        for keyword in ("anyOf", "oneOf"):
            if part.get(keyword):
                heights.append(min(self._known(branch) for branch in part[keyword]))
        return min(ENDLESS, max(heights))

    def _known(self, node: Node) -> int:
        if not isinstance(node, dict):
            return 0 if node else ENDLESS
        return (self._heights or {}).get(id(node), ENDLESS)

    def _check(self, part: Node) -> Any:
        if (found := self._checks.get(id(part))) is not None:
            return found[1]
        compiled = jsonschema_rs.Draft202012Validator(
            self._embedded(part),
            registry=self._registry,
            validate_formats=True,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
        if id(part) not in self._pointers:
            self._made += 1
            if self._made > _MAX_MADE:
                self._made = 0
                self._checks = {key: kept for key, kept in self._checks.items() if key in self._pointers}
        # The part is kept too: while it lives, no other one has its id.
        self._checks[id(part)] = (part, compiled)
        return compiled

    def _embedded(self, part: Node) -> Node:
        """The schema with every piece of the original replaced by a reference to it, so that its references hold."""
        if isinstance(part, dict):
            if (pointer := self._pointers.get(id(part))) is not None:
                return {"$ref": f"{_ROOT}#{quote(pointer, safe='/~')}"}
            return {key: self._embedded(value) for key, value in part.items()}
        return [self._embedded(value) for value in part] if isinstance(part, list) else part
