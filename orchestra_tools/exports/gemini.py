"""Tools as Gemini's generateContent takes them. Pure.

`parametersJsonSchema` takes JSON Schema as it is. `parameters`, the older field, takes a subset of OpenAPI without
`oneOf`, `allOf`, `const` or exclusive limits: cut down to it a schema says less, and one keyword left over fails the
whole request. So there is one form only.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from orchestra_tools.compile import Tool
from orchestra_tools.exports.definition import Definition, define
from orchestra_tools.exports.portable import object_schema

_MAX_RESPONSE_BYTES = 2_000  # it goes with each request: a larger schema is left out


def to_gemini_declarations(tools: Iterable[Tool | Definition]) -> list[dict[str, Any]]:
    """Tools as function declarations in REST's names, in their order; google-genai's types take them too."""
    declarations = []
    for definition in map(define, tools):
        declaration: dict[str, Any] = {
            "name": definition.name,
            "description": definition.description,
            "parametersJsonSchema": object_schema(definition.input_schema),
        }
        answer = definition.output_schema
        if answer is not None and len(json.dumps(answer)) <= _MAX_RESPONSE_BYTES:
            declaration["responseJsonSchema"] = copy.deepcopy(dict(answer))
        declarations.append(declaration)
    return declarations
