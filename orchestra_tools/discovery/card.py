"""A card: what an agent needs to choose a tool, in less than 600 bytes of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from orchestra_tools.compile import Tool
from orchestra_tools.model import Operation, Statistics

MAX_BYTES = 600
MAX_SUMMARY = 160  # characters
_MAX_TITLE = 60  # characters
_MAX_REASON = 100  # characters
_MAX_CAPABILITIES = 4
_MAX_OPTIONAL = 6
_MAX_REQUIRED = 10
_SHORT = 50  # characters that stay of a text when the card is too large
_MORE = "…"


@dataclass(frozen=True, slots=True)
class Card:
    """What an agent needs to choose a tool.

    Attributes:
        subnet: Key and name, as in "SN22 Desearch".
        arguments: Names of the arguments; an optional one ends in `?`. "…" stands for further ones.
        cost: "free", "unknown", or the price of one call, as in "0.10 USD".
        reliability: Lower bound of the share of calls that end well; None where it was never measured.
        callable: True, or why it cannot be called now; None where nobody asked.
        why: What the search found in it.
        sandbox: It is a stand-in, not the real subnet.
    """

    name: str
    title: str
    subnet: str
    summary: str
    capabilities: tuple[str, ...]
    arguments: tuple[str, ...]
    cost: str
    reliability: float | None
    latency_p50_ms: float | None
    callable: Literal[True] | str | None
    why: str
    sandbox: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON form. `callable` and `sandbox` stand in it only where they say something."""
        body: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "subnet": self.subnet,
            "summary": self.summary,
            "capabilities": list(self.capabilities),
            "arguments": list(self.arguments),
            "cost": self.cost,
            "reliability": self.reliability,
            "latency_p50_ms": self.latency_p50_ms,
        }
        if self.callable is not None:
            body["callable"] = self.callable
        body["why"] = self.why
        return body | ({"sandbox": True} if self.sandbox else {})


def card_of(
    tool: Tool,
    *,
    statistics: Statistics | None = None,
    callable_now: Literal[True] | str | None = None,
    why: str = "",
) -> Card:
    """The card of a tool."""
    operation = tool.operation
    return _fit(
        Card(
            name=tool.name,
            title=shorten(operation.title or tool.title, _MAX_TITLE),
            subnet=shorten(f"{tool.subnet} {tool.entry_name}".strip(), _MAX_TITLE),
            summary=shorten(operation.description or tool.description, MAX_SUMMARY),
            capabilities=tool.capabilities[:_MAX_CAPABILITIES],
            arguments=_arguments(tool.input_schema),
            cost=_price_tag(operation),
            reliability=None if statistics is None else statistics.reliability,
            latency_p50_ms=_rounded(None if statistics is None else statistics.latency_p50_ms),
            callable=shorten(callable_now, _MAX_REASON) if isinstance(callable_now, str) else callable_now,
            why=shorten(why, _MAX_REASON),
            sandbox=tool.sandbox,
        )
    )


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where that is possible."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return f"{head[: head.rfind(' ')] if ' ' in head[limit // 2 :] else head}…"


def _fit(card: Card) -> Card:
    """The card, cut down until it is less than MAX_BYTES."""
    for short in (_SHORT, _SHORT // 2):
        while len(json.dumps(card.to_json(), ensure_ascii=False).encode("utf-8", "replace")) >= MAX_BYTES:
            if (smaller := _smaller(card, short)) is None:
                break
            card = smaller
    return card


def _smaller(card: Card, short: int) -> Card | None:
    """The card with a little less, what matters least first; None where all that is left matters."""
    named = [name for name in card.arguments if name != _MORE]
    if named and named[-1].endswith("?"):
        return replace(card, arguments=(*named[:-1], _MORE))
    if len(card.summary) > short:
        return replace(card, summary=shorten(card.summary, max(short, len(card.summary) - 20)))
    if isinstance(card.callable, str) and len(card.callable) > short:
        return replace(card, callable=shorten(card.callable, short))
    if len(card.why) > short:
        return replace(card, why=shorten(card.why, short))
    if len(card.title) > short:
        return replace(card, title=shorten(card.title, short))
    if named:
        return replace(card, arguments=(*named[:-1], _MORE))
    return replace(card, capabilities=card.capabilities[:-1]) if len(card.capabilities) > 1 else None


def _arguments(schema: Mapping[str, Any]) -> tuple[str, ...]:
    properties = schema.get("properties")
    required = [name for name in schema.get("required", ()) if isinstance(name, str)]
    optional = [f"{name}?" for name in properties if name not in required] if isinstance(properties, dict) else []
    more = len(required) > _MAX_REQUIRED or len(optional) > _MAX_OPTIONAL
    return (*required[:_MAX_REQUIRED], *optional[:_MAX_OPTIONAL], *((_MORE,) if more else ()))


def _price_tag(operation: Operation) -> str:
    price, cost = operation.price, operation.cost
    if price == 0:
        return "free"
    if cost is None or cost.amount is None:
        return "unknown"
    return f"{cost.amount:f} {cost.currency}" + ("" if cost.unit == "request" else f" per {cost.unit}")


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
