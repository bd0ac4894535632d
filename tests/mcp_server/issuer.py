"""A real OAuth issuer on loopback, as far as a resource server sees one: metadata, keys, and the tokens it signs."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

METADATA = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
RESOURCE = "http://127.0.0.1:8765/mcp"


@dataclass
class SigningKey:
    """A key pair of an issuer."""

    kid: str | None
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public half, as it is published."""
        encoder = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": OKPAlgorithm}[self.algorithm[0]]
        if self.algorithm.startswith("ES"):
            encoder = ECAlgorithm
        public = encoder.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "use": "sig"} | ({"kid": self.kid} if self.kid is not None else {})


@cache
def signing_key(kid: str | None, algorithm: str = "RS256") -> SigningKey:
    """A key; the same one each time, for making one takes long."""
    match algorithm[:2]:
        case "RS" | "PS":
            return SigningKey(kid, algorithm, rsa.generate_private_key(public_exponent=65537, key_size=2048))
        case "ES":
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}[algorithm]
            return SigningKey(kid, algorithm, ec.generate_private_key(curve))
        case _:
            return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())


@dataclass
class Issuer:
    """What it answers, and how often it was asked. A test may change the answers while it runs."""

    url: str = ""
    keys: list[SigningKey] = field(default_factory=lambda: [signing_key("first")])
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    granted: list[Mapping[str, str]] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body for a path."""
        self.asked[path] += 1
        if path in self.answers:
            return self.answers[path]
        if path == METADATA:
            endpoints = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
            answers = {"response_types_supported": ["code"], "grant_types_supported": ["client_credentials"]}
            return self.document({"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **endpoints, **answers})
        if path == "/jwks":
            return self.document({"keys": [key.jwk for key in self.keys]})
        return 404, {}, b""

    def grant(self, form: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """A token for whoever asks, for the resource they name (RFC 8707)."""
        self.granted.append(form)
        token = self.token(aud=form["resource"], scope=form.get("scope"))
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": form.get("scope", "")}
        return self.document(answer)

    @staticmethod
    def document(value: object) -> tuple[int, Mapping[str, str], bytes]:
        """A JSON answer."""
        return 200, {"content-type": "application/json"}, json.dumps(value).encode()

    def token(self, *, key: SigningKey | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """An access token that holds, but for what is given: None leaves a claim or header out, times are from now."""
        key, now = key or self.keys[0], int(time.time())
        body: dict[str, Any] = {
            "iss": self.url,
            "aud": RESOURCE,
            "sub": "user-1",
            "client_id": "client-1",
            "iat": now,
            "exp": now + 600,
            "jti": "1",
            "scope": "orchestra",
        }
        body = {name: value for name, value in {**body, **claims}.items() if value is not None}
        for name, value in body.items():
            if isinstance(value, timedelta):
                body[name] = now + int(value.total_seconds())
        head = {"typ": "at+jwt", "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(body, key.private, algorithm=key.algorithm, headers=head)


@contextmanager
def serving_issuer(path: str = "") -> Iterator[Issuer]:
    """An issuer that answers on loopback."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(*issuer.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._reply(*issuer.grant(dict(parse_qsl(body))))

        def _reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
