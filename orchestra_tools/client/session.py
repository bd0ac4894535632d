"""A session: a ledger, its tools, and everything a call needs. Every client, server and command starts from one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from orchestra_tools.calls import Credentials, Executor, Identity, Journal
from orchestra_tools.calls.transports import load_hotkey
from orchestra_tools.client.pins import Pins
from orchestra_tools.client.settings import LedgerPlace, Settings
from orchestra_tools.registry import LiveLedger, PinFile
from orchestra_tools.toolsets import LedgerToolset

if TYPE_CHECKING:
    from orchestra_tools.discovery.semantic import Embedder, MeaningIndex


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
        await asyncio.to_thread(self.toolset.close)


def open_session(
    ledger: LedgerPlace | None = None,
    *,
    api_key: str | None = None,
    embedder: str | Embedder | None = None,
    trust: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Session:
    """Open a session.

    Args:
        ledger: Path, URL, value or source; None = what `ORCHESTRA_LEDGER` says, else the packaged ledger.
        api_key: Key for a ledger served over HTTP; None = what `ORCHESTRA_API_KEY` says.
        embedder: Finds tools by meaning as well: "minilm", the URL of an OpenAI-compatible endpoint, a folder with a
            model, or an object; None = what `ORCHESTRA_EMBEDDER` says, else by words alone.
        trust: File with the keys that a published log is held against; None = what `ORCHESTRA_TRUST` says.
        environment: Instead of the process's own.

    Raises:
        ConfigurationError: A setting or a file cannot be used.
        ImportError: `embedder` needs an extra that is not installed.
        LedgerFormatError: The ledger cannot be read.
        TrustError: The log behind the ledger does not hold.
    """
    env = os.environ if environment is None else environment
    settings = Settings.from_environment(env)
    key = None if api_key is None else SecretStr(api_key)
    pin_file = PinFile(settings.home / "pins.json")
    live = LiveLedger(settings.open_ledger(ledger, api_key=key, trust=trust), pins=pin_file)
    signer = Identity.load(settings.home / "identity.pem")
    executor = Executor(
        credentials=Credentials(env, home=settings.home),
        journal=Journal(settings.home / "journal.sqlite"),
        signer=signer,
        budget=settings.budget,
        # A wallet is read from disk, and perhaps decrypted: once is enough.
        load_hotkey=cache(partial(load_hotkey, env)) if settings.wallet else None,
    )
    toolset = LedgerToolset(live, executor, meaning=_open_meaning(settings, embedder))
    return Session(settings, live, executor, toolset, Pins(live, pin_file))


def _open_meaning(settings: Settings, embedder: str | Embedder | None) -> MeaningIndex | None:
    chosen = embedder or settings.embedder
    if not chosen:
        return None
    # Brings numpy, and perhaps a model: only for those who asked for it.
    from orchestra_tools.discovery.semantic import MeaningIndex, VectorStore, open_embedder

    if isinstance(chosen, str):
        chosen = open_embedder(chosen, model=settings.embedder_model, key=settings.embedder_key)
    return MeaningIndex(chosen, VectorStore(settings.home / "vectors.sqlite"))
