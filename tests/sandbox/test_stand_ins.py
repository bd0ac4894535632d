"""The stand-ins: what they demand, what they answer, and that it fits what the ledger promises."""

import json

import httpx
import pytest

from orchestra_tools.calls.request import build_request
from orchestra_tools.compile import compile_ledger
from orchestra_tools.importers import read_ledger
from orchestra_tools.model import ApiKeyAuth, HttpEndpoint
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import Validator
from orchestra_tools.schema.generate import generate
from orchestra_tools.testing import Sandbox, example_arguments

TOOLS = {
    name: tool
    for name, tool in compile_ledger(packaged_ledger()).tools.items()
    if isinstance(tool.operation.endpoint, HttpEndpoint)
}
WEB = "/sn22/api.desearch.ai/web"
KEY = {"Authorization": "sandbox"}
JSON = "application/json"
HOSTS = {"evil.example": 421, "127.0.0.1.evil.example": 421, "": 421, "localhost": 200, "[::1]:80": 200}


@pytest.fixture(scope="module")
def catalogue(sandbox):
    return compile_ledger(read_ledger(sandbox.ledger_path.read_bytes(), source="sandbox"))


@pytest.fixture(scope="module")
def client(sandbox):
    with httpx.Client(base_url=sandbox.url) as client:
        yield client


def send(client, tool, arguments):
    request = build_request(tool, arguments, key="sandbox")
    return client.request(request.method, request.url, headers=request.headers, content=request.body)


def data_of(response):
    return response.json() if response.headers["content-type"].startswith("application/json") else response.text


@pytest.mark.parametrize("name", TOOLS)
def test_every_operation_answers_what_its_output_schema_accepts(client, catalogue, name):
    """Ours, for each HTTP operation of the packaged ledger: it fits, and the same call gets the same answer."""
    tool = catalogue.tools[name]
    for arguments in (example_arguments(tool.input_schema), generate(tool.input_schema, seed="full")):
        response = send(client, tool, arguments)
        assert response.status_code == 200, response.text
        assert response.headers["x-orchestra-sandbox"] == "1"
        assert send(client, tool, arguments).content == response.content
        if tool.output_schema and not response.headers["content-type"].startswith("text/event-stream"):
            assert Validator(tool.output_schema).faults(data_of(response)) == []


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if isinstance(tool.operation.auth, ApiKeyAuth)])
def test_every_operation_demands_its_real_authentication(client, catalogue, name):
    """Ours: without the key, or with another one, 401 as JSON."""
    tool = catalogue.tools[name]
    arguments = example_arguments(tool.input_schema)
    for key in (None, "wrong"):
        request = build_request(tool, arguments, key=key)
        response = client.request(request.method, request.url, headers=request.headers, content=request.body)
        assert response.status_code == 401
        assert "detail" in response.json()


def test_the_prefix_and_constant_headers_are_demanded(client, catalogue):
    """Ours: as Anthropic's form wants its version, and Bearer its prefix."""
    tool = catalogue.tools["sn28_messages"]
    request = build_request(tool, example_arguments(tool.input_schema), key="sandbox")
    headers = {name: value for name, value in request.headers.items() if name != "anthropic-version"}
    assert client.request(request.method, request.url, headers=headers, content=request.body).status_code == 400
    chat = "/sn28/api.saygm.com/v1/chat/completions"
    assert client.post(chat, headers=KEY, json={}).status_code == 401
    assert client.post(chat, headers={"Authorization": "Bearer sandbox"}, json={}).status_code == 422


@pytest.mark.parametrize(
    "query", ["", "query=a&query=b", "query=a&start=x", "query=a&start=1.5", "query=a&unknown=1", "other=1"]
)
def test_wrong_arguments_are_refused_with_the_place(client, query):
    """Ours."""
    response = client.get(f"{WEB}?{query}", headers=KEY)
    assert response.status_code == 422
    assert response.json()["detail"][0]["pointer"]


def test_the_cost_header_is_sent_where_the_ledger_has_one(client):
    """Ours."""
    assert client.get(f"{WEB}?query=tao", headers=KEY).headers["x-desearch-cost-usd"] == "0.0010"


def test_searches_find_what_was_asked_for(client):
    """Ours: the demo reads like the real thing."""
    results = client.get(f"{WEB}?query=gpu+cloud+pricing", headers=KEY).json()["data"]
    assert "GPU" in results[0]["title"]
    assert all(result["link"].startswith("https://") and ".example." in result["link"] for result in results)
    later = client.get(f"{WEB}?query=gpu+cloud+pricing&start=2", headers=KEY).json()["data"]
    assert later[0] == results[2]


