"""Who may use the HTTP server: every token is held against real keys of a real issuer on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server_orchestra.http.auth import LEEWAY_S, MAX_TOKEN, Authentication, AuthOptions, add_token
from mcp_server_orchestra.http.issuer import (
    COOLDOWN_S,
    KEYS_LIFE_S,
    MAX_KEYS,
    STALE_LIFE_S,
    IssuerKeys,
    IssuerMetadata,
    KeyFile,
    KeyUrl,
    metadata_urls,
)
from orchestra_tools.errors import ConfigurationError

from .issuer import METADATA, OPENID, RESOURCE, Issuer, SigningKey, serving_issuer, signing_key

ALL_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as running:
        yield running


def admitting(issuer: Issuer, **options: Any) -> Authentication:
    return Authentication.open(AuthOptions(issuer=issuer.url, resource=RESOURCE, **options))


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("algorithm", ALL_ALGORITHMS)
async def test_a_token_of_the_issuer_is_admitted_whatever_kind_of_key_signed_it(issuer: Issuer, algorithm: str) -> None:
    """RFC 9068; what the SDK then goes by is who, for what, until when."""
    issuer.keys = [signing_key("one", algorithm)]
    found = await admitting(issuer).verify_token(token := issuer.token())
    assert found is not None
    assert (found.client_id, found.subject, found.scopes) == ("client-1", "user-1", ["orchestra"])
    assert found.resource == RESOURCE
    assert found.claims == {"iss": issuer.url}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert found.expires_at == claims["exp"] + LEEWAY_S


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"aud": [RESOURCE, "https://other.example"]}, {}),
        ({"aud": RESOURCE + "/"}, {}),
        ({"exp": timedelta(seconds=20 - LEEWAY_S)}, {}),
        ({"nbf": timedelta(seconds=LEEWAY_S - 20)}, {}),
        ({"header": {"typ": "JWT"}}, {}),
        ({"header": {"typ": None}}, {}),
        ({"header": {"typ": "application/AT+JWT"}}, {}),
        ({"header": {"jku": "http://127.0.0.1:1/keys", "jwk": {"kty": "oct", "k": "AA"}, "x5u": "file:///x"}}, {}),
        ({"scope": "read orchestra"}, {"scopes": ["read", "orchestra"]}),
        ({"scope": None, "scp": ["orchestra", 7]}, {"scopes": ["orchestra"]}),
        ({"scope": None, "scp": "a b"}, {"scopes": ["a", "b"]}),
        ({"scope": None}, {"scopes": []}),
        ({"scope": 7}, {"scopes": []}),
        ({"client_id": None, "azp": "party"}, {"client_id": "party"}),
        ({"client_id": None}, {"client_id": "user-1"}),
        ({"client_id": 5, "sub": None}, {"client_id": "unnamed", "subject": None}),
    ],
)
async def test_what_issuers_do_differently_is_read_all_the_same(
    issuer: Issuer, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Auth0, Okta, Entra and Keycloak each have their own spelling of scopes, parties and types."""
    found = await admitting(issuer).verify_token(issuer.token(**given))
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected


def _unsigned(issuer: Issuer) -> str:
    _, body, _ = issuer.token().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "at+jwt"}).encode()).rstrip(b"=").decode()
    return f"{none}.{body}."


