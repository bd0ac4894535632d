"""Build the packaged ledger from recorded facts and our own texts.

    python scripts/build_ledger.py [--data DIR] [--out FILE] [--check]

Facts (method, address, schemas, authentication, price, source) come from `DIR/subnets/`; titles, descriptions and
capabilities from `ledger_texts/`. The same input always makes the same bytes, so `--check` can compare.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ledger_texts.operations import translate_operation
from ledger_texts.sources import TEXTS, Correction, SubnetTexts, read_corrections, read_json, read_texts

REPOSITORY = Path(__file__).resolve().parent.parent
FORMAT = "orchestra-ledger/1"
AUDIENCE_ORDER = ("consumer", "compute", "operator")
LINKS = ("github", "website", "docs")
MAX_DIFF_LINES = 60
# How the registry that was surveyed keeps its own books; says nothing about the subnet.
BOOKKEEPING_CATEGORIES = frozenset(
    {
        "data-artifact",
        "identity-drift",
        "identity-placeholder",
        "no-public-project-surface",
        "operational-interface",
        "pilot",
        "stale-source-restored",
        "subnet-api",
        "subnet-api-observed",
    }
)


def build_ledger(data: Path) -> dict[str, Any]:
    """The ledger document of everything recorded under `data`.

    Raises:
        ValueError: Facts and texts do not fit each other.
    """
    subnets = sorted(read_json(data / "subnets" / "index.json")["subnets"], key=lambda subnet: subnet["netuid"])
    corrections = read_corrections(TEXTS / "corrections.json")
    entries = {f"SN{subnet['netuid']}": _build_entry(subnet, data, corrections) for subnet in subnets}
    _check_corrections_apply(corrections, data)
    return {"format": FORMAT, "entries": entries}


def _build_entry(subnet: Mapping[str, Any], data: Path, corrections: Iterable[Correction]) -> dict[str, Any]:
    operations = _build_operations(data / "subnets" / f"SN{subnet['netuid']}.json", corrections)
    return {
        "netuid": subnet["netuid"],
        "registered_at_block": subnet["registered_at_block"],
        "name": subnet["name"],
        "symbol": subnet["symbol"],
        "description": subnet["description"].rstrip(".") + ".",
        "status": subnet["status"],
        "capabilities": _capabilities_of(operations.values()),
        "categories": [name for name in subnet["categories"] if name not in BOOKKEEPING_CATEGORIES],
        "links": _links_of(subnet),
        "version": "1.0.0",
        "last_verified": None,
        "reliability": None,
        "avg_latency_ms": None,
        "cost_per_query": None,
        "operations": operations,
    }


def _build_operations(facts: Path, corrections: Iterable[Correction]) -> dict[str, Any]:
    if not facts.exists():
        return {}
    recorded = read_json(facts)["operations"]
    texts = read_texts(TEXTS / facts.name)
    _check_texts_fit(facts.stem, {fact["id"] for fact in recorded}, texts)
    operations: dict[str, Any] = {}
    for fact in recorded:
        text = texts.operations[fact["id"]]
        if text.operation_id in operations:
            raise ValueError(f"{facts.stem} has two operations called {text.operation_id}")
        applicable = [correction for correction in corrections if fact["id"] in correction.operations]
        operations[text.operation_id] = translate_operation(fact, text, texts.arguments, applicable)
    return operations


def _links_of(subnet: Mapping[str, Any]) -> dict[str, Any]:
    links: dict[str, Any] = {name: subnet[name] for name in LINKS if subnet[name]}
    if urls := subnet.get("openapi_urls"):
        links["openapi"] = urls
    return links


def _capabilities_of(operations: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every capability once; what consumers can call comes first."""
    by_audience = sorted(operations, key=lambda operation: AUDIENCE_ORDER.index(operation["audience"]))
    return list(dict.fromkeys(term for operation in by_audience for term in operation["capabilities"]))


def _check_texts_fit(subnet: str, recorded: set[str], texts: SubnetTexts) -> None:
    if missing := recorded - texts.operations.keys():
        raise ValueError(f"{subnet} has no text for {', '.join(sorted(missing))}")
    if surplus := texts.operations.keys() - recorded:
        raise ValueError(f"{subnet} has texts for operations nobody recorded: {', '.join(sorted(surplus))}")


def _check_corrections_apply(corrections: Iterable[Correction], data: Path) -> None:
    recorded = {fact["id"] for path in (data / "subnets").glob("SN*.json") for fact in read_json(path)["operations"]}
    wanted = {operation for correction in corrections for operation in correction.operations}
    if unknown := wanted - recorded:
        raise ValueError(f"corrections of operations nobody recorded: {', '.join(sorted(unknown))}")


def render(ledger: Mapping[str, Any]) -> str:
    """The bytes of the packaged file, as text."""
    return json.dumps(ledger, indent=1, ensure_ascii=False) + "\n"


def show_differences(committed: str, built: str) -> str:
    """The first lines of a diff from the committed file to the one just built."""
    lines = difflib.unified_diff(committed.splitlines(), built.splitlines(), "committed", "built", n=1, lineterm="")
    return "\n".join(islice(lines, MAX_DIFF_LINES))


def main() -> int:
    """Write the packaged ledger, or with `--check` say whether it is up to date."""
    parser = argparse.ArgumentParser(description="Build the packaged ledger.")
    recorded = os.environ.get("ORCHESTRA_TEST_DATA") or REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=Path(recorded), metavar="DIR", help="folder that holds subnets/")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "orchestra_tools" / "data" / "ledger.json")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is out of date")
    options = parser.parse_args()
    built = render(build_ledger(options.data))
    if not options.check:
        options.out.write_text(built, encoding="utf-8")
        return 0
    committed = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
    if committed == built:
        return 0
    print(f"{options.out.name} is not what {Path(__file__).name} makes:", file=sys.stderr)
    print(show_differences(committed, built), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
