"""The desk: takes in commitments, proposals and verdicts, settles cases, and appends what was accepted.

    desk = Desk(store, clock=now_ms)
    desk.commit(document)                 # a hotkey's signed commitment
    case = desk.reveal(document, blobs)   # its signed proposal, with the evidence
    desk.cast(case.id, document, blobs)   # a validator's signed verdict, with its own evidence
    desk.settle(log)                      # decides what can be decided; accepted changes are appended

Each is one transaction. What is decided is said by `governance`; the desk reads what the rules need and writes what
they say. A statement's nonce is used up with the transaction that takes the statement in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from ledger_sync.governance.own_calls import check_own_calls
from ledger_sync.governance.reading import (
    current_entry,
    entries_beside,
    find_case,
    former_version,
    read_blob,
    read_statement,
    slots_beside,
)
from ledger_sync.log import Draft, LogWriter
from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.discovery.vocabulary import packaged_vocabulary
from orchestra_tools.errors import ConfigurationError, Fault, ProposalRefusedError, StatementError
from orchestra_tools.governance.admission import Docket, admit, admit_commitment
from orchestra_tools.governance.deciding import cast, decide
from orchestra_tools.governance.intake import Intake
from orchestra_tools.governance.policy import DAY_MS, Policy
from orchestra_tools.importers import parse_json
from orchestra_tools.importers.entry_bytes import entry_bytes
from orchestra_tools.model import faults_of
from orchestra_tools.model.case import Case, Commitment
from orchestra_tools.model.event import LOG_SLOT
from orchestra_tools.model.proposal import (
    COMMITMENT_STATEMENT,
    PROPOSAL_STATEMENT,
    VERDICT_STATEMENT,
    CommitmentStatement,
    ProposalStatement,
    VerdictStatement,
)
from orchestra_tools.registry.published.log import MAX_BLOB_BYTES
from orchestra_tools.registry.record import read_frame, read_leaf
from orchestra_tools.registry.store import LedgerStore, StoreReader, StoreWriter
from orchestra_tools.registry.stored import StoredRecord
from orchestra_tools.trust import canonicalise, sha256_hex
from orchestra_tools.trust.certificates import CertifiedWitness, verify_certificate
from orchestra_tools.trust.statements import VerifiedStatement, verify_statement

MAX_BLOBS = 64  # documents handed in with one statement
MAX_EVIDENCE_BYTES = 16 * 1024 * 1024
S = TypeVar("S", CommitmentStatement, ProposalStatement, VerdictStatement)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a case.

    Attributes:
        case: The case, closed.
        changes: What an accepted change changed, for people.
    """

    case: Case
    changes: tuple[str, ...] = ()


