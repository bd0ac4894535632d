"""The keys of an authorization server: where they are found, fetched within limits, and for how long they count.

Found through the issuer's own metadata (RFC 8414, OpenID Connect Discovery), or given as a JWK Set in a file or behind
a URL. Whoever sends tokens cannot make the server fetch more than once in a while, nor anything but these addresses:
what a token says of keys (`jku`, `jwk`, `x5u`) is never followed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt

from mcp_server_orchestra.http.exposure import is_loopback
from orchestra_tools.calls.addresses import AddressPolicy, split_origin
from orchestra_tools.calls.transports import HttpTransport
from orchestra_tools.calls.wire import Limits, WireRequest
from orchestra_tools.errors import AddressRefusedError, CallError, ConfigurationError
from orchestra_tools.registry.fingerprint import fingerprint_of

KEYS_LIFE_S = 600.0  # then they are asked for again
STALE_LIFE_S = 3_600.0  # how long they count while the issuer does not answer
COOLDOWN_S = 30.0  # between two questions, whatever tokens come in
MAX_KEYS = 50
MAX_FILE_BYTES = 256 * 1024
_LIMITS = Limits(timeout_s=10.0, connect_timeout_s=5.0, max_wire_bytes=MAX_FILE_BYTES, max_body_bytes=MAX_FILE_BYTES)
_LOG = logging.getLogger(__name__)

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Signature algorithms that are accepted, and the kind and curve of key each needs. No shared secrets, no `none`."""
_PUBLIC = ("kty", "crv", "n", "e", "x", "y")
Jwk = Mapping[str, Any]


class KeySource(ABC):
    """A place a JWK Set is read from."""

    @abstractmethod
    async def load(self) -> list[Jwk]:
        """The public keys for signatures.

        Raises:
            ConfigurationError: They cannot be had; says why.
        """

    def fingerprint(self) -> str:
        """Changes when another set should be loaded at once. Cheap; never raises."""
        return ""


class KeyFile(KeySource):
    """A JWK Set on disk; a new one counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> list[Jwk]:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise _no_keys(str(self._path), str(error.strerror)) from error
        if len(data) > MAX_FILE_BYTES:
            raise _no_keys(str(self._path), f"it has more than {MAX_FILE_BYTES:,} bytes")
        return _read_keys(_read_object(data, str(self._path)), str(self._path))

    def fingerprint(self) -> str:
        return fingerprint_of(self._path)


class KeyUrl(KeySource):
    """A JWK Set behind a URL."""

    def __init__(self, url: str) -> None:
        check_url(url, "--auth-jwks")
        self._url = url

    async def load(self) -> list[Jwk]:
        return _read_keys(await _fetch(self._url), self._url)


class IssuerMetadata(KeySource):
    """The JWK Set that an issuer's metadata names."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    async def load(self) -> list[Jwk]:
        url = await self._discover()
        check_url(url, f"jwks_uri of {self._issuer}")
        if split_origin(url)[2] != split_origin(self._issuer)[2]:
            raise _no_keys(self._issuer, "its jwks_uri has another scheme than itself")
        return _read_keys(await _fetch(url), url)

    async def _discover(self) -> str:
        problems: list[str] = []
        for url in metadata_urls(self._issuer):
            try:
                metadata = await _fetch(url)
            except ConfigurationError as error:
                problems.append(error.problem)
                continue
            # RFC 8414, 3.3: otherwise one tenant of a server could speak for another.
            if metadata.get("issuer") != self._issuer:
                raise _no_keys(url, f"it says that its issuer is {str(metadata.get('issuer'))[:120]!r}")
            if not isinstance(found := metadata.get("jwks_uri"), str):
                raise _no_keys(url, "it has no jwks_uri")
            return found
        raise _no_keys(self._issuer, problems[0])


