"""`btauth/1`: what we sign, bittensor's own verifier accepts; and nothing else."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.calls import Executor
from orchestra_tools.calls.transports import HotkeyTransport, HttpTransport, load_hotkey
from orchestra_tools.errors import (
    ConfigurationError,
    CredentialMissingError,
    NotCallableError,
    RejectedError,
    UpstreamError,
)
from tests.calls.recording import Bench, Recorded, Server, json_answer

ALICE, BOB = "//Alice", "//Bob"


@pytest.fixture(scope="module", autouse=True)
def _bittensor_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """bittensor writes to the home folder when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


def keypair(uri: str) -> Any:
    from bittensor.sp_core import Keypair

    return Keypair.create_from_uri(uri)


def verify(request: Recorded, *, receiver: Any, **changes: Any) -> Any:
    from bittensor import http_auth

    seen = {"method": request.method, "path": request.target, "body": request.body, **changes}
    return http_auth.verify(
        dict(request.headers),
        seen["body"],
        method=seen["method"],
        path=seen["path"],
        self_hotkey_ss58=receiver.ss58_address,
        nonce_store=changes.get("nonce_store") or http_auth.InMemoryNonceStore(),
    )


@pytest.fixture
def signed(server: Server, make_executor: Callable[..., Executor]) -> Bench:
    return Bench(server, make_executor(load_hotkey=lambda: keypair(ALICE)))


def auth(receiver: str | None = None) -> dict[str, Any]:
    return {"auth": {"scheme": "btauth/1", "receiver": receiver or keypair(BOB).ss58_address}}


async def test_a_signed_request_is_accepted(signed: Bench) -> None:
    """Method, path with its query, body and receiver are bound; nothing may be changed."""
    from bittensor import http_auth

    request = await signed.send(
        {"q": "a b/ü+%&=", "slug": "x/y z", "body": {"ü": 1}},
        places={"q": "query", "slug": "path", "body": {"in": "body", "whole": True}},
        operation=auth(),
        method="POST",
        path="/v1/{slug}:ask",
    )
    caller = verify(request, receiver=keypair(BOB))
    assert caller.hotkey_ss58 == keypair(ALICE).ss58_address
    for changes in ({"body": request.body + b" "}, {"path": request.target + "&x=1"}, {"method": "PUT"}):
        with pytest.raises(http_auth.BadSignature):
            verify(request, receiver=keypair(BOB), **changes)
    with pytest.raises(http_auth.WrongReceiver):
        verify(request, receiver=keypair(ALICE))


async def test_each_attempt_is_signed_anew(signed: Bench) -> None:
    """A nonce is accepted once."""
    from bittensor import http_auth

    signed.server.answer(json_answer("{}", 503), json_answer("{}", 429), json_answer("[1]"))
    await signed.call({}, auth())
    store = http_auth.InMemoryNonceStore()
    for request in signed.server.requests:
        verify(request, receiver=keypair(BOB), nonce_store=store)
    assert len(signed.server.requests) == 3
    with pytest.raises(http_auth.ReplayedRequest):
        verify(signed.server.requests[0], receiver=keypair(BOB), nonce_store=store)


async def test_a_redirect_is_not_followed(signed: Bench) -> None:
    """The signature is for another path."""
    from aiohttp import web

    signed.server.answer(web.Response(status=307, headers={"Location": "/b"}))
    with pytest.raises(RejectedError):
        await signed.call({}, auth())
    assert len(signed.server.requests) == 1


async def test_without_a_hotkey_nothing_is_sent(bench: Bench) -> None:
    """The error names the settings."""
    with pytest.raises(CredentialMissingError, match="ORCHESTRA_WALLET"):
        await bench.call({}, auth())
    tool, _ = bench.tool(auth())
    assert bench.executor.obstacle_to(tool) == "no hotkey is configured"
    assert bench.server.requests == []


async def test_with_a_hotkey_it_can_be_called(signed: Bench) -> None:
    """Nothing is loaded to know that."""
    tool, _ = signed.tool(auth())
    assert signed.executor.obstacle_to(tool) is None


async def test_a_receiver_that_is_none_is_refused(signed: Bench) -> None:
    """It would travel in a header."""
    with pytest.raises(NotCallableError, match="ss58"):
        await signed.call({}, auth("evil\r\nX: 1"))
    assert signed.server.requests == []
    assert signed.executor.purse.calls == 0


async def test_a_hotkey_that_cannot_sign_is_told_without_its_words(
    server: Server, make_executor: Callable[..., Executor]
) -> None:
    """Wallets raise what they like."""

    class Locked:
        crypto_type = 1
        ss58_address = "5"

        def sign(self, payload: bytes) -> bytes:
            raise RuntimeError("mnemonic: canary")

    bench = Bench(server, make_executor(load_hotkey=Locked))
    with pytest.raises(CredentialMissingError, match="cannot sign") as caught:
        await bench.call({}, auth())
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_closing_closes_what_sends(server: Server) -> None:
    """The transport it wraps."""
    inner = HttpTransport()
    await HotkeyTransport(inner, hotkey=keypair(ALICE), receiver=None).close()
    assert inner._pools == {}


def test_a_wallet_is_loaded_by_its_names(tmp_path: Path) -> None:
    """From bittensor's folder; every way it can be missing has its error."""
    import bittensor

    with pytest.raises(CredentialMissingError, match="no wallet is named"):
        load_hotkey({})
    with pytest.raises(CredentialMissingError, match="cannot be read"):
        load_hotkey({"ORCHESTRA_WALLET": "nobody"})
    wallet = bittensor.Wallet(name="me", hotkey="default")
    wallet.create_new_hotkey(use_password=False, overwrite=True, suppress=True)
    assert load_hotkey({"ORCHESTRA_WALLET": "me"}).hotkey.ss58_address == wallet.hotkey.ss58_address


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """bittensor is large, and most users need none."""
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("bittensor"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r'pip install "orchestra-tools\[chain\]"'):
        load_hotkey({"ORCHESTRA_WALLET": "me"})


async def test_its_failures_are_ordinary_ones(signed: Bench) -> None:
    """Receipt and all."""
    signed.server.answer(json_answer("{}", 500))
    with pytest.raises(UpstreamError) as caught:
        await signed.call({}, auth())
    assert caught.value.receipt is not None
