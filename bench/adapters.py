"""Every adapter beside its own framework, and beside the peer there is, in one run.

    python bench/adapters.py [--json] [--rounds N] [--quick] [--host NAME ...]

- build: all tools of a ledger of 300 and of 3,000 operations, made for the host.
- one call: a run of the host's agent with a scripted model and one tool call, and where the host has a public way to,
  the call alone. `plain` is the framework with a function
  tool that returns the same answer at once; `over executor` is what our adapter adds to a direct executor call (the run
  with our tool, less the call); the ratio of the two is to stay below 1.5. The backend answers from memory: nothing of
  the network is in these figures.
- peer: the same tools through the framework's own MCP adapter and our MCP server over loopback HTTP, against ours in
  this process; here both call a backend on loopback.

Each host is measured in a process of its own; the things compared take turns, so that noise hits all. Medians.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Its own folder has a module called mcp, and must not stand on the path where `import mcp` looks.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import hosts
from bench.hosts import ARGUMENTS, HOSTS, Host
from bench.ledgers import TOOL, backend_server, example_answer, grown_ledger
from bench.peers import PEERS, Work
from orchestra_tools.calls.transports import Transport
from orchestra_tools.calls.wire import WireResponse
from orchestra_tools.client import LedgerClient

SIZES = (300, 3_000)
REACH = 1.5
WARM_UP = 20  # calls


class FromMemory(Transport):
    """Answers every request at once, with the same bytes."""

    def __init__(self, body: bytes) -> None:
        self._response = WireResponse(200, {"content-type": "application/json"}, body, len(body))

    async def send(self, *given: Any, **options: Any) -> WireResponse:
        return self._response

    async def close(self) -> None:
        return None


def open_ledger(folder: Path, operations: int, backend: str) -> LedgerClient:
    """A ledger of that many operations, compiled."""
    path = folder / f"ledger-{operations}.json"
    path.write_text(json.dumps(grown_ledger(operations, backend)), "utf-8")
    return LedgerClient(path, environment={"ORCHESTRA_HOME": str(folder / f"home-{operations}")})


async def build(host: Host, ledger: LedgerClient, rounds: int) -> float:
    """Median milliseconds to make all tools of a ledger."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        tools = await host.build(ledger)
        took.append((time.perf_counter() - started) * 1000)
        assert len(tools) == len(ledger.tools())
    return statistics.median(took)


async def overhead(host: Host, ledger: LedgerClient, times: int) -> list[dict[str, Any]]:
    """Microseconds of a direct call, with a plain tool and with ours: a whole run, and the tool's call alone."""
    ledger.session.executor.transport = FromMemory(json.dumps(hosts.ANSWER).encode())
    ours, plain, toolset = host.pick(await host.build(ledger)), host.plain(), ledger.session.toolset
    assert "error" not in str(await host.run(ours, TOOL)).lower()[:30]

    async def call_directly() -> None:
        await toolset.call(TOOL, ARGUMENTS)
        # What was recorded is written when the loop comes round, as it does in every run of an agent.
        await asyncio.sleep(0)

    async def call(tool: Any, name: str) -> None:
        if (called := host.call(tool, name)) is not None:
            await called
        await asyncio.sleep(0)

    rows = [await compare("run", call_directly, lambda: host.run(plain, "search"), lambda: host.run(ours, TOOL), times)]
    if (alone := host.call(plain, "search")) is not None:
        await alone
        rows.append(
            await compare("call", call_directly, lambda: call(plain, "search"), lambda: call(ours, TOOL), times)
        )
    return rows


