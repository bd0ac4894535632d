"""Keys come from the environment or the keyring, and go into the request and nowhere else."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest
from aiohttp import web
from pydantic import SecretStr

from orchestra_tools.calls import CallResult, Credentials, Executor, Journal
from orchestra_tools.calls.redaction import MIN_LENGTH, REDACTED
from orchestra_tools.errors import CallError, ConfigurationError, CredentialMissingError, OrchestraError
from orchestra_tools.toolsets import error_facts, error_text, result_facts, result_text
from tests.calls.recording import Rerouted, Server, compile_tool, gzipped, json_answer, ledger_of
from tests.keyrings import MemoryKeyring, memory_keyring

CANARY = "canary-7f3a9c51+e2/b8=="
HEADER = {"scheme": "api_key", "in": "header", "name": "Authorization", "prefix": "Bearer "}
QUERY = {"scheme": "api_key", "in": "query", "name": "key"}


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as backend:
        yield backend


@pytest.fixture
def no_ring(ring: MemoryKeyring) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())


def revealed(found: SecretStr | None) -> str | None:
    return None if found is None else found.get_secret_value()


def test_the_environment_wins_over_the_keyring(ring: MemoryKeyring, tmp_path: Path) -> None:
    """And an empty variable is none."""
    environment: dict[str, str] = {}
    credentials = Credentials(environment, home=tmp_path)
    assert (credentials.find("SN22"), credentials.source("SN22")) == (None, None)
    credentials.store("SN22", SecretStr("from-ring"))
    assert (revealed(credentials.find("SN22")), credentials.source("SN22")) == ("from-ring", "keyring")
    environment["ORCHESTRA_KEY_SN22"] = "  "
    assert revealed(credentials.find("SN22")) == "from-ring"
    environment["ORCHESTRA_KEY_SN22"] = " from-env\n"
    assert (revealed(credentials.find("SN22")), credentials.source("SN22")) == ("from-env", "environment")
    assert "from" not in repr(credentials.find("SN22"))


def test_the_list_of_keys_spares_the_keyring(ring: MemoryKeyring, tmp_path: Path) -> None:
    """It says which subnets have one, in a file without any key; looking through all opens nothing."""
    credentials, other = Credentials({}, home=tmp_path), Credentials({}, home=tmp_path)
    for subnet in ("SN64", "SN22"):
        credentials.store(subnet, SecretStr("secret-value"))
    assert json.loads((tmp_path / "keys.json").read_text()) == ["SN22", "SN64"]
    assert [other.source(f"SN{netuid}") for netuid in (1, 22, 64)] == [None, "keyring", "keyring"]
    assert other.find("SN1") is None
    assert ring.asked == 0
    assert credentials.remove("SN22")
    assert not credentials.remove("SN22")
    assert other.source("SN22") is None
    assert list(tmp_path.iterdir()) == [tmp_path / "keys.json"]
    assert ring.stored == {("orchestra-tools", "SN64"): "secret-value"}


def test_a_key_that_left_the_keyring_leaves_the_list(ring: MemoryKeyring, tmp_path: Path) -> None:
    """Somebody removed it with another program."""
    credentials = Credentials({}, home=tmp_path)
    credentials.store("SN22", SecretStr("x"))
    ring.stored.clear()
    assert credentials.find("SN22") is None
    assert credentials.remove("SN22")
    assert credentials.source("SN22") is None


@pytest.mark.parametrize("content", ["", "{", "{}", "[1, null]", "\xff"])
def test_a_broken_list_is_an_empty_one(content: str, tmp_path: Path) -> None:
    """The keys are still in the keyring; storing one again mends it."""
    (tmp_path / "keys.json").write_bytes(content.encode("latin-1"))
    assert Credentials({}, home=tmp_path).source("SN22") is None


def test_without_a_home_there_is_no_keyring(ring: MemoryKeyring) -> None:
    """Environment only."""
    credentials = Credentials({})
    credentials.store("SN22", SecretStr("x"))
    assert credentials.source("SN22") is None
    assert credentials.find("SN22") is None


def test_no_keyring_names_the_variable_instead(no_ring: None, tmp_path: Path) -> None:
    """On a server there often is none."""
    credentials = Credentials({}, home=tmp_path)
    with pytest.raises(ConfigurationError, match="ORCHESTRA_KEY_SN22") as caught:
        credentials.store("SN22", SecretStr(CANARY))
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    (tmp_path / "keys.json").write_text('["SN22"]')
    with pytest.raises(ConfigurationError, match="ORCHESTRA_KEY_SN22"):
        credentials.find("SN22")
    with pytest.raises(ConfigurationError, match="ORCHESTRA_KEY_SN22"):
        credentials.remove("SN22")
    assert credentials.source("SN22") == "keyring"


def test_a_locked_keyring_is_told(ring: MemoryKeyring, tmp_path: Path) -> None:
    """It has the key and does not give it."""
    credentials = Credentials({}, home=tmp_path)
    credentials.store("SN22", SecretStr("x"))
    ring.locked = True
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        credentials.find("SN22")


async def test_a_missing_key_says_how_to_set_it(make_executor: Callable[..., Executor]) -> None:
    """Nothing is sent."""
    tool, _ = compile_tool(ledger_of({"auth": HEADER}, url="https://api.example", sandbox=False))
    executor = make_executor()
    with pytest.raises(CredentialMissingError, match="orchestra keys set SN22"):
        await executor.call(tool, {})
    assert executor.obstacle_to(tool) == "no key for SN22"
    keyed = make_executor({"ORCHESTRA_KEY_SN22": "x"})
    assert keyed.obstacle_to(tool) is None
    sandboxed, _ = compile_tool(ledger_of({"auth": HEADER}, url="http://127.0.0.1:1"))
    assert executor.obstacle_to(sandboxed) is None


class Leaks:
    """Everything that comes out of calls, searched for the key in every form it may take."""

    def __init__(self, server: Server, make_executor: Callable[..., Executor], home: Path) -> None:
        self.server = server
        self.journal_path = home / "journal.sqlite"
        self.executor = make_executor(
            {"ORCHESTRA_KEY_SN22": CANARY}, transport=Rerouted(server.url), journal=Journal(self.journal_path)
        )
        self.seen: list[str] = []

    async def call(self, operation: dict[str, Any] | None = None, **endpoint: Any) -> CallResult | OrchestraError:
        given = {"auth": HEADER, **(operation or {})}
        tool, _ = compile_tool(ledger_of(given, url="https://api.example", sandbox=False, **endpoint))
        try:
            result = await self.executor.call(tool, {})
        except OrchestraError as error:
            told = [str(error), repr(error), json.dumps(error.to_dict()), repr(error.facts), error_text(error)]
            told += [*traceback.format_exception(error), json.dumps(error_facts(error))]
            if isinstance(error, CallError):
                told += [repr(error.receipt), repr(error.observation), repr(vars(error))]
            self.seen += told
            return error
        statistics = self.executor.journal.statistics(tool.name)
        self.seen += [repr(result), json.dumps(result.data), repr(result.receipt), result.receipt.model_dump_json()]
        self.seen += [repr(result.observation), result_text(result), json.dumps(result_facts(result, statistics))]
        return result

    def check(self, caplog: pytest.LogCaptureFixture) -> None:
        self.executor.journal.observations("sn22_ask")
        self.seen += [record.getMessage() + repr(vars(record)) for record in caplog.records]
        files = b"".join(path.read_bytes() for path in self.journal_path.parent.iterdir())
        everything = "".join(self.seen)
        for form in (CANARY, json.dumps(CANARY)[1:-1], "canary-7f3a", base64.b64encode(CANARY.encode()).decode()):
            assert form not in everything
            assert form.encode() not in files


@pytest.fixture
def leaks(
    server: Server, make_executor: Callable[..., Executor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Leaks]:
    caplog.set_level(logging.DEBUG)
    for name in ("", "aiohttp", "aiohttp.client", "httpx", "httpcore", "asyncio", "stamina", "keyring"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    home = tmp_path / "leaks"
    home.mkdir()
    found = Leaks(server, make_executor, home)
    yield found
    found.check(caplog)


def echo(
    form: str, status: int = 200, media_type: str = "application/json", charset: str = "utf-8", **headers: str
) -> Any:
    """A server that says what key it was sent, in its body and headers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.query["key"]
        text = form.format(
            key=key,
            bearer=f"Bearer {key}",
            escaped="".join(f"\\u{ord(character):04x}" for character in key),
            slashed=key.replace("/", "\\/"),
            base64=base64.b64encode(key.encode()).decode(),
            url=request.raw_path,
        )
        body = text.encode(charset)
        named = {"Content-Type": media_type.format(key=key), "X-Echo": key, "Location": f"https://e.example/?k={key}"}
        named |= {name.replace("_", "-"): value.format(key=key) for name, value in headers.items()}
        if named.get("Content-Encoding") == "gzip":
            body = gzipped(body)
        return web.Response(status=status, body=body, headers=named)

    return answer


