"""Texts of a request given the types that their schema asks for. No I/O.

Strictly: `5` is an integer, `true` a boolean, nothing else is. A text that fits no type stays a text, so that the check
of the arguments refuses it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from orchestra_tools.calls.styles import Kind
from orchestra_tools.schema import resolve

_INTEGER = re.compile(r"-?(0|[1-9]\d*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def typed(text: str, schema: Any, root: dict[str, Any]) -> Any:
    """A text as the type its schema asks for; the text itself where none fits."""
    types = types_of(schema, root)
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"object", "array"} and text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if "null" in types and (text == "null" or (text == "" and "string" not in types)):
        options = [option for each in branches(schema, root) for option in each.get("enum", ())]
        return text if "string" in types and (not options or text in options) else None
    return text


def typed_within(texts: Any, schema: Any, root: dict[str, Any]) -> Any:
    """Texts in lists and objects, each as the type its own schema asks for."""
    if isinstance(texts, str):
        return typed(texts, schema, root)
    if isinstance(texts, dict) and "array" in types_of(schema, root) and _are_indices(texts):
        texts = list(texts.values())
    if isinstance(texts, list):
        items = item_schema(schema, root)
        return [typed_within(text, items, root) for text in texts]
    return {name: typed_within(text, member_schema(name, schema, root), root) for name, text in texts.items()}


def kind_of(schema: Any, root: dict[str, Any]) -> Kind:
    """What a schema asks for; a list before an object before a single value, where it leaves the choice."""
    types = types_of(schema, root)
    return "list" if "array" in types else "object" if "object" in types else "text"


def item_schema(schema: Any, root: dict[str, Any]) -> Any:
    """The schema of a list's items."""
    return next((each["items"] for each in branches(schema, root) if "items" in each), {})


def member_schema(name: str, schema: Any, root: dict[str, Any]) -> Any:
    """The schema of an object's member."""
    layers = branches(schema, root)
    stated = (each["properties"][name] for each in layers if name in each.get("properties", ()))
    others = (each["additionalProperties"] for each in layers if "additionalProperties" in each)
    return next(stated, next(others, {}))


def members_of(schema: Any, root: dict[str, Any]) -> frozenset[str] | None:
    """The names an object may have; None = any."""
    layers = [each for each in branches(schema, root) if "properties" in each or "additionalProperties" in each]
    closed = any("properties" in each for each in layers) and not any(
        each.get("additionalProperties") or "patternProperties" in each for each in layers
    )
    return frozenset(name for each in layers for name in each.get("properties", ())) if closed else None


def types_of(schema: Any, root: dict[str, Any]) -> set[str]:
    """The types a schema names, through references and choices."""
    found: set[str] = set()
    for branch in branches(schema, root):
        stated = branch.get("type")
        found |= {stated} if isinstance(stated, str) else set(stated or ())
        options = [*branch.get("enum", ()), *([branch["const"]] if "const" in branch else [])]
        found |= {_type_of(option) for option in options} if stated is None else set()
    return found


def branches(schema: Any, root: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and everything that may apply in its place, each once."""
    found: dict[int, dict[str, Any]] = {}
    stack = [schema]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict) or id(node) in found:
            continue
        found[id(node)] = node
        inner = [branch for keyword in ("anyOf", "oneOf", "allOf") for branch in node.get(keyword, ())]
        if isinstance(reference := node.get("$ref"), str):
            inner.append(resolve(root, reference.removeprefix("#")))
        stack.extend(reversed(inner))
    return list(found.values())


def _are_indices(texts: dict[str, Any]) -> bool:
    return list(texts) == [str(index) for index in range(len(texts))]


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
