"""Demands the authentication the real API demands, with the sandbox's key. No I/O."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import NamedTuple

from orchestra_tools.model import ApiKeyAuth, Auth, HotkeyAuth


class Refusal(NamedTuple):
    """A status and what to say with it."""

    status: int
    problem: str


def check_key(auth: ApiKeyAuth, key: str, headers: Mapping[str, str], query: list[tuple[str, str]]) -> Refusal | None:
    """Refuse a request whose key, prefix or constant headers are not as the API wants them."""
    if auth.location == "header":
        given = headers.get(auth.name)
    else:
        given = next((value for name, value in query if name == auth.name), None)
    where = f"the {auth.location} {auth.name!r}"
    if given is None:
        return Refusal(401, f"{where} is missing")
    if given != auth.prefix + key:
        return Refusal(401, f"{where} does not carry the sandbox key, with the prefix {auth.prefix!r}")
    for name, value in auth.headers.items():
        if headers.get(name) != value:
            return Refusal(400, f"the header {name!r} must be {value!r}")
    return None


def check_signature(
    auth: HotkeyAuth, headers: Mapping[str, str], body: bytes, *, method: str, target: str
) -> Refusal | None:
    """Verify a `btauth/1` signature with bittensor's own code."""
    try:
        http_auth = importlib.import_module("bittensor.http_auth")
    except ImportError:
        return Refusal(501, "verifying btauth/1 needs bittensor: pip install 'orchestra-tools[chain]'")
    receiver = auth.receiver or headers.get(http_auth.HEADER_RECEIVER, "")
    try:
        http_auth.verify(
            headers,
            body,
            method=method,
            path=target,
            self_hotkey_ss58=receiver,
            require_receiver=auth.receiver is not None,
        )
    except http_auth.AuthError as error:
        return Refusal(401, f"btauth/1: {error}")
    return None


def without_key(auth: Auth | None, query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The query without the key, which is no argument."""
    if isinstance(auth, ApiKeyAuth) and auth.location == "query":
        return [(name, value) for name, value in query if name != auth.name]
    return query
