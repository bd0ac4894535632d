"""Who may use the HTTP server: bearer tokens of the operator's own, or access tokens of an OAuth issuer.

The operator's tokens stand in a file, one a line, as a name and the SHA-256 of the token; the tokens themselves are
nowhere. An issuer's tokens are JWTs (RFC 9068) for this server alone: signature, issuer, audience and time are checked
here, and the audience once more by the SDK, which also answers for scopes and serves the metadata (RFC 9728).
A token is never logged; why one was refused is.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings

from mcp_server_orchestra.http.issuer import (
    ALGORITHMS,
    IssuerKeys,
    IssuerMetadata,
    KeyFile,
    KeySource,
    KeyUrl,
    check_url,
)
from orchestra_tools.errors import ConfigurationError

MAX_TOKEN = 8_192  # characters
LEEWAY_S = 30
MAX_TOKEN_FILE_BYTES = 1024 * 1024
TOKEN_PREFIX = "orchestra_"  # noqa: S105  # tells scanners for leaked secrets, and us, what it is
_TYPES = ("at+jwt", "application/at+jwt", "jwt", "")  # many issuers do not say at+jwt, as RFC 9068 wants
_LINE = re.compile(r"([A-Za-z0-9._-]{1,64})[ \t]+sha256:([0-9a-f]{64})")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749, 3.3
_LOG = logging.getLogger(__name__)


class TokenRefusedError(Exception):
    """A token does not hold; the message says why, and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class AuthOptions:
    """How clients are known.

    Attributes:
        tokens: File of the operator's own tokens.
        issuer: URL of an OAuth authorization server, exactly as its tokens have it.
        jwks: File or URL of the issuer's keys; None = where its metadata says.
        scopes: What a token of the issuer must allow.
        resource: What the issuer's tokens are for: the public URL of this server.
    """

    tokens: Path | None = None
    issuer: str | None = None
    jwks: str | None = None
    scopes: tuple[str, ...] = ("orchestra",)
    resource: str | None = None

    def __bool__(self) -> bool:
        return self.tokens is not None or self.issuer is not None

    def check(self) -> None:
        """Check what can be seen without asking anybody.

        Raises:
            ConfigurationError: Options do not go together, or one is none.
        """
        if self.jwks is not None and self.issuer is None:
            raise ConfigurationError("--auth-jwks needs --auth-issuer", remedy="Name the issuer of the tokens")
        if bad := next((scope for scope in self.scopes if not _SCOPE.fullmatch(scope)), None):
            raise ConfigurationError(f"--auth-scope {bad[:60]!r} is no scope", remedy="Use plain ASCII without spaces")
        if self.issuer is None:
            return
        if self.resource is None:
            raise ConfigurationError(
                "--auth-issuer needs --public-url", remedy="Give the URL that tokens are issued for, their audience"
            )
        check_url(self.issuer, "--auth-issuer")
        if "?" in self.issuer:
            raise ConfigurationError("--auth-issuer has a query", remedy="Give the issuer as its tokens have it")


class Authentication:
    """Verifies bearer tokens. Implements the SDK's `TokenVerifier`."""

    def __init__(self, tokens: TokenFile | None, issued: IssuedTokens | None, settings: AuthSettings) -> None:
        self.settings = settings
        self._tokens = tokens
        self._issued = issued

    @classmethod
    def open(cls, options: AuthOptions) -> Self:
        """Read the file of tokens; ask no issuer yet.

        Raises:
            ConfigurationError: The file cannot be used, or the options do not go together.
        """
        options.check()
        tokens = TokenFile(options.tokens, options) if options.tokens is not None else None
        issued = IssuedTokens(options) if options.issuer is not None else None
        # The SDK wants an issuer even where there is none; without a resource it tells nobody of it.
        issuer, resource = options.issuer or "http://localhost", options.resource if issued else None
        settings = AuthSettings.model_validate(
            {
                "issuer_url": issuer,
                "resource_server_url": resource,
                "required_scopes": list(options.scopes) if issued else [],
                "validate_token_resource": resource is not None,
            }
        )
        return cls(tokens, issued, settings)

    async def load_keys(self) -> None:
        """Ask the issuer for its keys, so that a wrong setting is told before anybody is served.

        Raises:
            ConfigurationError: They cannot be had.
        """
        if self._issued is not None:
            await self._issued.keys.load()

    async def is_ready(self) -> bool:
        """Whether any token could be verified now."""
        return self._tokens is not None or self._issued is None or await self._issued.keys.are_known()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The rights of a token, or None."""
        try:
            if not 0 < len(token) <= MAX_TOKEN:
                raise TokenRefusedError("it is too long")
            if self._tokens is not None and (self._issued is None or token.startswith(TOKEN_PREFIX)):
                return self._tokens.verify(token)
            assert self._issued is not None  # noqa: S101  # one of the two is there: see AuthOptions.__bool__
            return await self._issued.verify(token)
        except TokenRefusedError as error:
            _LOG.info("a token was refused: %s", error)
            return None


class TokenFile:
    """The operator's own tokens: names and hashes. Followed while the server runs; unreadable, it admits nobody."""

    def __init__(self, path: Path, options: AuthOptions) -> None:
        self._path = path
        self._scopes = list(options.scopes)
        self._resource = options.resource
        self._seen = self._fingerprint()
        self._known = _read_tokens(path)

    def verify(self, token: str) -> AccessToken:
        """The rights of a token.

        Raises:
            TokenRefusedError: It is none of these.
        """
        self._follow()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found: str | None = None
        for known, name in self._known:
            # To the end, so that time tells nothing.
            if hmac.compare_digest(known, digest):
                found = name
        if found is None:
            raise TokenRefusedError("it is none of the operator's tokens")
        return AccessToken(token=token, client_id=found, scopes=self._scopes, resource=self._resource)

    def _follow(self) -> None:
        if (fingerprint := self._fingerprint()) == self._seen:
            return
        self._seen = fingerprint
        try:
            self._known = _read_tokens(self._path)
        except ConfigurationError as error:
            _LOG.error("nobody is admitted: %s", error)
            self._known = ()

    def _fingerprint(self) -> tuple[int, int, int] | None:
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_ino, seen.st_mtime_ns, seen.st_size


