"""The tools of a ledger as smolagents has them. What the model gives goes to the offer as it is."""

from __future__ import annotations

from collections.abc import Callable
from keyword import iskeyword
from typing import Any, Unpack

from smolagents import Tool  # type: ignore[import-untyped]  # it has no types
from smolagents.tools import AUTHORIZED_TYPES  # type: ignore[import-untyped]  # it has no types

from orchestra_tools.client import LedgerLike, Offer
from orchestra_tools.exports import Definition
from orchestra_tools.toolsets import Conditions, Reply, to_text
from smolagents_orchestra.inputs import Inputs


class OrchestraToolError(Exception):
    """A call in generated code has failed. Its text is what the model reads.

    Attributes:
        reply: Everything about the call.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


class OrchestraTools:
    """The tools of a ledger that meet some conditions.

    Attributes:
        offer: The offer behind them: facts of a tool, search, the session.
    """

    def __init__(
        self,
        ledger: LedgerLike = None,
        *,
        on_reply: Callable[[Reply], None] | None = None,
        **conditions: Unpack[Conditions],
    ) -> None:
        """Offer the tools of a ledger; see `Offer`."""
        self.offer = Offer(ledger, on_reply=on_reply, **conditions)

    def tools(self) -> list[Tool]:
        """The tools on offer now, after a changed ledger was taken over. An agent keeps the list it was given."""
        self.offer.follow_blocking()
        return [_OrchestraTool(self.offer, definition) for definition in self.offer.definitions()]

    def search_tools(self) -> list[Tool]:
        """Three fixed tools, through which a model finds, reads and calls all that is on offer."""
        return [_OrchestraTool(self.offer, definition) for definition in self.offer.search_definitions()]

    def close(self) -> None:
        """Close what was opened here; see `Offer.close`."""
        self.offer.close()


class _OrchestraTool(Tool):  # type: ignore[misc]  # its base has no types
    skip_forward_signature_validation = True  # arguments need not be Python's identifiers

    def __init__(self, offer: Offer, definition: Definition) -> None:
        output = definition.output_schema
        kind = (output or {}).get("type")
        # smolagents wants an identifier. The ledger makes no two names that differ in this only.
        self.name = definition.name.replace("-", "_")
        self.description = definition.description
        self.inputs = Inputs(definition.input_schema)
        self.output_type = kind if isinstance(kind, str) and kind in AUTHORIZED_TYPES else "any"
        self.output_schema = None if output is None else dict(output)
        self._offer = offer
        self._definition = definition
        super().__init__()

    def __call__(self, /, *args: Any, sanitize_inputs_outputs: bool = False, **kwargs: Any) -> Any:
        """Call it: the reply for an agent that calls tools, the data for code.

        An agent that calls tools asks for sanitized outputs, and tells its model `str` of what it gets. A reply is the
        text it should be told, and all the rest for programs. It is no exception where the call has failed, for that
        would take the answers to all other calls of the step away.
        """
        if sanitize_inputs_outputs:
            return self._offer.answer_blocking(self._definition.name, self._named(args, kwargs))
        return self.forward(*args, **kwargs)

    def forward(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it and give the answer as values, for code.

        Raises:
            OrchestraToolError: It failed.
        """
        reply = self._offer.answer_blocking(self._definition.name, self._named(args, kwargs))
        if reply.failed:
            raise OrchestraToolError(reply) from reply.error
        return reply.data

    def to_code_prompt(self) -> str:
        """What models that write code are shown: a signature, and the schemas whole."""
        properties = self._definition.input_schema.get("properties", {})
        required = self._definition.input_schema.get("required", [])
        plain = [name for name in properties if name.isidentifier() and not iskeyword(name)]
        parameters = [name if name in required else f"{name}=..." for name in plain]
        if len(plain) < len(properties):
            parameters.append('**{"other name": ...}')
        signature = ", ".join(["*", *parameters] if plain else parameters)
        lines = [self.description, f"Arguments: {to_text(self._definition.input_schema)}"]
        if self.output_schema is not None:
            lines.append(f"Returns: {to_text(self.output_schema)}")
        doc = "\n    ".join([*lines, "Raises an exception that says what to change."])
        return f'def {self.name}({signature}) -> {self.output_type}:\n    """{doc}\n    """'

    def to_tool_calling_prompt(self) -> str:
        """What models that call tools are told beside the tool's definition."""
        return f"{self.name}: {self.description}\n    Takes inputs: {to_text(self._definition.input_schema)}"

    def to_dict(self) -> dict[str, Any]:
        """Refuse, as for other tools that stand for something outside.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{self.name} cannot be saved or sent to a remote executor: it calls through this process")

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name. One dictionary of them will do as well, as everywhere in smolagents."""
        names = self._definition.input_schema.get("properties", {})
        if len(args) == 1 and not kwargs and isinstance(args[0], dict) and all(name in names for name in args[0]):
            return args[0]
        return self._definition.named(args, kwargs)