def test_counts_are_respected_and_arguments_echoed(client, catalogue):
    """Ours."""
    posts = send(client, catalogue.tools["sn22_x_search"], {"query": "tao", "count": 3}).json()
    assert len(posts) == 3
    weather = {"latitude": 1.5, "longitude": -2.25, "hourly": "temperature_2m"}
    answer = send(client, catalogue.tools["sn18_forecast_point"], weather).json()
    assert (answer["latitude"], answer["longitude"]) == (1.5, -2.25)
    assert len(answer["hourly"]["temperature_2m"]) == len(answer["hourly"]["time"])


def test_operations_without_a_schema_and_other_media_types_answer_in_kind(client, catalogue):
    """Ours."""
    undocumented = next(
        tool
        for name, tool in catalogue.tools.items()
        if name in TOOLS and tool.output_schema is None and tool.operation.endpoint.response_media_type == JSON
    )
    answer = send(client, undocumented, example_arguments(undocumented.input_schema)).json()
    assert answer["ok"] is True
    assert answer["operation"] == undocumented.operation_id
    for tool in catalogue.tools.values():
        media_type = getattr(tool.operation.endpoint, "response_media_type", JSON)
        if media_type != JSON:
            response = send(client, tool, example_arguments(tool.input_schema))
            assert response.headers["content-type"].split(";")[0] == media_type


def test_chats_stream_when_asked(client, catalogue):
    """Ours: several events, then [DONE], as OpenAI's form has it."""
    arguments = {"model": "m", "messages": [{"role": "user", "content": "What is TAO?"}], "stream": True}
    response = send(client, catalogue.tools["sn28_chat_completion"], arguments)
    assert response.headers["content-type"] == "text/event-stream"
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1])
    assert "What is TAO?" in text
    assert len(events) > 3


def test_hosts_beyond_loopback_are_refused(client):
    """Ours: no web page reaches the sandbox through a name of its own."""
    for host, status in HOSTS.items():
        assert client.get("/_sandbox", headers={"Host": host}).status_code == status


def test_unknown_paths_and_methods_are_told_apart(client):
    """Ours."""
    assert client.get("/sn22/api.desearch.ai/nothing").status_code == 404
    assert client.post(WEB).status_code == 405


def test_a_seed_entry_answers(tmp_path):
    """Ours: the ledger of SEED.md, with its shorthand and synapse, is callable in a sandbox."""
    entry = {
        "capabilities": ["web_search"],
        "input_schema": {
            "query": {"type": "string", "required": True},
            "max_results": {"type": "integer", "default": 10},
        },
        "output_schema": {"results": {"type": "array", "items": "SearchResult"}, "total_found": {"type": "integer"}},
        "endpoint": "Synapse.Desearch",
    }
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({"SN22": entry}))
    with Sandbox(path) as sandbox:
        answer = httpx.post(f"{sandbox.url}/sn22/synapse/Desearch", json={"query": "tao", "max_results": 4}).json()
        assert len(answer["results"]) == 4
        assert answer["total_found"] == 4
        assert sandbox.calls == {"sn22_web_search": 1}


def test_hotkey_signatures_are_verified(tmp_path):
    """btauth/1: a request signed for the receiver passes, another one does not."""
    http_auth = pytest.importorskip("bittensor.http_auth")
    keys = pytest.importorskip("bittensor.sp_core").Keypair
    me, other = keys.create_from_uri("//Alice"), keys.create_from_uri("//Bob")
    operation = {
        "endpoint": {"kind": "http", "method": "POST", "base_url": "https://miner.example", "path": "/ask"},
        "auth": {"scheme": "btauth/1", "receiver": other.ss58_address},
        "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
    }
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps({"SN1": {"operations": {"ask": operation}}}))
    with Sandbox(path) as sandbox:
        target, body = "/sn1/miner.example/ask", b'{"q":"x"}'
        for receiver, status in ((other.ss58_address, 200), (me.ss58_address, 401)):
            signed = http_auth.sign(me, method="POST", path=target, body=body, receiver_ss58=receiver)
            headers = {**signed, "Content-Type": "application/json"}
            assert httpx.post(sandbox.url + target, content=body, headers=headers).status_code == status
        assert httpx.post(sandbox.url + target, content=body).status_code == 401
