"""fsck goes over each accepted change again: its proposal, who signed what, and the entry that it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from ledger_sync.log import Draft, LogWriter, fsck
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model.proposal import PROPOSAL_STATEMENT, VERDICT_STATEMENT
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.trust import canonicalise
from orchestra_tools.trust.notes import Note
from tests.sync.log.ledgers import (
    MINER,
    SIGNER,
    VALIDATORS,
    Changes,
    entry_of,
    founded,
    signed,
    signed_digest,
    slot_of,
    validator,
    witness,
)


@pytest.fixture
def writer(memory: LedgerStore) -> LogWriter:
    """The writer of a log that has just begun, and ends with leaf 3."""
    return founded(memory)


def parts(store: LedgerStore) -> list[tuple[str, str]]:
    """Part and place of every finding."""
    return [(each.part, each.where) for each in fsck(store, key=SIGNER.key).findings]


def document(blob: object) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(cast("bytes", blob))
    return read


def with_statement(draft: Draft, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Draft:
    return replace(draft, proposal=canonicalise(change(document(draft.proposal))))


def verdict_on(draft: Draft, signer: Any, **fields: Any) -> bytes:
    about = {
        "proposal_id": signed_digest(document(draft.proposal)),
        "decision": "approve",
        "evidence_sha256": "ab" * 32,
    }
    return canonicalise(signed(VERDICT_STATEMENT, about | fields, signer))


def test_changes_that_follow_from_what_was_proposed_are_clean(memory: LedgerStore, writer: LogWriter) -> None:
    changes = Changes(memory)
    writer.commit([changes.rename(1, "one"), changes.withdraw(2), changes.begin(2), changes.rename(1, "two")])
    writer.commit([Changes(memory).begin(9)])

    assert parts(memory) == []


def test_a_slot_that_begins_after_the_genesis_was_over_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([Draft(kind="genesis", slot=slot_of(9), version="1.0.0", entry=entry_bytes(entry_of(9)))])

    assert parts(memory) == [("replay", "4")]


def test_an_entry_that_does_not_follow_from_the_proposal_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    draft = Changes(memory).rename(1, "one")
    other = entry_bytes(entry_of(1, name="one", version="1.0.1", description="and more"))

    writer.commit([replace(draft, entry=other)])

    assert parts(memory) == [("replay", "4")]


def test_a_version_that_does_not_follow_from_the_proposal_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([replace(Changes(memory).rename(1, "one"), version="7.0.0")])

    assert parts(memory) == [("replay", "4")]


def test_a_proposal_of_something_else_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([replace(Changes(memory).rename(1, "one"), slot=slot_of(2))])

    assert parts(memory) == [("replay", "4")]


def test_a_change_without_a_proposal_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([replace(Changes(memory).rename(1, "one"), proposal=None)])

    assert parts(memory) == [("leaf", "4")]


def test_a_proposal_and_an_entry_that_cannot_be_read_are_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([replace(Changes(memory).rename(1, "one"), proposal=b"nothing")])
    writer.commit([Draft(kind="genesis", slot=slot_of(8), version="1.0.0", entry=b"[]")])

    assert parts(memory) == [("blob", "4"), ("replay", "5")]


def test_a_change_of_an_entry_that_cannot_be_read_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    changes = Changes(memory)
    writer.commit([replace(changes.begin(8), entry=b"[]"), changes.rename(8, "another name")])

    assert parts(memory) == [("replay", "4"), ("entry", "5")]


@pytest.mark.parametrize("field", ["signature", "nonce", "hotkey", "ledger", "network", "salt"])
def test_a_proposal_that_its_proposer_has_not_signed_is_found(
    memory: LedgerStore, writer: LogWriter, field: str
) -> None:
    draft = Changes(memory).rename(1, "one")
    other = {
        "signature": "00" * 64,
        "nonce": "0d" * 16,
        "hotkey": VALIDATORS[0].ss58_address,
        "ledger": "other.example/log",
        "network": "test",
        "salt": "00" * 32,
    }

    writer.commit([with_statement(draft, lambda statement: statement | {field: other[field]})])

    assert parts(memory) == [("statement", "4")]


def test_a_proposal_on_other_evidence_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    writer.commit([replace(Changes(memory).rename(1, "one"), evidence=b"other evidence")])

    assert parts(memory) == [("statement", "4")]


def test_a_change_that_nobody_else_approved_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    changes = Changes(memory)
    first, second = changes.rename(1, "one"), changes.rename(1, "two")

    writer.commit([replace(first, verdicts=()), replace(second, verdicts=(verdict_on(second, MINER),))])

    assert parts(memory) == [("leaf", "4"), ("statement", "5")]


def test_a_verdict_that_approves_something_else_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    changes = Changes(memory)
    draft, other = changes.rename(1, "one"), changes.rename(2, "two")
    not_approving = [
        verdict_on(draft, VALIDATORS[1], decision="reject"),
        verdict_on(other, VALIDATORS[1]),
        verdict_on(draft, VALIDATORS[1], proposal_id="short"),
        canonicalise(signed(PROPOSAL_STATEMENT, {"proposal_id": "00" * 32}, VALIDATORS[1])),
        verdict_on(draft, VALIDATORS[1]).replace(b'"approve"', b'"reject"'),
        b"nothing",
        b"[]",
    ]

    for at, verdict in enumerate(not_approving, 4):
        again = Changes(memory).rename(1, f"name {at}")
        writer.commit([replace(again, verdicts=(*again.verdicts, verdict))])

    assert parts(memory) == [("statement", str(at)) for at in range(4, 4 + len(not_approving))]


def test_a_certificate_that_does_not_hold_is_found(memory: LedgerStore, writer: LogWriter) -> None:
    good = witness("validator.example")
    vkey, other = (str(validator(name).key) for name in ("validator.example", "other.example"))
    stolen = cast("bytes", good.document).replace(vkey.encode(), other.encode())

    for document in (good.document, stolen, b"nothing", b"{}", None):
        writer.commit([replace(good, document=document)])

    assert parts(memory) == [("statement", str(at)) for at in (5, 6, 7, 8)]


def test_a_cosignature_by_a_witness_that_was_certified_is_verified(memory: LedgerStore, writer: LogWriter) -> None:
    head = writer.commit([witness("validator.example")]).head
    text = Note.parse(head.note).text
    of_another_head = text.replace("\n5\n", "\n4\n")
    for signed_text, expected in ((text, []), (of_another_head, [("cosignature", "validator.example")])):
        lines = {"validator.example": str(validator("validator.example").cosign(signed_text, 1))}
        with memory.write() as transaction:
            transaction.put_cosignatures(head.size, lines)
        assert parts(memory) == expected


def test_one_change_that_does_not_hold_does_not_spoil_the_next(memory: LedgerStore, writer: LogWriter) -> None:
    changes = Changes(memory)
    writer.commit([replace(changes.rename(1, "one"), evidence=b"other evidence"), changes.rename(1, "two")])

    assert parts(memory) == [("statement", "4")]
