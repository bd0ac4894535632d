"""A tool of the ledger as LlamaIndex has it. What the model gives goes to the offer as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from llama_index.core.tools import FunctionTool, ToolMetadata, ToolOutput

from llama_index_orchestra.metadata import OrchestraToolMetadata
from orchestra_tools.client import Offer
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Reply


class OrchestraTool(FunctionTool):
    """A tool on offer. A call that fails gives an output with `is_error`; it raises nothing.

    Positional arguments are the schema's properties in their order. `self` is positional only in every method: an
    argument may have any name.
    """

    def __init__(self, offer: Offer, definition: Definition, metadata: ToolMetadata | None = None) -> None:
        """Make the tool of a definition.

        Args:
            offer: What calls it.
            definition: The tool.
            metadata: What models are shown instead of the definition.
        """
        shown = metadata or OrchestraToolMetadata(definition)
        function, async_function = _functions(offer, definition, shown)
        super().__init__(fn=function, async_fn=async_function, metadata=shown)

    def __call__(self, /, *given: Any, **arguments: Any) -> ToolOutput:
        """Call it and wait; see `call`."""
        return self.call(*given, **arguments)

    def call(self, /, *given: Any, **arguments: Any) -> ToolOutput:
        """Call it and wait, also where an event loop is running."""
        output: ToolOutput = self.fn(*given, **arguments)
        return output

    async def acall(self, /, *given: Any, **arguments: Any) -> ToolOutput:
        """Call it in the running event loop."""
        output: ToolOutput = await self.async_fn(*given, **arguments)
        return output


def _functions(
    offer: Offer, definition: Definition, shown: ToolMetadata
) -> tuple[Callable[..., ToolOutput], Callable[..., Awaitable[ToolOutput]]]:
    """The two functions of a tool. They do not know it: an offer in a cycle would not close when it is dropped."""
    called, named = definition.name, definition.named

    def tell(reply: Reply, given: tuple[Any, ...], arguments: dict[str, Any]) -> ToolOutput:
        return ToolOutput(
            tool_name=shown.get_name(),
            content=reply.text,
            raw_input={"args": given, "kwargs": arguments},
            raw_output=reply.artifact(),
            is_error=reply.failed,
        )

    def function(*given: Any, **arguments: Any) -> ToolOutput:
        return tell(offer.answer_blocking(called, named(given, arguments)), given, arguments)

    async def async_function(*given: Any, **arguments: Any) -> ToolOutput:
        return tell(await offer.answer(called, named(given, arguments)), given, arguments)

    # Agents that write code know a tool by the name and the words of its function.
    function.__name__ = async_function.__name__ = called
    function.__doc__ = async_function.__doc__ = definition.description
    return function, async_function
