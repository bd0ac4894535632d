"""The seed's shorthand for schemas, and JSON Schema: both ways.

The shorthand maps property names to types: JSON Schemas with two liberties, or samples of a type:

    {"query": {"type": "string", "required": true}}        # `required` on the property
    {"results": {"type": "array", "items": "SearchResult"}}  # a named open type
    {"competitors": [{"name": "str", "pricing": "dict"}]}   # lists, objects and type names

`expand` makes JSON Schema 2020-12 of it; `contract` goes back, and `contract(expand(s)) == s` for the first two forms.
Anything that is a JSON Schema already passes through `expand` unchanged. Where a form could be either, a property named
like a keyword is a property if its value is not what the keyword takes: `{"items": {"type": "array"}}` has one called
"items", `{"enum": ["a"]}` is a JSON Schema.
"""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import quote, unquote

from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.schema.limits import DIALECT, MAX_DEPTH
from orchestra_tools.schema.pointer import escape

JSON_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})
_TYPE_NAMES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
    "list": {"type": "array"},
    "none": {"type": "null"},
    "any": {},
} | {name: {"type": name} for name in JSON_TYPES}
# The type each of these keywords has in JSON Schema; a shorthand property of the same name mostly has another one.
_SCHEMA_SIGNS: dict[str, type] = {
    "$schema": str,
    "$ref": str,
    "$defs": dict,
    "anyOf": list,
    "oneOf": list,
    "allOf": list,
    "enum": list,
    "prefixItems": list,
    "not": dict,
    "patternProperties": dict,
}
_SUBSCHEMA_KEYS = ("items", "additionalProperties")
_DATA_KEYS = ("default", "examples", "const", "required", "dependentRequired")
_TEXT_KEYS = ("type", "title", "description", "format", "pattern", "default", "const", "$comment")
_ANYTHING = {"$schema": DIALECT}  # the schema `true`, in a form that is no shorthand
_NAMED = "#/$defs/"
_KEEP = "keep it as JSON Schema"
_NOTHING: dict[str, Any] = {"not": {}}


def is_json_schema(form: Any) -> bool:
    """Whether a form is JSON Schema already, not shorthand."""
    if isinstance(form, bool):
        return True
    if not isinstance(form, dict):
        return False
    stated = form.get("type")
    if stated and all(
        isinstance(name, str) and name in JSON_TYPES for name in (stated if isinstance(stated, list) else [stated])
    ):
        return True
    if isinstance(form.get("properties"), dict) and all(
        isinstance(sub, dict | bool) for sub in form["properties"].values()
    ):
        # A shorthand property called "properties" would itself be a schema, with a "type" that is text.
        return True
    # An identifier is a type's name, and no `$ref` or `$schema`.
    return any(
        isinstance(value := form.get(name), kind) and not (isinstance(value, str) and value.isidentifier())
        for name, kind in _SCHEMA_SIGNS.items()
    )


def expand(form: Any) -> dict[str, Any]:
    """JSON Schema of a shorthand; a JSON Schema comes back as it is.

    Raises:
        SchemaRefusedError: The form is neither.
    """
    if isinstance(form, bool):
        return dict(_ANYTHING if form else _NOTHING)
    if not isinstance(form, dict):
        _refuse("", f"a schema is an object, this is {type(form).__name__}", "write properties or a JSON Schema")
    if is_json_schema(form):
        return form
    names: dict[str, None] = {}
    schema = _expand_object(form, names, "", 0)
    if names:
        schema["$defs"] = {name: {"title": name, "type": "object"} for name in names}
    return schema


