"""Why a value does not fit a schema, told without the value.

The compiled rules answer yes or no fast, whatever they are given. Their list of errors they make as a whole, and it
grows with the answer (a million wrong items) or doubles with each level (a recursive choice). So the reasons are found
here: schema and value are walked side by side, only where they disagree, and only as far as the caller reads.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs

from orchestra_tools.errors import Fault
from orchestra_tools.schema.engine import Parts, compile_rules
from orchestra_tools.schema.pointer import escape, resolve

MAX_DEPTH = 64  # steps into the schema; deeper faults are told where the walk ends
_MAX_LISTED = 12
_MAX_QUOTED = 120  # characters of the schema's own text in a fault
_MAX_BRANCHES = 4
_MAX_COMPARED = 200  # names a mistyped one is compared with
_PLAIN = (
    "type", "enum", "const", "format", "pattern", "multipleOf", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "required", "dependentRequired",
)  # fmt: skip
_LIMITS = {
    "minimum": "is less than {limit}",
    "maximum": "is more than {limit}",
    "exclusiveMinimum": "is not more than {limit}",
    "exclusiveMaximum": "is not less than {limit}",
    "minLength": "is shorter than {limit} characters",
    "maxLength": "is longer than {limit} characters",
    "minItems": "has fewer than {limit} items",
    "maxItems": "has more than {limit} items",
    "minProperties": "has fewer than {limit} properties",
    "maxProperties": "has more than {limit} properties",
}


class _Pair(NamedTuple):
    """A schema held against a value, with the JSON pointer to each."""

    at: str
    schema: Any
    where: str
    value: Any


def explain(root: dict[str, Any], value: Any) -> Iterator[Fault]:
    """Every reason why a value does not fit a schema that was let in; made one by one, as they are read."""
    return _Walk(root, Parts(root)).faults(_Pair("", root, "", value))


class _Walk:
    def __init__(self, root: Any, parts: Parts, *, in_choice: bool = False) -> None:
        self._root = root
        self._parts = parts
        self._in_choice = in_choice
        self._seen: set[tuple[str, str]] = set()

    def faults(self, pair: _Pair, depth: int = 0) -> Iterator[Fault]:
        if (pair.at, pair.where) in self._seen or self._parts.accept(pair.at, pair.value):
            return
        self._seen.add((pair.at, pair.where))
        told = False
        if isinstance(pair.schema, dict) and depth < MAX_DEPTH:
            for fault in _own_faults(pair):
                told = True
                yield fault
            for part in self._parts_of(pair):
                if not self._parts.accept(part.at, part.value):
                    told = True
                    yield from self.faults(part, depth + 1)
            for fault in self._counted(pair):
                told = True
                yield fault
        if not told:
            yield from self._leftovers(pair)

    def _parts_of(self, pair: _Pair) -> Iterator[_Pair]:
        """The subschemas that a value has to fit for sure, each with the part of the value it is for."""
        at, schema, where, value = pair
        if isinstance(reference := schema.get("$ref"), str):
            yield _Pair(unquote(reference[1:]), resolve(self._root, reference[1:]), where, value)
        for index, sub in enumerate(schema.get("allOf", ())):
            yield _Pair(f"{at}/allOf/{index}", sub, where, value)
        if "if" in schema:
            branch = "then" if self._parts.accept(f"{at}/if", value) else "else"
            if branch in schema:
                yield _Pair(f"{at}/{branch}", schema[branch], where, value)
        if isinstance(value, dict):
            yield from _members(pair)
        elif isinstance(value, list):
            prefix = schema.get("prefixItems", ())
            for index, item in enumerate(value):
                if index < len(prefix):
                    yield _Pair(f"{at}/prefixItems/{index}", prefix[index], f"{where}/{index}", item)
                elif "items" in schema:
                    yield _Pair(f"{at}/items", schema["items"], f"{where}/{index}", item)

    def _counted(self, pair: _Pair) -> Iterator[Fault]:
        """The faults by keywords that count how many of their subschemas, or of the value's parts, fit."""
        at, schema, where, value = pair
        for keyword in ("anyOf", "oneOf"):
            branches = schema.get(keyword, ())
            fitting = sum(self._parts.accept(f"{at}/{keyword}/{index}", value) for index in range(len(branches)))
            if keyword == "oneOf" and fitting > 1:
                yield Fault(where, "fits more than one of its alternatives; exactly one may fit")
            elif branches and not fitting:
                yield Fault(where, "fits none of its alternatives" + self._reasons(pair, keyword))
        if "not" in schema and self._parts.accept(f"{at}/not", value):
            yield Fault(where, "is what it must not be")
        if isinstance(value, list) and "contains" in schema:
            found = sum(self._parts.accept(f"{at}/contains", item) for item in value)
            if not schema.get("minContains", 1) <= found <= schema.get("maxContains", len(value)):
                yield Fault(where, f"holds {found} items of the kind it has to contain")
        if isinstance(value, dict) and "propertyNames" in schema:
            for name in value:
                if not self._parts.accept(f"{at}/propertyNames", name):
                    yield Fault(f"{where}/{escape(name)}", "is not a name allowed here")

    def _reasons(self, pair: _Pair, keyword: str) -> str:
        """The first fault of the first alternatives; a choice inside a choice is not opened, that could double."""
        if self._in_choice:
            return ""
        reasons = []
        for index, sub in enumerate(pair.schema[keyword][:_MAX_BRANCHES]):
            walk = _Walk(self._root, self._parts, in_choice=True)
            branch = _Pair(f"{pair.at}/{keyword}/{index}", sub, pair.where, pair.value)
            reasons += [str(fault) for fault in [next(walk.faults(branch), None)] if fault]
        return ": " + " | ".join(reasons)

    def _leftovers(self, pair: _Pair) -> Iterator[Fault]:
        """What remains to be said where no part of the schema is to blame."""
        _, schema, where, value = pair
        if not isinstance(schema, dict):
            yield Fault(where, "must not be there")
        elif isinstance(value, dict) and schema.get("unevaluatedProperties") is False:
            known = {name: None for layer in layers(self._root, schema, choices=True) for name in _properties(layer)}
            unknown = [name for name in value if name not in known]
            yield from (_unknown(where, name, list(known)) for name in unknown)
            if not unknown:
                yield Fault(where, "has properties that may not stand together")
        else:
            yield Fault(where, "does not fit its schema")


