"""What LlamaIndex shows its models of a tool: the ledger's own JSON Schema, never a Pydantic reading of it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.tools import ToolMetadata

from orchestra_tools.exports import Definition


class OrchestraToolMetadata(ToolMetadata):
    """A tool's name, words and input schema."""

    def __init__(self, definition: Definition) -> None:
        self.name = definition.name
        self.description = definition.description
        self.return_direct = False
        self._schema = json.dumps(definition.input_schema)

    @cached_property
    def fn_schema(self) -> type[BaseModel]:  # type: ignore[override]  # made when asked for: a class takes 0.4 ms
        """A class for those who ask a class for the schema. It has no fields and checks nothing: the ledger does."""
        metadata = self

        class Arguments(BaseModel, extra="allow"):
            @classmethod
            def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
                return metadata.get_parameters_dict()

        return Arguments

    def get_parameters_dict(self) -> dict[str, Any]:
        """The input schema, whole; the base class drops most keywords of its root.

        Each caller gets one of its own, since some change theirs. Reading text again is the quickest deep copy.
        """
        schema: dict[str, Any] = json.loads(self._schema)
        return schema

    def to_openai_tool(self, skip_length_check: bool = False) -> dict[str, Any]:
        """As OpenAI takes it, in full however long: LlamaIndex's classes of models skip the length check as well."""
        return super().to_openai_tool(skip_length_check=True)
