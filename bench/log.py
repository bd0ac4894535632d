"""How fast the log is appended to, published and verified, beside plain SQLite that is given the same rows.

    python bench/log.py [--json] [--rounds N] [--appends N] [--postgresql]

An append is a change as it comes: a leaf, and five documents of its own (an entry of the packaged ledger of some 25 kB,
the signed proposal, two signed verdicts, 2 kB of evidence). Making them, and deciding on them, is not in the figures.
The peer inserts leaf, documents and head as they are, in the same transactions with the same settings (WAL, FULL), and
computes nothing: no hash, no tile, no signature. Both take turns, in fresh databases. Every figure is the median of the
rounds, with the lowest and the highest: what lies between them is noise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

if not __package__:
    # Run as a file: its own folder has a module called mcp, which must not hide the package.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from ledger_sync.log import Draft, LogPublisher, LogWriter, fsck  # see above
from orchestra_tools.importers.entry_bytes import entry_from_bytes  # see above
from orchestra_tools.registry import packaged_ledger  # see above
from orchestra_tools.registry.opening import open_store  # see above
from orchestra_tools.registry.published import KeptHeads, LogFolder, PublishedLog  # see above
from orchestra_tools.registry.store import LedgerStore  # see above
from orchestra_tools.registry.stored import tile_reader  # see above
from orchestra_tools.trust.merkle import (  # see above
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from orchestra_tools.trust.policy import TrustPolicy  # see above
from orchestra_tools.trust.tiles import TileHashes  # see above
from tests.postgres import run_postgres  # see above
from tests.sync.log.ledgers import SETTINGS, SIGNER, Changes  # see above

EVIDENCE_BYTES = 2_000
BATCH = 100
CHECKS = 500  # proofs of a round


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was measured.
        unit: Its unit.
        values: One for each round.
        reach: What is to be reached, as a number of the unit; None = nothing is.
        at_least: Whether more is better.
    """

    name: str
    unit: str
    values: Sequence[float]
    reach: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether it is as good as it is to be."""
        if self.reach is None:
            return None
        return self.median >= self.reach if self.at_least else self.median <= self.reach


class Bench:
    """Measures one round after the other."""

    def __init__(self, folder: Path, appends: int) -> None:
        self._folder = folder
        self._appends = appends
        self._slots = [str(entry.slot) for entry in packaged_ledger() if entry.operations]
        self._names: dict[str, str] = {}
        self._made = 0
        self.values: dict[str, list[float]] = {}

    def run_round(self, number: int) -> None:
        """Everything on SQLite, once."""
        home = self._folder / f"round-{number}"
        home.mkdir()
        for name, batch, count in (("batched", BATCH, self._appends), ("alone", 1, min(self._appends, 200))):
            with self._opened(f"sqlite:///{home / f'{name}.db'}") as store:
                ours = self._append(store, self._drafts(store, count), batch)
                self._take(f"{name} sqlite", ours)
                raw = insert_raw(home / f"{name}-raw.db", rows_of(store, count), batch)
                self._take(f"{name} raw", raw)
                self._take(f"{name} ratio", ours / raw)
                if name == "batched":
                    self._read(store, home)
        shutil.rmtree(home)

    def run_server(self, url: str) -> None:
        """Appending to a database server."""
        with self._opened(url) as store:
            self._take("batched postgresql", self._append(store, self._drafts(store, self._appends), BATCH))
            self._take("alone postgresql", self._append(store, self._drafts(store, min(self._appends, 200)), 1))

    @contextmanager
    def _opened(self, url: str) -> Iterator[LedgerStore]:
        with open_store(url) as store:
            if store.head() is None:
                self._writer(store).found(packaged_ledger(), settings=SETTINGS)
                self._names = {str(entry.slot): entry.name for entry in packaged_ledger()}
            yield store

    def _writer(self, store: LedgerStore) -> LogWriter:
        return LogWriter(store, SIGNER, clock=lambda: time.time_ns() // 1_000_000)

    def _append(self, store: LedgerStore, drafts: Sequence[Draft], batch: int) -> float:
        """Appends a second."""
        writer = self._writer(store)
        began_s = time.perf_counter()
        for start in range(0, len(drafts), batch):
            writer.commit(drafts[start : start + batch])
        return len(drafts) / (time.perf_counter() - began_s)

    def _read(self, store: LedgerStore, home: Path) -> None:
        """What readers do with the log."""
        out = home / "log"
        self._take("publish all", seconds(lambda: LogPublisher(store, out).publish()))
        self._writer(store).commit(self._drafts(store, 1))
        self._take("publish one", 1_000 * seconds(lambda: LogPublisher(store, out).publish()))
        self._writer(store).commit(self._drafts(store, 1))
        self._take("publish manifest", 1_000 * seconds(lambda: self._publish_manifest(store, out)))
        self._take("verify entries", seconds(lambda: self._verify_entries(out)))
        self._take("fsck", seconds(lambda: self._check(store, out)))
        self._check_proofs(store)

    def _publish_manifest(self, store: LedgerStore, out: Path) -> None:
        with store.write() as transaction:
            self._writer(store).write_manifest(transaction)
        LogPublisher(store, out).publish()

    def _verify_entries(self, out: Path) -> None:
        """As a client that has nothing but the key: every entry stands in the log, and has its bytes."""
        with tempfile.TemporaryDirectory() as heads:
            policy = TrustPolicy.of([SIGNER.key])
            log = PublishedLog(LogFolder(out), policy, KeptHeads(Path(heads)), now=lambda: datetime.now(UTC))
            latest = log.latest()
            for slot, each in latest.items():
                (recorded,) = log.events(each.index, each.index + 1)
                assert recorded.event.entry_sha256 is not None
                entry_from_bytes(slot, log.blob(recorded.event.entry_sha256))
            assert len(latest) == len(packaged_ledger())

    def _check(self, store: LedgerStore, out: Path) -> None:
        assert fsck(store, key=SIGNER.key, published=out).clean

    def _check_proofs(self, store: LedgerStore) -> None:
        head = store.head()
        assert head is not None
        read = TileHashes(head.size, tile_reader(store))
        inclusion, consistency = 0.0, 0.0
        for number in range(CHECKS):
            index = number * (head.size - 1) // CHECKS
            leaf, path = read(0, index), prove_inclusion(index, head.size, read)
            old_root, growth = tree_root(index + 1, read), prove_consistency(index + 1, head.size, read)
            began_s = time.perf_counter()
            verify_inclusion(leaf, index=index, size=head.size, proof=path, root=head.root)
            middle_s = time.perf_counter()
            verify_consistency(
                old_size=index + 1, new_size=head.size, proof=growth, old_root=old_root, new_root=head.root
            )
            inclusion += middle_s - began_s
            consistency += time.perf_counter() - middle_s
        self._take("inclusion", 1_000 * inclusion / CHECKS)
        self._take("consistency", 1_000 * consistency / CHECKS)

    def _drafts(self, store: LedgerStore, count: int) -> list[Draft]:
        """Accepted changes, one after the other, each to the name of an entry."""
        changes, names = Changes(store), dict(self._names)
        drafts = []
        for number in range(count):
            slot = self._slots[number % len(self._slots)]
            self._made += 1
            name = f"{names[slot][:40]} {self._made}"
            evidence = f"{self._made} ".ljust(EVIDENCE_BYTES, "e")
            drafts.append(changes.propose(slot, "identity_change", "name", names[slot], name, mark=evidence))
            names[slot] = name
        self._names = names
        return drafts

    def _take(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)


def rows_of(store: LedgerStore, count: int) -> list[list[tuple[str, tuple[Any, ...]]]]:
    """The last appends of a store, each as the rows that keep it."""
    head = store.head()
    assert head is not None
    rows = []
    for leaf in store.leaves(head.size - count, head.size):
        event = json.loads(leaf.data)
        digests = [event[name] for name in ("entry_sha256", "proposal_sha256", "evidence_sha256")] + event["verdicts"]
        blobs = [("INSERT INTO blobs VALUES (?, ?)", (sha256, store.blob(sha256))) for sha256 in digests]
        row = (leaf.index, leaf.slot, leaf.seq, leaf.leaf_hash, leaf.data)
        rows.append([*blobs, ("INSERT INTO leaves VALUES (?, ?, ?, ?, ?)", row)])
    return rows


def insert_raw(path: Path, appends: Sequence[Sequence[tuple[str, tuple[Any, ...]]]], batch: int) -> float:
    """Rows by the `sqlite3` module alone; appends a second."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE leaves (leaf_index INTEGER PRIMARY KEY, slot TEXT, seq INTEGER, leaf_hash BLOB, data BLOB,"
        " UNIQUE (slot, seq));"
        "CREATE TABLE blobs (sha256 TEXT PRIMARY KEY, data BLOB);"
        "CREATE TABLE heads (size INTEGER PRIMARY KEY, root BLOB, note BLOB);"
    )
    began_s = time.perf_counter()
    for start in range(0, len(appends), batch):
        connection.execute("BEGIN IMMEDIATE")
        for append in appends[start : start + batch]:
            for statement, row in append:
                connection.execute(statement, row)
        connection.execute("INSERT INTO heads VALUES (?, ?, ?)", (start, bytes(32), bytes(180)))
        connection.execute("COMMIT")
    took_s = time.perf_counter() - began_s
    connection.close()
    return len(appends) / took_s


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def measure_machine(folder: Path) -> dict[str, float]:
    """What the figures rest on: a small durable write, and hashing."""
    fsync_ms = []
    for number in range(50):
        with (folder / f"probe-{number}").open("wb") as file:
            file.write(bytes(4_096))
            file.flush()
            fsync_ms.append(1_000 * seconds(lambda: os.fsync(file.fileno())))  # called at once
    data = bytes(50_000_000)
    hashed_s = seconds(lambda: hashlib.sha256(data).digest())
    return {
        "fsync_ms": round(statistics.median(fsync_ms), 2),
        "fsync_ms_p90": round(sorted(fsync_ms)[45], 2),
        "sha256_mb_per_s": round(50 / hashed_s),
        "load": round(os.getloadavg()[0], 2),
    }


