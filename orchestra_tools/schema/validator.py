"""Validation by jsonschema-rs: formats on, nothing fetched, patterns bounded, every fault told.

    validator = Validator(schema)
    arguments = validator.check(arguments, tool=name)   # with defaults, or InvalidArgumentsError with every fault
    faults = validator.faults(answer)                   # [] where it fits

A fault never repeats the value it is about: values may be secrets.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping
from typing import Any

from orchestra_tools.errors import Fault, InvalidArgumentsError, SchemaRefusedError
from orchestra_tools.schema.engine import COMPILE_ERRORS, compile_rules
from orchestra_tools.schema.explain import explain, layers
from orchestra_tools.schema.limits import is_deeper, told_by_compiler
from orchestra_tools.schema.pointer import split

MAX_FAULTS = 20
MAX_ARGUMENT_DEPTH = 64  # levels
_MAX_NESTED_DEFAULTS = 32
_MAX_REPAIRS = 5  # rounds; each finds up to MAX_FAULTS broken defaults


class Validator:
    """A compiled schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Compile a schema that `check_schema` has let in.

        Raises:
            SchemaRefusedError: It cannot be compiled, for instance because of a pattern.
        """
        self.schema = schema
        try:
            self._rules = compile_rules(schema)
        except COMPILE_ERRORS as error:
            raise SchemaRefusedError("the schema is refused", [told_by_compiler(error)]) from error

    def accepts(self, value: Any) -> bool:
        """Whether a value fits."""
        try:
            return self._rules.is_valid(value)
        except (ValueError, TypeError):
            return False

    def faults(self, value: Any) -> list[Fault]:
        """Everything wrong with a value, at most `MAX_FAULTS`."""
        try:
            if self._rules.is_valid(value):
                return []
            return list(itertools.islice(explain(self.schema, value), MAX_FAULTS))
        except (ValueError, TypeError):
            return [_NOT_JSON]

    def check(self, arguments: Any, *, tool: str) -> dict[str, Any]:
        """Arguments with defaults applied, or every fault.

        Raises:
            InvalidArgumentsError: They do not fit.
        """
        if not isinstance(arguments, Mapping):
            faults = [Fault("", "is not of type object")]
        elif not _is_json(given := dict(arguments)):
            faults = [_NOT_JSON]
        else:
            filled = self._fill(given)
            if self.accepts(filled):
                return filled
            # A default can also break a rule about several arguments. That is not the caller's fault either.
            if self.accepts(given):
                return given
            faults = self.faults(filled)
        raise InvalidArgumentsError(
            f"the arguments of {tool} do not fit its input schema",
            faults,
            remedy="Mend the arguments and call again",
            tool=tool,
        )

    def _fill(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments with defaults, except those that break their own schema."""
        filled = apply_defaults(self.schema, arguments)
        for _ in range(_MAX_REPAIRS):
            if not sum(_drop_default(filled, arguments, fault.pointer) for fault in self.faults(filled)):
                break
        return filled


_NOT_JSON = Fault("", "holds something that is not JSON, or is nested too deeply")


def apply_defaults(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """A copy of an object with absent properties set to their `default`.

    Goes through `properties`, `allOf` and local `$ref`, not into choices such as anyOf. A null default is the same as
    absence.
    """
    return _filled(schema, schema, value, 0)


def _filled(root: dict[str, Any], schema: Any, value: dict[str, Any], depth: int) -> dict[str, Any]:
    filled = dict(value)
    for layer in layers(root, schema):
        for name, sub in layer.get("properties", {}).items():
            if name not in filled and (default := _default(root, sub)) is not None:
                filled[name] = copy.deepcopy(default)
            if isinstance(filled.get(name), dict) and depth < _MAX_NESTED_DEFAULTS:
                filled[name] = _filled(root, sub, filled[name], depth + 1)
    return filled


def _default(root: dict[str, Any], schema: Any) -> Any:
    return next((layer["default"] for layer in layers(root, schema) if layer.get("default") is not None), None)


def _drop_default(filled: dict[str, Any], given: dict[str, Any], pointer: str) -> bool:
    """Take out the default on the way to `pointer`, if there is one: what was filled in, but not given."""
    inside: Any = filled
    stated: Any = given
    for name in split(pointer):
        if not isinstance(inside, dict) or name not in inside:
            return False
        if name not in stated:
            del inside[name]
            return True
        inside, stated = inside[name], stated[name]
    return False


def _is_json(value: Any) -> bool:
    try:
        return not is_deeper(value, MAX_ARGUMENT_DEPTH) and bool(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError):
        return False
