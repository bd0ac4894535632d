"""Each fault does what it says, as often as it was ordered."""

import gzip
import json
import socket
import threading

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_tools.errors import ConfigurationError, UnknownToolError
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.sandbox.drift import break_value, with_new_field
from orchestra_tools.sandbox.faults import Fault, Faults
from orchestra_tools.schema import Validator, expand
from orchestra_tools.schema.generate import Generator

TOOL = "sn22_web_search"
PATH = "/sn22/api.desearch.ai/web?query=tao"
KEY = {"Authorization": "sandbox"}


@pytest.fixture
def client(sandbox):
    with httpx.Client(base_url=sandbox.url, headers=KEY, timeout=10) as client:
        yield client
    sandbox.faults.clear()


@pytest.mark.parametrize(
    ("fault", "status"), [("server_error", 500), ("status:503", 503), ("status:204", 204), ("rate_limit", 429)]
)
def test_statuses_are_answered(sandbox, client, fault, status):
    """Ours."""
    with sandbox.faults(TOOL, fault):
        response = client.get(PATH)
    assert response.status_code == status
    assert response.headers["x-orchestra-sandbox"] == "1"
    assert client.get(PATH).status_code == 200


def test_rate_limits_say_when_to_come_back(sandbox, client):
    """RFC 9110: Retry-After in seconds."""
    with sandbox.faults(TOOL, "rate_limit"):
        assert client.get(PATH).headers["retry-after"] == "1"
    with sandbox.faults(TOOL, "rate_limit:30"):
        assert client.get(PATH).headers["retry-after"] == "30"


def test_bodies_are_broken_on_order(sandbox, client):
    """Ours: broken JSON, an HTML page, nothing."""
    with sandbox.faults(TOOL, "garbage"):
        response = client.get(PATH)
        assert response.headers["content-type"] == "application/json"
        with pytest.raises(json.JSONDecodeError):
            response.json()
    with sandbox.faults(TOOL, "html"):
        response = client.get(PATH)
        assert response.headers["content-type"] == "text/html"
        assert response.status_code == 200
    with sandbox.faults(TOOL, "empty"):
        assert client.get(PATH).content == b""


def test_sizes_are_as_ordered(sandbox, client):
    """Ours: without a Content-Length, and as a small body that unpacks to a large one."""
    for size in (1, 20, 300_001):
        with sandbox.faults(TOOL, f"big:{size}"):
            response = client.get(PATH)
            assert len(response.content) == size
            assert "content-length" not in response.headers
    with sandbox.faults(TOOL, "bomb:8"), client.stream("GET", PATH) as response:
        packed = b"".join(response.iter_raw())
        assert response.headers["content-encoding"] == "gzip"
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) == 8 * 1024 * 1024


def test_connections_fail_on_order(sandbox, client):
    """Ours: a reset, and an answer that never comes."""
    with sandbox.faults(TOOL, "reset"), pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        client.get(PATH)
    with sandbox.faults(TOOL, "timeout"), pytest.raises(httpx.ReadTimeout):
        client.get(PATH, timeout=0.05)


def test_answers_are_late_or_slow_on_order(sandbox, client):
    """Ours."""
    with sandbox.faults(TOOL, "latency:60000"), pytest.raises(httpx.ReadTimeout):
        client.get(PATH, timeout=0.05)
    with sandbox.faults(TOOL, "latency:1"):
        usual = client.get(PATH).content
    with sandbox.faults(TOOL, f"drip:{len(usual) * 10}"), client.stream("GET", PATH) as response:
        pieces = list(response.iter_raw())
    assert len(pieces) > 1
    assert b"".join(pieces) == usual


def test_redirects_lead_where_ordered(sandbox, client):
    """Ours."""
    with sandbox.faults(TOOL, "redirect:https://other.example/x?y=1"):
        response = client.get(PATH)
    assert response.status_code == 302
    assert response.headers["location"] == "https://other.example/x?y=1"


def test_drift_and_new_fields_reach_the_wire(sandbox, client):
    """Ours: the same each time, and authentication and arguments are still demanded."""
    usual = client.get(PATH).json()
    with sandbox.faults(TOOL, "new_field"):
        assert client.get(PATH).json() == usual | {"sandbox_new_field": "something new"}
    schema = expand(packaged_ledger().find_entry(22).operations["web_search"].output_form)
    with sandbox.faults(TOOL, "drift"):
        drifted = client.get(PATH)
        assert not Validator(schema).accepts(drifted.json())
        assert client.get(PATH).content == drifted.content
        assert client.get(PATH, headers={"Authorization": ""}).status_code == 401


