"""A field inside a schema: its own schema, read and written by the names that people use.

What JSON Schema has between two names is found: the one alternative to null, a local reference. A definition that is
shared is copied before it is changed, so a change says what it changes, and nothing else.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from orchestra_tools.compile import ABSENT
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.governance.paths import ITEMS, read_at, refuse, write_at
from orchestra_tools.schema import contract, expand, is_json_schema, resolve
from orchestra_tools.schema.limits import DATA_KEYWORDS, iter_subschemas
from orchestra_tools.trust import canonicalise_any

_FORMATS = {"iso8601": "date-time", "iso-8601": "date-time"}
"""What people call formats that JSON Schema has another word for; the seed's proposal says iso8601."""
_ALTERNATIVES = ("anyOf", "oneOf")
_DEFINITION = re.compile(r"#/\$defs/([^/]+)")
_MAX_REFERENCES = 64  # followed one after the other
_MAX_LOOKS = 200  # at alternatives, which may lead back into themselves


def read_field(form: Any, steps: Sequence[Any], field: str, *, exact: bool = False) -> Any:
    """The schema of a field, expanded; `ABSENT` where the schema has none. No steps: the whole schema.

    Args:
        form: The whole schema as written: JSON Schema, the seed's shorthand, `ABSENT` or None.
        steps: Names of properties, and `ITEMS`.
        field: The field, for errors.
        exact: The steps are those of a JSON Pointer into the schema, written out.

    Raises:
        ProposalRefusedError: Several fields are meant.
    """
    if form is ABSENT or form is None:
        return ABSENT
    root = expand(form)
    return read_at(root, tuple(steps)) if exact else _Walk(root, field).read(steps)


def is_required(form: Any, steps: Sequence[Any], field: str) -> bool:
    """Whether the object that a field is a property of cannot be without it."""
    if form is ABSENT or form is None or not steps or steps[-1] is ITEMS:
        return False
    holder = _Walk(expand(form), field).find(steps)
    return isinstance(holder, dict) and steps[-1] in holder.get("required", ())


def write_field(form: Any, steps: Sequence[Any], new: Any, field: str, *, exact: bool = False) -> Any:
    """The schema with another schema for a field, in the form that it was written in where that can say it.

    Args:
        form: The whole schema as written, `ABSENT` or None.
        steps: Names of properties, and `ITEMS`; at least one.
        new: JSON Schema or shorthand of the field; None takes it out.
        field: The field, for errors.
        exact: As in `read_field`; `new` is then written as it is.

    Raises:
        ProposalRefusedError: The way there is not plain.
        SchemaRefusedError: `new` is no schema.
    """
    nothing = form is ABSENT or form is None
    root = {"type": "object"} if nothing else expand(form)
    if exact:
        try:
            changed = write_at(root, tuple(steps), ABSENT if new is None else new)
        except LookupError as error:
            raise refuse(field, f"it leads through {str(error)[:60]}, which has no parts") from error
    else:
        changed = _Walk(root, field).write(steps, new)
    if nothing or is_json_schema(form) or contract_or_none(expand(form)) != form:
        return changed
    short = contract_or_none(changed)
    return changed if short is None else short


def contract_or_none(schema: Any) -> Any:
    """The shorthand of a schema, where it can say all of it."""
    try:
        return contract(schema)
    except SchemaRefusedError:
        return None


def expand_field(new: Any) -> tuple[Any, bool | None, Mapping[str, Any]]:
    """A field's schema as people write it: the schema, whether it says that the field is required, its definitions.

    Raises:
        SchemaRefusedError: It is no schema.
    """
    whole = expand({"field": plain_formats(new)})
    schema = whole["properties"]["field"]
    definitions = dict(whole.get("$defs", {}))
    if isinstance(schema, dict) and isinstance(schema.get("$defs"), dict):
        # A reference starts at the root of the whole schema, and so does what it refers to.
        definitions |= schema["$defs"]
        schema = {name: each for name, each in schema.items() if name != "$defs"}
    stated = new.get("required") if isinstance(new, dict) else None
    return schema, stated if isinstance(stated, bool) else None, definitions


