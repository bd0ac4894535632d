"""Kills writers and publishers with SIGKILL at every named place, and anywhere else, and checks what is left.

    python -m tests.sync.log.crashing [--rounds N] [--seed N] [--folder DIR] [--postgresql] [--json]

In each round one or two processes append to one ledger and publish it, and say over a pipe what was acknowledged to
them. They are killed: by themselves at a named place, or from outside at a time nobody chose. Then, before and after
recovery: fsck finds nothing, every acknowledged append is there once and where it was said to be, what was not
acknowledged is there whole or not at all, and no head that anybody ever saw is gone or has another root.

The program forks, so that a round costs no interpreter: run it as a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ledger_sync.log import Appended, LogPublisher, LogWriter, ManifestPolicy, fsck
from ledger_sync.log.faults import COMMITTED, COMMITTING, DRAFT_WRITTEN, FILE_RENAMED, PLACES, Reached
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.notes import open_note
from tests.postgres import run_postgres
from tests.sync.log.ledgers import SETTINGS, SIGNER, Changes, Clock, small_ledger
from tests.trust.independent_reader import read_log

ROUNDS_A_LEDGER = 40  # then a new one begins: fsck reads all of it each time
SLOTS = 3
POLICY = ManifestPolicy(leaves=10)
OUTSIDE = "from outside"
Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """How a worker ends.

    Attributes:
        place: Where it kills itself; None = it is killed from outside.
        visit: At which visit of that place.
        after_s: When it is killed from outside.
        worker: Tells its appends from those of others.
        appends: How many it makes, if it lives that long.
    """

    place: str | None
    visit: int
    after_s: float
    worker: str
    appends: int


@dataclass
class Seen:
    """What a ledger has promised so far.

    Attributes:
        indices: Where each acknowledged draft stands, by its mark.
        batches: The marks of every batch that was begun.
        heads: Root (hex) of every head that anybody saw, by size.
        published: Leaves under the newest checkpoint that a reader saw.
    """

    indices: dict[str, int] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    heads: dict[int, str] = field(default_factory=dict)
    published: int = 0

    def take(self, told: dict[str, Any]) -> None:
        """Remember what a worker said."""
        if "begun" in told:
            self.batches.append(told["begun"])
        self.indices.update(told.get("indices", {}))
        if "size" in told:
            self.see(told["size"], told["root"])

    def see(self, size: int, root: str) -> None:
        """Remember a head."""
        assert self.heads.setdefault(size, root) == root, f"two heads of {size} leaves were shown"


class Crashing:
    """Rounds, one after the other, in ledgers that live for some of them each."""

    def __init__(self, folder: Path, seed: int, new_store: Callable[[Path], str]) -> None:
        """Begin nothing yet.

        Args:
            folder: Where the ledgers lie.
            seed: Of all that is left to chance.
            new_store: Gives the URL of an empty store, for a ledger with that folder.
        """
        self._folder = folder
        self._new_store = new_store
        self._url = ""
        self._random = random.Random(seed)
        self._home = folder
        self._seen = Seen()
        self.kills: Counter[str] = Counter()
        self.promised = 0

    def run(self, rounds: int) -> None:
        """Go through some rounds."""
        for number in range(rounds):
            if number % ROUNDS_A_LEDGER == 0:
                self._begin(number)
            before = len(self._seen.indices)
            self._crash(number)
            self._check(recover=number + 1 == rounds or self._random.random() < 0.7)
            self.promised += len(self._seen.indices) - before
            if number % 50 == 49:
                print(f"{number + 1} of {rounds} rounds", file=sys.stderr, flush=True)

    def _begin(self, number: int) -> None:
        if self._home != self._folder:
            shutil.rmtree(self._home)
        self._home = self._folder / f"ledger-{number}"
        self._home.mkdir()
        self._url = self._new_store(self._home)
        self._seen = Seen()

    def _crash(self, number: int) -> None:
        workers = 1 if self._random.random() < 0.6 else 2
        plans = [self._plan(number, each) for each in range(workers)]
        running = [_fork(self._url, self._home, plan) for plan in plans]
        for (process, pipe), plan in zip(running, plans, strict=True):
            for told in _listen(pipe, process, plan):
                self._seen.take(told)
            _, status = os.waitpid(process, 0)
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            assert killed or status == 0, f"a worker ended by itself with status {status}"
            self.kills[(plan.place or OUTSIDE) if killed else "not at all"] += 1

    def _plan(self, number: int, worker: int) -> Plan:
        first_time = number < len(PLACES)
        place = PLACES[(number + 7 * worker) % len(PLACES)]
        visits = 8 if place in (DRAFT_WRITTEN, FILE_RENAMED) else 3
        return Plan(
            place=None if not first_time and self._random.random() < 0.2 else place,
            visit=1 if first_time else self._random.randint(1, visits),
            after_s=self._random.uniform(0, 0.1),
            worker=f"{number}.{worker}",
            appends=self._random.randint(2, 4),
        )

    def _check(self, *, recover: bool) -> None:
        log = self._home / "log"
        with open_store(self._url) as store:
            if store.head() is None:
                assert not self._seen.indices
                assert not (log / "checkpoint").exists()
                return
            self._check_store(store, log)
            if recover:
                LogWriter(store, SIGNER, clock=Clock())
                head = LogPublisher(store, log).publish().head
                self._check_store(store, log)
                assert read_log(str(log), str(SIGNER.key)).size == self._seen.published == head.size
                assert (log / "checkpoint").read_bytes() == head.note

    def _check_store(self, store: LedgerStore, log: Path) -> None:
        seen = self._seen
        out = (log / "checkpoint").exists()
        report = fsck(store, key=SIGNER.key, published=log if out else None)
        assert report.clean, "\n".join(map(str, report.findings))
        if out:
            shown = Checkpoint.parse(open_note((log / "checkpoint").read_bytes(), [SIGNER.key]).note.text)
            assert shown.size >= seen.published, "the published log shrank"
            seen.published = shown.size
            seen.see(shown.size, shown.root.hex())
        for size, root in seen.heads.items():
            head = store.head_of(size)
            assert head is not None, f"the head of {size} leaves is gone"
            assert head.root.hex() == root, f"the head of {size} leaves has another root"
        there = _marks(store, report.leaves)
        for mark, index in seen.indices.items():
            assert there.get(mark) == index, f"{mark} was acknowledged at {index} and is at {there.get(mark)}"
        for batch in seen.batches:
            kept = [mark for mark in batch if mark in there]
            assert kept in ([], batch), f"of {batch} only {kept} are there"


def _marks(store: LedgerStore, size: int) -> dict[str, int]:
    """Where each marked draft stands."""
    marks: dict[str, int] = {}
    for leaf in store.leaves(0, size):
        event = read_leaf(leaf.data, leaf.index)
        if event.evidence_sha256 is not None:
            mark = (store.blob(event.evidence_sha256) or b"").decode()
            assert mark not in marks, f"{mark} is there twice"
            marks[mark] = leaf.index
    return marks


def _fork(url: str, home: Path, plan: Plan) -> tuple[int, int]:
    """A worker's process, and the end of its pipe that it is heard at."""
    hear, speak = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(hear)
        _end_as_worker(url, home, plan, speak)
    os.close(speak)
    return process, hear


