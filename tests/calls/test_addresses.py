"""Only public addresses are called, or one sandbox on loopback. No test here lets a packet leave the machine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.calls import Credentials, Executor
from orchestra_tools.calls.addresses import AddressPolicy, is_public, split_origin
from orchestra_tools.calls.transports import HttpTransport
from orchestra_tools.calls.transports.connections import GuardedResolver
from orchestra_tools.errors import AddressRefusedError, ConnectionFailedError
from tests.calls.recording import Server, compile_tool, json_answer, ledger_of

REFUSED_ADDRESSES = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3"),
    *("169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("100.100.100.200", "168.63.129.16", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:1:2:3:4:5:6", "2001:2::1"),
    *("2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2002:808:808::1", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "4000::1"),
]
PUBLIC_ADDRESSES = [
    *("1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.1.1"),
    *("172.15.255.255", "172.32.0.1", "192.0.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255"),
    *("2001:4860:4860::8888", "2606:4700:4700::1111", "2a00:1450::1", "2003::1", "2400::1", "2001:200::1"),
]
TRICKS = [
    *("https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/", "https://127.1/"),
    *("https://0/", "https://1.2.3/", "https://127.0.0.1./", "https://2130706433./", "https://1.1.1.0x1/"),
    *(
        "https://a.b.0x/",
        "https://①②⑦.⓪.⓪.①/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://bücher.example/",
    ),
    *("https://user@1.1.1.1/", "https://user:pw@1.1.1.1/", "https://1.1.1.1@127.0.0.1/", "https://good.example#@evil/"),
    *("https://good.example\\@127.0.0.1/", "https:\\\\127.0.0.1\\", "https:\\/127.0.0.1/", "https://exa\tmple.com/"),
    *("https://exam ple.com/", "https://example.com\n.evil/", "https://example.com%00.evil/", "https://ex%61mple.com/"),
    *(
        "https:///x",
        "https://",
        "https://./",
        "https://-a.example/",
        "https://a..b.example/",
        "https://[::1/",
        "https://[x]/",
    ),
    *("https://[fe80::1%25eth0]/", "https://[2606:4700::1%25lo]/", "https://[v1.x]/", "https://a.example:99999/"),
    *("https://a.example:0/", "https://a.example:x/", "https://a.example:-1/", "//a.example/", "/x", "", "a.example"),
    *("gopher://1.1.1.1/", "file:///etc/passwd", "ftp://1.1.1.1/", "data:text/plain,x", "javascript:alert(1)"),
    *("unix:///var/run/docker.sock", "ws://1.1.1.1/", "https+unix://x/", "https://a_b.example/", "https://*.example/"),
]
FAMILIES = {True: socket.AF_INET6, False: socket.AF_INET}


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_private_and_special_addresses_are_not_public(address: str) -> None:
    """The IANA registries, metadata services, and every IPv6 range that embeds an IPv4 address."""
    policy = AddressPolicy()
    assert not policy.allows(address, 443)
    for scheme in ("http", "https"):
        with pytest.raises(AddressRefusedError):
            policy.check_url(f"{scheme}://{f'[{address}]' if ':' in address else address}/", secret=False)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_allowed(address: str) -> None:
    """The neighbours of every refused range."""
    policy = AddressPolicy()
    assert policy.allows(address, 443)
    policy.check_url(f"https://{f'[{address}]' if ':' in address else address}:8443/x?y=z", secret=True)


@pytest.mark.parametrize("host", ["a.example", "A.Example", "xn--bcher-kva.example", "a.example.", "a-b.c1"])
def test_plain_names_are_allowed(host: str) -> None:
    """Where they lead is checked when they are connected to."""
    AddressPolicy().check_url(f"https://{host}/", secret=True)
    assert split_origin(f"HTTPS://{host}:443/") == (host.lower(), 443, "https")


@pytest.mark.parametrize("url", TRICKS)
async def test_a_url_with_a_trick_is_refused_before_any_connection(
    url: str, make_executor: Callable[..., Executor]
) -> None:
    """Numbers in disguise, other alphabets, userinfo, backslashes, other schemes; told by name, without its query."""
    with pytest.raises(AddressRefusedError):
        AddressPolicy().check_url(url, secret=False)
    tool, _ = compile_tool(ledger_of(url=url, sandbox=False, path=""))
    with pytest.raises(AddressRefusedError) as caught:
        await make_executor(transport=HttpTransport(resolver=NoResolver())).call(tool, {})
    assert caught.value.remedy
    assert "user:pw" not in str(caught.value)


class NoResolver(AbstractResolver):
    """Fails the test that makes it resolve anything."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise AssertionError(f"{host} was resolved")

    async def close(self) -> None:
        pass


