"""Whatever fails below a store is told, with what to do about it; nothing is half written, and no password shows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from orchestra_tools.errors import ConfigurationError, StoreError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.sql import SqlStore
from orchestra_tools.registry.store import LedgerStore
from tests.debian import REPOSITORY
from tests.postgres import PostgresServer, end_sessions
from tests.registry.store_values import head, leaf, leaves
from tests.registry.test_databases import raw

SECRET = "hunter2-pässwörd"  # percent-encoded where it stands in a URL
SPELLED = "hunter2-p%C3%A4ssw%C3%B6rd"


def told(error: BaseException) -> str:
    """All that a user, or a log, could get to see of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    "where",
    [
        "ledger.json",
        "memory",
        "",
        f"mysql://me:{SPELLED}@127.0.0.1/ledger",
        f"postgresql+asyncpg://me:{SPELLED}@127.0.0.1/ledger",
        f"postgresql://me:{SPELLED}@127.0.0.1:port/ledger",
        f"postgresql://me:{SPELLED}@a:1,b:2/ledger",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///ledger.sqlite?mode=ro",
        "sqlite://host/ledger.sqlite",
        "~nobody-of-that-name/ledger.sqlite",
    ],
)
def test_what_names_no_store_is_refused_with_the_forms_that_do(where: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_store(where)
    assert SECRET not in told(refused.value)
    assert SPELLED not in told(refused.value)


@pytest.mark.parametrize(
    "form",
    [
        "postgresql://me:{}@127.0.0.1:{port}/ledger",
        "postgres://me:{}@127.0.0.1:{port}/ledger",
        "postgresql+psycopg://127.0.0.1:{port}/ledger?user=me&password={}",
        "postgresql://me:{}@nobody.invalid/ledger",
        "postgresql://me:{}@127.0.0.1:{port}/ledger?no_such_option=1",
        "postgresql://me:{}@127.0.0.1:{closed}/ledger",
    ],
)
def test_no_error_and_no_name_shows_a_password(postgres_server: PostgresServer, form: str) -> None:
    url = form.format(SPELLED, port=postgres_server.port, closed=9)
    with pytest.raises(StoreError) as refused:
        open_store(url)
    store = SqlStore(url)
    for shown in (told(refused.value), store.name, repr(store), repr(vars(store)["_engine"])):
        assert SECRET not in shown
        assert SPELLED not in shown
    assert "password" not in store.name
    assert refused.value.facts["store"] == store.name


@pytest.mark.parametrize(
    ("url", "reason", "words"),
    [
        ("postgresql://ledger@127.0.0.1:{port}/absent", "unreachable", "cannot be reached"),
        ("postgresql://nobody@127.0.0.1:{port}/postgres", "unreachable", "cannot be reached"),
        ("postgresql://ledger@127.0.0.1:9/postgres", "unreachable", "cannot be reached"),
        ("postgresql://ledger@nobody.invalid/postgres", "unreachable", "cannot be reached"),
    ],
)
def test_a_server_that_lets_nobody_in_is_told(
    postgres_server: PostgresServer, url: str, reason: str, words: str
) -> None:
    with pytest.raises(StoreError, match=words) as refused:
        open_store(url.format(port=postgres_server.port))
    assert refused.value.facts["reason"] == reason
    assert refused.value.remedy


def test_a_connection_that_is_lost_in_a_transaction_is_told_and_the_next_one_works(postgres_url: str) -> None:
    with open_store(postgres_url) as store:

        def write() -> None:
            with store.write() as writer:
                writer.put_head(head(1))
                end_sessions(postgres_url)
                writer.put_head(head(2))

        with pytest.raises(StoreError) as lost:
            write()
        assert lost.value.facts["reason"] == "unreachable"
        assert store.head() is None
        with store.write() as writer:
            writer.put_head(head(3))
        end_sessions(postgres_url)
        assert store.head() == head(3)


def test_a_connection_that_is_lost_while_committing_leaves_it_open_what_was_kept(postgres_url: str) -> None:
    with open_store(postgres_url) as store:

        def write() -> None:
            with store.write() as writer:
                writer.put_head(head(1))
                end_sessions(postgres_url)

        with pytest.raises(StoreError, match="it may have been kept") as lost:
            write()
        assert lost.value.facts["reason"] == "unknown"
        assert store.head() is None


def test_a_user_without_rights_is_told_so(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("GRANT SELECT ON ledger_schema TO reader")
    database = postgres_url.rpartition("/")[2]
    url = f"postgresql://reader@127.0.0.1:{postgres_server.port}/{database}"
    with open_store(url) as store:
        with pytest.raises(StoreError, match="does not let this user do that") as refused:
            store.head()
        assert refused.value.facts["reason"] == "read_only"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


def test_a_server_that_is_read_only_is_told(postgres_url: str) -> None:
    with raw(postgres_url) as connection:
        connection.execute(f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET default_transaction_read_only = on")
    refusal = pytest.raises(StoreError, match="cannot be written")
    with open_store(postgres_url) as store, refusal as refused, store.write() as writer:
        writer.put_head(head(1))
    assert "primary" in str(refused.value)


def test_tables_that_somebody_dropped_are_told(database_url: str) -> None:
    with open_store(database_url) as store:
        with store.write() as writer:
            writer.put_head(head(1))
        with SqlStore(database_url) as other, other.write() as writer:
            connection = writer._connection  # type: ignore[attr-defined]  # what a port does not show
            connection.exec_driver_sql("DROP TABLE settings")
        with pytest.raises(StoreError) as refused:
            store.setting("origin")
    assert refused.value.facts["reason"] == "schema"


def test_a_file_that_is_none_of_sqlite_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"{}" * 5_000)
    for use in (open_store, lambda where: SqlStore(str(where), read_only=True).check()):
        with pytest.raises(StoreError, match="is not a SQLite file") as refused:
            use(path)
        assert refused.value.facts["reason"] == "no_database"
    assert path.read_bytes() == b"{}" * 5_000
    assert list(tmp_path.glob("ledger*")) == [path]


def test_a_damaged_file_is_told(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_store(path) as store, store.write() as writer:
        writer.append(leaves(0, 400))
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with SqlStore(sqlite_url) as store, pytest.raises(StoreError, match="damaged") as refused:
        store.leaves(0, 400)
    assert "restore it from a backup" in str(refused.value)


@pytest.mark.parametrize("where", ["absent/ledger.sqlite", "folder.sqlite"])
def test_a_place_that_cannot_hold_a_file_is_told(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(StoreError, match="cannot be opened") as refused:
        open_store(tmp_path / where)
    assert refused.value.facts["reason"] == "unreachable"


def test_a_file_that_was_replaced_under_a_program_is_opened_anew(sqlite_url: str, tmp_path: Path) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    backup = Path(shutil.copyfile(path, tmp_path / "backup.sqlite"))
    with open_store(backup) as store, store.write() as writer:
        writer.put_head(head(7))
    with open_store(path) as store:
        with store.write() as writer:
            writer.put_head(head(1))
        for beside in tmp_path.glob("ledger.sqlite-*"):
            beside.unlink()
        backup.replace(path)
        assert store.head() == head(7)
        with store.write() as writer:
            writer.put_head(head(8))
        path.unlink()
        with pytest.raises(StoreError, match="cannot be opened"), store.write() as writer:
            writer.put_head(head(9))
        assert not path.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the platform lets us mount no small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_ledger_as_it_was(small_disk: Path) -> None:
    with open_store(small_disk / "ledger.sqlite") as store:
        with store.write() as writer:
            writer.append([leaf(0)])
            writer.put_head(head(1))

        def write_too_much() -> None:
            with store.write() as writer:
                writer.append([leaf(1)])
                writer.put_blob(os.urandom(2_000_000))
                writer.put_head(head(2))

        with pytest.raises(StoreError, match="disk") as refused:
            write_too_much()
        assert refused.value.facts["reason"] in ("full", "disk")
        expect_as_before(store)
        with store.write() as writer:
            writer.append([leaf(1)])
    with closing(sqlite3.connect(small_disk / "ledger.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def expect_as_before(store: LedgerStore) -> None:
    assert store.leaves(0, 9) == [leaf(0)]
    assert store.head() == head(1)
    assert store.blobs() == []


def test_a_write_that_the_system_refuses_leaves_the_ledger_as_it_was(sqlite_url: str) -> None:
    """A limit on the size of files fails the disk in the middle of a transaction, and at its commit."""
    with open_store(sqlite_url) as store, store.write() as writer:
        writer.append([leaf(0)])
        writer.put_head(head(1))
    script = f"""
        import os, resource, signal
        from orchestra_tools.errors import StoreError
        from orchestra_tools.registry.opening import open_store
        from tests.registry.store_values import head, leaf

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        for room in (0, 20_000, 60_000, 200_000):
            with open_store({sqlite_url!r}) as store:
                limit = os.path.getsize({sqlite_url.removeprefix("sqlite:///")!r}) + room
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
                try:
                    with store.write() as writer:
                        writer.append([leaf(1)])
                        writer.put_blob(os.urandom(1_000_000))
                        writer.put_head(head(2))
                    print("kept")
                except StoreError as error:
                    print(error.facts["reason"])
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                assert store.leaves(0, 9) == [leaf(0)]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["disk"] * 4, "")
    with open_store(sqlite_url) as store:
        expect_as_before(store)


def test_a_value_that_was_changed_behind_the_stores_back_is_told(database_url: str) -> None:
    with open_store(database_url) as store:
        with store.write() as writer:
            writer._connection.exec_driver_sql(  # type: ignore[attr-defined]  # what a port does not show
                "INSERT INTO cases VALUES (0, 'a', 'open', 's', 'f', 'h', '{}')"
            )
        with pytest.raises(StoreError, match="a case of the store cannot be read"):
            store.case("a")


def test_a_store_that_is_only_read_is_not_written(database_url: str) -> None:
    with SqlStore(database_url, read_only=True) as store:
        with pytest.raises(StoreError, match="was opened to be read"), store.write():
            pass
        assert store.head() is None
