"""Publishing: others can read it, every file appears whole, and nothing that readers saw is taken back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ledger_sync.log import Draft, LogPublisher, LogWriter
from orchestra_tools.errors import (
    ConfigurationError,
    ForkError,
    NoteError,
    RollbackError,
    StoreError,
    TamperedError,
)
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.registry.memory import MemoryStore
from orchestra_tools.registry.published import KeptHeads, LogFolder, LogSite, PublishedLog
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.registry.stored import cosigned_note
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.cosignatures import CosignatureSigner
from orchestra_tools.trust.notes import Note, NoteSigner, open_note
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.proofs import verify_tlog_proof
from tests.sync.log.ledgers import (
    NOW_MS,
    SETTINGS,
    SIGNER,
    Clock,
    Rotten,
    entry_of,
    founded,
    newcomer,
    slot_of,
    small_ledger,
    witness,
)
from tests.trust.independent_reader import read_log
from tests.trust.test_independent_reader import as_specified, serve

VKEY = str(SIGNER.key)
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
POLICY = TrustPolicy.parse(f"log {VKEY}\nquorum none\n")


def test_a_reader_that_shares_no_code_accepts_the_log(store: LedgerStore, tmp_path: Path) -> None:
    writer = founded(store)
    publisher = LogPublisher(store, tmp_path / "log")
    for batch in (1, 250, 3, 300):
        writer.commit([witness(f"{batch}/{number}") for number in range(batch)])
        publication = publisher.publish()
        log = read_log(str(tmp_path / "log"), VKEY)
        assert (log.size, log.root) == (publication.head.size, publication.head.root)

    assert log.leaves == [leaf.data for leaf in store.leaves(0, 1_000)]
    with serve(tmp_path / "log", as_specified) as url:
        assert read_log(url, VKEY) == log


def test_a_client_accepts_the_log_from_a_folder_and_over_http(memory: LedgerStore, tmp_path: Path) -> None:
    ledger = packaged_ledger()
    LogWriter(memory, SIGNER, clock=Clock()).found(ledger, settings=SETTINGS)
    LogPublisher(memory, tmp_path / "log").publish()

    with serve(tmp_path / "log", as_specified) as url:
        for files in (LogFolder(tmp_path / "log"), LogSite(url)):
            log = PublishedLog(files, POLICY, KeptHeads(tmp_path / "heads"), now=lambda: NOW)
            latest = log.latest()
            assert latest.keys() == {str(entry.slot) for entry in ledger}
            blobs = log.blobs([each.entry_sha256 for each in latest.values() if each.entry_sha256])
            assert set(blobs.values()) == {entry_bytes(entry) for entry in ledger}


def test_the_files_lie_where_the_specification_has_them(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)

    publication = LogPublisher(memory, tmp_path).publish()

    blobs = [f"blob/{sha256[:2]}/{sha256}" for sha256 in memory.blobs()]
    expected = {"checkpoint", "manifest.tlog-proof", "tile/0/000.p/4", "tile/entries/000.p/4", *blobs}
    assert set(files_in(tmp_path)) == expected
    assert publication.files == len(expected)
    assert publication.size_before == 0
    for sha256 in memory.blobs():
        assert sha256_hex((tmp_path / "blob" / sha256[:2] / sha256).read_bytes()) == sha256


def test_files_can_be_read_by_a_web_server_of_another_user(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    before = os.umask(0o022)
    try:
        LogPublisher(memory, tmp_path).publish()
    finally:
        os.umask(before)

    assert {(tmp_path / path).stat().st_mode & 0o777 for path in files_in(tmp_path)} == {0o644}


def test_the_newest_manifest_comes_with_its_proof(memory: LedgerStore, tmp_path: Path) -> None:
    writer = founded(memory)
    writer.commit([newcomer(9)])
    with memory.write() as transaction:
        writer.write_manifest(transaction)
    writer.commit([newcomer(10)])
    LogPublisher(memory, tmp_path).publish()

    leaf = memory.leaves(5, 6)[0].data
    head = verify_tlog_proof(leaf, (tmp_path / "manifest.tlog-proof").read_bytes(), POLICY, NOW)

    assert head.checkpoint.size == 7


def test_publishing_again_writes_nothing(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    publisher = LogPublisher(memory, tmp_path)
    publisher.publish()
    before = state_of(tmp_path)

    publication = publisher.publish()

    assert (publication.files, publication.size_before) == (0, 4)
    assert state_of(tmp_path) == before


def test_only_what_is_new_is_read_and_written(memory: LedgerStore, tmp_path: Path) -> None:
    writer = founded(memory)
    writer.commit([witness(f"w{number}") for number in range(1_300)])
    LogPublisher(memory, tmp_path).publish()
    writer.commit([witness("one-more")])
    asked: list[int] = []

    def leaves(start: int, stop: int) -> object:
        asked.append(start)
        return memory.leaves(start, stop)

    publication = LogPublisher(Rotten(memory, leaves=leaves).as_store(), tmp_path).publish()

    # Its bundle, its tile and its document, then the proof and the checkpoint; the manifest is looked for backwards.
    assert publication.files == 5
    assert asked[0] == 1_280


def test_a_partial_tile_goes_when_the_full_one_is_there(memory: LedgerStore, tmp_path: Path) -> None:
    writer = founded(memory)
    publisher = LogPublisher(memory, tmp_path)
    publisher.publish()
    writer.commit([witness("one-more")])
    publisher.publish()
    assert {"tile/0/000.p/4", "tile/0/000.p/5", "tile/entries/000.p/5"} <= set(files_in(tmp_path))

    writer.commit([witness(f"w{number}") for number in range(256)])
    publisher.publish()

    tiles = {path for path in files_in(tmp_path) if path.startswith("tile/")}
    assert tiles == {
        "tile/0/000",
        "tile/0/001.p/5",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/5",
    }


def test_cosignatures_that_come_later_are_added_to_the_checkpoint(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    publisher = LogPublisher(memory, tmp_path)
    head = publisher.publish().head
    validators = [CosignatureSigner.generate(f"validator-{name}.example") for name in "ba"]
    text = Note.parse(head.note).text
    with memory.write() as transaction:
        transaction.put_cosignatures(
            head.size, {each.key.name: str(each.cosign(text, NOW_MS // 1000)) for each in validators}
        )

    publication = publisher.publish()

    note = (tmp_path / "checkpoint").read_bytes()
    assert publication.files == 2
    assert note.startswith(head.note)
    assert {key.name for key in open_note(note, [each.key for each in validators]).verified} == {
        "validator-a.example",
        "validator-b.example",
    }
    assert note == cosigned_note(memory, head).encode()
    assert read_log(str(tmp_path), VKEY).size == 4


def test_what_a_change_was_made_of_is_published_with_the_evidence_of_its_verdicts(
    memory: LedgerStore, tmp_path: Path
) -> None:
    writer = founded(memory)
    with memory.write() as transaction:
        handed_in = transaction.put_blob(b"evidence of a validator")
        private = transaction.put_blob(b"of an open case")
    verdicts = (
        b'{"evidence_sha256":"%s"}' % handed_in.encode(),
        b'{"evidence_sha256":"%s"}' % (b"0" * 64),
        b'{"evidence_sha256":7}',
        b"[]",
        b"not JSON",
    )
    entry = entry_of(1, version="1.1.0")
    writer.commit(
        [
            Draft(
                kind="schema_change",
                slot=slot_of(1),
                version="1.1.0",
                entry=entry_bytes(entry),
                proposal=b"proposal",
                verdicts=verdicts,
                evidence=b"evidence",
            )
        ]
    )

    LogPublisher(memory, tmp_path).publish()

    out = {Path(path).name for path in files_in(tmp_path) if path.startswith("blob/")}
    assert out == set(memory.blobs()) - {private}


# What readers saw is not taken back


def test_a_store_without_a_log_has_nothing_to_publish(memory: LedgerStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no log yet"):
        LogPublisher(memory, tmp_path).publish()

    assert not files_in(tmp_path)


def test_a_store_that_lost_leaves_cannot_overwrite_the_checkpoint(tmp_path: Path) -> None:
    with MemoryStore() as store, MemoryStore() as backup:
        founded(backup)
        writer = founded(store)
        writer.commit([newcomer(9)])
        LogPublisher(store, tmp_path).publish()
        before = state_of(tmp_path)

        with pytest.raises(RollbackError, match="shows 5 leaves") as raised:
            LogPublisher(backup, tmp_path).publish()

    assert raised.value.kept.encode() == (tmp_path / "checkpoint").read_bytes()
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("more", [1, 2])
def test_a_store_with_another_history_cannot_overwrite_the_checkpoint(tmp_path: Path, more: int) -> None:
    with MemoryStore() as store, MemoryStore() as fork:
        founded(store).commit([newcomer(9)])
        LogPublisher(store, tmp_path).publish()
        founded(fork).commit([newcomer(10 + number) for number in range(more)])
        before = state_of(tmp_path)

        with pytest.raises(ForkError, match="has not signed") as raised:
            LogPublisher(fork, tmp_path).publish()

    assert open_note(raised.value.kept, [SIGNER.key]).verified == (SIGNER.key,)
    assert open_note(raised.value.shown, [SIGNER.key]).verified == (SIGNER.key,)
    assert state_of(tmp_path) == before


def test_a_folder_with_another_log_is_refused(memory: LedgerStore, tmp_path: Path) -> None:
    other = NoteSigner.generate("other.example/log")
    with MemoryStore() as store:
        writer = LogWriter(store, other, clock=Clock())
        writer.found(small_ledger(), settings={"origin": "other.example/log"})
        LogPublisher(store, tmp_path).publish()
    founded(memory, slots=5)

    with pytest.raises(ConfigurationError, match=r"other\.example/log"):
        LogPublisher(memory, tmp_path).publish()


def test_a_checkpoint_that_cannot_be_read_is_not_overwritten(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    (tmp_path / "checkpoint").write_bytes(b"nothing of the kind")

    with pytest.raises(NoteError):
        LogPublisher(memory, tmp_path).publish()

    assert (tmp_path / "checkpoint").read_bytes() == b"nothing of the kind"


@pytest.mark.parametrize("path", ["tile/0/000.p/5", "tile/entries/000.p/5", "blob"])
def test_a_file_that_stands_there_with_other_bytes_is_not_overwritten(
    memory: LedgerStore, tmp_path: Path, path: str
) -> None:
    writer = founded(memory)
    LogPublisher(memory, tmp_path).publish()
    checkpoint = (tmp_path / "checkpoint").read_bytes()
    draft = newcomer(9)
    writer.commit([draft])
    if path == "blob":
        sha256 = sha256_hex(cast("bytes", draft.entry))
        path = f"blob/{sha256[:2]}/{sha256}"
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"other bytes")

    with pytest.raises(TamperedError) as raised:
        LogPublisher(memory, tmp_path).publish()

    assert raised.value.facts["path"] == path
    assert (tmp_path / path).read_bytes() == b"other bytes"
    assert (tmp_path / "checkpoint").read_bytes() == checkpoint


def test_bytes_that_the_log_does_not_vouch_for_are_not_published(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    leaves = list(memory.leaves(0, 4))
    leaf = leaves[2]
    entry = memory.projection()[slot_of(2)].entry_sha256
    spoilt = type(leaf)(leaf.index, leaf.slot, leaf.seq, leaf.leaf_hash, leaf.data.replace(b"genesis", b"Genesis"))
    rotten: list[tuple[str, object]] = [
        ("leaf", Rotten(memory, leaves=lambda start, stop: [*leaves[:2], spoilt, leaves[3]][start:stop])),
        ("leaf", Rotten(memory, leaves=lambda start, stop: leaves[start : min(stop, 3)])),
        ("tile", Rotten(memory, tile=lambda tile: bytes(32 * tile.width))),
        ("tile", Rotten(memory, tile=lambda tile: None)),
        ("blob", Rotten(memory, read_blobs=lambda asked: memory.read_blobs({*asked} - {entry}))),
        ("blob", Rotten(memory, read_blobs=lambda asked: {**memory.read_blobs(asked), entry: b"x"})),
    ]

    for part, store in rotten:
        with pytest.raises(TamperedError) as raised:
            LogPublisher(cast("Rotten", store).as_store(), tmp_path).publish()
        assert raised.value.facts["part"] == part
        assert not (tmp_path / "checkpoint").exists()


def test_a_folder_that_cannot_be_written_is_a_store_error(memory: LedgerStore, tmp_path: Path) -> None:
    founded(memory)
    (tmp_path / "file").touch()
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "tile").touch()

    for folder in (tmp_path / "file", tmp_path / "log"):
        with pytest.raises(StoreError, match="cannot be published"):
            LogPublisher(memory, folder).publish()


def files_in(folder: Path) -> Iterable[str]:
    """Every file that the public sees, by its path."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.startswith("."))


def state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every such file, with what tells whether it was written anew."""
    return {path: ((folder / path).stat().st_ino, (folder / path).read_bytes()) for path in files_in(folder)}
