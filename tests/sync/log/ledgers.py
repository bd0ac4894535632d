"""A small ledger with a log, and drafts for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, cast

from bittensor_core import Keypair

from ledger_sync.log import Draft, LogWriter
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.importers.entry_bytes import entry_bytes, entry_from_bytes
from orchestra_tools.model import Entry, Ledger
from orchestra_tools.model.proposal import PROPOSAL_STATEMENT, VERDICT_STATEMENT, Proposal, UpdateType
from orchestra_tools.registry.store import LedgerStore, StoreReader
from orchestra_tools.trust import canonicalise, sha256_hex
from orchestra_tools.trust.certificates import certify_witness
from orchestra_tools.trust.cosignatures import CosignatureSigner
from orchestra_tools.trust.notes import NoteSigner
from orchestra_tools.trust.statements import sign_statement, verify_statement

ORIGIN = "ledger.example/log"
SIGNER = NoteSigner(ORIGIN, bytes(range(32)))
MINER = Keypair.create_from_uri("//Miner")
VALIDATORS = [Keypair.create_from_uri(f"//Validator{number}") for number in (1, 2)]
SETTINGS = {"origin": ORIGIN, "network": "finney"}
NOW_MS = 1_795_000_000_000


class Clock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def entry_of(netuid: int, **fields: Any) -> Entry:
    """An entry with little in it."""
    document = {"registered_at_block": 1_000 + netuid, "name": f"subnet {netuid}", "version": "1.0.0", **fields}
    return Entry.from_document(f"SN{netuid}", document)


def small_ledger(slots: int = 3) -> Ledger:
    """A ledger of some slots, from netuid 1 on; the last one stands first."""
    return Ledger([entry_of(netuid) for netuid in range(slots, 0, -1)])


def slot_of(netuid: int) -> str:
    """The slot of an entry."""
    return str(entry_of(netuid).slot)


class Changes:
    """Changes as governance hands them to the log: proposed and approved by hotkeys, applied one after the other."""

    def __init__(self, store: StoreReader | None = None) -> None:
        """Begin with the entries of a store, or with none; read them anew where a transaction was undone."""
        self._entries: dict[str, Entry | None] = {}
        self._former: dict[str, str] = {}
        for slot, latest in ({} if store is None else store.projection()).items():
            data = None if store is None or latest.entry_sha256 is None else store.blob(latest.entry_sha256)
            self._entries[slot] = None if data is None else entry_from_bytes(slot, data)
            self._former[slot] = latest.version

    def begin(self, netuid: int, *, mark: str = "") -> Draft:
        """A slot that was not there, or was withdrawn."""
        return self.propose(slot_of(netuid), "new_subnet", "", None, entry_of(netuid).to_json(), mark=mark)

    def rename(self, netuid: int, name: str, *, mark: str = "") -> Draft:
        """Another name for the entry of a slot."""
        before = self._entries[slot_of(netuid)]
        assert before is not None
        return self.propose(slot_of(netuid), "identity_change", "name", before.name, name, mark=mark)

    def withdraw(self, netuid: int) -> Draft:
        """No entry any more."""
        before = self._entries[slot_of(netuid)]
        assert before is not None
        return self.propose(slot_of(netuid), "withdrawal", "", before.version, None)

    def has(self, netuid: int) -> bool:
        """Whether a slot has an entry now."""
        return self._entries.get(slot_of(netuid)) is not None

    def propose(self, slot: str, kind: UpdateType, field: str, old: Any, new: Any, *, mark: str = "") -> Draft:
        """An accepted proposal. The mark is its evidence."""
        evidence = (mark or "evidence").encode()
        wish = Proposal(
            subnet=slot,
            update_type=kind,
            field=field,
            old_value=old,
            new_value=new,
            evidence_hash=sha256_hex(evidence),
            proposed_by="miner_uid_42",
        )
        # As it is kept: canonical JSON sorts the fields of what was proposed.
        kept = Proposal.model_validate_json(canonicalise(wish.to_json()))
        before = self._entries.get(slot)
        applied = apply_proposal(kept, before, slot=slot, former=None if before else self._former.get(slot))
        self._entries[slot], self._former[slot] = applied.entry, applied.version
        about = {"proposal": wish.to_json(), "slot": slot, "evidence_sha256": sha256_hex(evidence), "salt": "5a" * 32}
        proposal = signed(PROPOSAL_STATEMENT, about, MINER)
        verdict = {"proposal_id": signed_digest(proposal), "decision": "approve", "evidence_sha256": sha256_hex(b"own")}
        return Draft(
            kind=kind,
            slot=slot,
            version=applied.version,
            entry=None if applied.entry is None else entry_bytes(applied.entry),
            proposal=canonicalise(proposal),
            verdicts=tuple(canonicalise(signed(VERDICT_STATEMENT, verdict, each)) for each in VALIDATORS),
            evidence=evidence,
        )


def newcomer(netuid: int) -> Draft:
    """The first event of a slot."""
    return Changes().begin(netuid)


def renamed(store: LedgerStore, *netuids: int) -> list[Draft]:
    """New names for the entries of some slots, one after the other."""
    changes, head = Changes(store), store.head()
    size = 0 if head is None else head.size
    return [changes.rename(netuid, f"name {size + at}") for at, netuid in enumerate(netuids)]


def signed(kind: str, payload: dict[str, Any], signer: Keypair) -> dict[str, Any]:
    """A statement of a hotkey."""
    return sign_statement(
        kind,
        payload,
        signer=signer,
        network="finney",
        ledger=ORIGIN,
        nonce="0c" * 16,
        issued_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + 1_000,
    )


def signed_digest(document: dict[str, Any]) -> str:
    """What verdicts call a proposal by."""
    return verify_statement(PROPOSAL_STATEMENT, document, network="finney", ledger=ORIGIN, now_ms=NOW_MS).digest


def validator(name: str) -> CosignatureSigner:
    """A witness key."""
    return CosignatureSigner(name, hashlib.sha256(name.encode()).digest())


def witness(name: str) -> Draft:
    """An event about the log itself: the certificate of a witness key."""
    certificate = certify_witness(
        validator(name),
        signer=VALIDATORS[0],
        network="finney",
        ledger=ORIGIN,
        nonce="0c" * 16,
        issued_at_ms=NOW_MS,
        expires_at_ms=NOW_MS + 1_000,
    )
    return Draft(kind="witness", slot="log", document=canonicalise(certificate))


def founded(store: LedgerStore, *, slots: int = 3, clock: Clock | None = None, **options: Any) -> LogWriter:
    """A writer of a log that has just begun."""
    writer = LogWriter(store, SIGNER, clock=clock or Clock(), **options)
    writer.found(small_ledger(slots), settings=SETTINGS)
    return writer


class Rotten:
    """A store some of whose answers are not what was written."""

    def __init__(self, store: LedgerStore, **answers: Callable[..., Any]) -> None:
        self._store = store
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return self._answers.get(name) or getattr(self._store, name)

    def as_store(self) -> LedgerStore:
        """Itself, as what it passes for."""
        return cast("LedgerStore", self)
