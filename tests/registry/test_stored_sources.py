"""A stored ledger as a source: its current entries, its log, and nothing of it made or changed by reading."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger_sync.log import LogWriter
from orchestra_tools.errors import ConfigurationError, ProofError, StoreError, TamperedError
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.registry import LiveLedger, open_source
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.sql import SqlStore
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.registry.stored import StoredRecord, StoreSource
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.notes import Note
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.proofs import verify_tlog_proof
from orchestra_tools.trust.tiles import Tile
from tests.debian import REPOSITORY
from tests.postgres import end_sessions
from tests.sync.log.ledgers import (
    NOW_MS,
    ORIGIN,
    SIGNER,
    Changes,
    Clock,
    Rotten,
    entry_of,
    founded,
    renamed,
    slot_of,
    validator,
)


def printed_by(script: str, *arguments: str) -> str:
    """What a fresh interpreter prints; it must say nothing else."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.fixture
def store(database_url: str) -> Iterator[LedgerStore]:
    """A store that its operator has open."""
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def writer(store: LedgerStore) -> LogWriter:
    """The writer of a log of three slots."""
    return founded(store)


def test_the_current_entries_are_read_from_a_database_by_its_url(database_url: str, writer: LogWriter) -> None:
    source = open_source(database_url)
    ledger = source.load()
    assert [entry.to_json() for entry in ledger] == [entry_of(netuid).to_json() for netuid in (1, 2, 3)]
    assert source.load() is ledger
    assert source.far == database_url.startswith("postgresql")
    assert (source.poll_s > 1) == source.far
    assert isinstance(source, StoreSource)
    assert source.name == database_url


