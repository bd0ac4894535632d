"""Pins held against tools. Pure.

A ledger may change a tool under an agent that trusts it: its words, its schemas, or the place that arguments and keys
are sent to. A pinned tool that is not as it was is held until its user has approved it.

A pin of a real tool counts for the words of its stand-in as well, so that a ledger does not slip out of its pins by
calling itself a sandbox. A pin of a stand-in counts for stand-ins only.

    pin = pin_tool(tool, at="2026-11-24T06:00:00Z")
    if not admits(pin, changed):
        [difference.path for difference in differences(pin, changed)]     # ["/description"]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

from orchestra_tools.compile.operation import SANDBOX_MARK, SANDBOX_NOTE
from orchestra_tools.compile.tool import Tool
from orchestra_tools.model import Pin
from orchestra_tools.schema import join


class Absent(Enum):
    """Says that there is no value, which a JSON null is."""

    ABSENT = auto()


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a value differs from what it was, as a tool from its pin.

    Attributes:
        path: JSON Pointer into the value, as in "/input_schema/properties/query".
        before: What it was; `ABSENT` where there was nothing.
        now: What it is now; `ABSENT` where there is nothing.
    """

    path: str
    before: Any
    now: Any

    def to_json(self) -> dict[str, Any]:
        """The JSON form; a value that is absent is left out."""
        sides = {"before": self.before, "now": self.now}
        return {"path": self.path} | {side: value for side, value in sides.items() if value is not ABSENT}


def definition_of(tool: Tool) -> dict[str, Any]:
    """What is pinned of a tool: all that a model sees, and where its calls go."""
    return {
        "title": tool.title,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
        "annotations": tool.annotations.to_json(),
        "destination": _destination_of(tool),
    }


def pin_tool(tool: Tool, *, at: str) -> Pin:
    """Pin a tool as it is.

    Args:
        tool: What to pin.
        at: The time, with its zone (RFC 3339).
    """
    return Pin(tool=tool.name, sandbox=tool.sandbox, digest=tool.digest, definition=definition_of(tool), pinned_at=at)


def pins_in_force(pins: Iterable[Pin], *, sandbox: bool) -> dict[str, Pin]:
    """The pin of each tool that counts for a ledger; that of a stand-in before that of the real tool."""
    return {pin.tool: pin for pin in sorted(pins, key=lambda pin: pin.sandbox) if sandbox or not pin.sandbox}


def admits(pin: Pin, tool: Tool) -> bool:
    """Whether the tool is as it was pinned."""
    if _stands_in(pin, tool):
        return pin.digest == _unmarked(tool).digest
    return pin.digest == tool.digest and _text(pin.definition.get("destination")) == _text(_destination_of(tool))


def differences(pin: Pin, tool: Tool) -> list[Difference]:
    """All in which the tool differs from its pin; none where the pin admits it."""
    if admits(pin, tool):
        return []
    before, now = pin.definition, definition_of(tool)
    if _stands_in(pin, tool):
        before, now = before | {"destination": None}, definition_of(_unmarked(tool)) | {"destination": None}
    found = compare_values(before, now)
    # Somebody has edited the file, or another version of this package has made it.
    return found or [Difference("/digest", pin.digest, tool.digest)]


def compare_values(before: Any, now: Any) -> list[Difference]:
    """All in which two JSON values differ, as deep as they can be told apart."""
    return list(_compare((), before, now))


def _stands_in(pin: Pin, tool: Tool) -> bool:
    return tool.sandbox and not pin.sandbox


def _unmarked(stand_in: Tool) -> Tool:
    """A stand-in with the words of the real tool."""
    title, description = (
        stand_in.title.removesuffix(SANDBOX_MARK),
        stand_in.description.removesuffix(f" {SANDBOX_NOTE}"),
    )
    return replace(stand_in, title=title, description=description)


def _destination_of(tool: Tool) -> dict[str, Any]:
    """Whose operation it is, and where arguments and keys go.

    A sandbox has another port each time it runs, and the executor calls nothing else.
    """
    slot = {"slot": str(tool.slot)}
    if tool.sandbox:
        return slot
    auth = tool.operation.auth
    return slot | {
        "endpoint": tool.operation.endpoint.to_json(),
        "auth": None if auth is None else auth.to_json() | {"scheme": auth.scheme},
    }


def _compare(path: tuple[str | int, ...], before: Any, now: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*before, *now)):
            yield from _compare((*path, name), before.get(name, ABSENT), now.get(name, ABSENT))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _compare((*path, index), old, new)
    elif before is ABSENT or now is ABSENT or _text(before) != _text(now):
        yield Difference(join(path), before, now)


def _text(value: Any) -> str:
    # As text: Python takes 1, 1.0 and true for equal.
    return json.dumps(value, sort_keys=True)
