"""What a schema must be to be let in.

A schema comes from strangers. It is at most 64 kB, 32 levels and 5,000 nodes, refers to nothing outside itself, every
reference leads somewhere, its references cannot multiply (a doubling chain of `$defs` is a bomb), and it compiles.
`check_schema` lists every fault with its JSON pointer; it does not stop at the first.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from types import NoneType
from typing import Any

import jsonschema_rs
from pydantic_core import to_json

from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.schema.engine import COMPILE_ERRORS, compile_rules
from orchestra_tools.schema.pointer import join, resolve

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_NODES = 5_000
MAX_EXPANDED_NODES = 100_000  # nodes once every non-recursive reference is written out; real schemas have hundreds
MAX_CHAIN = 256  # references that lead through one another
MAX_FAULTS = 20
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KNOWN_DIALECTS = re.compile(r"https?://json-schema\.org/(draft-0[4-7]|draft/20(19-09|20-12))/schema#?")
_META = jsonschema_rs.Draft202012Validator({"$ref": DIALECT})
MAPS_OF_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
DATA_KEYWORDS = frozenset({"enum", "const", "default", "examples", "example", "required", "dependentRequired"})
_UNSUPPORTED = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$id")

_CONTAINERS = (dict, list)  # as constants, since every node of a ledger is held against them
_SCALARS = (str, int, float, NoneType)
_MAX_INTEGER_BITS = 8_192  # Python itself writes no more than 4,300 digits

# Where a node stands, innermost token first. A pointer is written only where a fault is told: with long keys, pointers
# to all nodes would take far more memory than the schema.
_Path = tuple["_Path", str | int] | None


def check_schema(schema: Any, *, what: str = "schema") -> None:
    """Let a schema in, or say everything that is wrong with it.

    Raises:
        SchemaRefusedError: With a fault for each reason.
    """
    # Each check relies on the ones before it: only a bounded schema can be walked, only sound references followed.
    if faults := _first(_limits(schema)):
        raise SchemaRefusedError(f"the {what} is refused", faults)
    nodes = list(_walk(schema))
    faults = _first(_references(schema, nodes)) or _first(_expansion(schema, nodes))
    refusal = None if faults else _compile_fault(schema)
    if faults or refusal:
        faults = _first(itertools.chain(faults, _grammar(schema), _patterns(nodes)))
    if refusal and not faults:
        faults = [refusal]
    if faults := [*faults, *_dialect(schema)]:
        raise SchemaRefusedError(f"the {what} is refused", faults)


def is_deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value is nested deeper than so many levels. Iterative: it may be deeper than Python's stack."""
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(levels):
        level = [
            below
            for node in level
            for below in (node.values() if isinstance(node, dict) else node)
            if isinstance(below, _CONTAINERS)
        ]
        if not level:
            return False
    return True