ECHOES = [
    '{{"a":["{escaped}",1],"{escaped}":null}}',
    '{{"you":"{bearer}"}}',
    '{{"{key}":["{key}","x{key}y"]}}',
    '"{escaped}"',
    '"{slashed}"',
    '["{base64}"]',
]


@pytest.mark.parametrize("auth", [HEADER, QUERY], ids=["header", "query"])
@pytest.mark.parametrize("form", ECHOES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 422, 429, 500, 503])
async def test_an_echoing_server_gives_nothing_away(leaks: Leaks, auth: Any, form: str, status: int) -> None:
    """In data and in errors, whatever escape it comes back in."""
    leaks.server.answer(echo(form, status))
    result = await leaks.call({"auth": auth, "output_schema": {"type": "array", "items": {"type": "integer"}}})
    assert leaks.server.requests
    if status == 200:
        assert isinstance(result, CallResult)
        assert REDACTED in json.dumps(result.data)


@pytest.mark.parametrize(
    ("media_type", "charset", "endpoint"),
    [
        ("text/plain", "utf-8", {"response_media_type": "text/plain"}),
        ("text/plain; charset=utf-16", "utf-16", {"response_media_type": "text/plain"}),
        ("text/html", "utf-8", {}),
        ("application/octet-stream", "utf-8", {"response_media_type": "application/octet-stream"}),
        ("text/event-stream", "utf-8", {"streaming": "sse"}),
        ("x/{key}", "utf-8", {}),
        ("{key}/x", "utf-8", {"response_media_type": "text/plain"}),
        ("application/json", "utf-16", {}),
    ],
)
async def test_other_answers_give_nothing_away(leaks: Leaks, media_type: str, charset: str, endpoint: Any) -> None:
    """Text in any charset, streams, files, media types made of the key."""
    form = 'data: "{key} {escaped}"\n\n' if "event" in media_type else '"{key}"'
    leaks.server.answer(echo(form, media_type=media_type, charset=charset))
    await leaks.call({}, **endpoint)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "{key}"},
        {"Content_Encoding": "gzip"},
        {"Retry_After": "{key}"},
        {"X_Cost": "{key}"},
        {"Content_Length": "3"},
        {"X_Long": "{key}" * 1000},
    ],
)
async def test_headers_give_nothing_away(leaks: Leaks, headers: dict[str, str]) -> None:
    """Also such that break the exchange: HTTP libraries quote the URL, and the key may be in it."""
    for auth in (HEADER, QUERY):
        leaks.server.answer(echo('"{key} {url}"', **headers))
        await leaks.call({"auth": auth, "cost": {"amount": "0", "header": "X-Cost"}})


