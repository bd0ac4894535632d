"""What only a database can show: it outlives its programs, several share it, and it guards the record by itself."""

from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestra_tools.errors import StoreError
from orchestra_tools.registry.opening import open_store
from tests.debian import REPOSITORY
from tests.registry.store_values import everything, head, leaf, leaves, projected, write_some_of_all


@contextmanager
def raw(url: str) -> Iterator[Any]:
    """A connection that knows nothing of this project, in autocommit."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@contextmanager
def programs(url: str, names: Sequence[str], count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that wait to write to a store."""
    command = [sys.executable, "-m", "tests.registry.store_writer", url]
    started = [
        subprocess.Popen(
            [*command, name, str(count)], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]
    try:
        for each in started:
            assert said_by(each) == "ready"
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def said_by(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().strip()


def go_on(program: subprocess.Popen[str]) -> None:
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()


def test_what_was_committed_is_there_when_it_is_opened_again(database_url: str) -> None:
    with open_store(database_url) as store:
        with store.write() as writer:
            write_some_of_all(writer)
        before = everything(store)
    with open_store(database_url) as store:
        assert everything(store) == before


def test_two_stores_on_one_database_see_each_other(database_url: str) -> None:
    with open_store(database_url) as ours, open_store(database_url) as theirs:
        for at in range(3):
            with (ours, theirs)[at % 2].write() as writer:
                writer.append([leaf(at)])
        assert ours.leaves(0, 9) == theirs.leaves(0, 9) == leaves(0, 3)


@pytest.mark.slow
def test_programs_that_write_at_once_lose_nothing(database_url: str) -> None:
    names = ["SN1@1", "SN2@1", "SN3@1"]
    with programs(database_url, names, 15) as started:
        for each in started:
            go_on(each)
        told = {
            name: [int(line) for line in each.communicate()[0].split()]
            for name, each in zip(names, started, strict=True)
        }
        assert [each.returncode for each in started] == [0, 0, 0]
    with open_store(database_url) as store:
        assert sorted(index for indices in told.values() for index in indices) == list(range(45))
        assert [each.index for each in store.leaves(0, 99)] == list(range(45))
        assert [each.size for each in store.heads(0, 99)] == list(range(1, 46))
        for name in names:
            assert [each.index for each in store.history(name)] == told[name] == sorted(told[name])


@pytest.mark.slow
def test_a_program_that_holds_a_transaction_stops_writers_and_no_readers(database_url: str) -> None:
    with programs(database_url, ["SN1@1"], 0) as (holder,), open_store(database_url, wait_s=0.1) as store:
        go_on(holder)
        assert said_by(holder) == "held"
        assert store.leaves(0, 9) == []
        with pytest.raises(StoreError, match=r"another writer held .* for more than 0\.1 s"), store.write():
            pass
        go_on(holder)
        assert holder.wait() == 0
        with store.write() as writer:
            assert [each.slot for each in writer.leaves(0, 9)] == ["SN1@1"]


@pytest.mark.slow
def test_a_program_that_is_killed_in_a_transaction_leaves_nothing_of_it_and_frees_the_turn(database_url: str) -> None:
    with programs(database_url, ["SN1@1"], 0) as (holder,), open_store(database_url) as store:
        go_on(holder)
        assert said_by(holder) == "held"
        holder.kill()
        holder.wait()
        with store.write() as writer:
            writer.append([leaf(0)])
        assert store.leaves(0, 9) == [leaf(0)]
        assert store.blobs() == []


@pytest.mark.slow
def test_programs_that_open_a_new_store_at_once_all_succeed(new_database_url: str) -> None:
    names = ["SN1@1", "SN2@1", "SN3@1"]
    with programs(new_database_url, names, 1) as started:
        for each in started:
            go_on(each)
        assert sorted(each.communicate()[0].strip() for each in started) == ["0", "1", "2"]


KEYS = {
    "leaves": "leaf_index",
    "heads": "size",
    "blobs": "sha256",
    "commitments": "number",
    "nonces": "hotkey, nonce",
}


@pytest.mark.parametrize("table", KEYS)
def test_the_database_itself_refuses_to_change_what_was_recorded(database_url: str, table: str) -> None:
    key = KEYS[table].rpartition(" ")[2]
    with open_store(database_url) as store, store.write() as writer:
        write_some_of_all(writer)
    changes = [f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"]
    if database_url.startswith("sqlite"):
        changes += [
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
            f"UPDATE OR REPLACE {table} SET {key} = {key}",
        ]
    else:
        changes += [
            f"TRUNCATE {table} CASCADE",
            f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({KEYS[table]}) DO UPDATE SET {key} = DEFAULT",
        ]
    with raw(database_url) as connection:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        for change in changes:
            with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="never changed"):
                connection.execute(change)
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == rows != []


def test_a_replaced_leaf_is_refused_by_its_seq_as_well(sqlite_url: str) -> None:
    """In SQLite a replacing insert would delete the other leaf of that slot and `seq` without asking its trigger."""
    with open_store(sqlite_url) as store, store.write() as writer:
        writer.append(leaves(0, 2))
    with raw(sqlite_url) as connection, pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("INSERT OR REPLACE INTO leaves VALUES (9, 'SN13@1907637', 1, x'00', x'00')")


def test_a_commit_is_on_the_disk_when_it_returns(database_url: str) -> None:
    """The settings that promise it, as the connection of a writer has them."""
    with open_store(database_url) as store, store.write() as writer:
        connection = writer._connection  # type: ignore[attr-defined]  # what a port does not show
        wanted = {"synchronous": 2, "foreign_keys": 1, "journal_mode": "wal"}
        if not database_url.startswith("sqlite"):
            wanted = {"synchronous_commit": "on", "transaction_isolation": "read committed", "lock_timeout": "30s"}
        show = "PRAGMA" if database_url.startswith("sqlite") else "SHOW"
        assert {name: connection.exec_driver_sql(f"{show} {name}").scalar() for name in wanted} == wanted


def test_a_server_that_would_not_wait_for_its_disk_is_told_to(postgres_url: str) -> None:
    with raw(postgres_url) as connection:
        connection.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET synchronous_commit = off")
    with open_store(postgres_url) as store, store.write() as writer:
        connection = writer._connection  # type: ignore[attr-defined]  # what a port does not show
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_writer_that_was_waited_for_is_seen_by_the_one_that_waited(database_url: str) -> None:
    """A snapshot taken before the turn came would miss what the writer before has committed."""
    with open_store(database_url) as first, open_store(database_url) as second:
        held, seen = threading.Event(), []

        def wait_and_look() -> None:
            held.set()
            with second.write() as writer:
                seen.append(writer.head())

        waiting = threading.Thread(target=wait_and_look)
        with first.write() as writer:
            waiting.start()
            held.wait()
            writer.put_head(head(7))
        waiting.join()
        assert seen == [head(7)]


def test_a_thousand_leaves_are_one_transaction(database_url: str) -> None:
    with open_store(database_url) as store:
        with store.write() as writer:
            writer.append(leaves(0, 1_000))
            writer.put_blobs(str(number).encode() for number in range(1_000))
            writer.project([projected(f"SN{number}@1", index=number) for number in range(1_000)])
        assert len(store.leaves(0, 2_000)) == len(store.blobs()) == len(store.projection()) == 1_000


def test_a_store_that_was_forgotten_closes_its_connections(postgres_url: str) -> None:
    """Nobody must be left with a warning, or the server with a session."""
    store = open_store(postgres_url)
    assert store.head() is None
    del store
    gc.collect()
    with raw(postgres_url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        deadline = 200
        while connection.execute(query).fetchone() != (0,) and deadline:
            connection.execute("SELECT pg_sleep(0.05)")
            deadline -= 1
        assert deadline


def test_a_path_says_the_same_as_its_url(tmp_path: Path) -> None:
    path = tmp_path / "100% my ledger?#.sqlite"
    with open_store(path) as store, store.write() as writer:
        writer.put_head(head(1))
    with open_store(f"sqlite:///{str(path).replace('%', '%25').replace('?', '%3F')}") as store:
        assert store.head() == head(1)
        assert store.name == f"sqlite:///{path}"
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [path.name]
