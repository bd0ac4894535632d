"""The HTTP server as clients meet it: who is let in, by which name, and with what answer. All parts are real."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.types import CallToolResult

from mcp_server_orchestra.http.auth import add_token
from orchestra_tools.testing import Sandbox

from .conftest import ERAS
from .http_parts import Served, connecting, free_port, metadata_url, post, raw, self_signed, serving
from .issuer import Issuer, serving_issuer
from .test_auth import BAD_TOKENS

pytestmark = pytest.mark.slow
TOOL = "sn22_web_search"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_with_a_token_of_the_operator_is_served(era: str, tokens: Path) -> None:
    """Nobody else is, and what is left behind tells nothing of who it was."""
    alice = add_token(tokens, "alice")
    async with serving("--sandbox", "--verbose", "--auth-tokens", str(tokens)) as served:
        async with connecting(served.url, era, token=alice) as client:
            assert TOOL in [tool.name for tool in (await client.list_tools()).tools]
            result = await client.call_tool(TOOL, {"query": "tao"})
            assert isinstance(result, CallToolResult)
            assert not result.is_error
        refused = await post(served.url, token="orchestra_made-up")
        unknown = await post(served.url)
        query = await post(f"{served.url}?access_token={alice}", token=alice)
    for answer in (refused, unknown):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert query.status_code == 400
    assert "'alice'" in served.log
    assert "a token was refused" in served.log
    assert alice not in served.log
    kept = [path.read_bytes() for path in Path(os.environ["ORCHESTRA_HOME"]).iterdir()]  # noqa: ASYNC240
    assert kept
    assert all(b"alice" not in data and alice.encode() not in data for data in kept)


class _Memory:
    """Where a client keeps its tokens."""

    tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("nobody registers")


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_finds_the_issuer_by_itself(era: str) -> None:
    """From the 401 to the metadata, to the issuer, to a token for this server, to a call (RFC 9728, RFC 8707)."""
    url = f"http://127.0.0.1:{(port := free_port())}/tools/mcp"
    with serving_issuer() as issuer:
        options = ("--sandbox", "--auth-issuer", issuer.url, "--public-url", url)
        async with serving(*options, address=f"127.0.0.1:{port}") as served:
            assert served.url == url
            auth = ClientCredentialsOAuthProvider(url, _Memory(), "client-1", "secret", issuer=issuer.url)
            async with connecting(url, era, auth=auth) as client:
                result = await client.call_tool(TOOL, {"query": "tao"})
                assert isinstance(result, CallToolResult)
                assert not result.is_error
    assert [(form["resource"], form["scope"]) for form in issuer.granted] == [(url, "orchestra")]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def protected(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One server for all who ask it a single question. Its tokens are for the resource that `issuer` signs for."""
    home = str(tmp_path_factory.mktemp("home"))
    options = ("--sandbox", "--auth-issuer", issuer.url, "--public-url", "http://127.0.0.1:8765/mcp")
    async with serving(
        *options,
        "--allow-host",
        "tools.internal",
        "--allow-host",
        "[fd00::1]:9000",
        "--allow-origin",
        "https://app.example",
        ORCHESTRA_HOME=home,
    ) as served:
        yield served


