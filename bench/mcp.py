"""The MCP server beside a bare low-level SDK server with the same tools, and FastMCP's `from_openapi`, in one run.

    python bench/mcp.py [--json] [--rounds N] [--quick]

Start (process to first tools/list), tools/list for 128, 1,000 and 10,000 tools, tools/call to a loopback backend, over
stdio and HTTP and in both protocol eras; compile; memory; and what the default surface costs a host. The servers take
turns, so that noise hits all; figures are medians.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# This script is called mcp: its folder must not stand on the path where `import mcp` looks.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.ledgers import TOOL, backend_server, grown_ledger, openapi_document
from bench.raw_clients import ERAS, LEGACY, HttpClient, RawClient, StdioClient, free_port
from mcp_server_orchestra.pages import PAGE_SIZE
from mcp_server_orchestra.surface import list_tools
from orchestra_tools.compile import compile_ledger
from orchestra_tools.importers import ledger_from_document

HERE = Path(__file__).parent
SERVERS = ("orchestra", "bare", "fastmcp")
ARGUMENTS = {"query": "gpu prices"}


class Servers:
    """Our server and its peers, over the same tools."""

    def __init__(self, folder: Path, operations: int, backend: str) -> None:
        document = grown_ledger(operations, backend)
        ledger = folder / f"ledger-{operations}.json"
        ledger.write_text(json.dumps(document), "utf-8")
        catalogue = compile_ledger(ledger_from_document(document, source="bench"))
        tools = list_tools(catalogue, "operations", obstacle_to=lambda tool: None, has_key=lambda tool: True)
        path = catalogue.tools[TOOL].operation.endpoint.path if TOOL in catalogue.tools else ""  # type: ignore[union-attr]
        bare, openapi = folder / f"bare-{operations}.json", folder / f"openapi-{operations}.json"
        bare.write_text(json.dumps({"tools": tools, "page": PAGE_SIZE, "backend": f"{backend}{path}"}), "utf-8")
        openapi.write_text(json.dumps(openapi_document(catalogue, backend)), "utf-8")
        ours = ["-m", "mcp_server_orchestra.main", "--ledger", str(ledger), "--surface", "operations"]
        self._scripts = {
            "orchestra": ours,
            "bare": ["-P", str(HERE / "bare_server.py"), str(bare)],
            "fastmcp": ["-P", str(HERE / "fastmcp_server.py"), str(openapi)],
        }
        self.environment = {"ORCHESTRA_HOME": str(folder / "home"), "FASTMCP_CHECK_FOR_UPDATES": "off"}

    def open(self, name: str, transport: str, era: str) -> RawClient:
        """A fresh process of a server, and a client of it."""
        command = [sys.executable, *self._scripts[name]]
        if transport == "stdio":
            return StdioClient(command, self.environment, era)
        port = free_port()
        command += ["--http", f"127.0.0.1:{port}"] if name == "orchestra" else [str(port)]
        return HttpClient(command, self.environment, era, port)

    def each(
        self,
        rounds: int,
        measure: Callable[[RawClient], float],
        *,
        names: Iterable[str] = SERVERS,
        transport: str = "stdio",
        era: str = LEGACY,
    ) -> dict[str, list[float]]:
        """A figure of each, `rounds` times, in turns; each time with a fresh process."""
        seen: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(rounds):
            for name in sorted(seen, reverse=turn % 2 == 1):
                with self.open(name, transport, era) as client:
                    client.handshake()
                    seen[name].append(measure(client))
        return seen

    def call_in_turns(self, calls: int, transport: str, era: str) -> dict[str, list[float]]:
        """Milliseconds of single calls, all servers up and called one after the other."""
        seen: dict[str, list[float]] = {name: [] for name in SERVERS}
        with ExitStack() as stack:
            clients = {name: stack.enter_context(self.open(name, transport, era)) for name in SERVERS}
            for client in clients.values():
                client.handshake()
            for number in range(calls + 20):
                for name, client in clients.items():
                    started = time.perf_counter()
                    result = client.request("tools/call", {"name": TOOL, "arguments": ARGUMENTS})
                    took = (time.perf_counter() - started) * 1000
                    assert not result.get("isError"), result
                    if number >= 20:
                        seen[name].append(took)
        return seen


def time_start(client: RawClient) -> float:
    """Milliseconds from starting the process to the first answer to tools/list."""
    client.request("tools/list", {})
    return (time.perf_counter() - client.started) * 1000


def time_list(client: RawClient) -> float:
    """Median milliseconds for all pages, once warm."""
    client.list_all()
    took = []
    for _ in range(5):
        started = time.perf_counter()
        client.list_all()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def measure_memory(client: RawClient) -> float:
    """Resident megabytes after listing everything."""
    client.list_all()
    return client.memory_mb()


def time_compile(operations: int, backend: str) -> dict[str, list[float]]:
    """Milliseconds to compile all operations, and again after one entry changed."""
    ledger = ledger_from_document(grown_ledger(operations, backend), source="bench")
    started = time.perf_counter()
    catalogue = compile_ledger(ledger)
    assert catalogue.tools
    whole = (time.perf_counter() - started) * 1000
    document = grown_ledger(operations, backend)
    next(iter(document["entries"].values()))["version"] = "9.9.9"
    changed = ledger_from_document(document, source="bench")
    started = time.perf_counter()
    assert compile_ledger(changed, previous=catalogue).tools
    return {"orchestra": [whole], "again": [(time.perf_counter() - started) * 1000]}


def surface_sizes(folder: Path) -> dict[str, int]:
    """Bytes of a whole tools/list with no credentials, by surface."""
    sizes = {}
    for surface in ("auto", "search", "operations"):
        command = [sys.executable, "-m", "mcp_server_orchestra.main", "--surface", surface]
        home = {"ORCHESTRA_HOME": str(folder / "home"), "ORCHESTRA_LEDGER": ""}
        with StdioClient(command, home, LEGACY) as client:
            client.handshake()
            sizes[surface] = client.list_all()[1]
    return sizes


def run(rounds: int, *, quick: bool) -> dict[str, Any]:
    """All figures."""
    rows: list[dict[str, Any]] = []

    def add(name: str, unit: str, seen: dict[str, list[float]], reach: str = "") -> None:
        figures = {server: statistics.median(seen[server]) for server in SERVERS if seen.get(server)}
        row: dict[str, Any] = {"figure": name, "unit": unit} | figures | {"reach": reach}
        for peer in ("bare", "fastmcp"):
            if peer in figures:
                row[f"of_{peer}"] = figures["orchestra"] / figures[peer]
        rows.append({key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()})

    few = max(3, rounds // 2)
    sizes = (128, 1000) if quick else (128, 1000, 10_000)
    ways = [(transport, era) for transport in ("stdio", "http") for era in ERAS]
    with tempfile.TemporaryDirectory() as name, backend_server() as backend:
        folder = Path(name)
        packaged = Servers(folder, 278, backend)
        add("start to first tools/list, 278 tools", "ms", packaged.each(rounds, time_start), "1.25 x bare")
        for size in sizes:
            servers = Servers(folder, size, backend)
            names = SERVERS if size <= 1000 else SERVERS[:2]
            for transport, era in ways if size == 1000 else [("stdio", LEGACY)]:
                seen = servers.each(few, time_list, names=names, transport=transport, era=era)
                reach = "1.1 x bare, faster than FastMCP" if size == 1000 else ""
                add(f"tools/list, {size:,} tools, {transport}, {era}", "ms", seen, reach)
            add(f"memory, {size:,} tools", "MB", servers.each(1, measure_memory, names=names))
        for transport, era in ways:
            seen = packaged.call_in_turns(50 if quick else 300, transport, era)
            add(f"tools/call, loopback, {transport}, {era}", "ms", seen, "1.25 x bare, 0.67 x FastMCP")
        compiled = time_compile(sizes[-1], backend)
        add(f"compile {sizes[-1]:,} operations", "ms", compiled, "2,000 ms" if not quick else "")
        add("  again, one entry changed", "ms", {"orchestra": compiled["again"]})
        surface_bytes = surface_sizes(folder)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return {"machine": machine, "rounds": rounds, "figures": rows, "surface_bytes": surface_bytes}


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
    print(f"{'figure':44} {'orchestra':>11} {'bare SDK':>11} {'FastMCP':>11} {'/ bare':>7} {'/ FastMCP':>9}  reach")
    for row in result["figures"]:
        figures = (f"{row[name]:8.1f} {row['unit']}" if name in row else "" for name in SERVERS)
        ratios = (f"{row[name]:.2f}" if name in row else "" for name in ("of_bare", "of_fastmcp"))
        columns = [f"{text:>11}" for text in figures] + [
            f"{text:>{width}}" for text, width in zip(ratios, (7, 9), strict=True)
        ]
        print(f"{row['figure']:44} {' '.join(columns)}  {row['reach']}")
    sizes = ", ".join(f"{surface} {size:,}" for surface, size in result["surface_bytes"].items())
    print(f"\nbytes of tools/list without credentials: {sizes}")


if __name__ == "__main__":
    main()
