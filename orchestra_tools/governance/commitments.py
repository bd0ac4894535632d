"""Commitments: who found something first, without telling others what.

A proposer commits to the fingerprint of its proposal before it reveals the proposal, so whoever copies a revealed
proposal comes second. The salt keeps others from guessing; the hotkey in it keeps a commitment from being copied.
"""

from __future__ import annotations

from orchestra_tools.trust import canonicalise, sha256_hex

COMMITMENT_DOMAIN = "orchestra/commitment/v1"


def commitment_of(fingerprint: str, *, salt: str, hotkey: str, ledger: str) -> str:
    """The commitment to a proposal, hex.

    Args:
        fingerprint: See `fingerprints`.
        salt: 32 random bytes, hex.
        hotkey: ss58 address of the proposer.
        ledger: Origin of the log.
    """
    body = {"fingerprint": fingerprint, "salt": salt, "hotkey": hotkey, "ledger": ledger}
    return sha256_hex(canonicalise(body), domain=COMMITMENT_DOMAIN)
