"""Small ledgers, and the packaged one, to search in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import pytest

from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.discovery import Finder, Index, document_of
from orchestra_tools.importers import ledger_from_document, read_ledger
from orchestra_tools.model import Statistics

MakeTools = Callable[..., Mapping[str, Tool]]
MakeFinder = Callable[..., Finder]


@pytest.fixture(scope="session")
def packaged_tools() -> Mapping[str, Tool]:
    document = resources.files("orchestra_tools.data").joinpath("ledger.json").read_bytes()
    return compile_ledger(read_ledger(document, source="packaged ledger")).tools


@pytest.fixture(scope="session")
def packaged(packaged_tools: Mapping[str, Tool]) -> Finder:
    return Finder(Index(map(document_of, packaged_tools.values())), packaged_tools)


@pytest.fixture(scope="session")
def make_tools() -> MakeTools:
    """Tools from {"SN1/operation_id": fields}; what is left out is harmless."""

    def make(operations: Mapping[str, Mapping[str, Any]], *, sandbox: bool = False) -> Mapping[str, Tool]:
        entries: dict[str, Any] = {}
        for path, fields in operations.items():
            key, operation_id = path.split("/")
            entry = entries.setdefault(key, {"name": f"Subnet{key[2:]}", "operations": {}})
            entry["operations"][operation_id] = {
                "title": operation_id.replace("_", " "),
                "capabilities": ["web_search"],
                "input_schema": {"type": "object", "properties": {}},
                "endpoint": {"kind": "http", "method": "GET", "base_url": "https://api.example", "path": "/"},
                **fields,
            }
        document: dict[str, Any] = {"entries": entries}
        if sandbox:
            document["sandbox"] = {"url": "http://127.0.0.1:9", "key": "sandbox"}
        catalogue = compile_ledger(ledger_from_document(document, source="test"))
        assert not catalogue.quarantined
        return catalogue.tools

    return make


@pytest.fixture(scope="session")
def make_finder(make_tools: MakeTools) -> MakeFinder:
    def make(
        operations: Mapping[str, Mapping[str, Any]],
        statistics: Mapping[str, Statistics] | None = None,
        **options: Any,
    ) -> Finder:
        tools = make_tools(operations, **options)
        return Finder(Index(map(document_of, tools.values())), tools, (statistics or {}).get)

    return make
