"""`btauth/1`: HTTP requests signed with the caller's Bittensor hotkey, by bittensor's own `http_auth`.

The signature covers method, path with query, body, a fresh nonce and the receiver's hotkey, so every attempt is signed
anew and a captured request is worth nothing elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.calls.transports.port import ByteCounter, Transport
from orchestra_tools.calls.wire import Limits, WireRequest, WireResponse
from orchestra_tools.errors import ConfigurationError, CredentialMissingError, NotCallableError

_SS58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,60}")
INSTALL = 'pip install "orchestra-tools[chain]"'


class HotkeyTransport(Transport):
    """Signs each request, then sends it through another transport."""

    def __init__(self, inner: Transport, *, hotkey: Any, receiver: str | None) -> None:
        """Wrap a transport.

        Args:
            inner: What sends the signed request.
            hotkey: A bittensor wallet or keypair.
            receiver: ss58 address of the hotkey the requests are meant for.
        """
        self._inner = inner
        self._hotkey = hotkey
        self._receiver = receiver

    async def send(
        self,
        request: WireRequest,
        *,
        policy: AddressPolicy,
        limits: Limits,
        secret: bool,
        on_bytes: ByteCounter | None = None,
    ) -> WireResponse:
        headers = self._sign(request)
        signed = replace(
            request, headers={**request.headers, **{name.lower(): value for name, value in headers.items()}}
        )
        # A redirect would need a new signature; none is followed.
        unfollowed = replace(limits, max_redirects=0)
        return await self._inner.send(signed, policy=policy, limits=unfollowed, secret=secret, on_bytes=on_bytes)

    async def close(self) -> None:
        await self._inner.close()

    def _sign(self, request: WireRequest) -> Mapping[str, str]:
        if self._receiver is not None and not _SS58.fullmatch(self._receiver):
            raise NotCallableError(
                "the entry names a receiver that is no ss58 address", remedy="The entry must be corrected"
            )
        http_auth = _http_auth()
        try:
            headers: dict[str, str] = http_auth.sign(
                self._hotkey,
                method=request.method,
                path=request.target,
                body=request.body,
                receiver_ss58=self._receiver,
            )
        except Exception as error:  # noqa: BLE001  # wallets raise types of their own
            # Not chained: the message may quote what the wallet holds.
            raise CredentialMissingError(
                f"the hotkey cannot sign ({type(error).__name__})", remedy="Check ORCHESTRA_WALLET and ORCHESTRA_HOTKEY"
            ) from None
        return headers


def load_hotkey(environment: Mapping[str, str]) -> Any:
    """The caller's hotkey: wallet `ORCHESTRA_WALLET` with hotkey `ORCHESTRA_HOTKEY` from bittensor's wallet folder.

    `ORCHESTRA_WALLET_PATH` names another folder.

    Raises:
        CredentialMissingError: No wallet is named, or it cannot be read.
        ConfigurationError: The extra `[chain]` is not installed.
    """
    name = environment.get("ORCHESTRA_WALLET")
    if not name:
        raise CredentialMissingError(
            "this operation wants requests signed by a hotkey, and no wallet is named",
            remedy="Set ORCHESTRA_WALLET and ORCHESTRA_HOTKEY to a bittensor wallet and hotkey",
        )
    _http_auth()
    import bittensor

    elsewhere = environment.get("ORCHESTRA_WALLET_PATH")
    wallet = bittensor.Wallet(
        name=name,
        hotkey=environment.get("ORCHESTRA_HOTKEY", "default"),
        **({"path": elsewhere} if elsewhere else {}),
    )
    try:
        _ = wallet.hotkey
    except Exception as error:  # the wallet library raises its own, undocumented types
        raise CredentialMissingError(
            f"the hotkey of wallet {name!r} cannot be read ({type(error).__name__})",
            remedy="Check ORCHESTRA_WALLET and ORCHESTRA_HOTKEY against `btcli wallet list`",
        ) from error
    return wallet


def _http_auth() -> Any:
    try:
        from bittensor import http_auth
    except ImportError as error:
        raise ConfigurationError(
            "hotkey-signed calls need bittensor, which is not installed", remedy=f"Install it: {INSTALL}"
        ) from error
    return http_auth
