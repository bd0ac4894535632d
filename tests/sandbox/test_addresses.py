"""Addresses move to the sandbox; everything else stays."""

import json

from orchestra_tools.importers import ledger_document, read_ledger
from orchestra_tools.sandbox import sandbox_ledger
from orchestra_tools.sandbox.routes import Match, Routes

URL = "http://127.0.0.1:9000"
DOCUMENT = {
    "format": "orchestra-ledger/1",
    "note": "kept",
    "entries": {
        "SN1": {
            "registered_at_block": 5,
            "colour": "green",
            "operations": {
                "plain": {
                    "endpoint": {
                        "kind": "http",
                        "method": "GET",
                        "base_url": "https://a.example:8443/api/",
                        "path": "/x",
                    }
                },
                "nowhere": {
                    "endpoint": {"kind": "http", "method": "GET", "base_url": None, "path": "/y", "streaming": "none"},
                    "unavailable": "no public base URL is documented",
                    "mood": "kept",
                },
                "signed": {
                    "endpoint": {"kind": "http", "method": "GET", "base_url": "https://a.example", "path": "/z"},
                    "auth": {"scheme": "undocumented", "note": "?"},
                    "unavailable": "its authentication is not documented",
                },
                "retired": {
                    "endpoint": {"kind": "http", "method": "GET", "base_url": "https://a.example", "path": "/w"},
                    "unavailable": "it was switched off",
                },
                "remote": {
                    "endpoint": {"kind": "grpc", "host": "g.example:443", "method": "p.S/M"},
                    "unavailable": "no gRPC transport yet",
                },
                "miner": {"endpoint": "Synapse.Ask Me", "input_schema": {"q": {"type": "string", "required": True}}},
                "bad": {"endpoint": 7},
            },
        },
        "SN22": {
            "name": "Desearch",
            "capabilities": ["web_search"],
            "input_schema": {"query": {"type": "string", "required": True}},
            "output_schema": {"results": {"type": "array", "items": "SearchResult"}},
            "endpoint": "Synapse.Desearch",
            "version": "2.3.1",
        },
    },
}


def moved():
    return sandbox_ledger(read_ledger(json.dumps(DOCUMENT), source="test"), URL)


def test_addresses_keep_host_prefix_and_path():
    """Ours: a path on the sandbox says which real API it stands in for."""
    operations = moved().find_entry(1).operations
    assert operations["plain"].endpoint.address == f"GET {URL}/sn1/a.example:8443/api/x"
    assert operations["nowhere"].endpoint.address == f"GET {URL}/sn1/unknown/y"
    assert operations["miner"].endpoint.address == f"POST {URL}/sn1/synapse/Ask%20Me"


def test_what_the_sandbox_cures_is_available_and_the_rest_is_not():
    """Ours."""
    operations = moved().find_entry(1).operations
    assert {name for name, operation in operations.items() if operation.obstacle is None} == {
        "plain",
        "nowhere",
        "signed",
        "miner",
    }
    assert operations["signed"].auth is None
    assert operations["retired"].obstacle == "it was switched off"


def test_the_seeds_flat_form_moves_too():
    """Ours: SEED.md's own example can be called in a sandbox."""
    entry = moved().find_entry("SN22")
    assert entry.operations["web_search"].endpoint.address == f"POST {URL}/sn22/synapse/Desearch"
    assert entry.to_json() | {"endpoint": None} == DOCUMENT["entries"]["SN22"] | {"endpoint": None}


def test_unknown_fields_and_unreadable_parts_are_kept_and_the_mark_is_set():
    """Ours: nothing of a ledger is lost on the way into a sandbox."""
    document = ledger_document(moved())
    assert document["sandbox"] == {"url": URL, "key": "sandbox"}
    assert document["note"] == "kept"
    entry = document["entries"]["SN1"]
    assert entry["colour"] == "green"
    assert entry["operations"]["nowhere"]["mood"] == "kept"
    assert entry["operations"]["bad"] == {"endpoint": 7}
    assert entry["operations"]["remote"] == DOCUMENT["entries"]["SN1"]["operations"]["remote"]
    again = read_ledger(json.dumps(document), source="again")
    assert again.sandbox is not None
    assert sandbox_ledger(again, URL).sandbox == again.sandbox


def find(routes, method, path):
    found = routes.find(method, path)
    return (found.targets, found.values) if isinstance(found, Match) else found


def test_routes_prefer_literals_and_decode_segments():
    """Ours."""
    routes = Routes()
    for number, (method, template) in enumerate(
        [
            ("GET", "/a/{id}"),
            ("GET", "/a/current"),
            ("POST", "/a/{id}"),
            ("POST", "/v1/models/{model}:generate"),
            ("GET", "/v1/models/{model}"),
            ("GET", "/a/{id}/b/{other}"),
            ("GET", "/a/current/c"),
            ("GET", "/end/"),
            ("GET", "/a/{id}"),
        ]
    ):
        routes.add(method, template, number)
    assert find(routes, "GET", "/a/current") == ([1], {})
    assert find(routes, "GET", "/a/x%2Fy%20z") == ([0, 8], {"id": "x/y z"})
    assert find(routes, "POST", "/a/current") == ([2], {"id": "current"})
    assert find(routes, "POST", "/v1/models/g/emini:generate") == set()
    assert find(routes, "POST", "/v1/models/g%2Fm:v2:generate") == ([3], {"model": "g/m:v2"})
    assert find(routes, "GET", "/v1/models/g:generate") == ([4], {"model": "g:generate"})
    assert find(routes, "GET", "/a/current/b/1") == ([5], {"id": "current", "other": "1"})
    assert find(routes, "GET", "/end/") == ([7], {})
    assert find(routes, "GET", "/end") == set()
    assert find(routes, "DELETE", "/a/1") == {"GET", "POST"}
