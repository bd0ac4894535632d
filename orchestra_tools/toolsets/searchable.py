"""A ledger of any size through four fixed tools: find, describe, call, status.

Hosts drown in hundreds of tools and many never notice that a list changed. These four never change, so they work
everywhere, and the model finds the rest through them. The same words name them in every host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.compile import Annotations, describe_cost
from orchestra_tools.errors import Fault, InvalidArgumentsError, UnknownToolError
from orchestra_tools.exports import Definition
from orchestra_tools.schema import Validator
from orchestra_tools.toolsets.rendering import describe_statistics
from orchestra_tools.toolsets.selected import SelectedToolset

MAX_FOUND = 20


@dataclass(frozen=True)
class MetaTool:
    """One of the fixed tools."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any] = field(repr=False)
    read_only: bool = True

    @property
    def definition(self) -> Definition:
        """As hosts are shown it. What it gives is described by its text."""
        acts = not self.read_only
        annotations = Annotations(self.read_only, destructive=acts, idempotent=self.read_only, open_world=acts)
        return Definition(self.name, self.title, self.description, self.input_schema, None, annotations)

    @cached_property
    def validator(self) -> Validator:
        """Validates its arguments."""
        return Validator(dict(self.input_schema))


def _arguments(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


_NAME = {"type": "string", "description": "Tool name, as in sn22_web_search"}
META_TOOLS: Mapping[str, MetaTool] = {
    tool.name: tool
    for tool in (
        MetaTool(
            "find_tools",
            "Find subnet tools",
            "Searches the ledger of Bittensor subnets for tools by what they do: web and social search, chat models, "
            "forecasts, detection of AI content, data, storage, compute. Use it first. Gives short cards (arguments, "
            "cost, measured reliability, whether it can be called now), or says that nothing fits. "
            "Needs query or capability.",
            _arguments(
                query={"type": "string", "description": "What the tool should do, in a few words"},
                capability={"type": "string", "description": "A term of the vocabulary, as in web_search"},
                limit={"type": "integer", "minimum": 1, "maximum": MAX_FOUND, "default": 5},
                max_cost={"type": "number", "minimum": 0, "description": "Most one call may cost, in USD"},
                max_latency_ms={"type": "number", "minimum": 0},
                min_reliability={"type": "number", "minimum": 0, "maximum": 1},
                callable_now={"type": "boolean", "description": "Only tools whose key is present"},
                audience={"enum": ["consumer", "compute", "operator"]},
            ),
        ),
        MetaTool(
            "describe_tool",
            "Describe a subnet tool",
            "Gives the full input and output schema, cost, source and statistics of one tool. Use it before call_tool.",
            _arguments(("name",), name=_NAME),
        ),
        MetaTool(
            "call_tool",
            "Call a subnet tool",
            "Calls any tool of the ledger by name. Arguments are checked against its input schema, the answer against "
            "its output schema; each call leaves a signed receipt.",
            _arguments(
                ("name", "arguments"),
                name=_NAME,
                arguments={"type": "object", "description": "As describe_tool says"},
                max_cost={"type": "number", "minimum": 0, "description": "Refuse if it costs more, in USD"},
            ),
            read_only=False,
        ),
        MetaTool(
            "ledger_status",
            "Status of the ledger",
            "Says which ledger is in use, how many subnets and tools it has, for which subnets keys are present, and "
            "what was spent in this session.",
            _arguments(),
        ),
    )
}


class SearchableToolset:
    """Runs the four fixed tools over the tools that a host is offered."""

    def __init__(self, offered: SelectedToolset) -> None:
        self.offered = offered
        self.ledger = offered.ledger

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, on_progress: ProgressReporter | None = None
    ) -> dict[str, Any] | CallResult:
        """Run a fixed tool: a JSON object, or for `call_tool` what the call gave.

        Raises:
            UnknownToolError: It is not one of the four.
            InvalidArgumentsError: The arguments do not fit.
            OrchestraError: See `Executor.call`.
        """
        if (tool := META_TOOLS.get(name)) is None:
            raise UnknownToolError(f"{name[:80]!r} is not one of {', '.join(META_TOOLS)}", tool=name[:80])
        given = tool.validator.check(arguments, tool=name)
        match name:
            case "find_tools":
                return self._find(given)
            case "describe_tool":
                return self.describe(given["name"])
            case "call_tool":
                max_cost = None if given.get("max_cost") is None else Decimal(str(given["max_cost"]))
                return await self.offered.call(
                    given["name"], given["arguments"], max_cost=max_cost, on_progress=on_progress
                )
        return self.status()

    def describe(self, name: str) -> dict[str, Any]:
        """Everything about one tool.

        Raises:
            UnknownToolError, PinnedError, QuarantinedError: There is no such tool on offer.
        """
        tool = self.offered.find_tool(name)
        operation = tool.operation
        return {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "subnet": f"{tool.subnet} {tool.entry_name}".strip(),
            "slot": str(tool.slot),
            "version": tool.entry_version,
            "digest": tool.digest,
            "capabilities": list(tool.capabilities),
            "audience": tool.audience,
            "input_schema": tool.input_schema,
            "output_schema": tool.output_schema,
            "cost": describe_cost(operation),
            "read_only": tool.annotations.read_only,
            "callable": self.ledger.executor.obstacle_to(tool) or True,
            "last_verified": tool.last_verified,
            "statistics": describe_statistics(self.ledger.statistics(name)),
            "source": operation.source,
            "confidence": operation.confidence,
        } | ({"sandbox": True} if tool.sandbox else {})

    def status(self) -> dict[str, Any]:
        """What ledger is in use, and what was done with it."""
        live, executor, catalogue = self.ledger.live, self.ledger.executor, self.ledger.catalogue
        offered = self.offered.tools
        subnets = sorted({tool.slot.netuid for tool in offered.values()})
        able = [tool for tool in offered.values() if executor.obstacle_to(tool) is None]
        purse = executor.purse
        status: dict[str, Any] = {
            "ledger": live.source.name,
            "sandbox": catalogue.ledger.sandbox.url if catalogue.ledger.sandbox else None,
            "subnets": len(catalogue.ledger.current),
            "subnets_with_tools": len(subnets),
            "tools": len(offered),
            "callable_now": len(able),
            "quarantined": len(catalogue.quarantined),
            "held": len(catalogue.held),
            "keys": [f"SN{netuid}" for netuid in subnets if executor.credentials.source(f"SN{netuid}")],
            "session": {"calls": purse.calls, "spent": f"{purse.spent:f}", "currency": purse.budget.currency},
        }
        return status | ({"problem": str(live.problem)} if live.problem else {})

    def _find(self, given: Mapping[str, Any]) -> dict[str, Any]:
        # Not said in the schema: model APIs refuse choices at the root of an input schema.
        if not (given.get("query") or given.get("capability")):
            fault = Fault("/query", "is required where no capability is given", "say what the tool should do")
            raise InvalidArgumentsError("the arguments of find_tools do not fit", [fault], tool="find_tools")
        return self.offered.find(
            given.get("query"),
            capability=given.get("capability"),
            limit=given.get("limit", 5),
            max_cost=given.get("max_cost"),
            max_latency_ms=given.get("max_latency_ms"),
            min_reliability=given.get("min_reliability"),
            callable_now=given.get("callable_now", False),
            audience=given.get("audience"),
        ).to_json()
