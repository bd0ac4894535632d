"""The user's pins, in one file: replaced whole, and never taken for "no pins" where it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import Pin, faults_of
from orchestra_tools.registry.fingerprint import fingerprint_of
from orchestra_tools.registry.lock import locked
from orchestra_tools.registry.replacing import replace_file

PINS_FORMAT = "orchestra-pins/1"
_Known = dict[tuple[str, bool], Pin]


class PinFile:
    """The pins of all ledgers of one user. Those of sandbox ledgers are kept apart by a flag."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[Pin, ...]:
        """All pins; none where there is no file.

        Raises:
            ConfigurationError: The file is there, and cannot be read.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            self._refuse(str(error.strerror), error)
        return self._read(data)

    def fingerprint(self) -> str:
        """Changes when the pins may have changed. Cheap; never raises."""
        return fingerprint_of(self.path)

    def put(self, pins: Iterable[Pin]) -> None:
        """Add pins, in place of older ones of the same tools.

        Raises:
            ConfigurationError: The file cannot be read or written.
        """
        self._change(lambda known: known.update({(pin.tool, pin.sandbox): pin for pin in pins}))

    def drop(self, tools: Collection[str], *, sandbox: bool) -> None:
        """Remove the pins of some tools.

        Raises:
            ConfigurationError: The file cannot be read or written.
        """

        def remove(known: _Known) -> None:
            for tool in tools:
                known.pop((tool, sandbox), None)

        self._change(remove)

    def _change(self, change: Callable[[_Known], None]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.path.with_suffix(".lock")):
                known = {(pin.tool, pin.sandbox): pin for pin in self.load()}
                change(known)
                self._write([known[key].to_json() for key in sorted(known)])
        except OSError as error:
            raise ConfigurationError(
                f"the pins {self.path} cannot be written: {error.strerror}",
                remedy="Set ORCHESTRA_HOME to a folder you can write to",
            ) from error

    def _write(self, pins: list[dict[str, Any]]) -> None:
        # A line for each, so that people can compare two versions of the file.
        lines = ",\n".join(json.dumps(pin) for pin in pins)
        text = f'{{"format": "{PINS_FORMAT}", "pins": [\n{lines}\n]}}\n'
        # An empty file would be taken for no pins, and nothing would be served.
        replace_file(self.path, text.encode())

    def _read(self, data: bytes) -> tuple[Pin, ...]:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            self._refuse("it is no JSON", error)
        if not isinstance(document, dict) or document.get("format") != PINS_FORMAT:
            self._refuse(f"it is not of the format {PINS_FORMAT}")
        if not isinstance(listed := document.get("pins"), list):
            self._refuse("it has no list of pins")
        try:
            pins = tuple(Pin.model_validate(each) for each in listed)
        except ValidationError as error:
            self._refuse(f"a pin in it is none: {faults_of(error)[0]}", error)
        if len({(pin.tool, pin.sandbox) for pin in pins}) < len(pins):
            self._refuse("a tool is pinned twice")
        return pins

    def _refuse(self, reason: str, error: Exception | None = None) -> NoReturn:
        raise ConfigurationError(
            f"the pins {self.path} cannot be read: {reason}",
            remedy="Mend the file, or remove it and pin your tools anew",
        ) from error
