"""A session: a ledger, its tools, and everything a call needs. Every client, server and command starts from one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

from pydantic import SecretStr

from orchestra_tools.calls import Credentials, Executor, Identity, Journal
from orchestra_tools.calls.transports import load_hotkey
from orchestra_tools.client.pins import Pins
from orchestra_tools.client.settings import Settings
from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource, LiveLedger, PinFile, open_source
from orchestra_tools.toolsets import LedgerToolset


@dataclass(frozen=True, slots=True)
class Session:
    """What belongs together while one user works with one ledger."""

    settings: Settings
    live: LiveLedger
    executor: Executor
    toolset: LedgerToolset
    pins: Pins

    async def close(self) -> None:
        """Close connections and the journal."""
        await self.executor.close()
        self.executor.journal.close()


def open_session(
    ledger: str | os.PathLike[str] | Ledger | LedgerSource | None = None,
    *,
    api_key: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Session:
    """Open a session.

    Args:
        ledger: Path, URL, value or source; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger.
        api_key: Key for a ledger served over HTTP; None = what `ORCHESTRA_API_KEY` says.
        environment: Instead of the process's own.

    Raises:
        ConfigurationError: A setting or a file cannot be used.
        LedgerFormatError: The ledger cannot be read.
    """
    env = os.environ if environment is None else environment
    settings = Settings.from_environment(env)
    where = settings.ledger if ledger is None else ledger
    key = settings.api_key if api_key is None else SecretStr(api_key)
    pin_file = PinFile(settings.home / "pins.json")
    live = LiveLedger(open_source(where, api_key=key), pins=pin_file)
    signer = Identity.load(settings.home / "identity.pem")
    executor = Executor(
        credentials=Credentials(env, home=settings.home),
        journal=Journal(settings.home / "journal.sqlite"),
        signer=signer,
        budget=settings.budget,
        # A wallet is read from disk, and perhaps decrypted: once is enough.
        load_hotkey=cache(partial(load_hotkey, env)) if settings.wallet else None,
    )
    return Session(settings, live, executor, LedgerToolset(live, executor), Pins(live, pin_file))