async def test_failures_before_and_around_the_call_give_nothing_away(leaks: Leaks) -> None:
    """Refused addresses and bodies, broken connections, timeouts, bugs of the host."""

    async def disconnect(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    for answer in (disconnect, json_answer("{"), web.Response(body=b"x", headers={"Content-Type": "image/png"})):
        leaks.server.answer(answer)
        assert isinstance(await leaks.call({"auth": QUERY}), CallError)
    for base_url in ("http://api.example", "https://127.0.0.1", "https://a@b.example", "https://bad host/"):
        assert isinstance(await leaks.call({"auth": QUERY}, base_url=base_url), OrchestraError)
    assert isinstance(await leaks.call({"auth": {**HEADER, "name": "Bad Name"}}), OrchestraError)
    assert isinstance(await leaks.call({"auth": QUERY, "timeout_s": 0.01}, path="/slow"), OrchestraError | CallResult)


async def test_the_canary_is_in_the_request(leaks: Leaks) -> None:
    """Else these tests would prove nothing."""
    await leaks.call()
    await leaks.call({"auth": QUERY})
    by_header, by_query = leaks.server.requests
    assert by_header.headers["Authorization"] == f"Bearer {CANARY}"
    assert "canary-7f3a9c51%2Be2%2Fb8%3D%3D" in by_query.target


async def test_a_short_key_is_not_cut_out(server: Server, make_executor: Callable[..., Executor]) -> None:
    """It is no secret, and an answer without the word `test` would be maimed."""
    executor = make_executor({"ORCHESTRA_KEY_SN22": "x" * (MIN_LENGTH - 1)}, transport=Rerouted(server.url))
    tool, _ = compile_tool(ledger_of({"auth": HEADER}, url="https://api.example", sandbox=False))
    server.answer(json_answer('"xxxxxxxxxxxxxxxx"'))
    assert (await executor.call(tool, {})).data == "x" * 16


async def test_the_key_of_a_sandbox_is_not_cut_out(server: Server, make_executor: Callable[..., Executor]) -> None:
    """It is an ordinary word, and stands in the ledger."""
    tool, mark = compile_tool(ledger_of({"auth": HEADER}, url=server.url))
    server.answer(json_answer('"a sandbox-key"'))
    assert (await make_executor().call(tool, {}, sandbox=mark)).data == "a sandbox-key"
