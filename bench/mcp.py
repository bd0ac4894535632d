"""The MCP server beside a bare low-level SDK server with the same tools, in one run.

    python bench/mcp.py [--json] [--rounds N] [--quick]

Start (process to first tools/list), tools/list for 128, 1,000 and 10,000 tools, tools/call to a loopback backend,
memory; and what the default surface costs a host. Both servers take turns, so that noise hits both; figures are
medians.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# This script is called mcp: its folder must not stand on the path where `import mcp` looks.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.ledgers import TOOL, backend_server, grown_ledger
from bench.stdio_peer import StdioPeer
from mcp_server_orchestra.surface import PAGE_SIZE, list_tools
from orchestra_tools.compile import compile_ledger
from orchestra_tools.importers import ledger_from_document

BARE = str(Path(__file__).with_name("bare_server.py"))


class Pair:
    """Our server and the bare one, over the same tools."""

    def __init__(self, folder: Path, operations: int, backend: str) -> None:
        document = grown_ledger(operations, backend)
        ledger = folder / f"ledger-{operations}.json"
        ledger.write_text(json.dumps(document), "utf-8")
        catalogue = compile_ledger(ledger_from_document(document, source="bench"))
        tools = list_tools(catalogue, "operations", obstacle_to=lambda tool: None, has_key=lambda tool: True)
        path = catalogue.tools[TOOL].operation.endpoint.path if TOOL in catalogue.tools else ""  # type: ignore[union-attr]
        bare = folder / f"bare-{operations}.json"
        bare.write_text(json.dumps({"tools": tools, "page": PAGE_SIZE, "backend": f"{backend}{path}"}), "utf-8")
        self.commands = {
            "orchestra": [
                sys.executable, "-m", "mcp_server_orchestra.main", "--ledger", str(ledger), "--surface", "operations",
            ],
            "bare": [sys.executable, "-P", BARE, str(bare)],
        }  # fmt: skip
        self.environment = {"ORCHESTRA_HOME": str(folder / "home")}

    def each(self, rounds: int, measure: Callable[[StdioPeer], float]) -> dict[str, list[float]]:
        """A figure of both, `rounds` times, in turns; each time with a fresh process."""
        seen: dict[str, list[float]] = {name: [] for name in self.commands}
        for turn in range(rounds):
            for name in sorted(self.commands, reverse=turn % 2 == 1):
                with StdioPeer(self.commands[name], self.environment) as peer:
                    peer.handshake()
                    seen[name].append(measure(peer))
        return seen


def time_start(peer: StdioPeer) -> float:
    """Milliseconds from starting the process to the first answer to tools/list."""
    peer.request("tools/list", {})
    return (time.perf_counter() - peer.started) * 1000


def time_list(peer: StdioPeer) -> float:
    """Median milliseconds for all pages, once warm."""
    peer.list_all()
    took = []
    for _ in range(5):
        started = time.perf_counter()
        peer.list_all()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def time_call(calls: int) -> Callable[[StdioPeer], float]:
    """Median milliseconds of a call, once warm."""

    def measure(peer: StdioPeer) -> float:
        took = []
        for number in range(calls + 20):
            started = time.perf_counter()
            result = peer.request("tools/call", {"name": TOOL, "arguments": {"query": f"gpu prices {number}"}})
            took.append((time.perf_counter() - started) * 1000)
            assert not result.get("isError"), result
        return statistics.median(took[20:])

    return measure


def measure_memory(peer: StdioPeer) -> float:
    """Resident megabytes after listing everything."""
    peer.list_all()
    return peer.memory_mb()


def surface_sizes(folder: Path) -> dict[str, int]:
    """Bytes of a whole tools/list with no credentials, by surface."""
    sizes = {}
    for surface in ("auto", "search", "operations"):
        command = [sys.executable, "-m", "mcp_server_orchestra.main", "--surface", surface]
        with StdioPeer(command, {"ORCHESTRA_HOME": str(folder / "home"), "ORCHESTRA_LEDGER": ""}) as peer:
            peer.handshake()
            sizes[surface] = peer.list_all()[1]
    return sizes


def run(rounds: int, *, quick: bool) -> dict[str, Any]:
    """All figures."""
    rows: list[dict[str, Any]] = []

    def add(name: str, unit: str, seen: dict[str, list[float]], reach: float | None) -> None:
        ours, bare = statistics.median(seen["orchestra"]), statistics.median(seen["bare"])
        row = {"figure": name, "unit": unit, "orchestra": ours, "bare": bare, "ratio": ours / bare, "reach": reach}
        rows.append({key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()})

    with tempfile.TemporaryDirectory() as name, backend_server() as backend:
        folder = Path(name)
        packaged = Pair(folder, 278, backend)
        add("start to first tools/list, 278 tools", "ms", packaged.each(rounds, time_start), 1.25)
        for size in (128, 1000) if quick else (128, 1000, 10_000):
            pair = Pair(folder, size, backend)
            add(f"tools/list, {size:,} tools", "ms", pair.each(max(3, rounds // 2), time_list), 1.1)
            add(f"memory, {size:,} tools", "MB", pair.each(1, measure_memory), None)
        calls = packaged.each(max(3, rounds // 2), time_call(50 if quick else 300))
        add("tools/call, loopback backend", "ms", calls, 1.25)
        sizes = surface_sizes(folder)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return {"machine": machine, "rounds": rounds, "figures": rows, "surface_bytes": sizes}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7, help="fresh processes a figure (default 7)")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller measurements")
    given = parser.parse_args()
    result = run(given.rounds, quick=given.quick)
    if given.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{result['machine']}; median of {given.rounds} or fewer rounds\n")
    print(f"{'figure':40} {'orchestra':>11} {'bare SDK':>11} {'ratio':>7} {'reach':>7}")
    for row in result["figures"]:
        reach = "" if row["reach"] is None else f"{row['reach']:.2f}"
        ours, bare = (f"{row[name]:8.1f} {row['unit']}" for name in ("orchestra", "bare"))
        print(f"{row['figure']:40} {ours:>11} {bare:>11} {row['ratio']:7.2f} {reach:>7}")
    sizes = ", ".join(f"{surface} {size:,}" for surface, size in result["surface_bytes"].items())
    print(f"\nbytes of tools/list without credentials: {sizes}")


if __name__ == "__main__":
    main()
