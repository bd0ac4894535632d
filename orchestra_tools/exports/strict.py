"""Strict schemas: what a model can be held to while it writes. Pure.

    strict = to_strict(schema)
    strict.schema, strict.reasons          # one or the other
    strict.restore(arguments)              # what the model wrote, as arguments of the schema itself

A strict schema names every member of every object and requires it, so null is how a model says that it leaves an
optional one out. The rewrite keeps one law: every call that fits the schema has a strict form, and `restore` gives it
back. It may drop a constraint, which then stands in the description: calls are validated against the full schema
anyway. Where it would have to drop a call, there is no strict schema, and `reasons` says why.

One thing has no strict form: a null given where the member could be left out as well. It comes back as left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any
from urllib.parse import unquote

from orchestra_tools.errors import Fault
from orchestra_tools.exports.strict_limits import excesses
from orchestra_tools.schema import escape, resolve
from orchestra_tools.schema.choices import enumerated, identity
from orchestra_tools.schema.engine import Parts
from orchestra_tools.schema.limits import is_deeper, iter_subschemas
from orchestra_tools.schema.pointer import split
from orchestra_tools.schema.validator import MAX_ARGUMENT_DEPTH

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_NUMERIC = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_KEPT = {"integer": _NUMERIC, "number": _NUMERIC, "array": ("minItems", "maxItems")}

# `pattern` is in the published subset, but its dialect is not, and one that is refused fails the whole request.
_TOLD = (
    "default", "format", "pattern", "minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties",
    "contentEncoding", "contentMediaType",
)  # fmt: skip
_MAX_TOLD = 200  # characters of one value
_IMPOSSIBLE = (
    "not", "if", "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems", "contains",
)  # fmt: skip
_ALTERNATIVES = ("$ref", "anyOf", "oneOf", "allOf")
_STRUCTURE = frozenset({"properties", "required", "additionalProperties", "items", "enum", "const"})

Node = dict[str, Any]


@dataclass(frozen=True)
class Strict:
    """The strict form of a schema, or why there is none.

    Attributes:
        schema: None where there is none.
        reasons: Why not, each with the pointer to the place in the original; empty where there is one.
        optional: Members for which null means that they are left out, by the pointer to their object in `schema`.
    """

    schema: Mapping[str, Any] | None
    reasons: tuple[Fault, ...] = ()
    optional: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def restore(self, arguments: Any) -> Any:
        """Arguments that fit the strict schema as arguments of the original one.

        Others come back as good as can be, and never raise: it is for validation to say what is wrong with them.
        """
        if self.schema is None or not isinstance(arguments, dict) or is_deeper(arguments, MAX_ARGUMENT_DEPTH):
            return arguments
        return self._restored("", self.schema, arguments)

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self.schema)

    def _restored(self, at: str, node: Mapping[str, Any], value: Any) -> Any:
        if not isinstance(value, dict | list):
            return value
        at, node = self._followed(at, node)
        while "anyOf" in node:
            index = self._chosen(at, node["anyOf"], value)
            at, node = self._followed(f"{at}/anyOf/{index}", node["anyOf"][index])
        if isinstance(value, list):
            return [self._restored(f"{at}/items", node.get("items", {}), item) for item in value]
        properties, optional = node.get("properties", {}), self.optional.get(at, frozenset())
        return {
            name: self._restored(f"{at}/properties/{escape(name)}", properties.get(name, {}), member)
            for name, member in value.items()
            if member is not None or name not in optional
        }

    def _followed(self, at: str, node: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        while "$ref" in node:
            at = node["$ref"][1:]
            node = resolve(self.schema, at)
        return at, node

    def _chosen(self, at: str, branches: Sequence[Mapping[str, Any]], value: Any) -> int:
        """Which alternative a value is meant for: the first it fits, else the one most like it."""
        for index in range(len(branches)):
            if self._fits(f"{at}/anyOf/{index}", value):
                return index
        return max(range(len(branches)), key=lambda index: self._likeness(branches[index], value))

    def _fits(self, at: str, value: Any) -> bool:
        try:
            return self._parts.accept(at, value)
        except (ValueError, TypeError):  # it holds something that is not JSON
            return False

    def _likeness(self, branch: Mapping[str, Any], value: Any) -> int:
        _, node = self._followed("", branch)
        if isinstance(value, list):
            return int("items" in node)
        return len(value.keys() & node.get("properties", {}).keys())


def to_strict(schema: Mapping[str, Any]) -> Strict:
    """The strict form of an input schema such as `Definition.input_schema`; the schema stays as it is."""
    return _Rewrite(schema).whole()


class _Rewrite:
    """One rewrite. It goes on after a reason, so that all are told."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._schema: Node = {}
        self._definitions: dict[str, Node] = {}
        self._names: dict[str, str] = {}  # of the definitions, by the fragment that refers to what they are made of
        self._fragments: list[str] = []  # in the order of their first use
        self._optional: dict[int, frozenset[str]] = {}  # by the identity of the strict object
        self._choices: list[tuple[str, list[Node]]] = []
        self._reasons: dict[Fault, None] = {}

    def whole(self) -> Strict:
        """The root, then all that it refers to, then what shows only when everything is there."""
        if "object" not in _types(self._root, ["object"]) or any(keyword in self._root for keyword in _ALTERNATIVES):
            self._refuse("", "is not plainly an object")
        self._refuse_impossible("", self._root)
        self._schema = self._object("", self._root)
        self._schema.update(_notes(self._root))
        for fragment in self._fragments:  # grows while it is read
            target = resolve(self._root, fragment)
            self._definitions[self._names[fragment]] = self._node(unquote(fragment), target)
        if self._definitions:
            self._schema["$defs"] = self._definitions
        if not self._reasons:
            self._check()
        if self._reasons:
            return Strict(None, tuple(self._reasons))
        places = ((pointer, self._optional.get(id(node))) for pointer, node in iter_subschemas(self._schema))
        return Strict(self._schema, (), {pointer: names for pointer, names in places if names})

    def _refuse(self, at: str, problem: str, remedy: str = "") -> Node:
        self._reasons[Fault(at, problem, remedy)] = None
        return {}

    def _refuse_impossible(self, at: str, schema: Mapping[str, Any]) -> None:
        for keyword in _IMPOSSIBLE:
            if keyword in schema:
                self._refuse(f"{at}/{keyword}", f"{keyword} has no strict form")
        if len(schema.get("allOf", ())) > 1:
            self._refuse(f"{at}/allOf", "several schemas at once have no strict form")

    def _node(self, at: str, schema: Any) -> Node:
        if not isinstance(schema, dict):
            return self._refuse(at, "does not say of what type it is")
        self._refuse_impossible(at, schema)
        if any(keyword in schema for keyword in _ALTERNATIVES):
            return self._alternatives(at, schema)
        types = _types(schema)
        if not types:
            return self._refuse(at, "does not say of what type it is")
        branches = [branch for kind in types if (branch := self._typed(at, schema, kind)) is not None]
        if not branches:
            return self._refuse(at, "is a list of values of which none fits")
        nullable = {"type": "null"} in branches and len(branches) > 1
        if nullable:
            branches.remove({"type": "null"})
        if len(branches) == 1:
            node = branches[0]
            node.update(_notes(schema))
        else:
            node = _notes(schema) | {"anyOf": branches}
            self._choices.append((at, branches))
        return _with_null(node) if nullable else node

    def _alternatives(self, at: str, schema: Mapping[str, Any]) -> Node:
        keyword, *more = [each for each in _ALTERNATIVES if each in schema]
        if more or schema.keys() & _STRUCTURE:
            return self._refuse(at, "has rules beside its alternatives")
        if keyword == "$ref":
            branches = [self._reference(schema["$ref"])]
        else:
            branches = [self._node(f"{at}/{keyword}/{index}", sub) for index, sub in enumerate(schema[keyword])]
        notes = _notes(schema, _TOLD + _NUMERIC + _KEPT["array"])
        if len(branches) == 1 and not notes:
            return branches[0]
        self._choices.append((at, branches))
        return notes | {"anyOf": branches}  # a reference has to stand alone

    def _reference(self, reference: str) -> Node:
        if reference == "#":
            return {"$ref": "#"}
        fragment = reference[1:]
        if fragment not in self._names:
            # A name that needs no escaping, since not every reader of references undoes it.
            plain = name = re.sub(r"[^A-Za-z0-9_-]+", "_", split(unquote(fragment))[-1]) or "_"
            taken = self._names.values()
            while name in taken:
                name = f"{plain}_{len(taken)}"
            self._names[fragment] = name
            self._fragments.append(fragment)
        return {"$ref": f"#/$defs/{self._names[fragment]}"}

    def _typed(self, at: str, schema: Mapping[str, Any], kind: str) -> Node | None:
        """What a schema says of values of one type; None where it lists values and none is of that type."""
        if (listed := enumerated([dict(schema)])) is not None:
            fitting = ("integer", "number") if kind == "number" else (kind,)
            values = [value for value in listed if _type_of(value) in fitting]
            if not values:
                return None
            if kind in ("object", "array"):
                return self._refuse(at, "lists objects or arrays as values")
            return {"type": kind} | ({} if kind == "null" else {"enum": values})
        if kind == "object":
            return self._object(at, schema)
        node = {"type": kind} | {keyword: schema[keyword] for keyword in _KEPT.get(kind, ()) if keyword in schema}
        if kind == "string" and schema.get("format") in _FORMATS:
            node["format"] = schema["format"]
        if kind == "array":
            node["items"] = self._node(f"{at}/items", schema.get("items", True))
        return node

    def _object(self, at: str, schema: Mapping[str, Any]) -> Node:
        if schema.get("additionalProperties") is not False:
            self._refuse(at, "takes members it does not name", "set additionalProperties to false if it takes none")
        properties: Node = {}
        optional = schema.get("properties", {}).keys() - set(schema.get("required", ()))
        for name, sub in schema.get("properties", {}).items():
            node = self._node(f"{at}/properties/{escape(name)}", sub)
            properties[name] = _with_null(node) if name in optional else node
        made = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        self._optional[id(made)] = frozenset(optional)
        return made

    def _check(self) -> None:
        for fragment, name in self._names.items():
            if self._leads_back(self._definitions[name]):
                self._refuse(unquote(fragment), "refers to itself before it says anything")
        if self._reasons:
            return
        for at, branches in self._choices:
            leaves = [list(self._leaves(branch)) for branch in branches]
            pairs = ((one, other) for mine, theirs in combinations(leaves, 2) for one in mine for other in theirs)
            if not all(self._are_told_apart(one, other) for one, other in pairs):
                self._refuse(at, "has alternatives that look alike once null stands for what is left out")
        for problem in excesses(self._schema):
            self._refuse("", problem)

    def _direct(self, node: Node) -> list[Node]:
        """What a value of a node has to fit instead of the node."""
        return [resolve(self._schema, node["$ref"][1:])] if "$ref" in node else node.get("anyOf", [])

    def _leads_back(self, start: Node) -> bool:
        seen: set[int] = set()
        stack = [start]
        while stack:
            for node in self._direct(stack.pop()):
                if node is start:
                    return True
                if id(node) not in seen:
                    seen.add(id(node))
                    stack.append(node)
        return False

    def _leaves(self, node: Node) -> Iterator[Node]:
        """Each schema of one type that a value of a node may be meant for."""
        seen: set[int] = set()
        stack = [node]
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if direct := self._direct(node):
                stack.extend(direct)
            else:
                yield node

    def _are_told_apart(self, one: Node, other: Node, under: frozenset[tuple[int, int]] = frozenset()) -> bool:
        """Whether no value that fits both would be restored in two ways, as far as names and listed values show."""
        if one is other or one["type"] != other["type"]:
            return True
        if one["type"] == "object":
            mine, theirs = one["properties"], other["properties"]
            return mine.keys() != theirs.keys() or any(self._are_disjoint(mine[name], theirs[name]) for name in mine)
        if one["type"] == "array":
            pair = (id(one), id(other))
            return pair not in under and all(
                self._are_told_apart(item, each, under | {pair})
                for item in self._leaves(one["items"])
                for each in self._leaves(other["items"])
            )
        return True

    def _are_disjoint(self, one: Node, other: Node) -> bool:
        """Whether no value fits both, as far as types and listed values show."""
        return all(_apart(mine, its) for mine in self._leaves(one) for its in self._leaves(other))