class Desk:
    """Where proposals and verdicts are handed in."""

    def __init__(self, store: LedgerStore, *, clock: Callable[[], int]) -> None:
        """Read the rules of the ledger.

        Args:
            store: The ledger.
            clock: The time, in milliseconds since the Unix epoch.

        Raises:
            ConfigurationError: The ledger was not begun with rules.
        """
        self._store = store
        self._clock = clock
        origin, network, rules = (store.setting(name) for name in ("origin", "network", "policy"))
        if not (origin and network and rules):
            raise ConfigurationError(f"{store.name} has no rules yet", remedy="Begin it: orchestra ledger init")
        self.origin: str = origin
        self.network: str = network
        self.policy = Policy.model_validate(rules)
        self.sandbox = read_frame(StoredRecord(store)).sandbox

    def commit(self, document: Mapping[str, Any]) -> Commitment:
        """Take in a commitment.

        Raises:
            StatementError: It was not signed by its hotkey, or not for this ledger and time.
            ProposalRefusedError: It is not taken in; `reason` says why.
        """
        statement = self._verify(COMMITMENT_STATEMENT, document)
        _read(CommitmentStatement, document)
        with self._store.write() as writer:
            _use_nonce(writer, statement.hotkey, statement.nonce)
            docket = self._docket(writer, statement.hotkey)
            digest = admit_commitment(statement, docket, self.policy, now_ms=self._clock())
            return writer.add_commitment(hotkey=statement.hotkey, digest=digest, at_ms=self._clock())

    def reveal(self, document: Mapping[str, Any], blobs: Iterable[bytes]) -> Case:
        """Take in a proposal that was committed to, and open its case.

        Args:
            document: The signed proposal.
            blobs: Its evidence: the bundle, and the samples that it names.

        Raises:
            StatementError: It was not signed by its hotkey, or not for this ledger and time.
            ProposalRefusedError: It is not taken in; `reason` says why.
        """
        statement = self._verify(PROPOSAL_STATEMENT, document)
        proposal = _read(ProposalStatement, document)
        evidence = _by_digest(blobs)
        with self._store.write() as writer:
            _use_nonce(writer, statement.hotkey, statement.nonce)
            kept = _keep_statement(writer, document)
            admission = admit(
                proposal,
                statement.digest,
                statement_sha256=kept,
                entry=current_entry(writer, proposal.slot),
                evidence=evidence.get(proposal.evidence_sha256),
                docket=self._docket(writer, statement.hotkey, proposal),
                policy=self.policy,
                intake=self._intake(writer, proposal.slot),
                now_ms=self._clock(),
                former=former_version(writer, proposal.slot),
            )
            _keep(writer, evidence)
            for case in (*admission.copies, admission.case):
                writer.put_case(case)
            return admission.case

    def cast(self, document: Mapping[str, Any], blobs: Iterable[bytes]) -> Case:
        """Take in a verdict.

        Args:
            document: The signed verdict.
            blobs: The validator's own evidence: the bundle, and the samples that it names.

        Raises:
            StatementError: It was not signed by its hotkey, or not for this ledger and time.
            ProposalRefusedError: It is not taken in; `reason` says why.
        """
        statement = self._verify(VERDICT_STATEMENT, document)
        verdict = _read(VerdictStatement, document)
        evidence = _by_digest(blobs)
        with self._store.write() as writer:
            _use_nonce(writer, statement.hotkey, statement.nonce)
            case = cast(
                find_case(writer, verdict.proposal_id),
                verdict,
                statement_sha256=_keep_statement(writer, document),
                evidence=evidence.get(verdict.evidence_sha256),
                participants=writer.participants(),
                now_ms=self._clock(),
            )
            check_own_calls(
                case,
                verdict,
                lambda sha256: evidence.get(sha256) or writer.blob(sha256),
                others=[case.evidence_sha256, *(each.evidence_sha256 for each in case.verdicts[:-1])],
                min_calls=self.policy.min_calls,
            )
            _keep(writer, evidence)
            writer.put_case(case)
            return case

    def admit_witness(self, document: Mapping[str, Any], log: LogWriter) -> CertifiedWitness:
        """Append a witness's certificate to the log: from now on, readers may demand its cosignatures.

        Raises:
            StatementError: It does not hold.
            ProposalRefusedError: It is of no registered validator, or was handed in before; `reason` says which.
        """
        certified = verify_certificate(document, network=self.network, ledger=self.origin, now_ms=self._clock())
        with self._store.write() as writer:
            holder = writer.participants().get(certified.hotkey)
            if holder is None or not holder.validator:
                raise ProposalRefusedError(
                    "the certificate is not taken in",
                    [Fault("/hotkey", f"{certified.hotkey} is no registered validator")],
                    remedy="Register it first",
                    reason="unregistered",
                )
            _use_nonce(writer, certified.hotkey, certified.nonce)
            log.append(writer, [Draft(kind="witness", slot=LOG_SLOT, document=canonicalise(dict(document)))])
        return certified

    def witnesses(self) -> list[CertifiedWitness]:
        """The witnesses of registered validators whose certificates are good now; of one validator, the newest."""
        participants = self._store.participants()
        found: dict[str, CertifiedWitness] = {}
        for leaf in self._store.history(LOG_SLOT):
            event = read_leaf(leaf.data, leaf.index)
            if event.kind != "witness" or event.document_sha256 is None:
                continue
            document = parse_json(read_blob(self._store, event.document_sha256), source="certificate")
            try:
                certified = verify_certificate(document, network=self.network, ledger=self.origin, now_ms=self._clock())
            except StatementError:
                continue  # it has expired
            holder = participants.get(certified.hotkey)
            if holder is not None and holder.validator:
                found[certified.hotkey] = certified
        return list(found.values())

    def settle(self, log: LogWriter) -> list[Settled]:
        """Decide what can be decided, and append what is accepted. Each case is a transaction of its own.

        Raises:
            StoreError: The store cannot be written. What was settled before stays so.
        """
        settled = [self._settle(case.id, log) for case in self._store.cases(state="open")]
        return [each for each in settled if each is not None]

    def _settle(self, case_id: str, log: LogWriter) -> Settled | None:
        with self._store.write() as writer:
            case = find_case(writer, case_id)
            outcome = decide(
                case,
                read_statement(writer, case).proposal,
                entry=current_entry(writer, case.slot),
                participants=writer.participants(),
                policy=self.policy,
                now_ms=self._clock(),
                former=former_version(writer, case.slot),
            )
            if outcome.case.state == "open" or case.state != "open":
                return None
            closed = outcome.case
            changes: tuple[str, ...] = ()
            if (applied := outcome.applied) is not None:
                draft = Draft(
                    kind=case.update_type,
                    slot=case.slot,
                    version=applied.version,
                    entry=None if applied.entry is None else entry_bytes(applied.entry),
                    proposal=case.statement_sha256,
                    verdicts=tuple(each.statement_sha256 for each in case.verdicts if each.decision == "approve"),
                    evidence=case.evidence_sha256,
                )
                appended = log.append(writer, [draft])
                closed = closed.model_copy(update={"log_index": appended.indices[0]})
                changes = applied.changes
            writer.put_case(closed)
            return Settled(closed, changes)

    def _verify(self, kind: str, document: Mapping[str, Any]) -> VerifiedStatement:
        return verify_statement(
            kind,
            document,
            network=self.network,
            ledger=self.origin,
            now_ms=self._clock(),
            max_lifetime_ms=self.policy.statement_lifetime_ms,
        )

    def _docket(self, reader: StoreReader, hotkey: str, proposal: ProposalStatement | None = None) -> Docket:
        participants = reader.participants()
        owner = participants.get(hotkey)
        hotkeys = (
            [hotkey]
            if owner is None
            else [each.hotkey for each in participants.values() if each.coldkey == owner.coldkey]
        )
        # A little longer than they are good for, so that one which is too old is told so.
        since_ms = self._clock() - max(DAY_MS, self.policy.reveal_within_ms) - DAY_MS
        # Open ones of everybody: an owner may have taken the hotkey off that opened them.
        cases = {each.id: each for each in reader.cases(state="open")}
        cases |= {each.id: each for own in hotkeys for each in reader.cases(hotkey=own)}
        if proposal is not None:
            cases |= {each.id: each for each in reader.cases(slot=proposal.slot)}
        return Docket(
            participants=participants,
            commitments=[each for own in hotkeys for each in reader.commitments(hotkey=own, since_ms=since_ms)],
            cases=list(cases.values()),
            slots=[] if proposal is None else slots_beside(reader, proposal.slot),
        )

    def _intake(self, reader: StoreReader, slot: str) -> Intake:
        addresses = AddressPolicy() if self.sandbox is None else AddressPolicy.for_sandbox(self.sandbox.url)
        return Intake(
            vocabulary=packaged_vocabulary(),
            check_url=lambda url, secret: addresses.check_url(url, secret=secret),
            names=lambda: [entry.name for entry in entries_beside(reader, slot)],
        )