def same_schema(one: Any, other: Any) -> bool:
    """Whether two schemas, in either form, are written alike: the order of members and of lists of names aside.

    Raises:
        SchemaRefusedError: One of them is no schema.
    """
    return canonicalise_any(_ordered(one))[1] == canonicalise_any(_ordered(other))[1]


def _ordered(form: Any) -> Any:
    if form is None:
        return None
    schema = copy.deepcopy(plain_formats(expand(form)))
    for _, node in iter_subschemas(schema):
        for keyword in ("required", "type"):
            if isinstance(listed := node.get(keyword), list):
                node[keyword] = sorted(listed, key=str)
        if node.get("required") == []:
            del node["required"]
    return schema


def plain_formats(form: Any) -> Any:
    """A schema, in either form, with JSON Schema's words for formats."""
    if isinstance(form, list):
        return [plain_formats(each) for each in form]
    if not isinstance(form, dict):
        return form
    made = {name: each if name in DATA_KEYWORDS else plain_formats(each) for name, each in form.items()}
    if "type" in made and isinstance(made.get("format"), str):
        made["format"] = _FORMATS.get(made["format"].lower(), made["format"])
    return made


class _Walk:
    """Goes through one schema, written out."""

    def __init__(self, root: dict[str, Any], field: str) -> None:
        self.root = root
        self.field = field
        self._added: dict[str, Any] = {}
        self._looked_at = 0

    def read(self, steps: Sequence[Any]) -> Any:
        node: Any = self.root
        for step in steps:
            holder = self._holder(node, step)
            node = ABSENT if holder is None else _child(holder, step)
            if node is ABSENT:
                return ABSENT
        return node

    def find(self, steps: Sequence[Any]) -> Any:
        """The schema that has the last step."""
        node = self.read(steps[:-1])
        return ABSENT if node is ABSENT else self._holder(node, steps[-1])

    def write(self, steps: Sequence[Any], new: Any) -> dict[str, Any]:
        if new is None and self.read(steps) is ABSENT:
            return self.root
        before = _definitions_used(self.root)
        changed = self._write(self.root, list(steps), new)
        if self._added:
            changed = {**changed, "$defs": self._merged(changed.get("$defs", {}))}
        return _without_unused(changed, before)

    def _merged(self, known: Any) -> dict[str, Any]:
        merged: dict[str, Any] = dict(known) if isinstance(known, dict) else {}
        for name, schema in self._added.items():
            if merged.setdefault(name, schema) != schema:
                raise refuse(self.field, f"the schema has another definition {name[:60]!r}: give it another name")
        return merged

    def _follow(self, node: Any) -> Any:
        """The schema itself, where a node only refers to it; its own keywords are added to it."""
        for _ in range(_MAX_REFERENCES):
            if not isinstance(node, dict) or not isinstance(reference := node.get("$ref"), str):
                return node
            try:
                target = resolve(self.root, reference.removeprefix("#"))
            except LookupError:
                raise refuse(self.field, f"a reference on the way leads nowhere: {reference[:80]!r}") from None
            beside = {name: each for name, each in node.items() if name != "$ref"}
            if not isinstance(target, dict):
                node = target
            elif any(name in target and target[name] != each for name, each in beside.items()):
                raise refuse(self.field, "a reference on the way has more beside it: give a JSON Pointer")
            else:
                node = {**target, **beside}
        raise refuse(self.field, "references on the way lead in a circle")

    def _holder(self, node: Any, step: Any) -> Any:
        """The schema in whose properties or items a step is, or would be; None where there can be none."""
        self._looked_at += 1
        if self._looked_at > _MAX_LOOKS:
            raise refuse(self.field, "the way there leads through too many alternatives: give a JSON Pointer")
        node = self._follow(node)
        if not isinstance(node, dict):
            return {} if node is True else None
        if _child(node, step) is not ABSENT:
            return node
        chosen = self._branch(node, step)
        if chosen is None:
            return node
        keyword, index = chosen
        return self._holder(node[keyword][index], step)

    def _branch(self, node: dict[str, Any], step: Any) -> tuple[str, int] | None:
        """The branch that a step leads into; None where it stays in the node itself."""
        having, open_to = [], []
        for keyword in (*_ALTERNATIVES, "allOf"):
            for index, branch in enumerate(node.get(keyword, ())):
                holder = self._holder(branch, step)
                if holder is not None and _child(holder, step) is not ABSENT:
                    having.append((keyword, index))
                elif holder is not None and _is_choice(node) and _may_hold(holder, step):
                    open_to.append((keyword, index))
        chosen = having or open_to
        if len(chosen) > 1:
            raise refuse(self.field, f"{_named(step)} may stand in several alternatives: give a JSON Pointer")
        return chosen[0] if chosen else None

    def _write(self, node: Any, steps: list[Any], new: Any) -> dict[str, Any]:
        step, rest = steps[0], steps[1:]
        node = {} if node is True else self._follow(node)
        if not isinstance(node, dict):
            raise refuse(self.field, "nothing is allowed there")
        if _child(node, step) is ABSENT and (chosen := self._branch(node, step)) is not None:
            keyword, index = chosen
            branches = list(node[keyword])
            branches[index] = self._write(branches[index], steps, new)
            return {**node, keyword: branches}
        if _is_choice(node) or not _may_hold(node, step):
            raise refuse(self.field, f"{_named(step)} cannot stand there: what is before it is of another type")
        if step is ITEMS:
            return self._write_items(node, rest, new)
        return self._write_property(node, step, rest, new)

    def _write_items(self, node: dict[str, Any], rest: list[Any], new: Any) -> dict[str, Any]:
        if rest:
            return {**node, "items": self._write(node.get("items", _made_for(rest)), rest, new)}
        if new is None:
            return {name: each for name, each in node.items() if name != "items"}
        return {**node, "items": self._take(new)[0]}

    def _write_property(self, node: dict[str, Any], name: str, rest: list[Any], new: Any) -> dict[str, Any]:
        properties = dict(node.get("properties", {}))
        required = list(node.get("required", ()))
        if rest:
            properties[name] = self._write(properties.get(name, _made_for(rest)), rest, new)
        elif new is None:
            properties.pop(name)
            required = [each for each in required if each != name]
        else:
            properties[name], stated = self._take(new)
            if stated is not None and stated != (name in required):
                required = [*required, name] if stated else [each for each in required if each != name]
        changed: dict[str, Any] = {**node, "properties": properties, "required": required}
        return {key: each for key, each in changed.items() if key != "required" or each}

    def _take(self, new: Any) -> tuple[Any, bool | None]:
        schema, stated, definitions = expand_field(new)
        self._added |= definitions
        return schema, stated


