"""The pins of a session: which tools are pinned, and what has become of each.

    session.pins.add("sn22_web_search")                                 # as it is now
    [(each.pin.tool, each.state) for each in session.pins.listed()]     # [("sn22_web_search", "same")]

Adding it again approves a change.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from orchestra_tools.compile import Difference, Tool, differences, pin_tool, pins_in_force
from orchestra_tools.errors import InputError
from orchestra_tools.model import Pin
from orchestra_tools.registry import LiveLedger, PinFile

State = Literal["same", "changed", "gone", "quarantined"]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pin, and what has become of its tool.

    Attributes:
        state: `same`: it is on offer. `changed`: it is held. `gone`: the ledger has no such tool. `quarantined`: what
            the ledger says of it now did not compile.
        tool: The tool as it is now; None where it is gone or in quarantine.
    """

    pin: Pin
    state: State
    tool: Tool | None

    @property
    def differences(self) -> list[Difference]:
        """What changed since it was pinned."""
        return [] if self.tool is None else differences(self.pin, self.tool)


class Pins:
    """The pins that count for the ledger of a session."""

    def __init__(self, live: LiveLedger, file: PinFile, *, clock: Callable[[], float] = time.time) -> None:
        self._live = live
        self._file = file
        self._clock = clock

    def listed(self) -> list[Pinned]:
        """The pin of each tool that counts for this ledger, by name; see `compile.pins`."""
        counting = pins_in_force(self._live.catalogue.pins, sandbox=self._sandbox)
        return [self._judge(counting[tool]) for tool in sorted(counting)]

    def find(self, *names: str) -> list[Pinned]:
        """The pins of some tools.

        Raises:
            InputError: One of them is not pinned.
        """
        known = {each.pin.tool: each for each in self.listed()}
        if unknown := [name for name in names if name not in known]:
            name = unknown[0][:80]
            raise InputError(f"{name!r} is not pinned", remedy="See `orchestra pin` for what is", tool=name)
        return [known[name] for name in names]

    def removable(self, *names: str) -> list[Pinned]:
        """The pins of some tools, which can be removed with this ledger.

        Raises:
            InputError: One of them is not pinned, or only as a real tool where this is a sandbox.
        """
        found = self.find(*names)
        for each in found:
            if each.pin.sandbox != self._sandbox:
                tool = each.pin.tool
                raise InputError(
                    f"{tool} is pinned as a real tool", remedy="Remove its pin with a real ledger", tool=tool
                )
        return found

    def add(self, *names: str) -> None:
        """Pin tools as they are now; one that changed since it was pinned is thereby approved.

        Raises:
            UnknownToolError, QuarantinedError: There is no such tool; nothing was pinned.
            ConfigurationError: The pins cannot be kept.
        """
        catalogue = self._live.catalogue
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        tools = [catalogue.held[name] if name in catalogue.held else catalogue.find_tool(name) for name in names]
        self._file.put([pin_tool(tool, at=now) for tool in tools])
        self._live.refresh_pins()

    def remove(self, *names: str) -> None:
        """Remove pins. A tool that was held is then on offer as it is now.

        Raises:
            InputError: See `removable`; nothing was removed.
            ConfigurationError: The pins cannot be kept.
        """
        self._file.drop([each.pin.tool for each in self.removable(*names)], sandbox=self._sandbox)
        self._live.refresh_pins()

    @property
    def _sandbox(self) -> bool:
        return self._live.catalogue.ledger.sandbox is not None

    def _judge(self, pin: Pin) -> Pinned:
        catalogue = self._live.catalogue
        if (tool := catalogue.held.get(pin.tool)) is not None:
            return Pinned(pin, "changed", tool)
        if (tool := catalogue.tools.get(pin.tool)) is not None:
            return Pinned(pin, "same", tool)
        return Pinned(pin, "quarantined" if pin.tool in catalogue.quarantined else "gone", None)