class IssuerKeys:
    """Keeps the keys of one issuer, and asks again where a token names one it does not know, or its time has come."""

    def __init__(self, source: KeySource, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._keys: list[Jwk] = []
        self._loaded_at: float | None = None
        self._asked_at: float | None = None
        self._seen = ""
        # Many requests wait for one answer.
        self._asking = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Ask for the keys now.

        Raises:
            ConfigurationError: They cannot be had.
        """
        self._asked_at = self._monotonic()
        self._seen = self._source.fingerprint()
        self._keys = await self._source.load()
        self._loaded_at = self._monotonic()

    async def are_known(self) -> bool:
        """Whether there are keys that count; asks for them where it is time to."""
        if self._source.fingerprint() != self._seen or self._age() > STALE_LIFE_S:
            await self._refresh()
        elif self._age() > KEYS_LIFE_S and (self._renewal is None or self._renewal.done()):
            # The old ones still count: nobody waits for an issuer that may be slow.
            self._renewal = asyncio.create_task(self._refresh())
        return self._age() <= STALE_LIFE_S

    async def matching(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        """The keys that may have made a signature.

        Args:
            algorithm: One of `ALGORITHMS`.
            kid: Which key the token names; None = it names none.
        """
        if not await self.are_known():
            return []
        if not (found := self._find(algorithm, kid)):
            await self._refresh()
            found = self._find(algorithm, kid)
        return found

    def _find(self, algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
        kty, curve = ALGORITHMS[algorithm]
        return [
            jwt.PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm)
            for key in self._keys
            if key["kty"] == kty
            and (curve is None or key.get("crv") == curve)
            and key.get("alg", algorithm) == algorithm
            and kid in (None, key.get("kid"))
        ]

    def _age(self) -> float:
        return float("inf") if self._loaded_at is None else self._monotonic() - self._loaded_at

    async def _refresh(self) -> None:
        wanted_at = self._monotonic()
        async with self._asking:
            changed = self._source.fingerprint() != self._seen
            if self._asked_at is not None and not changed and wanted_at - self._asked_at < COOLDOWN_S:
                return
            try:
                await self.load()
            except ConfigurationError as error:
                _LOG.warning("%s", error.problem)


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where the metadata of an issuer may stand, in the order MCP has for clients."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    urls = [
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}/.well-known/openid-configuration{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    ]
    return tuple(dict.fromkeys(urls))


def check_url(url: str, name: str) -> None:
    """Check a URL that is fetched from, or that names an issuer.

    Raises:
        ConfigurationError: It is neither public https, nor on loopback.
    """
    try:
        host, _, scheme = split_origin(url)
        if not is_loopback(host):
            AddressPolicy().check_url(url, secret=False)
    except AddressRefusedError as error:
        raise ConfigurationError(f"{name}: {error.problem}", remedy=_KEYS) from None
    if scheme != "https" and not is_loopback(host):
        raise ConfigurationError(f"{name} {url[:120]!r} is not https", remedy=_KEYS)


_KEYS = "Use a public https URL, or give the keys as a file: --auth-jwks FILE"


async def _fetch(url: str) -> dict[str, Any]:
    transport = HttpTransport()
    try:
        policy = AddressPolicy.for_sandbox(url) if is_loopback(split_origin(url)[0]) else AddressPolicy()
        request = WireRequest("GET", url, {"accept": "application/json"})
        response = await transport.send(request, policy=policy, limits=_LIMITS, secret=False)
    except (AddressRefusedError, CallError) as error:
        raise _no_keys(url, error.problem) from None
    finally:
        await transport.close()
    if response.status != 200:
        raise _no_keys(url, f"it answered {response.status}")
    return _read_object(response.body, url)


def _read_object(data: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise _no_keys(where, "it is no JSON") from None
    if not isinstance(document, dict):
        raise _no_keys(where, "it is no JSON object")
    return document


def _read_keys(document: Mapping[str, Any], where: str) -> list[Jwk]:
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise _no_keys(where, "it has no list `keys`")
    if len(listed) > MAX_KEYS:
        raise _no_keys(where, f"it has more than {MAX_KEYS} keys")
    keys: list[Jwk] = [key for key in listed if isinstance(key, dict) and _is_usable(key)]
    if not keys:
        raise _no_keys(where, "it has no public key for signatures")
    return keys


def _is_usable(key: Jwk) -> bool:
    uses, operations = key.get("use", "sig"), key.get("key_ops", ["verify"])
    if uses != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return False
    fitting = [name for name, (kty, curve) in ALGORITHMS.items() if (key.get("kty"), key.get("crv")) == (kty, curve)]
    algorithm = key.get("alg", fitting[0] if fitting else None)
    if algorithm not in fitting:
        return False
    try:
        jwt.PyJWK({name: key[name] for name in _PUBLIC if name in key}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return False
    return True


def _no_keys(where: str, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"the keys of {where[:200]} cannot be used: {problem}", remedy="Check the issuer's address"
    )