def _signed_with_the_public_key(issuer: Issuer) -> str:
    """The classic: the public key, which everybody has, taken as a shared secret."""
    secret = (
        issuer.keys[0]
        .private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    body = issuer.token().split(".")[1]
    head = {"alg": "HS256", "typ": "at+jwt", "kid": issuer.keys[0].kid}
    header = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    signature = hmac.new(secret, f"{header}.{body}".encode(), hashlib.sha256).digest()
    return f"{header}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _of_a_stranger(issuer: Issuer) -> str:
    stranger = SigningKey(issuer.keys[0].kid, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return issuer.token(key=stranger)


def _with_another_body(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return f"{header}.{issuer.token(scope='orchestra admin').split('.')[1]}.{signature}"


BAD_TOKENS = {
    "empty": lambda issuer: "",
    "no JWT": lambda issuer: "hello",
    "three dots": lambda issuer: "...",
    "not ASCII": lambda issuer: "ünsigned.töken.☃",
    "unsigned": _unsigned,
    "public key as shared secret": _signed_with_the_public_key,
    "another's signature": _of_a_stranger,
    "another body": _with_another_body,
    "cut short": lambda issuer: issuer.token()[:-20],
    "other audience": lambda issuer: issuer.token(aud="https://other.example/mcp"),
    "audience of the whole server": lambda issuer: issuer.token(aud="http://127.0.0.1:8765"),
    "audience list without us": lambda issuer: issuer.token(aud=["https://a.example", "https://b.example"]),
    "audience list with junk": lambda issuer: issuer.token(aud=[RESOURCE, 7]),
    "no audience": lambda issuer: issuer.token(aud=None),
    "empty audience": lambda issuer: issuer.token(aud=[]),
    "other issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "issuer with a slash": lambda issuer: issuer.token(iss=issuer.url + "/"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "expired": lambda issuer: issuer.token(exp=timedelta(seconds=-LEEWAY_S - 5)),
    "no expiry": lambda issuer: issuer.token(exp=None),
    "expiry no number": lambda issuer: issuer.token(exp="soon"),
    "expiry infinite": lambda issuer: issuer.token(exp=float("inf")),
    "not yet": lambda issuer: issuer.token(nbf=timedelta(seconds=LEEWAY_S + 60)),
    "issued in the future": lambda issuer: issuer.token(iat=timedelta(seconds=LEEWAY_S + 60)),
    "unknown key": lambda issuer: issuer.token(header={"kid": "second"}),
    "key id is no text": lambda issuer: _with_header(issuer, kid=["first"]),
    "algorithm is no text": lambda issuer: _with_header(issuer, alg=["RS256"]),
    "algorithm of another kind of key": lambda issuer: _with_header(issuer, alg="ES256"),
    "identity token": lambda issuer: issuer.token(header={"typ": "id_token"}),
    "logout token": lambda issuer: issuer.token(header={"typ": "logout+jwt"}),
    "critical extension": lambda issuer: issuer.token(header={"crit": ["exp2"], "exp2": 1}),
    "huge": lambda issuer: issuer.token(padding="x" * MAX_TOKEN),
}


def _with_header(issuer: Issuer, **changed: Any) -> str:
    _, body, signature = issuer.token().split(".")
    head = {"alg": "RS256", "typ": "at+jwt", "kid": issuer.keys[0].kid, **changed}
    return f"{base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b'=').decode()}.{body}.{signature}"


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_a_token_that_does_not_hold_is_refused(
    issuer: Issuer, make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says why, without any part of it."""
    token = make(issuer)
    with caplog.at_level(logging.INFO):
        assert await admitting(issuer).verify_token(token) is None
    assert "a token was refused: " in caplog.text
    assert all(part not in caplog.text for part in token.split(".") if len(part) > 6)


async def test_two_keys_with_one_name_are_both_tried(issuer: Issuer) -> None:
    """RFC 7517, 4.5: a name is not promised to be unique."""
    other = SigningKey("first", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    issuer.keys = [signing_key("first"), other, SigningKey("first", "ES256", signing_key("x", "ES256").private)]
    verify = admitting(issuer).verify_token
    for key in issuer.keys:
        assert await verify(issuer.token(key=key)) is not None
    assert await verify(_of_a_stranger(issuer)) is None


async def test_a_token_that_names_no_key_is_held_against_all(issuer: Issuer) -> None:
    """Naming one is optional (RFC 7515, 4.1.4); being signed by the issuer is not."""
    issuer.keys = [signing_key("first"), signing_key("second")]
    verify = admitting(issuer).verify_token
    assert await verify(issuer.token(key=issuer.keys[1], header={"kid": None})) is not None
    stranger = SigningKey(None, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert await verify(issuer.token(key=stranger)) is None


async def test_short_keys_sign_nothing(issuer: Issuer) -> None:
    """RFC 7518, 3.3: 2048 bits at least."""
    issuer.keys = [SigningKey("short", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=1024))]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token()
    assert await admitting(issuer).verify_token(token) is None


async def test_keys_for_other_uses_are_none(issuer: Issuer) -> None:
    """A key to encrypt with, a shared secret, a broken one: none of them admits anybody."""
    good = signing_key("first").jwk
    bad: list[Any] = [
        {**good, "use": "enc"},
        {**good, "key_ops": ["encrypt"]},
        {**good, "key_ops": "verify"},
        {**good, "alg": "RSA-OAEP"},
        {**good, "alg": None},
        {**good, "n": "!"},
        {"kty": "oct", "k": "AAAA", "kid": "first"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
        {},
        "key",
    ]
    issuer.answers["/jwks"] = issuer.document({"keys": bad})
    with pytest.raises(ConfigurationError, match="no public key for signatures"):
        await admitting(issuer).load_keys()
    # Only its public half is ever kept.
    private = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(signing_key("first").private))
    issuer.answers["/jwks"] = issuer.document({"keys": [*bad, {**private, "kid": "first", "key_ops": ["verify"]}]})
    assert await admitting(issuer).verify_token(issuer.token()) is not None


async def test_a_new_key_is_found_and_nobody_can_make_us_ask_often(issuer: Issuer) -> None:
    """An unknown key id asks the issuer again: once in a while, however many such tokens come."""
    clock = Clock()
    keys = IssuerKeys(IssuerMetadata(issuer.url), monotonic=clock)
    assert len(await keys.matching("RS256", "first")) == 1
    issuer.keys = [signing_key("second")]
    for _ in range(50):
        assert await keys.matching("RS256", "second") == []
    assert issuer.asked["/jwks"] == 1
    clock.now += COOLDOWN_S
    assert len(await keys.matching("RS256", "second")) == 1
    for number in range(50):
        assert await keys.matching("RS256", f"made up {number}") == []
    assert issuer.asked["/jwks"] == 2
    assert await keys.matching("RS256", "first") == []


async def test_keys_are_renewed_and_outlive_an_issuer_that_is_away_for_a_while(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the renewal; a key that cannot be confirmed for an hour counts no more."""
    clock = Clock()
    keys = IssuerKeys(IssuerMetadata(issuer.url), monotonic=clock)
    await keys.load()
    clock.now += KEYS_LIFE_S + 1
    issuer.keys = [signing_key("second")]
    async with asyncio.timeout(30):
        while await keys.matching("RS256", "first"):
            await asyncio.sleep(0.01)
    assert len(await keys.matching("RS256", "second")) == 1

    issuer.answers["/jwks"] = (500, {}, b"")
    clock.now += KEYS_LIFE_S + 1
    async with asyncio.timeout(30):
        while "it answered 500" not in caplog.text:
            assert len(await keys.matching("RS256", "second")) == 1
            await asyncio.sleep(0.01)
    assert len(await keys.matching("RS256", "second")) == 1
    clock.now += STALE_LIFE_S
    assert await keys.matching("RS256", "second") == []
    assert not await keys.are_known()


async def test_an_issuer_is_found_by_its_metadata_in_each_place_it_may_stand() -> None:
    """RFC 8414, 3.1 and OpenID Connect Discovery, for an issuer with a path."""
    assert metadata_urls("https://as.example/tenant") == (
        "https://as.example/.well-known/oauth-authorization-server/tenant",
        "https://as.example/.well-known/openid-configuration/tenant",
        "https://as.example/tenant/.well-known/openid-configuration",
    )
    assert len(metadata_urls("https://as.example/")) == 2
    with serving_issuer("/tenant") as issuer:
        document = {"issuer": issuer.url, "jwks_uri": f"{issuer.url.removesuffix('/tenant')}/jwks"}
        issuer.answers[f"/tenant{OPENID}"] = issuer.document(document)
        assert await admitting(issuer).verify_token(issuer.token()) is not None


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        (METADATA, (200, {}, b'{"issuer": "https://other.example"}'), "its issuer is 'https://other.example'"),
        (METADATA, (200, {}, b"[]"), "no JSON object"),
        (METADATA, (302, {"location": "http://localhost:1/"}, b""), "it answered 302"),
        ("/jwks", (404, {}, b""), "it answered 404"),
        ("/jwks", (200, {}, b"<html>"), "no JSON"),
        ("/jwks", (200, {}, b"[" * 100_000), "no JSON"),
        ("/jwks", (200, {}, b"{}"), "no list `keys`"),
        ("/jwks", (200, {}, json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode()), "more than 50 keys"),
        ("/jwks", (200, {}, b" " * 300_000), "larger than 262,144 bytes"),
        ("/jwks", (200, {"content-encoding": "gzip"}, b"no gzip"), "keys of"),
    ],
)
async def test_an_issuer_that_answers_nonsense_is_told_of(
    issuer: Issuer, path: str, answer: tuple[int, dict[str, str], bytes], told: str
) -> None:
    """Before anybody is served, and in words."""
    issuer.answers[path] = answer
    with pytest.raises(ConfigurationError, match=told):
        await admitting(issuer).load_keys()
    assert not await admitting(issuer).is_ready()


@pytest.mark.parametrize(
    ("jwks_uri", "told"),
    [
        (None, "no jwks_uri"),
        ("http://127.0.0.1:1/jwks", "not the sandbox|connection"),
        ("http://10.0.0.1/jwks", "private or special address"),
        ("http://keys.example/jwks", "not https"),
        ("https://keys.example/jwks", "another scheme"),
        ("file:///etc/passwd", "only http and https"),
    ],
)
async def test_metadata_cannot_send_us_anywhere(issuer: Issuer, jwks_uri: str | None, told: str) -> None:
    """Keys come from public https, or from the loopback server the operator named."""
    issuer.answers[METADATA] = issuer.document({"issuer": issuer.url, "jwks_uri": jwks_uri})
    with pytest.raises(ConfigurationError, match=told):
        await admitting(issuer).load_keys()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"jwks": "keys.json"}, "--auth-jwks needs --auth-issuer"),
        ({"issuer": "https://as.example"}, "--auth-issuer needs --public-url"),
        ({"issuer": "http://as.example", "resource": RESOURCE}, "is not https"),
        ({"issuer": "https://10.1.2.3", "resource": RESOURCE}, "private or special address"),
        ({"issuer": "https://[64:ff9b::a9fe:a9fe]/", "resource": RESOURCE}, "private or special address"),
        ({"issuer": "https://me:secret@as.example", "resource": RESOURCE}, "userinfo"),
        ({"issuer": "https://as.example/?tenant=1", "resource": RESOURCE}, "query"),
        ({"issuer": "as.example", "resource": RESOURCE}, "only http and https"),
        ({"issuer": "https://as.example", "resource": RESOURCE, "jwks": "http://keys.example/"}, "is not https"),
        ({"issuer": "https://as.example", "resource": RESOURCE, "scopes": ("a b",)}, "is no scope"),
        ({"tokens": Path("/nowhere/tokens")}, "No such file"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], told: str) -> None:
    """Nothing is fetched, nobody is served."""
    with pytest.raises(ConfigurationError, match=told) as refused:
        Authentication.open(AuthOptions(**options))
    assert "secret" not in str(refused.value)
    assert refused.value.remedy


