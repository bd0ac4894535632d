"""The arguments of an operation: their schema, and where each travels in the request."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger_texts.schemas import Schema, as_base64, clean_schema, is_binary
from ledger_texts.sources import GRPC, Correction

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
WRAPPERS = frozenset({"body", "data"})  # argument names of generated clients that stand for the body itself
UNDOCUMENTED_BODY = {"type": "object", "description": "JSON body. Its form is not documented."}
# Arguments that carry a credential of the caller's, to this API or on to another.
SECRET_ARGUMENTS = frozenset(
    {
        "code_verifier",
        "credential",
        "openrouter_api_key",
        "openrouter_management_key",
        "password",
        "refresh_token",
        "x_demo_auth",
        "x_open_router_key",
    }
)
_PLACEHOLDER = re.compile(r"{([^{}]+)}")


@dataclass
class Inputs:
    """Arguments under translation."""

    properties: dict[str, Schema] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def body_arguments(self) -> list[str]:
        """The arguments that are the body or members of it."""
        return [name for name, place in self.places.items() if place["in"] == "body"]

    @property
    def has_file(self) -> bool:
        """Whether an argument is a file's bytes."""
        return any(schema.get("contentEncoding") == "base64" for schema in self.properties.values())

    def to_schema(self) -> Schema:
        """The input schema; nothing beside the declared arguments is let through."""
        schema: Schema = {"type": "object", "properties": self.properties}
        if self.required:
            schema["required"] = self.required
        return {**schema, "additionalProperties": False, **self.keywords}


def read_inputs(fact: Mapping[str, Any], corrections: Iterable[Correction]) -> Inputs:
    """Arguments of a recorded operation with the corrections applied."""
    corrections = list(corrections)
    inputs = _read_schema(fact)
    for correction in corrections:
        inputs.properties |= {name: dict(schema) for name, schema in correction.add.items()}
    _place_arguments(inputs, fact, corrections)
    _apply_corrections(inputs, corrections)
    _unwrap_body(inputs)
    if _has_undocumented_body(fact, corrections):
        inputs.properties["body"] = dict(UNDOCUMENTED_BODY)
        inputs.places["body"] = {"in": "body", "whole": True}
        inputs.notes.append("The form of the body is not documented")
    inputs.properties = {name: _finish_property(name, schema) for name, schema in inputs.properties.items()}
    _rename_python_keywords(inputs)
    return inputs


def describe_arguments(inputs: Inputs, own: Mapping[str, str], shared: Mapping[str, str]) -> None:
    """Give the arguments our descriptions.

    Raises:
        ValueError: A description is for an argument that does not exist.
    """
    if unknown := own.keys() - inputs.properties.keys():
        raise ValueError(f"there is no argument {', '.join(sorted(unknown))} to describe")
    for name, schema in inputs.properties.items():
        if description := own.get(name) or (None if "description" in schema else shared.get(name)):
            schema["description"] = description


def _read_schema(fact: Mapping[str, Any]) -> Inputs:
    recorded = clean_schema(fact["input_schema"] or {"type": "object"})
    properties = dict(recorded.pop("properties", {}))
    required = list(recorded.pop("required", []))
    for name in _PLACEHOLDER.findall(fact["path"]):
        # A path argument is text where nobody says more, and is never optional.
        properties[name] = properties.get(name) or {"type": "string"}
        if name not in required:
            required.append(name)
    keywords = {name: value for name, value in recorded.items() if name not in {"type", "additionalProperties"}}
    return Inputs(properties=properties, required=required, keywords=keywords)


def _place_arguments(inputs: Inputs, fact: Mapping[str, Any], corrections: list[Correction]) -> None:
    recorded = dict(fact["param_in"] or {})
    for correction in corrections:
        recorded |= correction.param_in
    in_path = set(_PLACEHOLDER.findall(fact["path"]))
    for name in inputs.properties:
        location = recorded.get(name) or _usual_location(name, fact["method"], in_path)
        inputs.places[name] = {"in": location}
    inferred = [name for name in inputs.properties if name not in recorded and name not in in_path]
    if inferred and fact["method"] != GRPC:
        inputs.notes.append("Where the arguments travel was inferred from the method")


def _usual_location(name: str, method: str, in_path: set[str]) -> str:
    if name in in_path:
        return "path"
    return "body" if method in BODY_METHODS else "query"


def _apply_corrections(inputs: Inputs, corrections: list[Correction]) -> None:
    for correction in corrections:
        for name, wire_name in correction.wire_names.items():
            inputs.places[name]["name"] = wire_name
        for name in correction.omit_null:
            inputs.places[name]["omit_null"] = True
        for name, default in correction.defaults.items():
            inputs.properties[name] = {**inputs.properties[name], "default": default}
        for name in correction.drop:
            del inputs.properties[name], inputs.places[name]
            inputs.required = [other for other in inputs.required if other != name]


def _unwrap_body(inputs: Inputs) -> None:
    """Replace an argument that only wraps the body by the members of the body, where no name clashes."""
    bodies = inputs.body_arguments
    if len(bodies) != 1 or bodies[0] not in WRAPPERS:
        return
    wrapper = bodies[0]
    members: dict[str, Schema] = inputs.properties[wrapper].get("properties", {})
    needed = inputs.properties[wrapper].get("required", [])
    clashes = members.keys() & (inputs.properties.keys() - {wrapper})
    # An optional body with required members is all or nothing: only the wrapper can say that.
    if not members or clashes or (needed and wrapper not in inputs.required):
        inputs.places[wrapper]["whole"] = True
        return
    del inputs.properties[wrapper], inputs.places[wrapper]
    inputs.properties |= members
    inputs.places |= {name: {"in": "body"} for name in members}
    inputs.required = [name for name in inputs.required if name != wrapper] + needed


def _has_undocumented_body(fact: Mapping[str, Any], corrections: list[Correction]) -> bool:
    for correction in corrections:
        if correction.body is not None:
            return correction.body == "undocumented"
    return fact["input_schema"] is None and fact["method"] in BODY_METHODS


def _finish_property(name: str, schema: Schema) -> Schema:
    finished = as_base64(schema) if is_binary(schema) else dict(schema)
    if name in SECRET_ARGUMENTS:
        finished["writeOnly"] = True
    return finished


def _rename_python_keywords(inputs: Inputs) -> None:
    """`from` cannot be an argument of a Python function; `from_` can, and is sent as `from`."""
    for name in [name for name in inputs.properties if keyword.iskeyword(name)]:
        renamed = f"{name}_"
        inputs.places[name].setdefault("name", name)
        inputs.properties = {renamed if key == name else key: value for key, value in inputs.properties.items()}
        inputs.places = {renamed if key == name else key: value for key, value in inputs.places.items()}
        inputs.required = [renamed if key == name else key for key in inputs.required]
