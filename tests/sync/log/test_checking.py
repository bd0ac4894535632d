"""fsck finds whatever is not as the leaves have it, and says which part; rebuild derives the projection anew."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ledger_sync.log import Draft, LogPublisher, LogWriter, fsck, rebuild
from ledger_sync.log.findings import MOST_OF_A_PART
from orchestra_tools.errors import TamperedError
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.store import Head, LedgerStore, Projected, StoredLeaf
from orchestra_tools.trust import canonicalise, sha256_hex
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import leaf_hash, root_of
from orchestra_tools.trust.notes import Note, NoteSigner, sign_note
from orchestra_tools.trust.tiles import Tile, grow
from tests.sync.log.ledgers import (
    NOW_MS,
    ORIGIN,
    SIGNER,
    Changes,
    Clock,
    Rotten,
    founded,
    newcomer,
    renamed,
    slot_of,
    validator,
    witness,
)

LEAVES = 4 + 300 + 2  # genesis, one append, one more


@pytest.fixture
def grown(memory: LedgerStore) -> LedgerStore:
    """A log of two tiles and a bit, with two manifests and three heads."""
    writer = founded(memory)
    writer.commit([*renamed(memory, 3, 1, 3), *(witness(f"w{number}") for number in range(297))])
    withdrawal = Changes(memory).withdraw(2)
    with memory.write() as transaction:
        writer.append(transaction, [withdrawal])
        writer.write_manifest(transaction)
    return memory


def found(store: LedgerStore | Rotten, **options: Any) -> list[tuple[str, str]]:
    """Part and place of every finding."""
    checked = store.as_store() if isinstance(store, Rotten) else store
    return [(each.part, each.where) for each in fsck(checked, key=SIGNER.key, **options).findings]


def test_a_log_that_is_whole_is_clean(store: LedgerStore, tmp_path: Path) -> None:
    writer = founded(store)
    writer.commit([*renamed(store, 1, 2, 1), *(witness(f"w{number}") for number in range(297))])
    LogPublisher(store, tmp_path).publish()
    writer.commit([newcomer(9)])

    report = fsck(store, key=SIGNER.key, published=tmp_path)

    assert report.clean
    assert (report.leaves, report.heads, report.published) == (305, 3, 304)
    assert report.blobs == len(store.blobs())
    assert report.to_json()["findings"] == []


def test_it_says_how_far_it_is(grown: LedgerStore, tmp_path: Path) -> None:
    LogPublisher(grown, tmp_path).publish()
    told: list[tuple[str, int, int]] = []

    fsck(grown, key=SIGNER.key, published=tmp_path, progress=lambda *step: told.append(step))

    assert [step for step in told if step[0] == "leaves"] == [("leaves", 256, LEAVES), ("leaves", LEAVES, LEAVES)]
    assert {stage for stage, _, _ in told} == {"leaves", "blobs", "published"}


def test_an_empty_store_is_clean_but_for_its_name(memory: LedgerStore) -> None:
    assert found(memory) == [("head", "origin")]


def test_leaves_that_are_appended_meanwhile_are_looked_at_too(memory: LedgerStore) -> None:
    writer = founded(memory)
    left = [3]

    def projection() -> object:
        if left[0]:
            left[0] -= 1
            writer.commit([newcomer(50 + left[0])])
        return memory.projection()

    report = fsck(Rotten(memory, projection=projection).as_store(), key=SIGNER.key)

    assert report.clean
    assert report.leaves == 7


# What does not hold


def test_a_changed_leaf_is_found(grown: LedgerStore) -> None:
    rotten = with_leaf(grown, 6, lambda leaf: replace(leaf, data=leaf.data.replace(b"1.0.2", b"1.0.3")))

    # Its hash, what was proposed, and all that comes of it: the tile, the heads over it, the projection.
    assert {
        ("leaf", "6"),
        ("replay", "6"),
        ("tile", "tile/0/000"),
        ("head", "304"),
        ("projection", slot_of(3)),
    } <= set(found(rotten))


def test_a_leaf_that_is_no_event_is_found(grown: LedgerStore) -> None:
    assert ("leaf", "7") in found(with_leaf(grown, 7, lambda leaf: replace(leaf, data=b"{}")))
    assert ("leaf", "7") in found(with_leaf(grown, 7, lambda leaf: replace(leaf, data=leaf.data + b" ")))


def test_a_leaf_that_is_kept_under_another_hash_is_found(grown: LedgerStore) -> None:
    assert found(with_leaf(grown, 7, lambda leaf: replace(leaf, leaf_hash=bytes(32)))) == [("leaf", "7")]


def test_a_leaf_that_is_kept_at_another_place_is_found(grown: LedgerStore) -> None:
    assert found(with_leaf(grown, 7, lambda leaf: replace(leaf, index=8))) == [("leaf", "7")]
    assert found(with_leaf(grown, 7, lambda leaf: replace(leaf, slot="SN9@1"))) == [("leaf", "7")]
    assert found(with_leaf(grown, 7, lambda leaf: replace(leaf, seq=9))) == [("leaf", "7")]


def test_a_missing_leaf_is_found(grown: LedgerStore) -> None:
    rotten = Rotten(grown, leaves=lambda start, stop: grown.leaves(start, min(stop, 300)))

    assert ("leaf", "300") in found(rotten)


def test_leaves_that_no_head_vouches_for_are_found(grown: LedgerStore) -> None:
    with grown.write() as transaction:
        leaf = transaction.leaves(0, 1)[0]
        transaction.append([replace(leaf, index=LEAVES, slot="SN9@1")])

    assert found(grown) == [("leaf", str(LEAVES))]


def test_leaves_without_any_head_are_found(memory: LedgerStore) -> None:
    founded(memory)
    rotten = Rotten(memory, head=lambda: None, projection=dict)

    assert ("leaf", "0") in found(rotten)


@pytest.mark.parametrize(
    ("seq", "prev"), [(0, None), (2, "previous"), (1, None), (1, "00" * 32)], ids=["again", "skipped", "none", "other"]
)
def test_an_event_that_does_not_follow_is_found_although_its_head_is_signed(
    memory: LedgerStore, seq: int, prev: str | None
) -> None:
    founded(memory)
    first = memory.history(slot_of(1))[0]
    event = LogEvent(
        kind="withdrawal",
        slot=slot_of(1),
        seq=seq,
        prev=first.leaf_hash.hex() if prev == "previous" else prev,
        at_ms=0,
    )

    assert ("chain", "4") in found(with_signed(memory, event))


def test_a_slot_begins_with_its_first_event(memory: LedgerStore) -> None:
    founded(memory)
    event = LogEvent(kind="new_subnet", slot="SN9@1", seq=1, prev="00" * 32, at_ms=0)

    assert ("chain", "4") in found(with_signed(memory, event))


def test_a_missing_and_a_changed_document_are_found(grown: LedgerStore) -> None:
    sha256 = grown.projection()[slot_of(3)].entry_sha256
    assert sha256 is not None
    others = [each for each in grown.blobs() if each != sha256]

    gone = Rotten(grown, blobs=lambda: others)
    lost = Rotten(grown, read_blobs=lambda asked: grown.read_blobs(set(asked) - {sha256}))
    changed = Rotten(grown, read_blobs=lambda asked: {**grown.read_blobs(asked), sha256: b"{}"})

    for rotten in (gone, lost, changed):
        assert ("blob", sha256) in found(rotten)


@pytest.mark.parametrize("tile", [Tile(0, 0, 256), Tile(0, 1, LEAVES - 256), Tile(1, 0, 1)])
@pytest.mark.parametrize("answer", [None, b"", "changed"])
def test_a_missing_and_a_changed_tile_are_found(grown: LedgerStore, tile: Tile, answer: bytes | str | None) -> None:
    def read(asked: Tile) -> bytes | None:
        data = grown.tile(asked)
        if asked != tile or data is None:
            return data
        return bytes([data[0] ^ 1]) + data[1:] if isinstance(answer, str) else answer

    assert found(Rotten(grown, tile=read)) == [("tile", tile.path)]


def test_a_head_with_another_root_is_found(grown: LedgerStore) -> None:
    head = grown.head_of(304)
    assert head is not None
    root = bytes(32)
    signed = sign_note(Checkpoint(ORIGIN, 304, root).text, [SIGNER]).encode()

    assert found(with_head(grown, 304, replace(head, root=root))) == [("head", "304"), ("head", "304")]
    assert found(with_head(grown, 304, replace(head, root=root, note=signed))) == [("head", "304")]
    assert found(with_head(grown, 304, replace(head, note=signed))) == [("head", "304")]


def test_a_newest_head_with_another_root_is_found(grown: LedgerStore) -> None:
    head = grown.head()
    assert head is not None

    assert found(Rotten(grown, head=lambda: replace(head, root=bytes(32)))) == [("head", str(LEAVES))]


def test_a_head_that_the_key_has_not_signed_is_found(grown: LedgerStore) -> None:
    head = grown.head_of(304)
    assert head is not None
    text = Checkpoint(ORIGIN, 304, head.root).text
    flipped = head.note[:-10] + bytes([head.note[-10] ^ 1]) + head.note[-9:]

    for note in (sign_note(text, [NoteSigner.generate(ORIGIN)]).encode(), flipped, b""):
        assert found(with_head(grown, 304, replace(head, note=note))) == [("signature", "304")]


def test_a_log_of_another_name_than_its_key_is_found(grown: LedgerStore) -> None:
    with grown.write() as transaction:
        transaction.set_setting("origin", "other.example/log")

    assert ("head", "origin") in found(grown)


def test_a_cosignature_that_is_none_is_found(grown: LedgerStore) -> None:
    head = grown.head()
    assert head is not None
    line = f"— other.example {'A' * 108}"
    with grown.write() as transaction:
        transaction.put_cosignatures(head.size, {"broken.example": "nothing", "moved.example": line})

    assert found(grown) == [("cosignature", "broken.example"), ("cosignature", "moved.example")]


def test_a_projection_that_differs_is_found_and_derived_anew(grown: LedgerStore) -> None:
    latest = grown.projection()
    with grown.write() as transaction:
        transaction.clear_projection()
        transaction.project([each for slot, each in latest.items() if slot not in (slot_of(1), slot_of(3))])
        transaction.project(
            [replace(latest[slot_of(1)], version="9.9.9"), Projected("SN9@1", 1, 0, bytes(32), "1", None)]
        )

    wrong = [("projection", slot_of(1)), ("projection", slot_of(3)), ("projection", "SN9@1")]
    assert found(grown) == wrong
    rebuilt = rebuild(grown, key=SIGNER.key)

    assert [(each.part, each.where) for each in rebuilt.differences] == wrong
    assert (rebuilt.slots, rebuilt.leaves) == (3, LEAVES)
    assert grown.projection() == latest
    assert found(grown) == []
    assert rebuild(grown, key=SIGNER.key).differences == ()


def test_nothing_is_derived_from_leaves_that_the_heads_do_not_vouch_for(memory: LedgerStore) -> None:
    founded(memory)
    event = LogEvent(kind="withdrawal", slot=slot_of(1), seq=1, at_ms=0)
    with memory.write() as transaction:
        transaction.append([stored(4, event)])
    before = memory.projection()

    with pytest.raises(TamperedError, match="nothing can be derived"):
        rebuild(memory, key=SIGNER.key)

    assert memory.projection() == before


@pytest.mark.parametrize(
    "change",
    [
        {"ledger": "other.example/log"},
        {"size": 3},
        {"at_ms": 1},
        {"entries": {}},
        {"entries.index": 1},
        {"entries.leaf": "00" * 32},
        {"entries.version": "2.0.0"},
        {"format": "other"},
    ],
    ids=str,
)
def test_a_manifest_that_is_not_true_is_found(memory: LedgerStore, change: dict[str, Any]) -> None:
    writer = founded(memory)
    manifest = manifest_of(memory)
    for path, value in change.items():
        name, _, field = path.partition(".")
        if field:
            manifest[name][slot_of(1)][field] = value
        else:
            manifest[name] = value

    writer.commit([Draft(kind="manifest", slot=LOG_SLOT, document=canonicalise(manifest))])

    assert ("manifest", "4") in found(memory)


def test_a_manifest_that_is_true_is_clean(memory: LedgerStore) -> None:
    writer = founded(memory)

    writer.commit([Draft(kind="manifest", slot=LOG_SLOT, document=canonicalise(manifest_of(memory)))])

    assert found(memory) == []


@pytest.mark.parametrize("document", [None, b"[]", b"nothing"])
def test_a_manifest_that_cannot_be_read_is_found(memory: LedgerStore, document: bytes | None) -> None:
    founded(memory).commit([Draft(kind="manifest", slot=LOG_SLOT, document=document)])

    assert found(memory) == [("manifest", "4")]


def test_of_many_findings_the_first_are_told(memory: LedgerStore) -> None:
    founded(memory).commit([witness(f"w{number}") for number in range(MOST_OF_A_PART + 50)])
    rotten = Rotten(memory, leaves=lambda *span: [replace(leaf, leaf_hash=bytes(32)) for leaf in memory.leaves(*span)])

    report = fsck(rotten.as_store(), key=SIGNER.key)

    assert len(report.findings) == MOST_OF_A_PART
    assert report.omitted == {"leaf": 54}


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        ("leaves.slot", {"leaf"}),
        ("leaves.leaf_hash", {"leaf"}),
        ("leaves.data", {"leaf", "tile", "head"}),
        ("tiles.data", {"tile"}),
        ("heads.root", {"head"}),
        ("heads.note", {"signature", "head"}),
        ("blobs.sha256", {"blob"}),
        ("blobs.data", {"blob"}),
        ("projection.leaf_hash", {"projection"}),
        ("projection.version", {"projection"}),
        ("projection.entry_sha256", {"projection"}),
        ("cosignatures.line", {"cosignature"}),
    ],
)
def test_a_bit_that_flipped_in_the_database_is_found(sqlite_url: str, column: str, parts: set[str]) -> None:
    """In every byte of one value, behind the back of the store and its triggers."""
    with open_store(sqlite_url) as store:
        writer = founded(store, slots=1)
        head = writer.commit([*renamed(store, 1), witness("validator.example")]).head
        line = str(validator("validator.example").cosign(Note.parse(head.note).text, 1))
        with store.write() as transaction:
            transaction.put_cosignatures(head.size, {"validator.example": line})
        assert fsck(store, key=SIGNER.key).clean
    table, name = column.split(".")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as disk:
        for (trigger,) in disk.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            disk.execute(f"DROP TRIGGER {trigger}")
        row, value = disk.execute(f"SELECT rowid, {name} FROM {table} ORDER BY length({name})").fetchone()
        data = value.encode() if isinstance(value, str) else value
        for at in range(len(data)):
            flipped: bytes | str = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            if isinstance(value, str):
                flipped = cast("bytes", flipped).decode(errors="replace")
            disk.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", [flipped, row])
            with open_store(sqlite_url) as store:
                findings = fsck(store, key=SIGNER.key).findings
            assert {each.part for each in findings} & parts, f"byte {at} of {column}: {findings}"


# The folder


@pytest.fixture
def out(grown: LedgerStore, tmp_path: Path) -> Path:
    """Where `grown` is published, twice: there is a partial tile of before."""
    LogPublisher(grown, tmp_path).publish()
    LogWriter(grown, SIGNER, clock=Clock()).commit([newcomer(9)])
    LogPublisher(grown, tmp_path).publish()
    assert found(grown, published=tmp_path) == []
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "checkpoint",
        "manifest.tlog-proof",
        "tile/0/000",
        "tile/0/001.p/51",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/51",
        "blob",
    ],
)
def test_a_file_that_is_missing_or_changed_is_found(grown: LedgerStore, out: Path, path: str) -> None:
    if path == "blob":
        path = min(each.relative_to(out).as_posix() for each in out.glob("blob/*/*"))
    data = (out / path).read_bytes()

    (out / path).write_bytes(data[:-1])
    assert ("published", path) in found(grown, published=out)
    (out / path).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert ("published", path) in found(grown, published=out)
    (out / path).unlink()
    assert found(grown, published=out) == [("published", path)]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("tile/0/001.p/50", b"other"),
        ("tile/0/001.p/52", bytes(32 * 52)),
        ("tile/0/002", bytes(8192)),
        ("tile/entries/001.p/50", b"other"),
        ("tile/entries/001.p/52", b"other"),
        ("tile/0/000.p/256", b""),
        ("tile/notes.txt", b""),
        ("blob/ab/cd", b""),
    ],
)
def test_a_file_that_is_none_of_the_log_is_found(grown: LedgerStore, out: Path, path: str, data: bytes) -> None:
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    (out / path).write_bytes(data)

    assert found(grown, published=out) == [("published", path)]


def test_a_document_that_the_store_does_not_have_is_found(grown: LedgerStore, out: Path) -> None:
    sha256 = sha256_hex(b"a stranger's")
    path = out / "blob" / sha256[:2] / sha256
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a stranger's")

    assert found(grown, published=out) == [("published", f"blob/{sha256[:2]}/{sha256}")]


def test_a_checkpoint_that_the_store_has_not_signed_is_found(grown: LedgerStore, out: Path) -> None:
    for size in (300, LEAVES + 1, LEAVES + 9):
        note = sign_note(Checkpoint(ORIGIN, size, bytes(32)).text, [SIGNER]).encode()
        (out / "checkpoint").write_bytes(note)
        report = fsck(grown, key=SIGNER.key, published=out)
        assert [(each.part, each.where) for each in report.findings] == [("published", "checkpoint")]
        assert report.published is None


def test_a_proof_of_something_else_is_found(grown: LedgerStore, out: Path) -> None:
    proof = (out / "manifest.tlog-proof").read_bytes()
    index = f"index {LEAVES - 1}\n".encode()
    assert index in proof

    for other in (b"index 3\n", b"index 4\n", b"index 9000\n"):
        (out / "manifest.tlog-proof").write_bytes(proof.replace(index, other))
        assert found(grown, published=out) == [("published", "manifest.tlog-proof")]
    (out / "manifest.tlog-proof").write_bytes(proof)
    old = grown.head_of(304)
    assert old is not None
    (out / "manifest.tlog-proof").write_bytes(proof.partition(b"\n\n")[0] + b"\n\n" + old.note)
    assert found(grown, published=out) == [("published", "manifest.tlog-proof")]


def test_a_folder_that_is_not_there_has_no_checkpoint(grown: LedgerStore, tmp_path: Path) -> None:
    assert ("published", "checkpoint") in found(grown, published=tmp_path / "nowhere")


def with_leaf(store: LedgerStore, index: int, change: Callable[[StoredLeaf], StoredLeaf]) -> Rotten:
    def leaves(start: int, stop: int) -> Sequence[StoredLeaf]:
        return [
            change(leaf) if at == index else leaf for at, leaf in enumerate(store.leaves(start, stop), max(start, 0))
        ]

    return Rotten(store, leaves=leaves)


def with_head(store: LedgerStore, size: int, head: Any) -> Rotten:
    def heads(start: int, stop: int) -> Sequence[Head]:
        return [head if each.size == size else each for each in store.heads(start, stop)]

    return Rotten(store, heads=heads)


def with_signed(store: LedgerStore, event: LogEvent) -> LedgerStore:
    """A log that goes on with an event its writer would not have written, under a head that is signed all the same."""
    leaves = [*store.leaves(0, 100)]
    leaf = stored(len(leaves), event)
    hashes = [each.leaf_hash for each in (*leaves, leaf)]
    root = root_of(hashes)
    tiles = grow(0, hashes, lambda tile: b"")
    note = sign_note(Checkpoint(ORIGIN, len(hashes), root).text, [SIGNER]).encode()
    with store.write() as transaction:
        transaction.put_tiles(tiles)
        transaction.put_head(Head(len(hashes), root, note))
    # A store refuses an event that is there already, so the leaf is shown, not kept.
    return Rotten(store, leaves=lambda start, stop: [*leaves, leaf][start:stop]).as_store()


def stored(index: int, event: LogEvent) -> StoredLeaf:
    data = canonicalise(event.to_json())
    return StoredLeaf(index, event.slot, event.seq, leaf_hash(data), data)


def manifest_of(store: LedgerStore) -> dict[str, Any]:
    """What the manifest of a log of 4 leaves says, at the time of the clock."""
    (event,) = [LogEvent.model_validate_json(leaf.data) for leaf in store.history(LOG_SLOT)]
    manifest: dict[str, Any] = json.loads(store.blob(event.document_sha256 or "") or b"")
    return manifest | {"size": 4, "at_ms": NOW_MS}