async def test_keys_come_from_a_file_too_and_a_new_file_counts_at_once(issuer: Issuer, tmp_path: Path) -> None:
    """For an issuer that cannot be asked from here."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [signing_key("first").jwk]}), "utf-8")
    authentication = admitting(issuer, jwks=str(path))
    await authentication.load_keys()
    assert await authentication.verify_token(issuer.token()) is not None
    second = signing_key("second")
    path.write_text(json.dumps({"keys": [second.jwk, second.jwk]}), "utf-8")
    assert await authentication.verify_token(issuer.token(key=second)) is not None
    assert await authentication.verify_token(issuer.token()) is None
    assert not issuer.asked

    for body, told in [("x" * 300_000, "more than"), ("{", "no JSON")]:
        path.write_text(body, "utf-8")
        with pytest.raises(ConfigurationError, match=told):
            await KeyFile(path).load()
    path.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        await KeyFile(path).load()


async def test_keys_come_from_a_url_too(issuer: Issuer) -> None:
    """Where an issuer has no metadata."""
    authentication = admitting(issuer, jwks=f"{issuer.url}/jwks")
    assert await authentication.verify_token(issuer.token()) is not None
    assert issuer.asked == {"/jwks": 1}
    with pytest.raises(ConfigurationError, match="connection"):
        await KeyUrl("http://127.0.0.1:1/jwks").load()


async def test_tokens_of_the_operator_are_known_by_their_hashes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A token is shown once; the file has its name and its hash, and a line that goes takes its token along."""
    path = tmp_path / "folder" / "tokens"
    alice, bob = add_token(path, "alice"), add_token(path, "bob")
    text = path.read_text("utf-8")
    assert alice not in text
    assert [line.split()[0] for line in text.splitlines()] == ["alice", "bob"]
    assert path.stat().st_mode & 0o777 == 0o600
    authentication = Authentication.open(AuthOptions(tokens=path))
    assert await authentication.is_ready()
    await authentication.load_keys()
    for name, token in (("alice", alice), ("bob", bob)):
        found = await authentication.verify_token(token)
        assert found is not None
        assert found.client_id == name
    for wrong in (alice[:-1], alice + "x", alice.upper(), "orchestra_", text.split(":")[1][:64], "\udc80"):
        assert await authentication.verify_token(wrong) is None

    path.write_text("# bob has left\n\n" + text.splitlines()[0], "utf-8")
    assert await authentication.verify_token(bob) is None
    assert await authentication.verify_token(alice) is not None
    carol = add_token(path, "carol")
    assert await authentication.verify_token(carol) is not None
    assert await authentication.verify_token(alice) is not None

    path.write_text(f"alice {alice}\n", "utf-8")
    assert await authentication.verify_token(alice) is None
    path.unlink()
    assert await authentication.verify_token(carol) is None
    assert "line 1 is not NAME sha256:HASH" in caplog.text
    assert alice not in caplog.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "names no token"),
        (b"# nobody\n", "names no token"),
        (b"alice orchestra_canary\n", "line 1 is not"),
        (b"ok sha256:" + b"0" * 64 + b"\nb\xc3\xb6b sha256:" + b"0" * 64, "line 2 is not"),
        (b"alice sha256:" + b"0" * 63, "line 1 is not"),
        (b"\xff\xfe", "line 1 is not"),
        (b"#" * 1_100_000, "more than"),
    ],
)
def test_a_file_of_tokens_that_cannot_be_read_is_told_with_its_line(tmp_path: Path, body: bytes, told: str) -> None:
    """Not with what stands there: it may be a token."""
    path = tmp_path / "tokens"
    path.write_bytes(body)
    with pytest.raises(ConfigurationError, match=told) as refused:
        Authentication.open(AuthOptions(tokens=path))
    assert "canary" not in str(refused.value)


