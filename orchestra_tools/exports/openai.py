"""Tools as OpenAI's APIs take them: chat completions and responses. Pure.

    definitions = {each.name: each for each in offer.definitions()}
    tools = to_openai_tools(definitions.values())
    arguments = restore_arguments(definitions.get(call.function.name), call.function.arguments)

Models are held to the schema wherever it has a strict form; see `strict`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from orchestra_tools.compile import Tool
from orchestra_tools.errors import InputError
from orchestra_tools.exports.definition import Definition, define
from orchestra_tools.exports.portable import object_schema
from orchestra_tools.exports.strict import Strict, to_strict
from orchestra_tools.schema.limits import iter_subschemas

_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_MAX_NAMED = 5  # tools in an error's message; its facts have all


def to_openai_tools(
    tools: Iterable[Tool | Definition],
    *,
    strict: bool | Literal["auto"] = "auto",
    api: Literal["chat", "responses"] = "chat",
) -> list[dict[str, Any]]:
    """Tools as an OpenAI request lists them, in their order.

    Args:
        tools: What to export.
        strict: Whether the model is held to the schema: "auto" = wherever that is possible. What it writes then has to
            come back through `restore_arguments`.
        api: Which of the two lists it is for.

    Raises:
        InputError: `strict` is True, and some tools cannot be; the fact `tools` has the reasons by name.
    """
    exported: list[dict[str, Any]] = []
    refused: dict[str, list[str]] = {}
    for definition in map(define, tools):
        form = to_strict(definition.input_schema) if strict else Strict(None)
        if form.reasons:
            refused[definition.name] = [str(reason) for reason in form.reasons]
        function = {
            "name": definition.name,
            "description": definition.description,
            "parameters": _loose(definition.input_schema) if form.schema is None else form.schema,
            "strict": form.schema is not None,  # said in any case: the responses API takes silence for true
        }
        exported.append({"type": "function"} | ({"function": function} if api == "chat" else function))
    if strict is True and refused:
        listed = "; ".join(f"{name}: {reasons[0]}" for name, reasons in list(refused.items())[:_MAX_NAMED])
        raise InputError(
            f"{len(refused)} of {len(exported)} tools cannot be strict: {listed}",
            remedy='Leave them out, or export with strict="auto"',
            tools=refused,
        )
    return exported


def restore_arguments(tool: Tool | Definition | None, arguments: Any) -> Any:
    """What a model wrote for a tool exported with `strict="auto"` or `True`, as arguments to call it with.

    Args:
        tool: As it was exported; None = the model made its name up.
        arguments: A JSON object, or its text. Anything else comes back as it is: the call says what is wrong with it.
    """
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")  # some models write nothing where there is nothing to say
        except ValueError:
            return arguments
    return arguments if tool is None else to_strict(define(tool).input_schema).restore(arguments)


def _loose(schema: Mapping[str, Any]) -> dict[str, Any]:
    """An input schema for a model that is not held to it, without what fails the whole request all the same."""
    loose = object_schema(schema)
    for _, node in iter_subschemas(loose):
        if isinstance(pattern := node.get("pattern"), str) and _LOOKAROUND.search(pattern):
            del node["pattern"]
    return loose
