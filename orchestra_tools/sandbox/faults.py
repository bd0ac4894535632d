"""What can go wrong at a stand-in, on order.

    faults.set("sn22_web_search", "rate_limit:2", times=1)
    with faults("sn22_web_search", "server_error"):
        ...

| fault | what the stand-in does |
|---|---|
| `latency:<ms>` | answers that much later |
| `server_error`, `status:<code>` | answers 500, or the given status |
| `rate_limit`, `rate_limit:<s>` | answers 429 with `Retry-After` |
| `timeout` | never answers |
| `garbage` | answers 200 with JSON that breaks off |
| `html` | answers 200 with an HTML error page |
| `drift` | breaks its output schema |
| `new_field` | adds the field `sandbox_new_field` |
| `drip:<bytes_per_s>` | sends its answer that slowly |
| `reset` | resets the connection |
| `redirect:<url>` | redirects |
| `big:<bytes>` | answers with a body of that size |
| `bomb`, `bomb:<MB>` | answers with a small gzip body that unpacks to that size |
| `empty` | answers 200 with no body |
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from orchestra_tools.errors import ConfigurationError, UnknownToolError

ANY = "*"
KINDS = {
    "latency": "number",
    "server_error": "",
    "status": "status",
    "rate_limit": "number?",
    "timeout": "",
    "garbage": "",
    "html": "",
    "drift": "",
    "new_field": "",
    "drip": "number",
    "reset": "",
    "redirect": "text",
    "big": "number",
    "bomb": "number?",
    "empty": "",
}
_DEFAULTS = {"rate_limit": 1.0, "bomb": 256.0}  # seconds; MB
_LARGEST = {"big": 4 * 1024**3, "bomb": 16 * 1024, "latency": 3_600_000, "drip": 10**9}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: Its name, without the argument.
        number: The argument, where it is a number.
        text: The argument as written.
    """

    kind: str
    number: float = 0
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `kind` or `kind:argument`.

        Raises:
            ConfigurationError: There is no such fault, or its argument is wrong.
        """
        kind, separator, argument = text.partition(":")
        wanted = KINDS.get(kind)
        if wanted is None:
            raise ConfigurationError(f"unknown fault {kind[:40]!r}", remedy=f"Known: {', '.join(KINDS)}")
        if bool(separator) != bool(wanted) and wanted != "number?":
            raise ConfigurationError(f"the fault {kind} {'takes no' if separator else 'needs an'} argument")
        if wanted == "text":
            return cls(kind, text=argument)
        if not separator:
            return cls(kind, _DEFAULTS.get(kind, 0))
        if not re.fullmatch(r"\d{1,12}(\.\d+)?", argument):
            raise ConfigurationError(f"the argument of the fault {kind} is a number, not {argument[:40]!r}")
        number = float(argument)
        if wanted == "status" and not 200 <= number <= 599:
            raise ConfigurationError("a status is between 200 and 599")
        if number > _LARGEST.get(kind, number) or (kind == "drip" and number == 0):
            raise ConfigurationError(f"{argument} is out of range for the fault {kind}")
        return cls(kind, number, argument)


@dataclass(slots=True)
class _Order:
    text: str
    fault: Fault
    left: int | None


class Faults:
    """The faults that are set. Safe to use from any thread."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Start with none.

        Args:
            names: Tools and operations that may be named; anything goes where it is empty.
        """
        self._names = frozenset(names)
        self._lock = threading.Lock()
        self._orders: dict[str, _Order] = {}

    def allow(self, names: Iterable[str]) -> None:
        """Change what may be named."""
        self._names = frozenset(names)

    def set(self, tool: str, fault: str, *, times: int | None = None) -> None:
        """Make a tool fail.

        Args:
            tool: Name of a tool (`sn22_web_search`), of an operation in any subnet (`web_search`), or `*` for all.
            fault: What goes wrong, as the table says.
            times: How many calls it hits; None = until it is cleared.

        Raises:
            UnknownToolError: The sandbox has no such tool.
            ConfigurationError: There is no such fault.
        """
        if self._names and tool != ANY and tool not in self._names:
            raise UnknownToolError(f"the sandbox has no tool {tool[:80]!r}", tool=tool[:80])
        if times is not None and times < 1:
            raise ConfigurationError(f"a fault happens at least once, not {times} times")
        order = _Order(fault, Fault.parse(fault), times)
        with self._lock:
            self._orders[tool] = order

    def clear(self, tool: str | None = None) -> None:
        """Forget the fault of a tool, or all."""
        with self._lock:
            if tool is None:
                self._orders.clear()
            else:
                self._orders.pop(tool, None)

    @contextmanager
    def __call__(self, tool: str, fault: str, *, times: int | None = None) -> Iterator[None]:
        """Make a tool fail inside a `with` block; what was set before is restored."""
        with self._lock:
            before = self._orders.get(tool)
        self.set(tool, fault, times=times)
        try:
            yield
        finally:
            with self._lock:
                self._orders.pop(tool, None)
                if before is not None:
                    self._orders[tool] = before

    def take(self, *names: str) -> Fault | None:
        """The fault that hits the next call of a tool, by any of its names; it counts as happened."""
        with self._lock:
            for name in (*names, ANY):
                if (order := self._orders.get(name)) is not None:
                    if order.left is not None:
                        order.left -= 1
                        if order.left == 0:
                            del self._orders[name]
                    return order.fault
        return None

    def to_json(self) -> dict[str, Any]:
        """What is set, by tool."""
        with self._lock:
            return {tool: {"fault": order.text, "times": order.left} for tool, order in self._orders.items()}