def _apart(one: Node, other: Node) -> bool:
    mine, its = ({"number" if kind == "integer" else kind for kind in _types(each)} for each in (one, other))
    if not mine & its:
        return True
    listed = [{identity(value) for value in each["enum"]} for each in (one, other) if "enum" in each]
    return len(listed) == 2 and listed[0].isdisjoint(listed[1])


def _types(schema: Mapping[str, Any], otherwise: Sequence[str] = ()) -> list[str]:
    """The types a schema states, or those of the values it lists."""
    stated = schema.get("type")
    if stated is None:
        listed = enumerated([dict(schema)])
        return list(otherwise if listed is None else dict.fromkeys(map(_type_of, listed)))
    return [stated] if isinstance(stated, str) else list(stated)


def _type_of(value: Any) -> str:
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    return {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}.get(type(value), "null")


def _with_null(node: Node) -> Node:
    """The node, or null."""
    types = _types(node)
    if "null" in types or any("null" in _types(branch) for branch in node.get("anyOf", ())):
        return node
    if "anyOf" in node:
        node["anyOf"] = [*node["anyOf"], {"type": "null"}]
        return node
    if types and types[0] not in ("object", "array") and "enum" not in node:
        node["type"] = [*types, "null"]
        return node
    notes = {keyword: node.pop(keyword) for keyword in ("title", "description") if keyword in node}
    return notes | {"anyOf": [node, {"type": "null"}]}


def _notes(schema: Mapping[str, Any], dropped: Sequence[str] = _TOLD) -> Node:
    """What is said of a node in words, dropped constraints included."""
    told = []
    for keyword in dropped:
        value = schema.get(keyword)
        if value is None or (keyword == "format" and value in _FORMATS):
            continue
        text = json.dumps(value, ensure_ascii=False)
        if len(text) <= _MAX_TOLD:
            told.append(f"{keyword}: {text}")
    described = [schema.get("description", ""), f"({'; '.join(told)})" if told else ""]
    notes = {"title": schema.get("title", ""), "description": " ".join(filter(None, described))}
    return {keyword: text for keyword, text in notes.items() if text}