class Names(NoResolver):
    """Leads every name to the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": FAMILIES[":" in address],
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self.addresses
        ]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["2606:4700::1", "::1"], ["169.254.169.254"]],
)
async def test_a_name_that_leads_to_one_private_address_is_refused(
    addresses: list[str], make_executor: Callable[..., Executor]
) -> None:
    """Mixed answers too; nothing was sent, so there is no call, no failure of the endpoint, and no record."""
    names = Names(*addresses)
    executor = make_executor(transport=HttpTransport(resolver=names))
    tool, _ = compile_tool(ledger_of(url="https://api.example", sandbox=False))
    for _ in range(6):
        with pytest.raises(AddressRefusedError, match=r"api\.example leads to"):
            await executor.call(tool, {})
    assert names.asked
    assert executor.purse.calls == 0
    assert executor.journal.statistics(tool.name) is None


async def test_the_socket_itself_is_guarded(server: Server) -> None:
    """A literal address skips the resolver, and a name may be resolved anew: the last look is at the socket."""
    transport = HttpTransport(resolver=NoResolver())
    session = await transport._session(AddressPolicy())
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
        with pytest.raises(AddressRefusedError, match="private or special"):
            await session.get(f"http://{host}:{server.url.rpartition(':')[2]}/")
    assert server.requests == []
    await transport.close()


async def test_a_name_in_the_cache_is_still_guarded(server: Server) -> None:
    """Rebinding: what the pool remembers of a name passes the socket's guard like anything else."""
    transport = HttpTransport(resolver=Names("1.1.1.1"))
    session = await transport._session(AddressPolicy())
    resolver = session.connector._resolver  # type: ignore[union-attr]
    resolver._policy = AddressPolicy.for_sandbox(server.url)  # a resolver that has been fooled
    resolver._resolver = Names("127.0.0.1")
    with pytest.raises(AddressRefusedError):
        await session.get(f"http://api.example:{server.url.rpartition(':')[2]}/")
    assert server.requests == []
    await transport.close()


async def test_a_name_that_does_not_resolve_is_unreachable(make_executor: Callable[..., Executor]) -> None:
    """An ordinary failure, not ours and not the subnet's."""

    class Unknown(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            raise OSError("no such name")

    executor = make_executor(transport=HttpTransport(resolver=Unknown()))
    tool, _ = compile_tool(ledger_of(url="https://api.example", sandbox=False))
    with pytest.raises(ConnectionFailedError, match="could not be made"):
        await executor.call(tool, {})


async def test_a_resolver_of_ones_own_is_closed_with_the_transport() -> None:
    """By the pool that has it."""
    transport = HttpTransport(resolver=(names := Names("1.1.1.1")))
    await transport._session(AddressPolicy())
    await transport.close()
    await GuardedResolver(AddressPolicy(), names).close()
    assert names.asked == []


async def test_a_key_is_only_sent_over_https(make_executor: Callable[..., Executor]) -> None:
    """Plain http is fine for what has no key."""
    executor = make_executor({"ORCHESTRA_KEY_SN22": "a-real-key"}, transport=HttpTransport(resolver=NoResolver()))
    tool, _ = compile_tool(
        ledger_of({"auth": {"scheme": "api_key", "name": "X-Key"}}, url="http://api.example", sandbox=False)
    )
    with pytest.raises(AddressRefusedError, match="only sent over https"):
        await executor.call(tool, {})
    AddressPolicy().check_url("http://api.example/", secret=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://localhost:{port}"])
async def test_a_sandbox_ledger_calls_its_own_server(
    server: Server, make_executor: Callable[..., Executor], url: str
) -> None:
    """By address or by the name of loopback."""
    tool, mark = compile_tool(ledger_of(url=url.format(port=server.url.rpartition(":")[2])))
    assert (await make_executor().call(tool, {}, sandbox=mark)).data == {"ok": True}


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:1", "http://127.0.0.2:{port}", "https://api.example", "http://localhost:{port}"]
)
async def test_a_sandbox_ledger_calls_nothing_else(
    server: Server, make_executor: Callable[..., Executor], base: str
) -> None:
    """Not another port, not another name of the same machine, not the world."""
    document = ledger_of(url=server.url, base_url=base.format(port=server.url.rpartition(":")[2]))
    tool, mark = compile_tool(document)
    with pytest.raises(AddressRefusedError, match="not the sandbox of this ledger"):
        await make_executor(transport=HttpTransport(resolver=NoResolver())).call(tool, {}, sandbox=mark)
    assert server.requests == []


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "https://api.example", "http://169.254.169.254"])
async def test_a_sandbox_is_on_loopback(url: str, make_executor: Callable[..., Executor]) -> None:
    """The mark opens no other door."""
    tool, mark = compile_tool(ledger_of(url=url))
    with pytest.raises(AddressRefusedError, match="on loopback"):
        await make_executor(transport=HttpTransport(resolver=NoResolver())).call(tool, {}, sandbox=mark)


async def test_without_the_mark_loopback_is_refused(server: Server, make_executor: Callable[..., Executor]) -> None:
    """An ordinary ledger cannot reach a local server."""
    for host in ("127.0.0.1", "localhost"):
        tool, _ = compile_tool(ledger_of(url=f"http://{host}:{server.url.rpartition(':')[2]}", sandbox=False))
        with pytest.raises(AddressRefusedError):
            await make_executor().call(tool, {})
    assert server.requests == []


@given(st.ip_addresses())
def test_a_public_address_is_global_for_the_standard_library_too(address: Any) -> None:
    """Law: our table only ever refuses more."""
    if is_public(address):
        assert address.is_global
        assert not any((address.is_private, address.is_loopback, address.is_link_local, address.is_multicast))


async def test_the_sandbox_never_sees_a_real_key(server: Server, make_executor: Callable[..., Executor]) -> None:
    """Even where one is set."""
    executor = make_executor(credentials=Credentials({"ORCHESTRA_KEY_SN22": "a-real-key"}))
    server.answer(json_answer())
    tool, mark = compile_tool(ledger_of({"auth": {"scheme": "api_key", "name": "X-Key"}}, url=server.url))
    await executor.call(tool, {}, sandbox=mark)
    assert server.requests[0].headers["X-Key"] == "sandbox-key"