def layers(root: Any, schema: Any, *, choices: bool = False) -> Iterator[dict[str, Any]]:
    """A schema and all that applies in the same place: through `$ref` and `allOf`, and `choices` where wanted."""
    seen: set[int] = set()
    stack = [schema]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        beside = [*node.get("allOf", ())]
        if isinstance(reference := node.get("$ref"), str):
            beside.append(resolve(root, reference[1:]))
        if choices:
            beside += [*node.get("anyOf", ()), *node.get("oneOf", ())]
            beside += [node[name] for name in ("if", "then", "else") if name in node]
            beside += _properties(node, "dependentSchemas").values()
        stack.extend(reversed(beside))


def _properties(schema: Mapping[str, Any], keyword: str = "properties") -> dict[str, Any]:
    stated = schema.get(keyword)
    return stated if isinstance(stated, dict) else {}


def _members(pair: _Pair) -> Iterator[_Pair]:
    at, schema, where, value = pair
    for keyword in ("properties", "dependentSchemas"):
        for name, sub in _properties(schema, keyword).items():
            if name in value:
                inner = (f"{where}/{escape(name)}", value[name]) if keyword == "properties" else (where, value)
                yield _Pair(f"{at}/{keyword}/{escape(name)}", sub, *inner)
    for pattern, sub in _properties(schema, "patternProperties").items():
        named = compile_rules({"pattern": pattern})
        for name in value:
            if named.is_valid(name):
                yield _Pair(f"{at}/patternProperties/{escape(pattern)}", sub, f"{where}/{escape(name)}", value[name])
    if isinstance(schema.get("additionalProperties"), dict):
        for name in _additional(schema, value):
            inner = (f"{where}/{escape(name)}", value[name])
            yield _Pair(f"{at}/additionalProperties", schema["additionalProperties"], *inner)


def _additional(schema: Mapping[str, Any], value: dict[str, Any]) -> Iterator[str]:
    known = _properties(schema)
    patterns = [compile_rules({"pattern": pattern}) for pattern in _properties(schema, "patternProperties")]
    return (name for name in value if name not in known and not any(each.is_valid(name) for each in patterns))


def _own_faults(pair: _Pair) -> Iterator[Fault]:
    """The faults by keywords that hold no schema."""
    _, schema, where, value = pair
    for error in compile_rules({key: schema[key] for key in _PLAIN if key in schema}).iter_errors(value):
        yield _tell(where, error)
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        for name in _additional(schema, value):
            yield _unknown(where, name, list(_properties(schema)))


def _unknown(where: str, name: str, known: list[str]) -> Fault:
    remedy = f"known: {', '.join(known[:_MAX_LISTED])}" if known else "it takes none"
    if close := difflib.get_close_matches(name[:_MAX_QUOTED], known[:_MAX_COMPARED], n=1):
        remedy = f"did you mean {close[0]!r}?"
    return Fault(f"{where}/{escape(name)}", "is not an argument", remedy)


def _tell(where: str, error: jsonschema_rs.ValidationError) -> Fault:
    kind = error.kind
    match kind.as_dict():
        case {"types": types}:
            problem = f"is not of type {' or '.join(types)}"
        case {"property": name}:
            where, problem = f"{where}/{escape(name)}", "is required and missing"
        case {"options": [*options]}:
            more = f" … ({len(options)} in all)" if len(options) > _MAX_LISTED else ""
            problem = f"is not one of {', '.join(map(_quoted, options[:_MAX_LISTED]))}{more}"
        case {"expected_value": expected}:
            problem = f"is not {_quoted(expected)}"
        case {"format": name}:
            problem = f"is not a valid {name}"
        case {"pattern": pattern}:
            problem = f"does not match the pattern {pattern[:_MAX_QUOTED]}"
        case {"limit": limit}:
            problem = _LIMITS[kind.name].format(limit=limit)
        case {"multiple_of": step}:
            problem = f"is not a multiple of {step}"
        case _:
            problem = {"uniqueItems": "has items that are equal", "pattern": "takes its pattern too long to match"}[
                kind.name
            ]
    return Fault(where, problem)


def _quoted(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 1]}…"
