"""The tools of a ledger as an ADK toolset. What the model gives goes to the offer as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Unpack

from google.adk.agents.readonly_context import ReadonlyContext
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.base_toolset import BaseToolset
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from orchestra_tools.client import ApprovalRule, LedgerLike, Offer, spends_money, unapproved
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Conditions, Reply

ARTIFACT_KEY = "temp:orchestra:{function_call_id}"
"""Where in the session's state callbacks and plugins find `Reply.artifact` of a call, until the invocation ends."""
MAX_OUTPUT_SCHEMA_BYTES = 2_000  # it goes with each request: a larger one is left out


class OrchestraToolset(BaseToolset):
    """The tools of a ledger that meet some conditions, for the `tools` of an agent.

    Attributes:
        offer: The offer behind it: facts of a tool, search, the session.
    """

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        search: bool = False,
        approval: ApprovalRule | None = spends_money,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger; see `Offer`.

        Args:
            ledger: What to open, or what is open.
            on_reply: Told of each reply.
            search: Offer three fixed tools, through which a model finds, reads and calls all the others.
            approval: Which tools the user is asked about before a call; None = none.
            conditions: Which tools are offered; see `Conditions`.
        """
        super().__init__()
        self.offer = Offer(ledger, on_reply=on_reply, **conditions)
        self._search = search
        self._approval = approval

    async def get_tools(self, readonly_context: ReadonlyContext | None = None) -> list[BaseTool]:
        """The tools on offer now. ADK asks at each message of a user, and keeps the list until it is answered."""
        await self.offer.follow()
        definitions = self.offer.search_definitions() if self._search else self.offer.definitions()
        return [_OrchestraTool(self.offer, definition, self._approval) for definition in definitions]

    async def close(self) -> None:
        """Do nothing: a runner closes the toolsets of its agents, and agents outlive runners.

        Connections are closed with their event loop. `offer.close()` closes the rest before nobody holds it.
        """


class _OrchestraTool(BaseTool):
    def __init__(self, offer: Offer, definition: Definition, approval: ApprovalRule | None) -> None:
        super().__init__(name=definition.name, description=definition.description)
        self._offer = offer
        self._definition = definition
        self._approval = approval

    def _get_declaration(self) -> types.FunctionDeclaration:
        output = self._definition.output_schema
        return types.FunctionDeclaration(
            name=self.name,
            description=self.description,
            parameters_json_schema=self._definition.input_schema,
            response_json_schema=output if len(json.dumps(output)) <= MAX_OUTPUT_SCHEMA_BYTES else None,
        )

    async def check_require_confirmation(self, args: dict[str, Any], tool_context: ToolContext) -> bool:
        """Whether the user is asked first. ADK lets a call pass for whatever is not True."""
        if self._approval is None:
            return False
        # Not by its own name: a toolset with a prefix renames copies of its tools.
        called = self._offer.find_called(self._definition.name, args)
        return called is not None and bool(self._approval(called))

    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> dict[str, Any]:
        """Call the tool: its answer is under `output`, or what was wrong under `error`, as Gemini's API has it.

        The answer stands there as JSON values. As text, each of its quotation marks would reach the model escaped, and
        callbacks would have to read it again.
        """
        if await self.check_require_confirmation(args, tool_context):
            # Releases before the framework's own gate ran a tool of ours whatever the user had said (adk-python 7148).
            if tool_context.tool_confirmation is None:
                tool_context.request_confirmation(hint=f"{self.name} needs your approval.")
                tool_context.actions.skip_summarization = True
                return {"error": unapproved(self.name, asked=True).text}
            if not tool_context.tool_confirmation.confirmed:
                return {"error": unapproved(self.name, asked=False).text}
        reply = await self._offer.answer(self._definition.name, args)
        tool_context.state[ARTIFACT_KEY.format(function_call_id=tool_context.function_call_id)] = reply.artifact()
        return {"error": reply.text} if reply.failed else {"output": reply.data}
