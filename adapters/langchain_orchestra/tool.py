"""A tool as LangChain has it: the core's words and schemas, and `Offer` to answer its calls."""

# Not `from __future__ import annotations`: LangChain resolves the hints of `_run` and `_arun` at each call, and
# strings are compiled each time.

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, cast

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, PrivateAttr

from orchestra_tools.client import Offer
from orchestra_tools.errors import RefusedError, UnknownToolError
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import META_TOOLS, Reply


class Arguments(BaseModel):
    """Arguments of any tool, unchecked: what they must be is JSON Schema and checked by the core."""

    model_config = ConfigDict(extra="allow")


class OrchestraTool(BaseTool):
    """A tool of a ledger. `OrchestraToolkit` and `OrchestraMiddleware` make them.

    Called with a tool call it gives a `ToolMessage`: what the model reads as content, `Reply.artifact()` as artifact,
    and status "error" where the reply failed. Called with plain arguments it gives the content.

    Attributes:
        args_schema: JSON Schema as models are shown it, without choices at its root: some providers' packages show
            this, others `tool_call_schema`. The core validates against the full one, `metadata["input_schema"]`.
        metadata: `Offer.facts`, as they were when the tool was made.
    """

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    _offer: Offer = PrivateAttr()
    _tool: str = PrivateAttr()
    """The ledger's name of it; `name` may be changed."""

    def __init__(self, offer: Offer, definition: Definition, metadata: Mapping[str, Any]) -> None:
        super().__init__(
            name=definition.name,
            description=definition.description,
            args_schema=dict(definition.input_schema),
            metadata=dict(metadata),
        )
        self._offer, self._tool = offer, definition.name

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        # LangChain's own builds a class at each look, and one that refuses to be given no arguments.
        return Arguments

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        return cast("dict[str, Any]", self.args_schema)

    def invoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002  # LangChain's name for it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        return super().invoke(_as_call(input), config, **kwargs)

    async def ainvoke(
        self,
        input: str | dict[str, Any] | ToolCall,  # noqa: A002  # LangChain's name for it
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Any:
        return await super().ainvoke(_as_call(input), config, **kwargs)

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        # As one value: as keywords, some would meet parameters of LangChain's and be dropped.
        return (tool_input, tool_call_id), {}

    def _run(self, arguments: Any, call_id: str | None) -> tuple[Any, Any]:
        return self._tell(self._offer.answer_blocking(self._tool, arguments), call_id)

    async def _arun(self, arguments: Any, call_id: str | None) -> tuple[Any, Any]:
        return self._tell(await self._offer.answer(self._tool, arguments), call_id)

    def _tell(self, reply: Reply, call_id: str | None) -> tuple[Any, Any]:
        """A reply as content and artifact. LangChain drops the artifact of an exception, so a failure is a message."""
        if call_id is None or not reply.failed:
            return reply.text, reply.artifact()
        message = ToolMessage(
            reply.text, artifact=reply.artifact(), tool_call_id=call_id, name=self.name, status="error"
        )
        return message, None


def make_tools(offer: Offer, definitions: Iterable[Definition]) -> list[BaseTool]:
    """Tools of an offer; one that the ledger lost in this moment is left out."""
    tools: list[BaseTool] = []
    for definition in definitions:
        with suppress(UnknownToolError, RefusedError):
            tools.append(OrchestraTool(offer, definition, _metadata(offer, definition)))
    return tools


def _metadata(offer: Offer, definition: Definition) -> dict[str, Any]:
    if definition.name not in META_TOOLS:
        return offer.facts(definition.name)
    shown = {"title": definition.title, "output_schema": definition.output_schema}
    return shown | definition.annotations.to_json()


def _as_call(given: str | dict[str, Any] | ToolCall) -> Any:
    """Arguments that LangChain would take for a tool call, because one of them is named `type`, inside of one."""
    if isinstance(given, dict) and given.get("type") == "tool_call" and "args" not in given:
        return {"name": "", "args": given, "id": None, "type": "tool_call"}
    return given