async def compare(what: str, executor: Work, plain: Work, ours: Work, times: int) -> dict[str, Any]:
    """Medians of the three, which take turns one by one: each finds the processor's caches as the others left them."""
    # A framework's modules are many objects: looking through them for garbage would fall on whoever runs just then.
    gc.collect()
    gc.freeze()
    works: dict[str, Work] = {"executor": executor, "plain": plain, "ours": ours}
    seen: dict[str, list[float]] = {name: [] for name in works}
    order = list(works)
    for number in range(times + WARM_UP):
        for name in order[number % 3 :] + order[: number % 3]:
            started = time.perf_counter()
            await works[name]()
            if number >= WARM_UP:
                seen[name].append((time.perf_counter() - started) * 1e6)
    medians = {name: statistics.median(each) for name, each in seen.items()}
    added = medians["ours"] - medians["executor"]
    return {"what": what, **medians, "over_executor": added, "ratio": added / medians["plain"]}


async def measure(name: str, rounds: int, *, quick: bool) -> dict[str, Any]:
    """All figures of one host."""
    host = HOSTS[name]()
    hosts.ANSWER.update(example_answer())
    row: dict[str, Any] = {"host": name, "version": version(host.distribution)}
    with tempfile.TemporaryDirectory() as folder, backend_server() as backend:
        for size in SIZES[:1] if quick else SIZES:
            with open_ledger(Path(folder), size, backend) as ledger:
                row[f"build_{size}_ms"] = await build(host, ledger, 3)
        with open_ledger(Path(folder), 278, backend) as ledger:
            row["overhead"] = await overhead(host, ledger, rounds * (10 if quick else 50))
        if (peer := PEERS.get(name)) is not None:
            row["peer"] = await peer(Path(folder), backend, rounds, quick=quick)
    return row


def run_child(name: str, rounds: int, *, quick: bool) -> dict[str, Any]:
    """Measure one host in a fresh process."""
    command = [sys.executable, __file__, "--child", name, "--rounds", str(rounds), *(["--quick"] if quick else [])]
    quiet = {"OPENAI_AGENTS_DISABLE_TRACING": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"}
    done = subprocess.run(command, env=os.environ | quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(result: dict[str, Any]) -> None:
    """The tables."""
    print(f"{result['machine']}; medians of {result['rounds']} rounds, each host in a process of its own\n")
    sizes = [size for size in SIZES if f"build_{size}_ms" in result["hosts"][0]]
    print(f"{'all tools of a ledger':34}" + "".join(f"{f'{size:,} tools':>16}" for size in sizes))
    for row in result["hosts"]:
        print(
            f"{row['host']} {row['version']}".ljust(34)
            + "".join(f"{row[f'build_{size}_ms']:13.1f} ms" for size in sizes)
        )
    print(f"\n{'one call':34}{'executor':>12}{'plain':>12}{'ours':>12}{'over exec.':>12}{'ratio':>8}{'reach':>7}")
    for row in result["hosts"]:
        for figure in row["overhead"]:
            cells = "".join(f"{figure[name]:9.0f} us" for name in ("executor", "plain", "ours", "over_executor"))
            what = "in a run" if figure["what"] == "run" else "alone"
            print(f"{row['host']}, {what}".ljust(34) + f"{cells}{figure['ratio']:8.2f}{REACH:7.1f}")
    print(f"\n{'peer over our MCP server':44}{'figure':>16}{'peer':>12}{'ours':>12}{'peer/ours':>11}")
    for row in result["hosts"]:
        for figure in row.get("peer", {}).get("figures", ()):
            print(
                f"{row['peer']['name']:44}{figure['figure']:>16}{figure['peer']:9.1f} ms{figure['ours']:9.1f} ms"
                f"{figure['peer'] / figure['ours']:11.1f}"
            )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of 50 runs a figure (default 9)")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller measurements")
    parser.add_argument("--host", action="append", choices=list(HOSTS), help="only this one; may be repeated")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        print(json.dumps(asyncio.run(measure(given.child, given.rounds, quick=given.quick))))
        return
    rows = [run_child(name, given.rounds, quick=given.quick) for name in given.host or HOSTS]
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    result = {"machine": machine, "rounds": given.rounds, "hosts": rows}
    print(json.dumps(result, indent=1)) if given.json else show(result)


if __name__ == "__main__":
    main()
