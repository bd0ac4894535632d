"""Where the server listens and how it may be called: read from the command line, before anything is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server_orchestra.http.auth import AuthOptions
from mcp_server_orchestra.http.exposure import Exposure
from mcp_server_orchestra.http.serving import HttpOptions
from orchestra_tools.errors import ConfigurationError

from .http_parts import self_signed

PUBLIC = "https://tools.example/mcp"


@pytest.mark.parametrize(
    ("address", "options", "hosts", "origins"),
    [
        ("127.0.0.1:8765", {}, [], ["http://127.0.0.1:*", "http://localhost:*", "https://localhost"]),
        ("[::1]:8765", {"public_url": PUBLIC}, ["tools.example", "tools.example:443"], ["https://tools.example"]),
        ("10.0.0.5:80", {}, ["10.0.0.5", "10.0.0.5:*"], []),
        ("[fd00:0::5]:80", {}, ["[fd00::5]:*"], []),
        ("Tools.Internal:80", {}, ["tools.internal:*"], []),
        ("0.0.0.0:80", {"hosts": ["a.example", "b.example:81"]}, ["a.example:*", "b.example:81"], []),
        ("0.0.0.0:80", {"public_url": "https://[2001:0db8::1]:8443/x"}, ["[2001:db8::1]:8443"], []),
        ("0.0.0.0:80", {"public_url": PUBLIC, "origins": ["https://APP.example:8"]}, [], ["https://app.example:8"]),
    ],
)
def test_the_names_it_answers_to_follow_from_where_it_is(
    address: str, options: dict[str, Any], hosts: list[str], origins: list[str]
) -> None:
    """And the check is never off, whatever is listened on (the SDK switches it off for 0.0.0.0)."""
    security = Exposure.read(address, **options).security()
    assert security.enable_dns_rebinding_protection
    assert set(hosts) <= set(security.allowed_hosts)
    assert set(origins) <= set(security.allowed_origins)
    assert "localhost:*" in security.allowed_hosts
    assert not any(host.startswith(("0.0.0.0", "[::]", "*")) for host in security.allowed_hosts)
    loopback = any("localhost" in origin for origin in security.allowed_origins)
    assert loopback == address.startswith(("127", "[::1"))


@pytest.mark.parametrize(
    ("url", "path"), [(None, "/mcp"), (PUBLIC, "/mcp"), ("https://a.example", "/"), ("https://a.example/x/y/", "/x/y/")]
)
def test_it_serves_where_the_public_url_says(url: str | None, path: str) -> None:
    """What clients are told is what they get."""
    assert Exposure.read("127.0.0.1:80", public_url=url).path == path


@pytest.mark.parametrize(
    ("address", "options", "told"),
    [
        ("8765", {}, "is no address"),
        (":8765", {}, "is no address"),
        ("127.0.0.1:", {}, "is no address"),
        ("127.0.0.1:70000", {}, "is no address"),
        ("127.0.0.1:٣", {}, "is no address"),
        ("127.0.0.1:1", {"public_url": "tools.example"}, "only http and https"),
        ("127.0.0.1:1", {"public_url": "http://tools.example/mcp"}, "not https"),
        ("127.0.0.1:1", {"public_url": "https://me:pw@tools.example/mcp"}, "userinfo"),
        ("127.0.0.1:1", {"public_url": "https://tools.example/mcp?x=1"}, "query"),
        ("127.0.0.1:1", {"public_url": "https://tools.example/{path}"}, "odd path"),
        ("127.0.0.1:1", {"public_url": "https://tools.example/mcp#x"}, "fragment"),
        ("127.0.0.1:1", {"public_url": "https://tööls.example/mcp"}, "characters"),
        ("127.0.0.1:1", {"hosts": ["*"]}, "is no host"),
        ("127.0.0.1:1", {"hosts": ["http://a.example"]}, "is no host"),
        ("127.0.0.1:1", {"hosts": ["a.example:*"]}, "is no host"),
        ("127.0.0.1:1", {"origins": ["*"]}, "is no origin"),
        ("127.0.0.1:1", {"origins": ["null"]}, "is no origin"),
        ("127.0.0.1:1", {"origins": ["https://a.example/"]}, "is no origin"),
    ],
)
def test_a_wrong_name_is_refused_with_a_remedy(address: str, options: dict[str, Any], told: str) -> None:
    """Before anybody is served."""
    with pytest.raises(ConfigurationError, match=told) as refused:
        Exposure.read(address, **options)
    assert refused.value.remedy
    assert "pw@" not in str(refused.value)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.5:1", "tools.internal:1", "0:1", "127.1:1"])
def test_others_are_served_only_with_tokens(address: str) -> None:
    """Loopback alone is open; what only looks like it is not."""
    exposure = Exposure.read(address, hosts=["tools.internal"])
    with pytest.raises(ConfigurationError, match="without asking anybody who they are") as refused:
        HttpOptions(exposure).check()
    assert "--auth-tokens" in refused.value.remedy
    assert "--auth-issuer" in refused.value.remedy
    HttpOptions(exposure, AuthOptions(tokens=Path("tokens"))).check()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.0.0.2:1"])
def test_loopback_is_open(address: str) -> None:
    """One user, on their own machine."""
    HttpOptions(Exposure.read(address)).check()


def test_a_wildcard_needs_a_name() -> None:
    """Else nobody could call it."""
    for address in ("0.0.0.0:1", "[::]:1"):
        with pytest.raises(ConfigurationError, match="names none that clients may use"):
            HttpOptions(Exposure.read(address), AuthOptions(tokens=Path("tokens"))).check()


@pytest.mark.parametrize(
    ("address", "options", "certificate", "clear"),
    [
        ("127.0.0.1:1", {}, None, False),
        ("10.0.0.5:1", {}, None, True),
        ("10.0.0.5:1", {"public_url": PUBLIC}, None, False),
        ("10.0.0.5:1", {}, (Path("cert"), Path("key")), False),
    ],
)
def test_tokens_that_travel_in_the_clear_are_noticed(
    address: str, options: dict[str, Any], certificate: tuple[Path, Path] | None, clear: bool
) -> None:
    """As far as it can be seen from here."""
    given = HttpOptions(Exposure.read(address, **options), AuthOptions(tokens=Path("x")), certificate=certificate)
    assert given.in_the_clear == clear


def test_a_certificate_that_cannot_be_used_is_told_of(tmp_path: Path) -> None:
    """Before anybody is served; a password is never asked for on a terminal nobody looks at."""
    (nonsense := tmp_path / "nonsense").write_text("nonsense", "utf-8")
    certificate, key = self_signed(tmp_path)
    (tmp_path / "other").mkdir()
    other, locked = self_signed(tmp_path / "other", password=b"pw")
    for pair, told in [
        ((tmp_path / "absent", key), "No such file"),
        ((nonsense, key), "cannot be used"),
        ((other, key), "cannot be used"),
        ((other, locked), "is encrypted"),
    ]:
        with pytest.raises(ConfigurationError, match=told) as refused:
            HttpOptions(Exposure.read("127.0.0.1:1"), certificate=pair).check()
        assert refused.value.remedy
    HttpOptions(Exposure.read("127.0.0.1:1"), certificate=(certificate, key)).check()