def test_a_token_needs_a_name_and_a_file_that_can_be_written(tmp_path: Path) -> None:
    """Names stand in logs."""
    with pytest.raises(ConfigurationError, match="no name for a token"):
        add_token(tmp_path / "tokens", "al ice")
    assert not (tmp_path / "tokens").exists()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        add_token(tmp_path, "alice")


async def test_both_kinds_of_token_can_be_admitted(issuer: Issuer, tmp_path: Path) -> None:
    """A token of the operator's is never shown to the issuer's rules, and holds while the issuer is away."""
    mine = add_token(tmp_path / "tokens", "ci")
    issuer.answers[METADATA] = (500, {}, b"")
    authentication = admitting(issuer, tokens=tmp_path / "tokens")
    assert await authentication.is_ready()
    found = await authentication.verify_token(mine)
    assert found is not None
    assert (found.client_id, found.resource, found.scopes) == ("ci", RESOURCE, ["orchestra"])
    assert await authentication.verify_token(issuer.token()) is None
    del issuer.answers[METADATA]
    assert await admitting(issuer, tokens=tmp_path / "tokens").verify_token(issuer.token()) is not None


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.one_of(st.text(), st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode())), data=st.data())
async def test_no_token_whatsoever_is_an_exception(tmp_path: Path, head: str, data: st.DataObject) -> None:
    """Law: verification gives rights or None."""
    (keys := tmp_path / "keys.json").write_text(json.dumps({"keys": [signing_key("first").jwk]}), "utf-8")
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda each: st.lists(each), max_leaves=4
    )
    header = {"alg": "RS256"} | data.draw(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit"]), json_values))
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    authentication = Authentication.open(AuthOptions(issuer="http://127.0.0.1:1", resource=RESOURCE, jwks=str(keys)))
    for token in (head, f"{head}.{head}.{head}", f"{encoded}.{head}.{head}"):
        assert await authentication.verify_token(token) is None
