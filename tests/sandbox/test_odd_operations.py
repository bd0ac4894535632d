"""Operations of kinds the packaged ledger has not got."""

import json

import httpx
import pytest

from orchestra_tools.testing import Sandbox

TEXT = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"], "additionalProperties": False}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


def http(method, path, **more):
    return {"kind": "http", "method": method, "base_url": "https://a.example", "path": path} | more


OPERATIONS = {
    "stream": {
        "endpoint": http("GET", "/stream", streaming="sse", response_media_type="text/event-stream"),
        "capabilities": ["web_search"],
        "input_schema": TEXT,
        "output_schema": {"type": "object", "properties": {"results": {"type": "array", "items": {}}}},
    },
    "keyed": {
        "endpoint": http("GET", "/keyed"),
        "input_schema": TEXT,
        "auth": {"scheme": "api_key", "in": "query", "name": "key", "prefix": "k-"},
    },
    "by_text": {"endpoint": http("POST", "/shared"), "input_schema": TEXT},
    "by_number": {"endpoint": http("POST", "/shared"), "input_schema": NUMBER},
    "file": {
        "endpoint": http(
            "PUT",
            "/file/{tags}",
            arguments={"tags": {"in": "path"}, "data": {"in": "body", "whole": True}},
            request_media_type="application/octet-stream",
        ),
        "input_schema": {
            "type": "object",
            "properties": {
                "tags": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
                "data": {"type": "string", "contentEncoding": "base64", "minLength": 4},
            },
            "required": ["tags", "data"],
        },
    },
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "ledger.json"
    path.write_text(json.dumps({"SN9": {"operations": OPERATIONS}}))
    with Sandbox(path) as sandbox, httpx.Client(base_url=f"{sandbox.url}/sn9/a.example") as client:
        client.sandbox = sandbox
        yield client


def test_event_streams_end_with_the_answer(client):
    """Ours: words first, then the whole answer, then [DONE]; a slow one is cut elsewhere, not differently."""
    response = client.get("/stream", params={"q": "tao"})
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    assert len(json.loads(events[-2])["results"]) > 3
    assert json.loads(events[0])["type"] == "text"
    with client.sandbox.faults("sn9_stream", "drip:100000"):
        assert client.get("/stream", params={"q": "tao"}).content == response.content


def test_a_key_in_the_query_is_demanded_and_is_no_argument(client):
    """Ours."""
    assert client.get("/keyed", params={"q": "x", "key": "k-sandbox"}).status_code == 200
    assert client.get("/keyed", params={"q": "x", "key": "sandbox"}).status_code == 401
    assert client.get("/keyed", params={"q": "x"}).status_code == 401


def test_operations_that_share_an_address_are_told_apart_by_their_arguments(client):
    """Ours."""
    assert client.post("/shared", json={"n": 1}).json()["operation"] == "by_number"
    assert client.post("/shared", json={"q": "x"}).json() == {"ok": True, "operation": "by_text", "echo": {"q": True}}
    assert client.post("/shared", json={"z": 1}).status_code == 422


def test_files_and_lists_in_paths_are_read(client):
    """Ours: a list in a path is one segment with commas, as the executor writes it."""
    headers = {"Content-Type": "application/octet-stream"}
    assert client.put("/file/1,2", content=b"\x00\xff\x01", headers=headers).status_code == 200
    assert client.put("/file/1", content=b"\x00\xff\x01", headers=headers).status_code == 422
    assert client.put("/file/1,x", content=b"\x00\xff\x01", headers=headers).status_code == 422
    assert client.put("/file/1,2", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