def _end_as_worker(url: str, home: Path, plan: Plan, speak: int) -> NoReturn:
    status = 1
    try:
        _work(url, home, plan, lambda told: _write_line(speak, told))
        status = 0
    except BaseException as error:  # noqa: BLE001  # a fork must not go on as its parent
        print(f"worker {plan.worker}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(status)


def _work(url: str, home: Path, plan: Plan, tell: Tell) -> None:
    """Begin the log or find it, publish it, append to it, publish it."""
    visits = 0

    def reached(place: str) -> None:
        nonlocal visits
        visits += place == plan.place
        if visits == plan.visit:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_store(url) as store:
        writer = LogWriter(store, SIGNER, clock=Clock(), manifests=POLICY, reached=reached)
        publisher = LogPublisher(store, home / "log", reached=reached)
        if store.head() is None:
            with suppress(ConfigurationError):  # another worker was first
                _tell_head(tell, writer.found(small_ledger(SLOTS), settings=SETTINGS))
        _tell_head(tell, publisher.publish().head)
        for number in range(plan.appends):
            marks = [f"{plan.worker}.{number}.{each}" for each in range(1 + number % 3)]
            tell({"begun": marks})
            appended = _append(store, writer, marks, reached)
            tell({"indices": dict(zip(marks, appended.indices, strict=True))})
            _tell_head(tell, appended.head)
            if (renewed := writer.renew_manifest()) is not None:
                _tell_head(tell, renewed)
            if number % 2:
                _tell_head(tell, publisher.publish().head)


def _append(store: LedgerStore, writer: LogWriter, marks: list[str], reached: Reached) -> Appended:
    # What is proposed follows from what is there: governance decides within the transaction, too.
    with store.write() as transaction:
        changes = Changes(transaction)
        drafts = [changes.rename(1 + at % SLOTS, mark, mark=mark) for at, mark in enumerate(marks)]
        appended = writer.append(transaction, drafts)
        reached(COMMITTING)
    reached(COMMITTED)
    return appended


def _tell_head(tell: Tell, head: Any) -> None:
    tell({"size": head.size, "root": head.root.hex()})


def _write_line(pipe: int, told: dict[str, Any]) -> None:
    # Shorter than what a pipe takes at once: a line is never torn.
    os.write(pipe, json.dumps(told).encode() + b"\n")


def _listen(pipe: int, process: int, plan: Plan) -> list[dict[str, Any]]:
    """What a worker says until it ends. One that does not end itself is killed when its time has come."""
    data = bytearray()
    ends_s = time.monotonic() + plan.after_s
    alive = plan.place is None
    while True:
        left_s = max(ends_s - time.monotonic(), 0) if alive else None
        if not select.select([pipe], [], [], left_s)[0]:
            os.kill(process, signal.SIGKILL)
            alive = False
        elif chunk := os.read(pipe, 65_536):
            data += chunk
        else:
            os.close(pipe)
            return [json.loads(line) for line in data.splitlines()]


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description="Kill writers and publishers, and check what is left.")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the ledgers lie; default: a folder of their own")
    parser.add_argument("--postgresql", action="store_true", help="in a server of its own, in place of SQLite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    began_s = time.monotonic()
    with run_postgres() if options.postgresql else nullcontext() as server:
        new_store = _new_sqlite if server is None else lambda _: server.create_ledger()
        crashing = Crashing(folder, options.seed, new_store)
        try:
            crashing.run(options.rounds)
        except AssertionError as error:
            print(f"a promise was broken: {error}\nthe ledger is left in {folder}", file=sys.stderr)
            return 1
    shutil.rmtree(folder)
    told = {
        "rounds": options.rounds,
        "seed": options.seed,
        "promised": crashing.promised,
        "seconds": round(time.monotonic() - began_s, 1),
        "killed": dict(sorted(crashing.kills.items())),
    }
    print(json.dumps(told) if options.json else "\n".join(_table(told)))
    return 0


def _new_sqlite(home: Path) -> str:
    return f"sqlite:///{home / 'ledger.sqlite'}"


def _table(told: dict[str, Any]) -> list[str]:
    return [
        f"{told['rounds']} rounds in {told['seconds']} s, {told['promised']} acknowledged appends, no promise broken",
        *(f"  {count:5}  killed {place}" for place, count in told["killed"].items()),
    ]


if __name__ == "__main__":
    sys.exit(main())
