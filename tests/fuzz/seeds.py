"""What fuzzing starts from: small inputs of each kind that are right."""

from __future__ import annotations

import json
from pathlib import Path

_OPERATION = {"endpoint": {"kind": "http", "method": "GET", "base_url": "https://a.example", "path": "/{q}"}}
_ENTRY = {"name": "A", "input_schema": {"query": "string"}, "endpoint": "Synapse.A", "capabilities": ["web_search"]}
_API = {
    "openapi": "3.1.0",
    "info": {"title": "A", "version": "1"},
    "components": {"schemas": {"A": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}}}},
    "paths": {
        "/a/{b}": {
            "post": {
                "parameters": [{"name": "b", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                "responses": {"200": {"description": "ok"}},
                "security": [{"key": []}],
            }
        }
    },
}
_NOTE = "a.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a.example AAAAAAA=\n".encode()
_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SEEDS: dict[str, tuple[bytes, ...]] = {
    "ledger": (
        json.dumps({"SN1": _ENTRY}).encode(),
        json.dumps({"format": "orchestra-ledger/1", "entries": {"SN2@7": {"operations": {"a": _OPERATION}}}}).encode(),
    ),
    "openapi": (json.dumps(_API).encode(), b"openapi: 3.0.3\ninfo: {title: A}\npaths:\n  /a:\n    get: {}\n"),
    "schema": (
        b'{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"pattern": "^a+$"}}}',
        b'{"query": "string", "limit?": "integer 1..10 = 5", "tags": ["string"]}',
    ),
    "url": (b"https://example.com/a?b=c", b"http://[2606:4700::1111]:8080/", b"https://127.0.0.1\\@a/"),
    "events": (b'event: a\nid: 1\ndata: {"a":\ndata: 1}\n\n: ping\n\ndata: [DONE]\n\n', b"\xef\xbb\xbfdata: x\r\r"),
    "answer": (b'{"a": [1.5, null, "\\u00e9"]}', b"\xff\xfe{\x00}\x00"),
    "receipt": (b'{"format": "orchestra-receipt/1", "id": "", "signature": "00", "public_key": "00"}',),
    "tile-path": (b"tile/0/x001/x234/067", b"tile/entries/273.p/112"),
    "bundle": (b"\x01\x00\x03one\x00\x00", b"\x00\x00\x01a"),
    "note": (_NOTE,),
    "tlog-proof": (
        b"c2sp.org/tlog-proof@v1\nextra YQ==\nindex 1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" + _NOTE,
    ),
    "add-checkpoint": (b"old 1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n" + _NOTE,),
    "trust-policy": (f"log {_KEY} https://a.example/\n# no witness\nquorum none\n#orchestra max-age 9\n".encode(),),
}


def write_seeds(target: str, folder: Path) -> None:
    """Write a target's seeds into a folder, as libFuzzer wants them."""
    for number, seed in enumerate(SEEDS[target]):
        (folder / str(number)).write_bytes(seed)
