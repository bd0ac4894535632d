"""Small ledgers to compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestra_tools.compile import Catalogue, compile_ledger
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Ledger

MakeLedger = Callable[..., Ledger]
CompileOne = Callable[..., Catalogue]


def plain_operation(**fields: Any) -> dict[str, Any]:
    """An operation nothing is wrong with."""
    return {
        "title": "Web search",
        "description": "Searches the web.",
        "capabilities": ["web_search"],
        "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        "endpoint": {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/web"},
        **fields,
    }


@pytest.fixture(scope="session")
def make_ledger() -> MakeLedger:
    """A ledger from {"SN1": {"operation_id": {fields that differ}}}; further fields of an entry under ""."""

    def make(entries: dict[str, dict[str, Any]], *, sandbox: bool = False) -> Ledger:
        document: dict[str, Any] = {
            key: {
                "name": f"Subnet {key[2:]}",
                **operations.get("", {}),
                "operations": {
                    name: plain_operation(**fields) if isinstance(fields, dict) else fields
                    for name, fields in operations.items()
                    if name
                },
            }
            for key, operations in entries.items()
        }
        mark = {"sandbox": {"url": "http://127.0.0.1:9", "key": "sandbox"}} if sandbox else {}
        return ledger_from_document({"format": "orchestra-ledger/1", "entries": document, **mark}, source="test")

    return make


@pytest.fixture(scope="session")
def compile_one(make_ledger: MakeLedger) -> CompileOne:
    """The catalogue of a ledger with the one operation `sn1_search`, with some fields."""

    def compile_it(entry: dict[str, Any] | None = None, *, sandbox: bool = False, **fields: Any) -> Catalogue:
        return compile_ledger(make_ledger({"SN1": {"": entry or {}, "search": fields}}, sandbox=sandbox))

    return compile_it