class TestOneServer:
    """Single requests to a server that admits an issuer's tokens."""

    pytestmark = pytest.mark.asyncio(loop_scope="module")

    async def test_a_good_token_is_served(self, protected: Served, issuer: Issuer) -> None:
        """A ping without a session is no valid request, which is for the SDK to say: the token has been accepted."""
        assert (await post(protected.url, token=issuer.token())).status_code == 400
        assert "Missing session ID" in (await post(protected.url, token=issuer.token())).text

    @pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
    async def test_a_bad_token_is_answered_401(self, protected: Served, issuer: Issuer, make: Any) -> None:
        """With the place where a client learns whom to ask for a better one."""
        answer = await post(protected.url, authorization=b"Bearer " + (make(issuer).encode() or b"."))
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        where = metadata_url(answer.headers)
        assert where == "http://127.0.0.1:8765/.well-known/oauth-protected-resource/mcp"
        assert answer.json()["error"] == "invalid_token"

    async def test_a_token_without_the_scope_is_answered_403(self, protected: Served, issuer: Issuer) -> None:
        """RFC 6750, 3.1: it holds, and does not suffice."""
        answer = await post(protected.url, token=issuer.token(scope="read"))
        assert answer.status_code == 403
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]

    async def test_the_metadata_says_what_is_needed(self, protected: Served, issuer: Issuer) -> None:
        """RFC 9728, 3: for everybody, without a token."""
        base = protected.url.removesuffix("/mcp")
        async with httpx.AsyncClient() as client:
            metadata = (await client.get(f"{base}/.well-known/oauth-protected-resource/mcp")).json()
        assert metadata["resource"] == "http://127.0.0.1:8765/mcp"
        assert metadata["authorization_servers"] == [issuer.url]
        assert metadata["scopes_supported"] == ["orchestra"]
        assert metadata["bearer_methods_supported"] == ["header"]

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            ("Authorization: Bearer {}", 400),
            ("authorization: bearer {}", 400),
            ("Authorization: BEARER {}", 400),
            ("Authorization: Bearer  {}", 401),
            ("Authorization: Basic {}", 401),
            ("Authorization: {}", 401),
            ("Authorization: Bearer", 401),
            ("X-Authorization: Bearer {}", 401),
        ],
    )
    async def test_a_scheme_is_read_in_any_case(
        self, protected: Served, issuer: Issuer, line: str, status: int
    ) -> None:
        """RFC 9110, 11.1. (400: admitted, and no session.)"""
        assert await raw(protected.url, "Host: 127.0.0.1", line.format(issuer.token())) == status

    async def test_two_authorizations_are_none(self, protected: Served, issuer: Issuer) -> None:
        """One for the proxy and one for us is how requests are smuggled."""
        good, bad = f"Authorization: Bearer {issuer.token()}", "Authorization: Bearer x"
        for lines in ((good, bad), (bad, good), (good, good)):
            assert await raw(protected.url, "Host: 127.0.0.1", *lines) == 400

    async def test_a_header_beyond_all_bounds_is_cut_off(self, protected: Served) -> None:
        """Before it is looked at."""
        assert await raw(protected.url, "Host: 127.0.0.1", f"Authorization: Bearer {'x' * 200_000}") == 400

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("127.0.0.1", 401),
            ("127.0.0.1:8765", 401),
            ("localhost:1", 401),
            ("[::1]", 401),
            ("[::1]:8765", 401),
            ("tools.internal", 401),
            ("tools.internal:8443", 401),
            ("[fd00::1]:9000", 401),
            ("[fd00::1]", 421),
            ("[fd00::1]:9001", 421),
            ("[::ffff:127.0.0.1]", 421),
            ("evil.example", 421),
            ("evil.example:8765", 421),
            ("127.0.0.1.evil.example", 421),
            ("tools.internal.evil.example", 421),
            ("evil.example:tools.internal", 421),
            ("", 421),
            ("0.0.0.0", 421),
            ("127.1", 421),
            ("2130706433", 421),
            ("user@127.0.0.1", 421),
        ],
    )
    async def test_only_its_own_names_are_answered(self, protected: Served, host: str, status: int) -> None:
        """A page that makes its name lead here (DNS rebinding) sends its own name, and learns nothing: 421."""
        assert await raw(protected.url, f"Host: {host}") == status

    @pytest.mark.parametrize("host", ["evil.example/healthz?", "evil.example/mcp#", "127.0.0.1/healthz?x"])
    async def test_a_host_is_no_path(self, protected: Served, host: str) -> None:
        """What is asked for stands in the request line alone."""
        assert await raw(protected.url, f"Host: {host}") == 421

    async def test_two_hosts_are_none(self, protected: Served) -> None:
        """RFC 9112, 3.2."""
        assert await raw(protected.url, "Host: 127.0.0.1", "Host: evil.example") == 400
        assert await raw(protected.url) == 400

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("http://127.0.0.1:8765", 401),
            ("http://localhost:3000", 401),
            ("https://app.example", 401),
            ("null", 403),
            ("http://app.example", 403),
            ("https://app.example:444", 403),
            ("https://app.example.evil.example", 403),
            ("http://evil.example", 403),
            ("file://", 403),
        ],
    )
    async def test_only_pages_of_allowed_origins_are_answered(
        self, protected: Served, origin: str, status: int
    ) -> None:
        """`null` is every sandboxed page, and so none."""
        assert await raw(protected.url, "Host: 127.0.0.1", f"Origin: {origin}") == status

    async def test_what_proxies_say_is_not_believed(self, protected: Served) -> None:
        """Anybody can say it."""
        lines = ("X-Forwarded-Host: 127.0.0.1", "X-Forwarded-For: 127.0.0.1", "Forwarded: host=127.0.0.1")
        assert await raw(protected.url, "Host: evil.example", *lines) == 421

    async def test_an_allowed_page_may_read_the_answers(self, protected: Served) -> None:
        """CORS: without it a browser client could send, and never see."""
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,mcp-method"}
        async with httpx.AsyncClient() as client:
            allowed = await client.options(protected.url, headers={"origin": "https://app.example", **asked})
            foreign = await client.options(protected.url, headers={"origin": "https://evil.example", **asked})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "mcp-method" in allowed.headers["access-control-allow-headers"]
        assert "access-control-allow-origin" not in foreign.headers
        refused = await post(protected.url, origin="https://app.example")
        assert refused.headers["access-control-allow-origin"] == "https://app.example"
        assert "www-authenticate" in refused.headers["access-control-expose-headers"]

    async def test_health_is_told_to_anybody_and_nothing_else_is(self, protected: Served) -> None:
        """A load balancer knows no name and has no token."""
        base = protected.url.removesuffix("/mcp")
        async with httpx.AsyncClient() as client:
            health = await client.get(f"{base}/healthz", headers={"host": "10.0.0.1:80"})
            assert (health.status_code, health.text) == (200, "ok\n")
            assert (await client.head(f"{base}/healthz")).status_code == 200
            assert (await client.post(f"{base}/healthz")).status_code == 404
            for path in ("/", "/docs", "/mcp/", "/mcp/x", "/.well-known/oauth-authorization-server"):
                assert (await client.get(f"{base}{path}")).status_code == 404, path
        assert "server" not in health.headers

    async def test_a_body_beyond_the_limit_is_not_read(self, protected: Served, issuer: Issuer) -> None:
        """Nobody fills the memory, with a token or without."""
        body = b" " * (4 * 1024 * 1024 + 1)
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient(timeout=60) as client:
            authorization = {"authorization": f"Bearer {issuer.token()}"}
            too_large = await client.post(protected.url, content=body, headers=headers | authorization)
        assert too_large.status_code == 413


