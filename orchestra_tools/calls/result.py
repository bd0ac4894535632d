"""What a call gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.compile import Tool
from orchestra_tools.errors import Fault
from orchestra_tools.model import Observation, Receipt


@dataclass(frozen=True, slots=True)
class CallResult:
    """A call that was answered.

    Attributes:
        data: The answer: JSON values, text, or `{"media_type", "bytes", "base64"}` for anything else.
        receipt: What was recorded of the exchange, signed.
        observation: The facts that feed statistics.
        drift: Where the answer breaks the ledger's output schema; empty where it fits or nothing is documented.
    """

    tool: Tool = field(repr=False)
    data: Any
    receipt: Receipt = field(repr=False)
    observation: Observation = field(repr=False)
    drift: tuple[Fault, ...] = ()