def _read(kind: type[S], document: Mapping[str, Any]) -> S:
    try:
        return kind.model_validate(dict(document))
    except ValidationError as error:
        raise ProposalRefusedError(
            "the statement is not taken in", faults_of(error), remedy="Mend it and sign it anew", reason="format"
        ) from error


def _use_nonce(writer: StoreWriter, hotkey: str, nonce: str) -> None:
    if not writer.use_nonce(hotkey, nonce):
        raise ProposalRefusedError(
            "the statement was handed in before",
            [Fault("/nonce", "its nonce is used up")],
            remedy="Sign it anew to say it again",
            reason="replay",
        )


def _by_digest(blobs: Iterable[bytes]) -> dict[str, bytes]:
    read: dict[str, bytes] = {}
    size = 0
    for data in blobs:
        size += len(data)
        # Nobody who reads the log would take a document beyond the limit of readers.
        if len(read) >= MAX_BLOBS or size > MAX_EVIDENCE_BYTES or len(data) > MAX_BLOB_BYTES:
            limits = f"{MAX_BLOBS} documents, {MAX_EVIDENCE_BYTES:,} bytes, or {MAX_BLOB_BYTES:,} bytes in one"
            raise ProposalRefusedError(
                "the evidence is not taken in",
                [Fault("", f"more than {limits}")],
                remedy="Hand in fewer samples",
                reason="evidence",
            )
        read[sha256_hex(data)] = data
    return read


def _keep_statement(writer: StoreWriter, document: Mapping[str, Any]) -> str:
    data = canonicalise(dict(document))
    if len(data) > MAX_BLOB_BYTES:
        raise ProposalRefusedError(
            "the statement is not taken in",
            [Fault("", f"it has {len(data):,} bytes, and may have {MAX_BLOB_BYTES:,}")],
            remedy="Say less",
            reason="format",
        )
    return writer.put_blob(data)


def _keep(writer: StoreWriter, evidence: Mapping[str, bytes]) -> None:
    for data in evidence.values():
        writer.put_blob(data)