def test_a_path_that_ends_like_a_database_is_one(sqlite_url: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    with open_store(path) as store:
        founded(store)
        assert len(open_source(path).load()) == len(open_source(Path(path)).load()) == 3


def test_a_store_in_memory_is_a_source_as_well() -> None:
    with open_store("memory:") as store:
        founded(store)
        source = StoreSource(store)
        assert len(source.load()) == 3
        assert not source.far
        assert source.record.size() == 4


def test_a_change_is_seen_and_compiled_and_what_did_not_change_is_not_read_again(
    database_url: str, store: LedgerStore, writer: LogWriter
) -> None:
    live = LiveLedger(open_source(database_url))
    before = live.catalogue.ledger
    assert live.refresh().added == ()
    writer.commit(renamed(store, 2))
    live.refresh()
    after = live.catalogue.ledger
    assert after.find_entry(2).name == "name 4"
    assert after.find_entry(1) is before.find_entry(1)
    changes = Changes(store)
    writer.commit([changes.withdraw(3)])
    live.refresh()
    assert [entry.netuid for entry in live.catalogue.ledger] == [1, 2]


def test_the_fingerprint_changes_with_each_head_and_is_told_without_raising(
    database_url: str, store: LedgerStore
) -> None:
    source = open_source(database_url)
    seen = [source.fingerprint()]
    writer = founded(store)
    seen.append(source.fingerprint())
    writer.commit(renamed(store, 1))
    seen.append(source.fingerprint())
    assert len(set(seen)) == 3
    assert source.fingerprint() == seen[-1]
    store.close()
    assert StoreSource(store).fingerprint() == "unreadable: closed"


def test_a_database_that_goes_away_and_comes_back_is_read_again(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        founded(store)
        source = open_source(postgres_url)
        before = source.load(), source.fingerprint()
        end_sessions(postgres_url)
        assert (source.load(), source.fingerprint()) == before


@pytest.mark.parametrize("where", ["sqlite:///{}/absent.sqlite", "{}/absent.db"])
def test_a_file_that_is_not_there_is_told_and_not_made(tmp_path: Path, where: str) -> None:
    source = open_source(where.format(tmp_path))
    assert source.fingerprint() == "unreadable: unreachable"
    with pytest.raises(ConfigurationError, match="there is no ledger") as refused:
        source.load()
    assert refused.value.remedy
    assert not list(tmp_path.glob("absent*"))


def test_a_store_without_a_log_is_told(database_url: str, store: LedgerStore) -> None:
    source = open_source(database_url)
    assert source.fingerprint() == ""
    with pytest.raises(ConfigurationError, match="has no log yet"):
        source.load()
    record = source.record
    assert record is not None
    assert record.size() == 0
    assert record.events(0, 10) == []
    with pytest.raises(ProofError, match="no leaf 0"):
        record.prove(0)


def test_reading_a_closed_ledger_leaves_nothing_beside_it(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with open_store(sqlite_url) as store:
        founded(store)
    before = path.read_bytes(), path.stat().st_mtime_ns
    script = "import sys; from orchestra_tools.registry import open_source; print(len(open_source(sys.argv[1]).load()))"
    assert printed_by(script, sqlite_url) == "3"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [each.name for each in path.parent.glob("ledger.sqlite*")] == ["ledger.sqlite"]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """The folder of a test once more, where nobody can write: as a volume that is mounted to be read only."""
    view = tmp_path / "view"
    view.mkdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    commands = (["mount", "--bind", folder, view], ["mount", "-o", "remount,ro,bind", view])
    if shutil.which("mount") is None or any(
        subprocess.run(command, capture_output=True, check=False).returncode for command in commands
    ):
        pytest.skip("the platform lets us mount no folder")
    yield view
    subprocess.run(["umount", view], check=True)


def test_a_folder_that_cannot_be_written_is_read_with_its_writer_and_without(read_only: Path) -> None:
    """One reader, from before a writer comes until after it has gone."""
    path = read_only.parent / "folder" / "ledger.sqlite"
    with open_store(path) as store:
        founded(store)
    with SqlStore(str(read_only / "ledger.sqlite"), read_only=True) as reader:
        source = StoreSource(reader)
        assert len(source.load()) == 3
        for number in (1, 2):
            with open_store(path) as store:
                LogWriter(store, SIGNER, clock=Clock()).commit(renamed(store, number))
                assert source.load().find_entry(number).name == f"name {number + 3}"
            assert source.load().find_entry(number).name == f"name {number + 3}"


def test_a_folder_that_cannot_be_written_takes_no_changes(read_only: Path) -> None:
    with open_store(read_only.parent / "folder" / "ledger.sqlite"):
        pass
    with pytest.raises(StoreError, match="cannot be opened") as refused:
        open_store(read_only / "ledger.sqlite")
    assert "who may use it" in str(refused.value)


def test_the_record_has_every_event_and_its_documents(database_url: str, store: LedgerStore, writer: LogWriter) -> None:
    writer.commit(renamed(store, 2, 2))
    record = open_source(database_url).record
    assert record is not None
    assert record.size() == 6
    events = record.events(-3, 100)
    assert [each.index for each in events] == list(range(6))
    assert [each.event.kind for each in events] == ["genesis"] * 3 + ["manifest"] + ["identity_change"] * 2
    assert list(record.events(2, 4)) == list(events[2:4])
    assert record.events(4, 4) == record.events(9, 2) == []
    history = record.history(slot_of(2))
    assert [each.index for each in history] == [1, 4, 5]
    entry = entry_bytes(entry_of(2))
    assert record.blob(sha256_hex(entry)) == entry == record.blob(str(history[0].event.entry_sha256))
    with pytest.raises(TamperedError, match="is missing"):
        record.blob("00" * 32)


def test_every_leaf_is_proved_under_the_newest_head_with_its_cosignatures(
    database_url: str, store: LedgerStore, writer: LogWriter
) -> None:
    writer.commit(renamed(store, 1, 2, 3))
    head = store.head()
    assert head is not None
    witness = validator("witness.example/one")
    with store.write() as transaction:
        cosignature = witness.cosign(Note.parse(head.note).text, NOW_MS // 1000)
        transaction.put_cosignatures(head.size, {"witness.example/one": str(cosignature)})
    record = open_source(database_url).record
    assert record is not None
    policy = TrustPolicy.of([SIGNER.key])
    for each in record.events(0, head.size):
        proof = record.prove(each.index)
        assert b"witness.example/one" in proof.note
        assert proof.extra == each.leaf
        verified = verify_tlog_proof(each.leaf, proof.encode(), policy, datetime.fromtimestamp(NOW_MS / 1000, UTC))
        assert verified.checkpoint.size == head.size
        assert verified.checkpoint.origin == ORIGIN
    for index in (-1, head.size, 2**64):
        with pytest.raises(ProofError, match="there is no leaf"):
            record.prove(index)


def test_what_is_missing_or_differs_in_the_store_is_not_passed_on() -> None:
    with open_store("memory:") as store:
        founded(store)
        digest = store.projection()[slot_of(1)].entry_sha256
        assert digest is not None
        other = Rotten(store, read_blobs=lambda _: {digest: b"{}"}).as_store()
        with pytest.raises(TamperedError, match="has other bytes"):
            StoreSource(other).load()
        with pytest.raises(TamperedError, match="not all leaves"):
            StoredRecord(Rotten(store, leaves=lambda *_: []).as_store()).events(0, 2)
        with pytest.raises(TamperedError, match="tile/0/000"):
            StoredRecord(Rotten(store, tile=lambda _: None).as_store()).prove(0)
        assert store.tile(Tile(0, 0, 4)) is not None


def test_importing_the_registry_brings_no_database_along() -> None:
    script = (
        "import sys, orchestra_tools.registry, orchestra_tools.registry.opening\n"
        "orchestra_tools.registry.open_source(None)\n"
        "print({'sqlalchemy', 'alembic', 'psycopg'} & set(sys.modules))"
    )
    assert printed_by(script) == "set()"


def test_opening_a_ledger_that_is_up_to_date_starts_no_migrations(sqlite_url: str) -> None:
    script = (
        "import sys; from orchestra_tools.registry.opening import open_store\n"
        "open_store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    assert printed_by(script, sqlite_url) == "False"


def test_a_closed_store_says_so_to_whoever_reads_it() -> None:
    store = open_store("memory:")
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        StoreSource(store).load()