def iter_subschemas(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a schema that is a schema itself, with its pointer; data such as `enum` is left out."""
    for path, node in _walk(schema):
        yield _pointer(path), node


def _first(faults: Iterable[Fault]) -> list[Fault]:
    return list(itertools.islice(faults, MAX_FAULTS))


def _pointer(path: _Path) -> str:
    tokens: list[str | int] = []
    while path is not None:
        path, token = path
        tokens.append(token)
    return join(reversed(tokens))


def _limits(schema: Any) -> Iterator[Fault]:
    if not isinstance(schema, dict | bool):
        yield Fault("", f"a schema is an object or a boolean, this is {type(schema).__name__}")
        return
    if isinstance(schema, bool):
        return
    nodes, sound = 1, True
    # Iterative on purpose: the document may be deeper than Python's stack.
    stack: list[tuple[Any, _Path, int]] = [(schema, None, 1)]
    while stack:
        node, path, depth = stack.pop()
        nodes += len(node)
        if nodes > MAX_NODES:
            yield Fault("", f"more than {MAX_NODES:,} nodes")
            return
        if depth > MAX_DEPTH:
            yield Fault(_pointer(path)[:200], f"nested deeper than {MAX_DEPTH} levels")
            return
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, _CONTAINERS):
                stack.append((value, (path, key), depth + 1))
            elif type(value) is not str and (problem := _unsound(value)):
                sound = False
                yield Fault(_pointer((path, key)), f"not JSON: {problem}")
            if not isinstance(key, str) and isinstance(node, dict):
                sound = False
                yield Fault(_pointer(path), f"not JSON: a key is {type(key).__name__}, not text")
    if sound:
        yield from _size(schema)


def _unsound(scalar: Any) -> str:
    if isinstance(scalar, float):
        return "" if math.isfinite(scalar) else str(scalar)
    if isinstance(scalar, int) and scalar.bit_length() > _MAX_INTEGER_BITS:
        return "an integer of thousands of digits"
    return "" if isinstance(scalar, _SCALARS) else type(scalar).__name__


def _size(schema: Any) -> Iterator[Fault]:
    try:
        size = len(to_json(schema))
    except ValueError:  # a lone surrogate
        yield Fault("", "not JSON: it holds half a character")
        return
    if size > MAX_BYTES:
        yield Fault("", f"{size:,} bytes, the limit is {MAX_BYTES:,}")


def _walk(schema: Any, path: _Path = None) -> Iterator[tuple[_Path, dict[str, Any]]]:
    stack: list[tuple[Any, _Path, bool]] = [(schema, path, True)]
    while stack:
        node, path, is_schema = stack.pop()
        if isinstance(node, list):
            for index, value in enumerate(node):
                if isinstance(value, _CONTAINERS):
                    stack.append((value, (path, index), is_schema))
        elif isinstance(node, dict):
            if is_schema:
                yield path, node
            for key, value in node.items():
                if isinstance(value, _CONTAINERS) and not (is_schema and key in DATA_KEYWORDS):
                    stack.append((value, (path, key), not (is_schema and key in MAPS_OF_SCHEMAS)))


def _references(schema: Any, nodes: list[tuple[_Path, dict[str, Any]]]) -> Iterator[Fault]:
    schemas = {id(node) for _, node in nodes}
    for path, node in nodes:
        if "$ref" in node:
            yield from _reference(schema, schemas, (path, "$ref"), node["$ref"])
        for keyword in _UNSUPPORTED:
            # At the root an `$id` only names the schema: no reference is resolved against it.
            if keyword in node and not (keyword == "$id" and path is None):
                yield Fault(_pointer((path, keyword)), f"{keyword} is not supported", "refer by $ref to #/$defs/…")


def _reference(schema: Any, schemas: set[int], path: _Path, target: Any) -> Iterator[Fault]:
    if not isinstance(target, str):
        yield Fault(_pointer(path), "a reference is a string")
    elif not target.startswith("#"):
        yield Fault(_pointer(path), f"refers outside the schema: {target[:120]!r}", "copy the target into $defs")
    elif target != "#" and not target.startswith("#/"):
        yield Fault(_pointer(path), f"refers to an anchor: {target[:120]!r}", "refer by $ref to #/$defs/…")
    else:
        try:
            found = resolve(schema, target[1:])
        except LookupError:
            yield Fault(_pointer(path), f"leads nowhere: {target[:120]!r}", "add the target to $defs")
            return
        if not isinstance(found, bool) and id(found) not in schemas:
            yield Fault(_pointer(path), f"leads to something that is no schema: {target[:120]!r}")
        elif not target.isascii():
            yield Fault(_pointer(path), f"not a URI reference: {target[:120]!r}", "percent-encode it")


def _expansion(schema: Any, nodes: list[tuple[_Path, dict[str, Any]]]) -> Iterator[Fault]:
    if any("$ref" in node for _, node in nodes) and _expanded_size(schema) > MAX_EXPANDED_NODES:
        yield Fault("", f"its references expand to more than {MAX_EXPANDED_NODES:,} nodes, or {MAX_CHAIN} deep")


def _expanded_size(schema: dict[str, Any]) -> int:
    """Nodes of the schema with each reference written out; a reference back into its own expansion counts once."""
    sizes: dict[str, int] = {}
    open_targets: set[str] = set()

    def size_of(target: str) -> int:
        if target in sizes:
            return sizes[target]
        if target in open_targets:
            return 1
        if len(open_targets) > MAX_CHAIN:
            return MAX_EXPANDED_NODES + 1
        open_targets.add(target)
        total = 0
        for _, node in _walk(resolve(schema, target[1:])):
            total += 1
            if isinstance(reference := node.get("$ref"), str):
                total += size_of(reference)
                if total > MAX_EXPANDED_NODES:
                    break
        open_targets.discard(target)
        sizes[target] = total
        return total

    return size_of("#")


def _compile_fault(schema: Any) -> Fault | None:
    try:
        compile_rules(schema)
    except COMPILE_ERRORS as error:
        return told_by_compiler(error)
    return None


def told_by_compiler(error: Exception) -> Fault:
    """The fault an error of the compiler stands for."""
    where = join(error.instance_path) if isinstance(error, jsonschema_rs.ValidationError) else ""
    message = getattr(error, "message", str(error))
    return Fault(where, f"cannot be compiled: {message[:200]}")


def _dialect(schema: Any) -> Iterator[Fault]:
    dialect = schema.get("$schema", DIALECT) if isinstance(schema, dict) else DIALECT
    if not isinstance(dialect, str) or not _KNOWN_DIALECTS.fullmatch(dialect):
        yield Fault("/$schema", f"unknown dialect: {str(dialect)[:120]!r}", f"use {DIALECT}")


def _grammar(schema: Any) -> Iterator[Fault]:
    for error in _META.iter_errors(schema):
        yield Fault(join(error.instance_path), f"not JSON Schema 2020-12: {error.message[:120]}")


def _patterns(nodes: list[tuple[_Path, dict[str, Any]]]) -> Iterator[Fault]:
    for path, node in nodes:
        places: list[tuple[_Path, Any]] = [((path, "pattern"), node.get("pattern"))]
        if isinstance(named := node.get("patternProperties"), dict):
            places += [(((path, "patternProperties"), pattern), pattern) for pattern in named]
        for place, pattern in places:
            if isinstance(pattern, str) and _compile_fault({"pattern": pattern}):
                yield Fault(_pointer(place), f"not a usable regular expression: {pattern[:120]}")