OPERATIONS = {
    f"sn{entry.netuid}_{name}": operation
    for entry in packaged_ledger()
    for name, operation in entry.operations.items()
    if operation.output_form is not None
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_output_schema_can_drift(name):
    """Ours: whatever schema the ledger has, unless it takes everything, an answer breaks it."""
    generator = Generator(expand(OPERATIONS[name].output_form))
    value = generator.generate(name)
    broken = break_value(value, generator)
    assert generator.validator.accepts(broken) == (generator.validator.schema in ({}, {"title": "Response"}))


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string"}}},
        {"required": ["never_made"], "properties": {"a": {}}},
        {"additionalProperties": {"type": "integer"}},
        {"maxProperties": 5},
        {"minLength": 3},
        {"type": ["object", "array", "string", "number", "boolean", "null"], "maximum": 10},
        {"not": {"const": 0.5}},
        {"items": {"type": "integer"}},
        {"uniqueItems": True},
        {"not": {"required": ["odd"]}},
        {"if": {"required": ["odd"]}, "then": False},
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        {"enum": ["a", 0, None, [], {}, True, "", "sandbox-drift"]},
    ],
)
def test_loose_schemas_drift_too(schema):
    """Ours: required and typed fields are not the only thing that can break."""
    generator = Generator(schema)
    assert not generator.validator.accepts(break_value(generator.generate("x"), generator))


def test_where_everything_is_allowed_the_answer_still_changes():
    """Ours."""
    assert break_value({"a": 1}, Generator({})) == [{"a": 1}]
    assert break_value({"a": 1}, None) == [{"a": 1}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_breaking_and_adding_leave_the_original_alone(value):
    """Ours: answers are kept and shared, so nothing may be changed in place."""
    before = json.dumps(value)
    break_value(value, Generator({"type": "object", "required": ["x"]}))
    with_new_field(value)
    assert json.dumps(value) == before


def test_faults_end_after_so_many_times():
    """Ours."""
    faults = Faults(["a", "b"])
    faults.set("a", "empty", times=2)
    assert [faults.take("a") is not None for _ in range(3)] == [True, True, False]
    faults.set("*", "html")
    assert faults.take("b") == Fault("html")
    faults.clear()
    assert faults.take("b") is None


def test_a_block_restores_what_was_set_before():
    """Ours."""
    faults = Faults()
    faults.set("a", "empty")
    with faults("a", "html"):
        assert faults.take("a") == Fault("html")
    assert faults.take("a") == Fault("empty")


def test_operations_can_be_named_without_their_subnet(sandbox, client):
    """Ours."""
    with sandbox.faults("web_search", "server_error"):
        assert client.get(PATH).status_code == 500


@pytest.mark.parametrize(
    "fault",
    [
        "",
        "nonsense",
        "server_error:1",
        "latency",
        "latency:x",
        "latency:-1",
        "status:99",
        "status:700",
        "drip:0",
        "big:99999999999999",
        "redirect",
        "rate_limit:",
    ],
)
def test_unknown_faults_are_refused(fault):
    """Ours."""
    with pytest.raises(ConfigurationError):
        Faults().set("a", fault)


def test_unknown_tools_and_times_are_refused(sandbox):
    """Ours."""
    with pytest.raises(UnknownToolError):
        sandbox.faults.set("sn999_nothing", "empty")
    with pytest.raises(ConfigurationError):
        sandbox.faults.set(TOOL, "empty", times=0)


def test_faults_are_counted_once_by_many_threads():
    """Ours: safe to use from any thread."""
    faults = Faults()
    faults.set("a", "empty", times=200)
    taken = []
    threads = [
        threading.Thread(target=lambda: taken.extend(faults.take("a") is not None for _ in range(100)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 200


def test_other_processes_steer_faults_over_http(sandbox, client):
    """Ours: JSON only, so that no form of a web page can do it."""
    order = {"tool": TOOL, "fault": "status:418", "times": 1}
    assert client.post("/_sandbox/faults", json=order).status_code == 200
    assert client.get("/_sandbox/faults").json() == {TOOL: {"fault": "status:418", "times": 1}}
    assert [client.get(PATH).status_code for _ in range(2)] == [418, 200]
    client.post("/_sandbox/faults", json=order)
    assert client.delete("/_sandbox/faults").status_code == 200
    assert client.get(PATH).status_code == 200
    assert client.post("/_sandbox/faults", data=order).status_code == 415
    for bad in (
        {"tool": "sn9_x", "fault": "empty"},
        {"tool": TOOL, "fault": "x"},
        {"tool": 1},
        [],
        {"tool": TOOL, "fault": "empty", "times": "1"},
    ):
        response = client.post("/_sandbox/faults", json=bad)
        assert response.status_code == 422
        assert "detail" in response.json()


def test_the_control_pages_say_what_runs(sandbox, client):
    """Ours."""
    about = client.get("/_sandbox").json()
    assert about["url"] == sandbox.url
    assert about["operations"] > 200
    assert client.get("/_sandbox/ledger.json").json() == json.loads(sandbox.ledger_path.read_bytes())
    before = client.get("/_sandbox/calls").json().get(TOOL, 0)
    client.get(PATH)
    assert client.get("/_sandbox/calls").json()[TOOL] == before + 1 == sandbox.calls[TOOL]
    assert client.get("/_sandbox/nothing").status_code == 404


def test_a_raw_request_in_absolute_form_is_understood(sandbox):
    """RFC 9112 3.2.2: a server accepts the absolute form."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = f"Host: {host}:{port}\r\nAuthorization: sandbox\r\nConnection: close\r\n\r\n"
        connection.sendall(f"GET {sandbox.url}{PATH} HTTP/1.1\r\n{head}".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
