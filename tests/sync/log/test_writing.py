"""The log's writer: one head for each append, all of it or nothing, and only by the key that began the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger_sync.log import Draft, LogWriter, ManifestPolicy, fsck
from ledger_sync.log.manifests import newest_manifest
from orchestra_tools.errors import (
    ConfigurationError,
    InputError,
    LedgerFormatError,
    StoreError,
    TamperedError,
)
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model import Ledger, SandboxMark, Unreadable
from orchestra_tools.model.event import LOG_SLOT, Manifest
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.registry.store import Head, LedgerStore
from orchestra_tools.trust import canonicalise
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import leaf_hash, root_of
from orchestra_tools.trust.notes import NoteSigner, open_note
from orchestra_tools.trust.policy import TrustPolicy
from orchestra_tools.trust.rotations import sign_rotation
from orchestra_tools.trust.tiles import Tile
from tests.sync.log.ledgers import (
    NOW_MS,
    ORIGIN,
    SETTINGS,
    SIGNER,
    Changes,
    Clock,
    entry_of,
    founded,
    newcomer,
    renamed,
    slot_of,
    small_ledger,
    witness,
)

# The genesis


def test_the_genesis_has_a_leaf_for_each_slot_in_order_then_a_manifest_under_one_head(store: LedgerStore) -> None:
    head = LogWriter(store, SIGNER, clock=Clock()).found(small_ledger(3), settings=SETTINGS)

    leaves = store.leaves(0, 10)
    assert [(leaf.index, leaf.slot, leaf.seq) for leaf in leaves] == [
        (0, slot_of(1), 0),
        (1, slot_of(2), 0),
        (2, slot_of(3), 0),
        (3, LOG_SLOT, 0),
    ]
    assert [read_leaf(leaf.data, leaf.index).kind for leaf in leaves] == ["genesis"] * 3 + ["manifest"]
    assert head == store.head() == store.head_of(4)
    assert [store.head_of(size) for size in (1, 2, 3)] == [None] * 3
    opened = open_note(head.note, [SIGNER.key])
    assert Checkpoint.parse(opened.note.text) == Checkpoint(ORIGIN, 4, root_of([leaf.leaf_hash for leaf in leaves]))


def test_a_leaf_is_canonical_and_names_the_entry_it_begins_with(store: LedgerStore) -> None:
    founded(store)

    (leaf,) = store.leaves(0, 1)
    event = read_leaf(leaf.data, 0)
    assert leaf.data == canonicalise(event.to_json())
    assert leaf.leaf_hash == leaf_hash(leaf.data)
    assert event.entry_sha256 is not None
    assert store.blob(event.entry_sha256) == entry_bytes(entry_of(1))
    assert (event.version, event.at_ms, event.prev) == ("1.0.0", NOW_MS, None)


def test_the_settings_are_kept(store: LedgerStore) -> None:
    founded(store)

    assert (store.setting("origin"), store.setting("network")) == (ORIGIN, "finney")


def test_the_packaged_ledger_begins_a_log(store: LedgerStore) -> None:
    ledger = packaged_ledger()

    head = LogWriter(store, SIGNER, clock=Clock()).found(ledger, settings=SETTINGS)

    assert head.size == len(ledger) + 1
    assert store.projection().keys() == {str(entry.slot) for entry in ledger}
    assert fsck(store, key=SIGNER.key).clean


def test_a_ledger_without_entries_begins_with_its_manifest(store: LedgerStore) -> None:
    head = LogWriter(store, SIGNER, clock=Clock()).found(Ledger([]), settings=SETTINGS)

    assert head.size == 1
    assert fsck(store, key=SIGNER.key).clean


def test_a_log_begins_once(store: LedgerStore) -> None:
    writer = founded(store)
    head = store.head()

    with pytest.raises(ConfigurationError, match="has a log already"):
        writer.found(small_ledger(5), settings=SETTINGS)

    assert store.head() == head
    assert len(store.projection()) == 3


def test_a_ledger_of_which_a_part_cannot_be_read_begins_no_log(store: LedgerStore) -> None:
    ledger = Ledger([entry_of(1)], unreadable={"SN2": Unreadable({}, ())})

    with pytest.raises(LedgerFormatError, match="SN2"):
        LogWriter(store, SIGNER, clock=Clock()).found(ledger, settings=SETTINGS)

    assert store.head() is None


def test_the_origin_is_the_name_of_the_key(store: LedgerStore) -> None:
    with pytest.raises(ConfigurationError, match="name of the key"):
        LogWriter(store, SIGNER, clock=Clock()).found(small_ledger(), settings={"origin": "other.example/log"})


def test_nothing_is_appended_before_the_genesis(store: LedgerStore) -> None:
    writer = LogWriter(store, SIGNER, clock=Clock())

    with pytest.raises(ConfigurationError, match="no log yet"):
        writer.commit([newcomer(4)])
    with store.write() as transaction, pytest.raises(ConfigurationError, match="no log yet"):
        writer.write_manifest(transaction)
    assert writer.renew_manifest() is None


# Appending


def test_an_event_follows_the_one_before_it_of_its_slot(store: LedgerStore) -> None:
    clock = Clock()
    writer = founded(store, clock=clock)
    clock.now_ms += 5

    appended = writer.commit(renamed(store, 1, 2, 1))

    assert appended.indices == range(4, 7)
    assert appended.head == store.head()
    first, other, second = (read_leaf(leaf.data, leaf.index) for leaf in store.leaves(4, 7))
    genesis = store.leaves(0, 1)[0]
    assert (first.seq, first.prev, first.at_ms) == (1, genesis.leaf_hash.hex(), NOW_MS + 5)
    assert (second.seq, second.prev) == (2, store.leaves(4, 5)[0].leaf_hash.hex())
    assert (other.slot, other.seq) == (slot_of(2), 1)
    latest = store.projection()[slot_of(1)]
    assert (latest.index, latest.seq, latest.version) == (6, 2, "1.0.2")
    assert fsck(store, key=SIGNER.key).clean


def test_an_event_that_says_no_version_keeps_the_one_before(memory: LedgerStore) -> None:
    writer = founded(memory)

    writer.commit([Draft(kind="identity_change", slot=slot_of(1), entry=entry_bytes(entry_of(1)))])
    writer.commit([Draft(kind="identity_change", slot=slot_of(9), entry=entry_bytes(entry_of(9)))])

    assert memory.projection()[slot_of(1)].version == "1.0.0"
    assert memory.projection()[slot_of(9)].version == "0.0.0"


def test_a_withdrawn_entry_keeps_its_slot(store: LedgerStore) -> None:
    writer = founded(store)

    writer.commit([Changes(store).withdraw(2)])

    latest = store.projection()[slot_of(2)]
    assert (latest.entry_sha256, latest.version, latest.seq) == (None, "2.0.0", 1)
    writer.commit([Changes(store).begin(2)])
    assert store.projection()[slot_of(2)].seq == 2
    assert fsck(store, key=SIGNER.key).clean


def test_documents_are_kept_and_named_by_their_digest(store: LedgerStore) -> None:
    writer = founded(store)
    with store.write() as transaction:
        evidence = transaction.put_blob(b"evidence")

    writer.commit(
        [
            Draft(
                kind="schema_change",
                slot=slot_of(1),
                entry=entry_bytes(entry_of(1)),
                proposal=b"proposal",
                verdicts=(b"first verdict", b"second verdict"),
                evidence=evidence,
            )
        ]
    )

    event = read_leaf(store.leaves(4, 5)[0].data, 4)
    assert event.evidence_sha256 == evidence
    assert event.proposal_sha256 is not None
    assert store.blob(event.proposal_sha256) == b"proposal"
    assert [store.blob(verdict) for verdict in event.verdicts] == [b"first verdict", b"second verdict"]


def test_a_document_that_is_not_kept_cannot_be_named(store: LedgerStore) -> None:
    writer = founded(store)

    with pytest.raises(InputError, match="no document 00"):
        writer.commit([Draft(kind="schema_change", slot=slot_of(1), evidence="00" * 32)])

    assert fsck(store, key=SIGNER.key).leaves == 4


def test_an_event_that_fits_no_leaf_is_refused(store: LedgerStore) -> None:
    writer = founded(store)
    verdicts = tuple(str(number).encode() for number in range(1_000))

    with pytest.raises(InputError, match="65,535"):
        writer.commit([Draft(kind="schema_change", slot=slot_of(1), verdicts=verdicts)])

    assert store.head_of(5) is None


def test_a_document_that_readers_would_not_take_is_refused(store: LedgerStore) -> None:
    writer = founded(store)

    with pytest.raises(InputError, match="Readers take at most"):
        writer.commit([Draft(kind="schema_change", slot=slot_of(1), evidence=bytes(9 * 1024 * 1024))])


def test_an_append_without_events_is_a_mistake(store: LedgerStore) -> None:
    writer = founded(store)

    with pytest.raises(ValueError, match="nothing to append"):
        writer.commit([])


def test_an_append_that_is_undone_leaves_nothing_behind(store: LedgerStore) -> None:
    writer = founded(store)
    before = store.head()
    drafts = renamed(store, 1)

    with pytest.raises(RuntimeError), store.write() as transaction:  # noqa: PT012  # the append must not raise
        writer.append(transaction, drafts)
        raise RuntimeError

    assert store.head() == before
    assert not store.leaves(4, 5)
    assert writer.commit(drafts).indices == range(4, 5)
    assert fsck(store, key=SIGNER.key).clean


def test_several_appends_in_one_transaction_have_a_head_each(store: LedgerStore) -> None:
    writer = founded(store)

    first, *others = renamed(store, 1, 1, 2)
    with store.write() as transaction:
        writer.append(transaction, [first])
        writer.append(transaction, others)

    assert [store.head_of(size) is not None for size in (5, 6, 7)] == [True, False, True]
    assert fsck(store, key=SIGNER.key).clean


def test_two_writers_of_one_store_take_turns(store: LedgerStore) -> None:
    one = founded(store)
    other = LogWriter(store, SIGNER, clock=Clock())

    for round_ in range(3):
        one.commit([*renamed(store, 1), witness(f"one/{round_}")])
        other.commit([*renamed(store, 1), witness(f"other/{round_}")])

    assert store.projection()[slot_of(1)].seq == 6
    assert fsck(store, key=SIGNER.key).clean


def test_no_size_has_two_heads(store: LedgerStore) -> None:
    founded(store)
    head = store.head()
    assert head is not None

    with pytest.raises(StoreError), store.write() as transaction:
        transaction.put_head(Head(head.size, bytes(32), b"another note"))

    assert store.head() == head


def test_a_log_of_many_tiles_stays_whole(store: LedgerStore) -> None:
    writer = founded(store)

    for batch in (250, 1, 1, 1, 300, 513, 7):
        writer.commit([witness(f"{batch}/{number}") for number in range(batch)])

    report = fsck(store, key=SIGNER.key)
    assert report.clean
    assert (report.leaves, report.heads) == (4 + 1_073, 8)


# The key


def test_a_key_of_another_name_is_refused(store: LedgerStore) -> None:
    founded(store)

    with pytest.raises(ConfigurationError, match=r"called 'ledger\.example/log'"):
        LogWriter(store, NoteSigner.generate("other.example/log"), clock=Clock())


def test_another_key_of_the_same_name_is_refused(store: LedgerStore) -> None:
    founded(store)

    with pytest.raises(ConfigurationError, match="signed by another key"):
        LogWriter(store, NoteSigner.generate(ORIGIN), clock=Clock())


def test_a_key_that_was_there_before_the_genesis_cannot_append_to_the_log_of_another(store: LedgerStore) -> None:
    early = LogWriter(store, NoteSigner.generate(ORIGIN), clock=Clock())
    founded(store)

    with pytest.raises(ConfigurationError, match="signed by another key"):
        early.commit(renamed(store, 1))


def test_a_key_that_replaced_another_signs_from_then_on(store: LedgerStore) -> None:
    founded(store)
    successor = NoteSigner.generate(ORIGIN)

    head = LogWriter(store, successor, retired=[SIGNER.key], clock=Clock()).commit(renamed(store, 1)).head

    policy = TrustPolicy.of([SIGNER.key]).with_rotation(sign_rotation(SIGNER, successor, from_size=5))
    assert policy.check(head.note, now=datetime.now(UTC)).log_key == successor.key
    LogWriter(store, successor, clock=Clock()).commit(renamed(store, 2))
    with pytest.raises(ConfigurationError, match="signed by another key"):
        LogWriter(store, SIGNER, clock=Clock())
    assert fsck(store, key=successor.key, retired=[SIGNER.key]).clean
    assert {each.part for each in fsck(store, key=successor.key).findings} == {"signature"}


# Manifests


def test_a_manifest_says_what_is_the_latest_of_every_slot(store: LedgerStore) -> None:
    writer = founded(store)
    changes = Changes(store)
    writer.commit([changes.rename(1, "another name"), changes.withdraw(2)])

    with store.write() as transaction:
        head = writer.write_manifest(transaction)

    found = newest_manifest(store, head.size)
    assert found is not None
    leaf, event = found
    assert (leaf.index, event.kind, head.size) == (6, "manifest", 7)
    assert event.document_sha256 is not None
    manifest = Manifest.model_validate_json(store.blob(event.document_sha256) or b"")
    assert (manifest.ledger, manifest.size, manifest.at_ms) == (ORIGIN, 6, NOW_MS)
    assert list(manifest.entries) == [slot_of(1), slot_of(2), slot_of(3)]
    latest = store.projection()
    for slot, listed in manifest.entries.items():
        assert (listed.index, listed.seq, listed.leaf) == (
            latest[slot].index,
            latest[slot].seq,
            latest[slot].leaf_hash.hex(),
        )
    assert (manifest.entries[slot_of(1)].version, manifest.entries[slot_of(2)].entry_sha256) == ("1.0.1", None)


def test_a_manifest_is_due_after_so_many_leaves(store: LedgerStore) -> None:
    writer = founded(store, manifests=ManifestPolicy(leaves=3))

    writer.commit(renamed(store, 1, 1))
    assert writer.renew_manifest() is None
    writer.commit(renamed(store, 1))
    head = writer.renew_manifest()

    assert head is not None
    assert head.size == 8
    assert writer.renew_manifest() is None


def test_a_manifest_is_due_at_an_age(store: LedgerStore) -> None:
    clock = Clock()
    writer = founded(store, clock=clock, manifests=ManifestPolicy(age=timedelta(minutes=10)))

    clock.now_ms += 599_999
    assert writer.renew_manifest() is None
    clock.now_ms += 1
    assert writer.renew_manifest() is not None


def test_a_log_is_not_read_back_further_than_its_newest_manifest(store: LedgerStore) -> None:
    writer = founded(store)
    writer.commit(renamed(store, *[1] * 300))

    found = newest_manifest(store, 304)

    assert found is not None
    assert found[0].index == 3
    assert newest_manifest(store, 3) is None


# What does not hold


def test_nothing_is_built_on_tiles_that_do_not_lead_to_the_head(store: LedgerStore) -> None:
    founded(store)
    tile = store.tile(Tile(0, 0, 4))
    assert tile is not None
    spoilt = bytes([tile[0] ^ 1]) + tile[1:]
    with store.write() as transaction:
        transaction.put_tiles({Tile(0, 0, 4): spoilt})
    with pytest.raises(TamperedError, match="do not lead to the root"):
        LogWriter(store, SIGNER, clock=Clock()).commit(renamed(store, 1))


def test_what_holds_for_all_entries_is_in_the_log_too(store: LedgerStore) -> None:
    sandboxed = Ledger([entry_of(1)], sandbox=SandboxMark(url="http://127.0.0.1:9"), extra={"note": "kept"})

    LogWriter(store, SIGNER, clock=Clock()).found(sandboxed, settings=SETTINGS)

    leaf = store.leaves(0, 1)[0]
    event = read_leaf(leaf.data, 0)
    assert (event.kind, event.slot) == ("genesis", LOG_SLOT)
    assert b"127.0.0.1:9" in (store.blob(event.document_sha256 or "") or b"")
    assert fsck(store, key=SIGNER.key).clean