@pytest.mark.parametrize("era", ERAS)
async def test_calls_in_flight_end_before_the_server_does(era: str, tokens: Path, sandbox: Sandbox) -> None:
    """SIGTERM: streams are closed, calls are answered, then it goes."""
    alice = add_token(tokens, "alice")
    environment = {"ORCHESTRA_LEDGER": str(sandbox.ledger_path)}
    sandbox.faults.set(TOOL, "latency:3000", times=1)
    async with serving("--auth-tokens", str(tokens), **environment) as served:
        async with connecting(served.url, era, token=alice) as client, connecting(served.url, era, token=alice):
            await client.list_tools()  # else the client asks for them once it has its answer
            calling = asyncio.create_task(client.call_tool(TOOL, {"query": "tao"}))
            async with asyncio.timeout(30):
                while sandbox.faults.to_json():
                    await asyncio.sleep(0.05)
            stopping = asyncio.create_task(served.stop())
            result = await calling
            assert isinstance(result, CallToolResult)
            assert not result.is_error
        async with asyncio.timeout(20):
            assert await stopping in (0, -signal.SIGTERM)
    assert "Traceback" not in served.log
    assert "Cancel" not in served.log


async def test_https_is_served_with_a_certificate(tmp_path: Path, tokens: Path) -> None:
    """A client that trusts it gets through; a key that does not belong to it is told of at the start."""
    alice = add_token(tokens, "alice")
    certificate, key = self_signed(tmp_path)
    options = ("--sandbox", "--auth-tokens", str(tokens), "--tls-cert", str(certificate), "--tls-key", str(key))
    trust = ssl.create_default_context(cafile=str(certificate))
    async with serving(*options) as served:
        assert served.url.startswith("https://127.0.0.1:")
        async with connecting(served.url, "2026-07-28", token=alice, verify=trust) as client:
            assert (await client.list_tools()).tools
