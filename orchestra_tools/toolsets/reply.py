"""A reply: what a host gives its model and its program for one call. The same in every host.

    reply = await answer(SearchableToolset(offered), "sn22_web_search", {"query": "tao"})
    reply.text, reply.failed, reply.artifact()["receipt"]

Hosts translate a reply into their own words for a result and add nothing: no error text, no retry, no check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestra_tools.calls import CallResult, ProgressReporter
from orchestra_tools.errors import CallError, InputError, OrchestraError
from orchestra_tools.model import Observation, Receipt, Statistics
from orchestra_tools.toolsets.rendering import (
    cost_paid,
    describe_statistics,
    drift_text,
    error_facts,
    error_text,
    result_facts,
    result_text,
    to_text,
)
from orchestra_tools.toolsets.searchable import META_TOOLS, SearchableToolset


@dataclass(frozen=True, slots=True)
class Reply:
    """How one call of a tool ended. Exactly one of `result`, `value` and `error` is there.

    Attributes:
        tool: The name that was called.
        result: What a subnet answered.
        value: What a fixed tool gave; a JSON object.
        error: Why there is neither.
        statistics: What all calls of the subnet's tool amount to, this one included.
    """

    tool: str
    result: CallResult | None = field(default=None, repr=False)
    value: Mapping[str, Any] | None = field(default=None, repr=False)
    error: OrchestraError | None = None
    statistics: Statistics | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """What the model reads: the answer as JSON, or what was wrong and what to do."""
        if self.error is not None:
            return error_text(self.error)
        return to_text(self.value) if self.result is None else result_text(self.result)

    @property
    def data(self) -> Any:
        """The answer as JSON values; None where there is none."""
        return self.value if self.result is None else self.result.data

    @property
    def failed(self) -> bool:
        """Whether the host should mark it as an error. An answer that breaks its schema is one, and has data."""
        return self.error is not None or bool(self.result and self.result.drift)

    @property
    def correctable(self) -> bool:
        """Whether the model can mend it by calling again with something else; nothing was sent."""
        return isinstance(self.error, InputError)

    @property
    def code(self) -> str | None:
        """The error's code, as in `invalid_arguments`; `drift` for an answer that breaks its schema; else None."""
        if self.error is not None:
            return self.error.code
        return "drift" if self.failed else None

    @property
    def receipt(self) -> Receipt | None:
        """What was recorded of the exchange; None where nothing was sent."""
        if self.result is not None:
            return self.result.receipt
        return self.error.receipt if isinstance(self.error, CallError) else None

    @property
    def observation(self) -> Observation | None:
        """The facts of the exchange; None where nothing was sent."""
        if self.result is not None:
            return self.result.observation
        return self.error.observation if isinstance(self.error, CallError) else None

    def facts(self) -> dict[str, Any]:
        """A few facts beside the text, for hosts that carry metadata. No nulls."""
        if self.error is not None:
            return error_facts(self.error)
        return {} if self.result is None else result_facts(self.result, self.statistics)

    def artifact(self) -> dict[str, Any]:
        """Everything a program may want, as JSON values. Every key is always there."""
        receipt, observation = self.receipt, self.observation
        return {
            "tool": self.tool if self.result is None else self.result.tool.name,
            "data": self.data,
            "error": self._error(),
            "outcome": None if receipt is None else receipt.outcome.value,
            "schema": None if receipt is None else receipt.schema_verdict,
            "drift": [] if self.result is None else [str(fault) for fault in self.result.drift],
            "cost": None if receipt is None else cost_paid(receipt),
            "latency_ms": None if observation is None else observation.latency_ms,
            "receipt": None if receipt is None else receipt.to_json(),
            "statistics": describe_statistics(self.statistics),
        }

    def _error(self) -> dict[str, Any] | None:
        if self.error is not None:
            return self.error.to_dict()
        if self.result is None or not self.result.drift:
            return None
        return {
            "error": "drift",
            "message": drift_text(self.result),
            "faults": [asdict(fault) for fault in self.result.drift],
        }


async def answer(
    toolset: SearchableToolset,
    name: str,
    arguments: Mapping[str, Any],
    *,
    on_progress: ProgressReporter | None = None,
) -> Reply:
    """Call one of the four fixed tools, or a tool by its own name. Errors of ours become replies; cancelling does not.

    Args:
        toolset: What the host is offered.
        name: A tool's name.
        arguments: A JSON object; what it must be is checked here, so pass on whatever the model gave.
        on_progress: Told of each step.
    """
    try:
        if name in META_TOOLS:
            found = await toolset.call(name, arguments, on_progress=on_progress)
        else:
            found = await toolset.offered.call(name, arguments, on_progress=on_progress)
    except OrchestraError as error:
        return Reply(name, error=error, statistics=_statistics(toolset, _subject(name, arguments)))
    if isinstance(found, CallResult):
        return Reply(name, result=found, statistics=toolset.ledger.statistics(found.tool.name))
    return Reply(name, value=found)


def _statistics(toolset: SearchableToolset, name: str) -> Statistics | None:
    # A model may make any name up: the journal is asked only about names that there are.
    return toolset.ledger.statistics(name) if toolset.ledger.catalogue.knows(name) else None


def _subject(name: str, arguments: Mapping[str, Any]) -> str:
    """The subnet's tool that a call is about: `call_tool` names it in its arguments."""
    named = arguments.get("name") if name in META_TOOLS and isinstance(arguments, Mapping) else None
    return named if isinstance(named, str) else name
