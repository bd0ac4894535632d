"""A ledger's tools as a Pydantic AI toolset.

Pydantic AI asks for the tools before each step of a run, so a changed ledger is taken over between two steps. Calls go
through the offer; what they come to is told in Pydantic AI's own words: `ToolReturn`, `ModelRetry`, `ToolFailed`,
`ApprovalRequired`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Unpack

from pydantic_ai import ApprovalRequired, ModelRetry, RunContext, ToolDefinition, ToolFailed, ToolReturn
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from pydantic_core import from_json

from orchestra_tools.client import ApprovalRule, LedgerLike, Offer, spends_money
from orchestra_tools.errors import OrchestraError
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Conditions, Reply

# Schemas stand in the definition, and figures that move with each call would make it another one.
_SAID_ELSEWHERE = ("input_schema", "output_schema", "statistics")


class OrchestraToolset(AbstractToolset[Any]):
    """The tools of a ledger that meet some conditions. Follows the ledger's changes."""

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        search: bool = False,
        approval: ApprovalRule | None = spends_money,
        id: str | None = None,  # noqa: A002  # what Pydantic AI calls it
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger to an agent.

        Args:
            ledger: Path, URL, value, client or session; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger.
            on_reply: Told of each reply, failures included, with its receipt, cost and statistics.
            search: Offer three fixed tools that find, describe and call the others, instead of all of them.
            approval: Which tools a person must approve before each call; an agent that has some needs
                `DeferredToolRequests` among its output types. Unless given, tools that spend money; None = no tool.
            id: Unique among the toolsets of one agent.
            conditions: Which tools are offered; see `Conditions`.

        Raises:
            ConfigurationError, LedgerFormatError: The ledger cannot be opened.
            UnknownCapabilityError, UnknownSubnetError, InputError: A condition names nothing.
        """
        self.offer = Offer(ledger, on_reply=on_reply, **conditions)
        self._search = search
        self._approval = approval
        self._id = id
        self._defined: dict[str, tuple[Definition, ToolDefinition]] = {}

    @property
    def id(self) -> str | None:
        return self._id

    async def get_tools(self, ctx: RunContext[Any]) -> dict[str, ToolsetTool[Any]]:
        await self.offer.follow()
        definitions = self.offer.search_definitions() if self._search else self.offer.definitions()
        return {
            definition.name: ToolsetTool(
                toolset=self,
                tool_def=self._define(definition),
                max_retries=ctx.max_retries,
                args_validator=_UNCHECKED,
            )
            for definition in definitions
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> ToolReturn[str]:
        if self._approval is not None and not ctx.tool_call_approved:
            called = self.offer.find_called(name, tool_args)
            if called is not None and self._approval(called):
                raise ApprovalRequired({"tool": called.name, **(self._facts(called.name) or {})})
        reply = await self.offer.answer(name, tool_args)
        if reply.correctable:
            raise ModelRetry(reply.text)
        if reply.failed:
            raise ToolFailed(reply.text)
        # The text, not the data: Pydantic AI writes numbers in its own way, and takes an object of a stranger's answer
        # that looks like one of its files for a file when a stored history is read.
        return ToolReturn(reply.text, metadata=reply.artifact())

    def _define(self, definition: Definition) -> ToolDefinition:
        # Asked for at each step, of each tool.
        known = self._defined.get(definition.name)
        if known is None or known[0] is not definition:
            known = self._defined[definition.name] = (definition, self._make_definition(definition))
        return known[1]

    def _make_definition(self, definition: Definition) -> ToolDefinition:
        output = definition.output_schema
        return ToolDefinition(
            name=definition.name,
            description=definition.description,
            parameters_json_schema=dict(definition.input_schema),
            return_schema=None if output is None else dict(output),
            metadata=None if self._search else self._facts(definition.name),
        )

    def _facts(self, name: str) -> dict[str, Any] | None:
        # Another thread may take over a changed ledger in which the tool is gone.
        with suppress(OrchestraError):
            return {fact: value for fact, value in self.offer.facts(name).items() if fact not in _SAID_ELSEWHERE}
        return None


class _Unchecked:
    """Lets arguments through as the model gave them, also such that are no JSON: the core says what is wrong."""

    def validate_json(self, input: str | bytes | bytearray, **_: Any) -> Any:  # noqa: A002  # pydantic's name for it
        try:
            return from_json(input)
        except ValueError:
            return input

    def validate_python(self, input: Any, **_: Any) -> Any:  # noqa: A002  # pydantic's name for it
        return input


_UNCHECKED = _Unchecked()
