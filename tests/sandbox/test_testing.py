"""The public testing module: example arguments, and a sandbox that leaves nothing behind."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from orchestra_tools.errors import LedgerFormatError, RateLimitedError, SchemaRefusedError
from orchestra_tools.model import Entry, Ledger
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.sandbox import SandboxServer, sandbox_ledger
from orchestra_tools.schema import Validator, expand
from orchestra_tools.testing import Sandbox, example_arguments

TOOL = "sn22_web_search"
URL = "/sn22/api.desearch.ai/web?query=tao"
KEY = {"Authorization": "sandbox"}


def test_examples_hold_what_is_required_and_what_is_documented():
    """Ours."""
    schema = {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "count": {"type": "integer", "default": 7},
            "sort": {"type": "string", "examples": ["Top"]},
            "silent": {"type": "string"},
            "nothing": {"type": ["string", "null"], "default": None},
        },
        "required": ["query"],
    }
    arguments = example_arguments(schema)
    assert arguments == {"query": arguments["query"], "count": 7, "sort": "Top"}
    assert example_arguments(schema) == arguments


def test_examples_accept_the_seeds_shorthand():
    """Ours: SEED.md's input schema."""
    form = {"query": {"type": "string", "required": True}, "max_results": {"type": "integer", "default": 10}}
    arguments = example_arguments(form)
    assert arguments["max_results"] == 10
    assert Validator(expand(form)).accepts(arguments)


def test_examples_are_objects_or_refused():
    """Ours: arguments are an object whatever the schema allows."""
    assert example_arguments({}) == {}
    assert isinstance(example_arguments({"anyOf": [{"type": "string"}, {"type": "object"}]}), dict)
    with pytest.raises(SchemaRefusedError):
        example_arguments({"type": "string"})


def test_a_client_calls_through_the_sandbox(sandbox):
    """Ours: `Sandbox().ledger` is a client like any other."""
    result = sandbox.ledger.call(TOOL, {"query": "gpu cloud pricing"})
    assert result.data["data"][0]["title"]
    assert result.observation.sandbox
    with sandbox.faults(TOOL, "rate_limit"), pytest.raises(RateLimitedError):
        sandbox.ledger.call(TOOL, {"query": "gpu cloud pricing"})


def sockets_open():
    """How many descriptors of this process are sockets."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        try:
            found += str(path.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="platform without /proc")
def test_nothing_is_left_behind():
    """Ours: no thread, no socket, no file."""
    threads, sockets = set(threading.enumerate()), sockets_open()
    with Sandbox(Ledger(packaged_ledger())) as sandbox:
        path = sandbox.ledger_path
        assert httpx.get(sandbox.url + URL, headers=KEY).status_code == 200
        assert path.exists()
    assert set(threading.enumerate()) == threads
    assert sockets_open() == sockets
    assert not path.exists()
    with pytest.raises(RuntimeError):
        _ = sandbox.ledger_path


@pytest.mark.parametrize("fault", ["timeout", "latency:60000", "drip:1", "big:4000000000"])
def test_it_stops_at_once_with_requests_in_flight(fault):
    """Ours: an answer that never ends does not hold the sandbox."""
    outcomes = []

    def ask(url):
        try:
            with httpx.Client(timeout=30) as client, client.stream("GET", url + URL, headers=KEY) as response:
                for _ in response.iter_raw():
                    pass
        except httpx.HTTPError as error:
            outcomes.append(error)

    with Sandbox() as sandbox:
        sandbox.faults.set(TOOL, fault)
        clients = [threading.Thread(target=ask, args=(sandbox.url,)) for _ in range(3)]
        for client in clients:
            client.start()
        while sandbox.calls.get(TOOL, 0) < 3:
            time.sleep(0.002)
    for client in clients:
        client.join(5)
        assert not client.is_alive()
    assert len(outcomes) == 3


async def test_it_works_in_async_code():
    """Ours: `async with`, from inside a running loop."""
    async with Sandbox() as sandbox, httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(sandbox.url + URL, headers=KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def test_the_server_runs_in_any_loop_and_follows_its_ledger():
    """Ours: the ledger behind it may change while it runs."""
    server = SandboxServer(Ledger([]))
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get(URL, headers=KEY)).status_code == 404
            moved = server.stand_in_for(packaged_ledger())
            assert moved.sandbox is not None
            assert (await client.get(URL, headers=KEY)).status_code == 200
    finally:
        await server.stop()
        await server.stop()


def test_it_can_run_again():
    """Ours: a second block serves the same real ledger, at another address."""
    sandbox = Sandbox()
    for _ in range(2):
        with sandbox:
            assert httpx.get(sandbox.url + URL, headers=KEY).status_code == 200


def evolved():
    """SN22 whose web search answers with one field more than the ledger says."""
    entry = packaged_ledger().find_entry("SN22")
    document = json.loads(json.dumps(entry.to_json()))
    document["operations"]["web_search"]["output_schema"] = {
        "type": "object",
        "properties": {"scraped_at": {"type": "string"}},
        "required": ["scraped_at"],
    }
    return entry, Entry.from_document(entry.key, document)


def test_a_subnet_changes_before_its_ledger_knows():
    """Ours: clients go on reading what the ledger says."""
    known, really = evolved()
    with Sandbox(Ledger([known]), serving=Ledger([really])) as sandbox:
        client = sandbox.ledger
        assert "scraped_at" in client.call(TOOL, {"query": "tao"}).data
        stated = json.loads(sandbox.ledger_path.read_text())["entries"]
        assert "scraped_at" not in json.dumps(stated)
        sandbox.serve(Ledger([known]))
        assert "scraped_at" not in client.call(TOOL, {"query": "tao"}).data


def test_an_address_that_is_on_the_sandbox_already_stays(sandbox):
    """Ours: a ledger may be moved twice."""
    moved = sandbox_ledger(packaged_ledger(), sandbox.url)
    again = sandbox_ledger(moved, sandbox.url)
    assert [each.to_json() for each in again] == [each.to_json() for each in moved]


def test_a_schema_that_cannot_be_met_is_told(tmp_path):
    """Ours: an operation whose output schema no value fits answers 500 and says why."""
    endpoint = {"kind": "http", "method": "GET", "base_url": "https://a.example", "path": "/x"}
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({"SN1": {"operations": {"x": {"endpoint": endpoint, "output_schema": {"not": {}}}}}}))
    with Sandbox(path) as sandbox:
        response = httpx.get(f"{sandbox.url}/sn1/a.example/x")
    assert response.status_code == 500
    assert "cannot stand in" in response.json()["detail"]


def test_a_taken_port_is_told(sandbox):
    """Ours: the error of the thread reaches whoever waits."""
    with pytest.raises(OSError, match="address already in use"), Sandbox(port=int(sandbox.url.rpartition(":")[2])):
        pass


def test_a_document_that_is_none_is_told(tmp_path):
    """Ours."""
    path = tmp_path / "x.json"
    path.write_text("{")
    with pytest.raises(LedgerFormatError):
        Sandbox(str(path))


def test_the_package_imports_no_web_framework():
    """Ours: an MCP host waits for the import."""
    code = "import sys, orchestra_tools, orchestra; print('aiohttp' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
