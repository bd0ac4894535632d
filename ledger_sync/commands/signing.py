"""Signing statements with the user's hotkey."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from ledger_sync.commands.stores import now_ms
from ledger_sync.governance.desk import Desk
from orchestra_tools.calls.transports import load_hotkey
from orchestra_tools.trust.statements import HotkeySigner, sign_statement

LIFETIME_MS = 3_600_000


def load_signer() -> HotkeySigner:
    """The hotkey of the wallet that `ORCHESTRA_WALLET` and `ORCHESTRA_HOTKEY` name.

    Raises:
        CredentialMissingError: None is named, or it cannot be read.
        ConfigurationError: The extra `[chain]` is not installed.
    """
    hotkey: HotkeySigner = load_hotkey(os.environ).hotkey
    return hotkey


def signed(kind: str, payload: Mapping[str, Any], desk: Desk, signer: HotkeySigner) -> dict[str, Any]:
    """A statement for a desk's ledger, good for an hour."""
    now = now_ms()
    return sign_statement(
        kind,
        payload,
        signer=signer,
        network=desk.network,
        ledger=desk.origin,
        nonce=secrets.token_hex(16),
        issued_at_ms=now,
        expires_at_ms=now + LIFETIME_MS,
    )