class IssuedTokens:
    """Access tokens of an OAuth issuer, as JWTs."""

    def __init__(self, options: AuthOptions) -> None:
        assert options.issuer is not None  # noqa: S101  # see AuthOptions.check
        assert options.resource is not None  # noqa: S101
        self._issuer = options.issuer
        # The same resource with and without the last slash: clients differ.
        self._audiences = (options.resource, options.resource.removesuffix("/"), f"{options.resource.rstrip('/')}/")
        self._resource = options.resource
        self.keys = IssuerKeys(_key_source(options.issuer, options.jwks))

    async def verify(self, token: str) -> AccessToken:
        """The rights of a token.

        Raises:
            TokenRefusedError: It does not hold.
        """
        algorithm, kid = _read_header(token)
        if not (keys := await self.keys.matching(algorithm, kid)):
            raise TokenRefusedError("the issuer has no such key")
        claims = self._claims(token, algorithm, keys)
        subject = _text(claims.get("sub"))
        return AccessToken(
            token=token,
            client_id=_text(claims.get("client_id")) or _text(claims.get("azp")) or subject or "unnamed",
            scopes=_scopes(claims),
            # The SDK compares without leeway.
            expires_at=int(claims["exp"]) + LEEWAY_S,
            resource=self._resource,
            subject=subject or None,
            claims={"iss": self._issuer},
        )

    def _claims(self, token: str, algorithm: str, keys: list[jwt.PyJWK]) -> Mapping[str, Any]:
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key=key,
                    algorithms=[algorithm],
                    audience=self._audiences,
                    issuer=self._issuer,
                    leeway=LEEWAY_S,
                    options={"require": ["iss", "aud", "exp"], "enforce_minimum_key_length": True},
                )
            except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
                continue
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                raise TokenRefusedError(type(error).__name__) from None
        raise TokenRefusedError("its signature does not hold")


def make_token(name: str) -> tuple[str, str]:
    """A new token, and the line of the file that admits it.

    Raises:
        ConfigurationError: The name is none.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    line = f"{name} sha256:{hashlib.sha256(token.encode()).hexdigest()}"
    if not _LINE.fullmatch(line):
        raise ConfigurationError(
            f"{name[:60]!r} is no name for a token", remedy="Use letters, digits, dots, dashes and underscores"
        )
    return token, line


def add_token(path: Path, name: str) -> str:
    """Make a token, and admit it in a file, which is made when absent. The token is not kept.

    Raises:
        ConfigurationError: The name is none, or the file cannot be written.
    """
    token, line = make_token(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One write, so that two who add at once keep both lines; a last line without its end is ended first.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            unended = file.seek(0, os.SEEK_END) > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write(b"\n" * unended + line.encode() + b"\n")
    except OSError as error:
        raise ConfigurationError(f"the tokens {path} cannot be written: {error.strerror}") from error
    return token


def _read_tokens(path: Path) -> tuple[tuple[str, str], ...]:
    """(Hash, name) of each token."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TOKEN_FILE_BYTES + 1)
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    if len(data) > MAX_TOKEN_FILE_BYTES:
        raise _unusable(path, f"it has more than {MAX_TOKEN_FILE_BYTES:,} bytes")
    known: list[tuple[str, str]] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        if not (text := line.strip()) or text.startswith("#"):
            continue
        if (parsed := _LINE.fullmatch(text)) is None:
            # Not quoted: somebody may have put a token there.
            raise _unusable(path, f"line {number} is not NAME sha256:HASH")
        known.append((parsed[2], parsed[1]))
    if not known:
        raise _unusable(path, "it names no token")
    return tuple(known)


def _unusable(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(
        f"the tokens {path} cannot be used: {problem}",
        remedy="Add one with: mcp-server-orchestra --auth-tokens FILE --new-token NAME",
    )


def _key_source(issuer: str, jwks: str | None) -> KeySource:
    if jwks is None:
        return IssuerMetadata(issuer)
    return KeyUrl(jwks) if "://" in jwks else KeyFile(Path(jwks).expanduser())


def _read_header(token: str) -> tuple[str, str | None]:
    """(Algorithm, key id) that a token claims."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenRefusedError("it is no JWT") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefusedError("its algorithm is not accepted")
    if str(header.get("typ", "")).lower() not in _TYPES:
        raise TokenRefusedError("it is no access token")
    if "crit" in header:
        # RFC 7515, 4.1.11: what must be understood, and is not.
        raise TokenRefusedError("it has critical header parameters")
    return algorithm, kid


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """RFC 9068 has `scope`, a string; some issuers have `scp`, a string or a list."""
    stated = claims.get("scope", claims.get("scp", ""))
    listed = stated.split() if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return [scope for scope in listed if isinstance(scope, str)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