def figures_of(values: dict[str, list[float]], appends: int) -> list[Figure]:
    """The table."""
    size = appends + 130  # those of the genesis
    told = [
        Figure("appends, batches of 100, SQLite", "/s", values["batched sqlite"], 1_000, at_least=True),
        Figure("  the same rows, sqlite3 alone", "/s", values["batched raw"]),
        Figure("  ratio", "", values["batched ratio"]),
        Figure("appends, one at a time, SQLite", "/s", values["alone sqlite"]),
        Figure("  the same rows, sqlite3 alone", "/s", values["alone raw"]),
        Figure("  ratio", "", values["alone ratio"]),
    ]
    if "batched postgresql" in values:
        told += [
            Figure("appends, batches of 100, PostgreSQL", "/s", values["batched postgresql"]),
            Figure("appends, one at a time, PostgreSQL", "/s", values["alone postgresql"]),
        ]
    return [
        *told,
        Figure(f"inclusion proof, {size:,} leaves, check", "ms", values["inclusion"], 1),
        Figure(f"consistency proof, {size:,} leaves, check", "ms", values["consistency"], 1),
        Figure(f"publish {size:,} leaves and their documents", "s", values["publish all"]),
        Figure("publish one more", "ms", values["publish one"]),
        Figure("write a manifest and publish it", "ms", values["publish manifest"]),
        Figure("a client verifies 129 entries", "s", values["verify entries"], 1),
        Figure(f"fsck of {size:,} leaves, documents and folder", "s", values["fsck"]),
    ]