def _child(node: Mapping[str, Any], step: Any) -> Any:
    if step is ITEMS:
        return node.get("items", ABSENT)
    properties = node.get("properties")
    return properties.get(step, ABSENT) if isinstance(properties, dict) else ABSENT


def _made_for(rest: list[Any]) -> dict[str, Any]:
    """What is made where a step on the way is missing: an open object, or a list."""
    return {"type": "array"} if rest[0] is ITEMS else {"type": "object"}


def _is_choice(node: Mapping[str, Any]) -> bool:
    """Whether a schema leaves all it says to alternatives, as one that allows null often does."""
    return any(node.get(keyword) for keyword in _ALTERNATIVES) and not any(
        keyword in node for keyword in ("type", "properties", "items")
    )


def _may_hold(node: Mapping[str, Any], step: Any) -> bool:
    wanted = "array" if step is ITEMS else "object"
    stated = node.get("type", wanted)
    return wanted == stated or wanted in stated


def _named(step: Any) -> str:
    return "[]" if step is ITEMS else repr(str(step)[:60])


def _references_in(schema: Any) -> Iterator[str]:
    for _, node in iter_subschemas(schema):
        if isinstance(reference := node.get("$ref"), str):
            yield unquote(reference)


def _definitions_used(schema: Any) -> set[str]:
    return {match[1] for each in _references_in(schema) if (match := _DEFINITION.match(each))}


def _without_unused(schema: dict[str, Any], before: set[str]) -> dict[str, Any]:
    """The schema without the definitions that were in use before it changed, and are not any more."""
    gone = before - _definitions_used(schema)
    if not gone or not isinstance(definitions := schema.get("$defs"), dict):
        return schema
    kept = {name: each for name, each in definitions.items() if name not in gone}
    return {name: each for name, each in schema.items() if name != "$defs"} | ({"$defs": kept} if kept else {})
