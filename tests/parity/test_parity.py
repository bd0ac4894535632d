"""Our executor's request is the one the vendor's own client sends."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from desearch_py import Desearch

from orchestra_tools.model import HttpEndpoint
from orchestra_tools.registry import packaged_ledger
from tests.calls.recording import Server, recording_server
from tests.parity.comparison import compare
from tests.parity.harness import Call, Vendor, record
from tests.parity.table import PAGE, render
from tests.parity.vendor_list import VENDORS

CALLS = [
    pytest.param(vendor, call, id=f"{vendor.package}-{call.tool}-{at}")
    for vendor in VENDORS
    for at, call in enumerate(vendor.calls)
]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with recording_server() as running:
        yield running


@pytest.mark.parametrize(("vendor", "call"), CALLS)
async def test_the_wire_is_the_same(server: Server, vendor: Vendor, call: Call, tmp_path: Path) -> None:
    """The vendor's promise: what its client sends is what its API takes."""
    theirs, ours = await record(server, vendor, call, tmp_path)
    assert compare(theirs, ours, vendor.ignored) == []


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: f"{vendor.package}-{vendor.calls[0].tool}")
def test_the_host_is_the_clients_own(vendor: Vendor) -> None:
    """The vendor's promise: where its client goes by itself. One that is made for any host says nothing."""
    for tool, operation in vendor.operations.items():
        endpoint = operation.endpoint
        assert isinstance(endpoint, HttpEndpoint)
        if (origin := vendor.origins.get(tool.partition("_")[0].upper())) is not None:
            assert urlsplit(endpoint.base_url or "")[:2] == urlsplit(origin)[:2], tool


def test_every_operation_of_sn22_is_compared_with_every_method_of_its_client() -> None:
    """Issue 4, Must show: several sets of arguments for each."""
    (vendor,) = [each for each in VENDORS if each.package == "desearch-py"]
    (entry,) = [each for each in packaged_ledger() if each.netuid == 22]
    called = Counter(call.tool for call in vendor.calls)
    assert called.keys() == {f"sn22_{name}" for name in entry.operations}
    assert min(called.values()) >= 2
    methods = {name for name, each in vars(Desearch).items() if inspect.iscoroutinefunction(each) and name[0] != "_"}
    assert {call.method for call in vendor.calls} == methods - {"close"}


def test_the_page_says_what_is_compared() -> None:
    """Ours: the table of docs/wire-parity.md cannot go stale; `python -m tests.parity.table` writes it."""
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page
    rows = [line for line in page.splitlines() if line.startswith("| SN")]
    assert len(rows) == sum(1 for entry in packaged_ledger() if entry.operations)


async def test_a_client_that_sends_nothing_is_told(server: Server, tmp_path: Path) -> None:
    """Ours: no comparison passes because nothing was compared; what the client said is not swallowed."""
    vendor = Vendor("desearch-py", lambda url, key: object(), (Call("sn22_web_search", lambda _: None),))
    with pytest.raises(AssertionError, match="no request"):
        await record(server, vendor, vendor.calls[0], tmp_path)
    failing = Call("sn22_web_search", "nothing_of_that_name")
    with pytest.raises(AttributeError):
        await record(server, vendor, failing, tmp_path)
    refused = Call("sn22_web_search", lambda client: urlopen(f"{client}/x").read(), ours={"unknown": 1})
    vendor = Vendor("desearch-py", lambda url, key: url, (refused,))
    with pytest.raises(AssertionError, match="sn22_web_search"):
        await record(server, vendor, refused, tmp_path)