def main() -> int:
    """The command; 1 where a figure is not reached."""
    parser = argparse.ArgumentParser(description="Measure the log.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--appends", type=int, default=1_000)
    parser.add_argument("--postgresql", action="store_true", help="also in a server of its own")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_postgres() if options.postgresql else nullcontext() as server,
    ):
        machine = measure_machine(Path(folder))
        bench = Bench(Path(folder), options.appends)
        for number in range(options.rounds):
            bench.run_round(number)
            if server is not None:
                bench.run_server(server.create_ledger())
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    figures = figures_of(bench.values, options.appends)
    if options.json:
        lines = [{"name": each.name.strip(), "unit": each.unit, "rounds": each.values} for each in figures]
        print(json.dumps({"machine": machine, "figures": lines}))
    else:
        print_table(machine, figures)
    return 0 if all(each.reached is not False for each in figures) else 1


def print_table(machine: dict[str, float], figures: Sequence[Figure]) -> None:
    """The figures, for people."""
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {machine['load']}; "
        f"fsync {machine['fsync_ms']} ms (p90 {machine['fsync_ms_p90']}), SHA-256 {machine['sha256_mb_per_s']} MB/s\n"
    )
    print("| figure | median | lowest to highest | to reach |\n|---|---|---|---|")
    for each in figures:
        reach = "" if each.reach is None else f"{'≥' if each.at_least else '≤'} {each.reach:,} {each.unit}"
        mark = "" if each.reached is not False else "**not reached** "
        spread = f"{spell(min(each.values))} to {spell(max(each.values))}"
        print(f"| {each.name} | {spell(each.median)} {each.unit} | {spread} | {mark}{reach} |")


def spell(value: float) -> str:
    """A number with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