def _expand_object(form: dict[str, Any], names: dict[str, None], pointer: str, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    required = []
    for name, sub in form.items():
        schema["properties"][name] = _expand_value(sub, names, f"{pointer}/{escape(str(name))}", depth + 1)
        if isinstance(sub, dict) and sub.get("required") is True:
            required.append(name)
    if required:
        schema["required"] = required
    return schema


def _expand_value(form: Any, names: dict[str, None], pointer: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        _refuse(pointer, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(form, bool):
        return form
    if isinstance(form, str):
        return _expand_name(form, names, pointer)
    if isinstance(form, list):
        if len(form) != 1:
            _refuse(pointer, f"a list names the type of its items: one element, not {len(form)}")
        return {"type": "array", "items": _expand_value(form[0], names, f"{pointer}/0", depth + 1)}
    if not isinstance(form, dict):
        _refuse(pointer, f"expected a schema or a type name, got {type(form).__name__}")
    if is_json_schema(form) or _describes(form):
        return _expand_description(form, names, pointer, depth)
    return _expand_object(form, names, pointer, depth)


def _expand_description(form: dict[str, Any], names: dict[str, None], pointer: str, depth: int) -> dict[str, Any]:
    schema = {key: value for key, value in form.items() if not (key == "required" and isinstance(value, bool))}
    if isinstance(schema.get("type"), str):
        schema = _expand_name(schema.pop("type"), names, f"{pointer}/type") | schema
    for key in _SUBSCHEMA_KEYS:
        if key in schema:
            schema[key] = _expand_value(schema[key], names, f"{pointer}/{key}", depth + 1)
    if isinstance(schema.get("properties"), dict):
        inner = _expand_object(schema["properties"], names, f"{pointer}/properties", depth)
        stated = schema["required"] if isinstance(schema.get("required"), list) else []
        schema["properties"] = inner["properties"]
        if marked := [name for name in inner.get("required", []) if name not in stated]:
            schema["required"] = [*stated, *marked]
    return schema


def _describes(form: dict[str, Any]) -> bool:
    """Whether a form without JSON Schema's signs describes one property, and is not an object of several."""
    if isinstance(form.get("required"), bool) or any(_is_no_type(value) for value in form.values()):
        return True
    return all(
        key in _TEXT_KEYS and value not in _TYPE_NAMES
        if isinstance(value, str)
        else key in _DATA_KEYS or not isinstance(value, dict | list)
        for key, value in form.items()
    )


def _is_no_type(value: Any) -> bool:
    return value is None or type(value) in (int, float) or (isinstance(value, str) and not value.isidentifier())


def _expand_name(name: str, names: dict[str, None], pointer: str) -> dict[str, Any]:
    if (known := _TYPE_NAMES.get(name)) is not None:
        return dict(known)
    if not name.isidentifier():
        _refuse(pointer, f"{name[:80]!r} is no type", "use str, int, float, bool, dict, list, any, or a type's name")
    names[name] = None
    return {"$ref": f"{_NAMED}{quote(name)}"}


def contract(schema: dict[str, Any]) -> dict[str, Any]:
    """The shorthand of an object schema: `expand` makes the same schema of it.

    Raises:
        SchemaRefusedError: The schema says more than the shorthand can.
    """
    beyond = sorted(set(schema) - {"type", "properties", "required", "$defs"})
    if schema.get("type") != "object" or beyond:
        _refuse("", f"shorthand cannot say {beyond or schema.get('type')} at the root", _KEEP)
    form: dict[str, Any] = _contract_value({"properties": {}, "required": [], **schema})["properties"]
    # What shorthand cannot say is found by reading it back.
    if _unordered(expand(form)) != _unordered({"properties": {}} | schema):
        _refuse("", "shorthand cannot say all that this schema says", _KEEP)
    return form


def _contract_value(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if len(schema) == 1 and isinstance(reference, str) and reference.startswith(_NAMED):
        return unquote(reference.removeprefix(_NAMED))
    form = {key: _contract_value(value) if key in _SUBSCHEMA_KEYS else value for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        form["properties"] = inner = {name: _contract_value(sub) for name, sub in schema["properties"].items()}
        required = schema.get("required", [])
        if all(isinstance(inner.get(name), dict) for name in required):
            form.pop("required", None)
            form["properties"] = inner | {name: _with_required(inner[name]) for name in required}
    return form


def _with_required(value: dict[str, Any]) -> dict[str, Any]:
    head = {key: value[key] for key in ("type",) if key in value}
    return head | {"required": True} | {key: sub for key, sub in value.items() if key not in head}


def _unordered(schema: Any) -> Any:
    """The schema with its lists of required names sorted: their order says nothing."""
    if isinstance(schema, list):
        return [_unordered(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: sorted(value) if key == "required" and isinstance(value, list) else _unordered(value)
        for key, value in schema.items()
        if not (key == "required" and value == [])
    }


def _refuse(pointer: str, problem: str, remedy: str = "") -> NoReturn:
    raise SchemaRefusedError("the form is refused", [Fault(pointer, problem, remedy)])
