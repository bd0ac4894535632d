"""The user's keys for subnets: from the environment or the system keyring, never from the ledger.

`ORCHESTRA_KEY_SN22` wins over the keyring. Which subnets have a key in the keyring stands in a small file beside it, so
that looking through all subnets does not open the keyring once for each.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import SecretStr

from orchestra_tools.errors import ConfigurationError

ENVIRONMENT_PREFIX = "ORCHESTRA_KEY_"
SERVICE = "orchestra-tools"
Source = Literal["environment", "keyring"]
T = TypeVar("T")


class Credentials:
    """Looks keys up. Values stay wrapped until the moment they are put into a request."""

    def __init__(self, environment: Mapping[str, str] | None = None, *, home: Path | None = None) -> None:
        """Look in an environment, and in the keyring where `home` has the list of subnets with a key there."""
        self._environment = os.environ if environment is None else environment
        self._index = home / "keys.json" if home is not None else None
        self._listed: tuple[tuple[int, int, int], frozenset[str]] | None = None

    def find(self, subnet: str) -> SecretStr | None:
        """The key of a subnet ("SN22"), or None.

        Raises:
            ConfigurationError: The keyring should have it but cannot be opened.
        """
        if value := self._environment.get(f"{ENVIRONMENT_PREFIX}{subnet}", "").strip():
            return SecretStr(value)
        if subnet not in self._in_keyring():
            return None
        stored = _ask_keyring(subnet, lambda keyring: keyring.get_password(SERVICE, subnet))
        return SecretStr(stored) if stored else None

    def source(self, subnet: str) -> Source | None:
        """Where the key of a subnet would come from. Does not open the keyring."""
        if self._environment.get(f"{ENVIRONMENT_PREFIX}{subnet}", "").strip():
            return "environment"
        return "keyring" if subnet in self._in_keyring() else None

    def store(self, subnet: str, key: SecretStr) -> None:
        """Put a key into the keyring.

        Raises:
            ConfigurationError: There is no keyring on this system.
        """
        _ask_keyring(subnet, lambda keyring: keyring.set_password(SERVICE, subnet, key.get_secret_value()))
        self._write_index(self._in_keyring() | {subnet})

    def remove(self, subnet: str) -> bool:
        """Remove a key from the keyring; says whether there was one.

        Raises:
            ConfigurationError: The keyring cannot be opened.
        """
        if subnet not in self._in_keyring():
            return False
        # Somebody may have removed it there already; then the list is what is left to mend.
        if _ask_keyring(subnet, lambda keyring: keyring.get_password(SERVICE, subnet)) is not None:
            _ask_keyring(subnet, lambda keyring: keyring.delete_password(SERVICE, subnet))
        self._write_index(self._in_keyring() - {subnet})
        return True

    def _in_keyring(self) -> frozenset[str]:
        if self._index is None:
            return frozenset()
        try:
            seen = self._index.stat()
            mark = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
            if self._listed is None or self._listed[0] != mark:
                listed = json.loads(self._index.read_text("utf-8"))
                names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
                self._listed = (mark, frozenset(names))
        except (OSError, ValueError):
            return frozenset()
        return self._listed[1]

    def _write_index(self, subnets: frozenset[str]) -> None:
        if self._index is None:
            return
        self._index.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Replaced whole, so that no other process reads half of it.
        draft = self._index.with_name(f"{self._index.name}.{secrets.token_hex(8)}")
        draft.write_text(json.dumps(sorted(subnets)) + "\n", "utf-8")
        draft.replace(self._index)


def _ask_keyring(subnet: str, ask: Callable[[Any], T]) -> T:
    # Imported when it is needed: looking for its backends takes longer than a host should wait at its start.
    import keyring
    import keyring.errors

    try:
        return ask(keyring)
    except keyring.errors.KeyringError as error:
        raise _no_keyring(subnet) from error


def _no_keyring(subnet: str) -> ConfigurationError:
    return ConfigurationError(
        "the system keyring cannot be opened", remedy=f"Set {ENVIRONMENT_PREFIX}{subnet} in the environment instead"
    )
