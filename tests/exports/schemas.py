"""Schemas for the tests of exports."""

from __future__ import annotations

import copy
from typing import Any

from orchestra_tools.schema.limits import iter_subschemas


def members(**properties: Any) -> dict[str, Any]:
    """A closed object. A name that ends in an underscore is optional."""
    names = {name.rstrip("_"): sub for name, sub in properties.items()}
    required = [name for name in properties if not name.endswith("_")]
    return {"type": "object", "properties": names, "required": required, "additionalProperties": False}


def closed(schema: Any) -> Any:
    """The same schema by somebody who says that there are no further members."""
    schema = copy.deepcopy(schema)
    for _, node in iter_subschemas(schema):
        if node.get("type") == "object":
            node.setdefault("additionalProperties", False)
    return schema
