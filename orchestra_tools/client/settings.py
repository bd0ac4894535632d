"""Settings of a user: where things are kept, which ledger, what may be spent. Read from the environment once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Self

import platformdirs
from pydantic import SecretStr

from orchestra_tools.calls import Budget
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import Ledger
from orchestra_tools.registry import LedgerSource, LogTrust, open_source

if TYPE_CHECKING:
    from orchestra_tools.registry.record import LedgerRecord

VARIABLES: Mapping[str, str] = {
    "ORCHESTRA_LEDGER": "path or URL of the ledger; without it the packaged one",
    "ORCHESTRA_API_KEY": "key for a ledger served over HTTP",
    "ORCHESTRA_TRUST": "file with the keys that a published log is held against (C2SP tlog-policy)",
    "ORCHESTRA_HOME": "folder for the journal, the signing key, the pins and the list of stored keys",
    "ORCHESTRA_KEY_SN<netuid>": "key of a subnet, as in ORCHESTRA_KEY_SN22",
    "ORCHESTRA_MAX_COST_PER_CALL": "most one call may cost, in USD; default 1",
    "ORCHESTRA_MAX_COST_PER_SESSION": "most one session may spend, in USD; no limit by default",
    "ORCHESTRA_MAX_COST_PER_DAY": "most a day (UTC) may cost, in USD; default 10",
    "ORCHESTRA_MAX_CALLS": "most calls in one session; no limit by default",
    "ORCHESTRA_ALLOW_UNKNOWN_PRICE": "subnets whose unknown prices are accepted, as in SN22,SN13; 1 for all",
    "ORCHESTRA_WALLET": "bittensor wallet for hotkey-signed calls",
    "ORCHESTRA_HOTKEY": "hotkey in that wallet; default `default`",
    "ORCHESTRA_WALLET_PATH": "folder of the wallets; default bittensor's own",
    "ORCHESTRA_HTTP_TOKENS": "file of tokens that may use the MCP server over HTTP",
    "ORCHESTRA_EMBEDDER": "finds tools by meaning too: minilm, the URL of an OpenAI-compatible endpoint, or a folder",
    "ORCHESTRA_EMBEDDER_MODEL": "model at that endpoint; default text-embedding-3-small",
    "ORCHESTRA_EMBEDDER_KEY": "key for that endpoint",
    "ORCHESTRA_DEBUG": "with 1, commands show where an unexpected error comes from",
}
"""Every variable that is read, and what it is for."""

LedgerPlace = str | os.PathLike[str] | Ledger | LedgerSource


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    home: Path
    ledger: str | None = None
    api_key: SecretStr | None = None
    trust: Path | None = None
    budget: Budget = field(default_factory=Budget)
    wallet: str | None = None
    http_tokens: Path | None = None
    embedder: str | None = None
    embedder_model: str | None = None
    embedder_key: SecretStr | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            ConfigurationError: A variable has a value that is none.
        """
        env = os.environ if environment is None else environment
        home = env.get("ORCHESTRA_HOME")
        key = env.get("ORCHESTRA_API_KEY")
        trust = env.get("ORCHESTRA_TRUST")
        tokens = env.get("ORCHESTRA_HTTP_TOKENS")
        embedder_key = env.get("ORCHESTRA_EMBEDDER_KEY")
        default = Budget()
        return cls(
            home=_path("ORCHESTRA_HOME", home)
            if home
            else Path(platformdirs.user_data_dir("orchestra", appauthor=False)),
            ledger=env.get("ORCHESTRA_LEDGER") or None,
            api_key=SecretStr(key) if key else None,
            trust=_path("ORCHESTRA_TRUST", trust) if trust else None,
            budget=Budget(
                per_call=_amount(env, "ORCHESTRA_MAX_COST_PER_CALL", default.per_call),
                per_session=_amount(env, "ORCHESTRA_MAX_COST_PER_SESSION", default.per_session),
                per_day=_amount(env, "ORCHESTRA_MAX_COST_PER_DAY", default.per_day),
                calls=_count(env, "ORCHESTRA_MAX_CALLS"),
                allow_unknown_price=_subnets(env, "ORCHESTRA_ALLOW_UNKNOWN_PRICE"),
            ),
            wallet=env.get("ORCHESTRA_WALLET") or None,
            http_tokens=_path("ORCHESTRA_HTTP_TOKENS", tokens) if tokens else None,
            embedder=env.get("ORCHESTRA_EMBEDDER") or None,
            embedder_model=env.get("ORCHESTRA_EMBEDDER_MODEL") or None,
            embedder_key=SecretStr(embedder_key) if embedder_key else None,
        )

    def open_ledger(
        self,
        where: LedgerPlace | None = None,
        *,
        api_key: SecretStr | None = None,
        trust: str | os.PathLike[str] | None = None,
    ) -> LedgerSource:
        """The ledger this user means.

        Args:
            where: Path, URL, value or source; None = what the settings say, else the packaged ledger.
            api_key: Key for a ledger served over HTTP; None = what the settings say.
            trust: File with the keys that a published log is held against; None = what the settings say.

        Raises:
            ConfigurationError: It cannot be opened.
        """
        return open_source(
            self.ledger if where is None else where,
            api_key=self.api_key if api_key is None else api_key,
            trust=LogTrust(
                self.home / "heads",
                self.trust if trust is None else _path("trust", os.fspath(trust)),
                blobs=self.home / "blobs",
            ),
        )


def require_record(source: LedgerSource) -> LedgerRecord:
    """The log behind a ledger.

    Raises:
        ConfigurationError: It has none.
    """
    if source.record is None:
        raise ConfigurationError(
            f"{source.name} is a document without a log: it has no history",
            remedy="Give the folder or the URL of a published log, or the URL of a ledger store",
        )
    return source.record


def _path(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"{name} is {text[:80]!r}, and that user has no home") from error


def _amount(env: Mapping[str, str], name: str, default: Decimal | None) -> Decimal | None:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise ConfigurationError(f"{name} is {text[:40]!r}, which is no amount", remedy="Give a number, as in 0.50")
    return amount


def _count(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise ConfigurationError(f"{name} is {text[:40]!r}, which is no count", remedy="Give a whole number, as in 100")
    return int(text)


def _subnets(env: Mapping[str, str], name: str) -> frozenset[str] | bool:
    text = env.get(name, "").strip()
    if text.lower() in ("", "0", "false", "no"):
        return False
    if text.lower() in ("1", "true", "yes", "all"):
        return True
    named = frozenset(part.strip().upper() for part in text.split(",") if part.strip())
    if bad := [part for part in named if not (part.startswith("SN") and part[2:].isdecimal())]:
        raise ConfigurationError(
            f"{name} names {bad[0][:40]!r}, which is no subnet", remedy="Give keys, as in SN22,SN13"
        )
    return named
