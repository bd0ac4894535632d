"""The tables of docs/wire-parity.md, made from the packaged ledger and the vendors' tables.

python -m tests.parity.table        # writes them into the page
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from orchestra_tools.model import Entry, HttpEndpoint, Operation
from orchestra_tools.registry import packaged_ledger
from tests.parity.harness import Vendor
from tests.parity.vendor_list import VENDORS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "wire-parity.md"
_TABLE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WITHOUT_CLIENT = {
    "openapi": "OpenAPI document",
    "docs": "documentation only",
    "source": "source code read, never run",
}


def render(page: str) -> str:
    """The page with its tables as they should be."""
    tables = {"ledger": _ledger_table(), "others": _others_table()}
    return _TABLE.sub(lambda found: f"{found[1]}{tables[found['name']]}{found[3]}", page)


def _ledger_table() -> str:
    rows = [
        (entry.key, entry.name or "", str(len(entry.operations)), "; ".join(_checks_of(entry)))
        for entry in sorted(packaged_ledger(), key=lambda entry: entry.netuid)
        if entry.operations
    ]
    return _format(("subnet", "name", "operations", "checked against"), rows)


def _others_table() -> str:
    rows = [
        (vendor.entry, f"`{vendor.package}` {_count(vendor, vendor.operations)}")
        for vendor in VENDORS
        if vendor.entry is not None
    ]
    return _format(("entry in `tests/parity/entries/`", "checked against"), rows)


def _checks_of(entry: Entry) -> Iterable[str]:
    """How the operations of an entry were checked, the strongest first."""
    left = {f"sn{entry.netuid}_{name}": operation for name, operation in entry.operations.items()}
    whole = len(left)
    for vendor in VENDORS:
        if vendor.entry is None and (compared := left.keys() & vendor.operations.keys()):
            yield f"**`{vendor.package}`** {_count(vendor, compared)}"
            left = {name: operation for name, operation in left.items() if name not in compared}
    for how, number in sorted(Counter(map(_describe, left.values())).items()):
        yield how if number == whole else f"{how} ({number})"


def _count(vendor: Vendor, tools: Iterable[str]) -> str:
    wanted = set(tools)
    requests = sum(call.tool in wanted for call in vendor.calls)
    return f"{vendor.version} ({len(wanted)} {'operation' if len(wanted) == 1 else 'operations'}, {requests} requests)"


def _describe(operation: Operation) -> str:
    if not isinstance(operation.endpoint, HttpEndpoint):
        return "never: gRPC has no transport yet"
    return _WITHOUT_CLIENT.get(operation.confidence or "", "never")


def _format(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
