"""A ledger's tools as function tools of the OpenAI Agents SDK.

What the model reads is the tool's output. The artifact of a reply is the `custom_data` of the output item, which is the
SDK's place for what is for the program only; a run that was stored and read has it still.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Self, Unpack

from agents import FunctionTool, RunContextWrapper, Tool
from agents.agent import AgentBase
from agents.tool import FunctionToolCustomDataContext
from agents.tool_context import ToolContext

from orchestra_tools.client import ApprovalRule, CatalogueDiff, LedgerLike, Offer, spends_money
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Conditions, Reply


class OrchestraTools:
    """The tools of a ledger that meet some conditions, for the agents of a program."""

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        approval: ApprovalRule | None = spends_money,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger to agents.

        Args:
            ledger: Path, URL, value, client or session; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger.
            on_reply: Told of each reply, failures included, with its receipt, cost and statistics.
            approval: Which tools a person must approve before each call: a run stops there with `interruptions`.
                Unless given, tools that spend money; None = no tool.
            conditions: Which tools are offered; see `Conditions`.

        Raises:
            ConfigurationError, LedgerFormatError: The ledger cannot be opened.
            UnknownCapabilityError, UnknownSubnetError, InputError: A condition names nothing.
        """
        self.offer = Offer(ledger, on_reply=on_reply, **conditions)
        self._approval = approval

    def tools(self) -> list[Tool]:
        """A function tool for each tool on offer as it is now. One that leaves the ledger is not shown any more."""
        return [self._tool(definition) for definition in self.offer.definitions()]

    def search_tools(self) -> list[Tool]:
        """Three fixed tools through which a model finds, reads and calls all that is on offer, however much it is."""
        asks = False if self._approval is None else self._asks_for_named
        return [
            self._function_tool(definition, needs_approval=asks if definition.name == "call_tool" else False)
            for definition in self.offer.search_definitions()
        ]

    def refresh(self) -> CatalogueDiff:
        """Take over a changed ledger; says what differs. Give agents `tools()` again for what came or changed.

        Reads a file, or asks the server of a ledger: asynchronous code runs it in a thread.
        """
        return self.offer.refresh()

    def _tool(self, definition: Definition) -> FunctionTool:
        # A yes or no and not a function: of a function's tool the SDK has a person approve arguments that are no JSON.
        asks = self._asks(definition.name, {})

        def is_enabled(context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
            on_offer = self.offer.find_called(definition.name, {}) is not None
            return on_offer and (asks or not self._asks(definition.name, {}))

        return self._function_tool(definition, needs_approval=asks, is_enabled=is_enabled)

    def _function_tool(self, definition: Definition, **options: Any) -> FunctionTool:
        async def invoke(context: ToolContext[Any], arguments: str) -> _Output:
            return _Output(await self.offer.answer(definition.name, _read(arguments)))

        return FunctionTool(
            name=definition.name,
            description=definition.description,
            params_json_schema=dict(definition.input_schema),
            on_invoke_tool=invoke,
            strict_json_schema=False,
            custom_data_extractor=_artifact,
            # No `output_json_schema`: with it the SDK ends the run over an output that is no object, as failures are.
            **options,
        )

    async def _asks_for_named(self, context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
        return self._asks("call_tool", arguments)

    def _asks(self, name: str, arguments: dict[str, Any]) -> bool:
        if self._approval is None:
            return False
        tool = self.offer.find_called(name, arguments)
        return tool is not None and self._approval(tool)


class _Output(str):
    """What the model reads, with the reply it was made from until the SDK asks for that. A copy is plain text."""

    reply: Reply

    def __new__(cls, reply: Reply) -> Self:
        output = super().__new__(cls, reply.text)
        output.reply = reply
        return output

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def _artifact(context: FunctionToolCustomDataContext) -> dict[str, Any] | None:
    # A guardrail may have put something else in its place.
    return context.output.reply.artifact() if isinstance(context.output, _Output) else None


def _read(arguments: str) -> Any:
    """The arguments of a call; what is no JSON stays as it is, for the core to say so."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
