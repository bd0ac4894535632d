"""Arguments of a call, from the command line: one JSON document, key=value pairs, or both.

    read_pairs(["query=tao", "count=5"], schema)     # {"query": "tao", "count": 5}

A value stands for JSON where the schema wants something other than a string, else for itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from orchestra_tools.errors import ConfigurationError, Fault, InvalidArgumentsError, LedgerFormatError
from orchestra_tools.importers import parse_json
from orchestra_tools.schema import resolve

ALL_TYPES = frozenset(("string", "number", "integer", "boolean", "null", "array", "object"))
_MAX_DEPTH = 32
_CONTAINERS = ("array", "object")


def read_arguments(pairs: Iterable[str], document: str | None, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the command line gives.

    Args:
        pairs: `key=value`, or `-` for a JSON object on stdin.
        document: JSON text, `@FILE`, or `-` for stdin; pairs win over its members.
        schema: Input schema of the tool.

    Raises:
        InvalidArgumentsError: The JSON is broken, or no object; a pair is no pair, or given twice.
        ConfigurationError: A file cannot be read.
    """
    given = list(pairs)
    if "-" in given:
        if document is not None:
            _refuse("both - and --arguments give a document", "Use one of them")
        given, document = [pair for pair in given if pair != "-"], "-"
    arguments = {} if document is None else _read_document(document)
    return arguments | read_pairs(given, schema)


def read_pairs(pairs: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in key=value pairs.

    Raises:
        InvalidArgumentsError: One is no pair, or given twice.
    """
    arguments: dict[str, Any] = {}
    properties = schema.get("properties", {})
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not (key and equals):
            _refuse(f"{pair[:60]!r} is no key=value", "Write key=value, or give JSON with --arguments")
        if key in arguments:
            _refuse(f"{key[:60]!r} is given twice", "Give a list as JSON, as in key='[1,2]'")
        wanted = wanted_types(properties[key], schema) if key in properties else frozenset(("string",))
        arguments[key] = read_value(text, wanted)
    return arguments


def read_value(text: str, wanted: frozenset[str]) -> Any:
    """The value that a text stands for, where values of some types are wanted."""
    try:
        value = json.loads(text, parse_constant=_no_constants)
    except (ValueError, RecursionError):
        return text
    if "string" not in wanted or wanted == ALL_TYPES:
        return value
    # Where strings and lists are welcome, brackets say which one is meant.
    kind = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else ""
    return value if kind in _CONTAINERS and kind in wanted else text


def wanted_types(schema: Any, root: Mapping[str, Any], depth: int = 0) -> frozenset[str]:
    """The JSON types that a schema welcomes, as far as can be seen without trying."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return ALL_TYPES
    found = ALL_TYPES
    match schema.get("type"):
        case str(name):
            found = frozenset((name,))
        case [*names]:
            found = frozenset(names)
    if "const" in schema or "enum" in schema:
        found &= frozenset(map(_type_of, schema.get("enum", [schema.get("const")])))
    if isinstance(reference := schema.get("$ref"), str):
        try:
            found &= wanted_types(resolve(root, reference[1:]), root, depth + 1)
        except LookupError:
            return found
    for keyword in ("anyOf", "oneOf"):
        if branches := schema.get(keyword):
            found &= frozenset().union(*(wanted_types(branch, root, depth + 1) for branch in branches))
    for branch in schema.get("allOf", ()):
        found &= wanted_types(branch, root, depth + 1)
    return found


def read_text(place: str, *, at_most: int = -1) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    Args:
        place: The file, or `-`.
        at_most: Bytes that are read; -1 = all.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    if place == "-":
        return sys.stdin.buffer.read(at_most)
    try:
        with Path(place).open("rb") as file:
            return file.read(at_most)
    except OSError as error:
        raise ConfigurationError(f"{place} cannot be read: {error.strerror}", remedy="Check the path") from error


def _read_document(text: str) -> dict[str, Any]:
    source = "--arguments"
    data: bytes | str = text
    if text == "-" or text.startswith("@"):
        source = "stdin" if text == "-" else text[1:]
        data = read_text(source if text.startswith("@") else "-")
    try:
        document = parse_json(data, source=source)
    except LedgerFormatError as error:
        raise InvalidArgumentsError(f"{source} cannot be used as arguments", error.faults) from error
    if not isinstance(document, dict):
        _refuse(f"{source} is JSON, but no object", 'Write an object, as in {"query": "tao"}')
    return document


def _type_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case None:
            return "null"
        case list():
            return "array"
    return "object"


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise InvalidArgumentsError("the arguments cannot be read", [Fault("", problem, remedy)])
