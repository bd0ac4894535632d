"""Going over accepted changes again: what was proposed, who signed it, and whether it makes the entry that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from orchestra_tools.errors import LedgerFormatError, StatementError, TamperedError
from orchestra_tools.governance.projection import check_event
from orchestra_tools.importers import parse_json
from orchestra_tools.model.event import LOG_SLOT, LogEvent
from orchestra_tools.model.proposal import PROPOSAL_STATEMENT, VERDICT_STATEMENT, VerdictStatement
from orchestra_tools.trust.certificates import verify_certificate
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.statements import CERTIFICATE_STATEMENT, VerifiedStatement, verify_statement


class Replay:
    """Holds each event against the one before it of its slot, and against what hotkeys have signed."""

    def __init__(self, *, network: str, ledger: str, blob: Callable[[str], bytes | None]) -> None:
        """Begin before the first event.

        Args:
            network: The chain that statements must be meant for.
            ledger: The log that they must be meant for, by its origin.
            blob: Documents by their SHA-256.
        """
        self._network = network
        self._ledger = ledger
        self._blob = blob
        self._latest: dict[str, LogEvent] = {}
        self._begun = False
        self.witnesses: list[CosignatureKey] = []
        """Keys that the hotkeys of validators have certified, in the order of the log."""

    def check(self, event: LogEvent, index: int) -> None:
        """Look at the next event of the log.

        Raises:
            TamperedError: It may not stand there; `part` says what is wrong.
            StatementError: What was signed for it does not hold.
        """
        before = self._latest.get(event.slot)
        self._latest[event.slot] = event
        if event.kind == "genesis" and self._begun:
            raise TamperedError(
                f"the leaf {index} does not hold: the genesis was over, and nobody has approved it",
                remedy="Find out who wrote to the store",
                part="replay",
                index=index,
            )
        if event.slot == LOG_SLOT:
            # The genesis ends with the first manifest.
            self._begun |= event.kind == "manifest"
            if event.kind == "witness":
                self._check_certificate(event)
            return
        check_event(event, index, before, self._blob)
        if event.proposal_sha256 is not None:
            self._check_statements(event, event.proposal_sha256)

    def _check_certificate(self, event: LogEvent) -> None:
        document, issued_at_ms = self._read(CERTIFICATE_STATEMENT, event.document_sha256 or "")
        certified = verify_certificate(document, network=self._network, ledger=self._ledger, now_ms=issued_at_ms)
        self.witnesses.append(certified.key)

    def _check_statements(self, event: LogEvent, proposal_sha256: str) -> None:
        proposal = self._verify(PROPOSAL_STATEMENT, proposal_sha256)
        if proposal.body.get("evidence_sha256") != event.evidence_sha256:
            raise _unsigned("evidence", "the proposal was made on other evidence")
        others = set()
        for sha256 in event.verdicts:
            signed = self._verify(VERDICT_STATEMENT, sha256)
            verdict = _read_verdict(signed.body)
            if verdict.decision != "approve" or verdict.proposal_id != proposal.digest:
                raise _unsigned("verdict", f"the verdict {sha256} does not approve this proposal")
            others.add(signed.hotkey)
        if not others - {proposal.hotkey}:
            raise _unsigned("verdict", "nobody but its proposer has approved it")

    def _verify(self, kind: str, sha256: str) -> VerifiedStatement:
        document, issued_at_ms = self._read(kind, sha256)
        return verify_statement(kind, document, network=self._network, ledger=self._ledger, now_ms=issued_at_ms)

    def _read(self, kind: str, sha256: str) -> tuple[Any, int]:
        """A statement, and the time it gives itself: it was taken in while it was good, and may have expired since."""
        try:
            document = parse_json(self._blob(sha256) or b"", source=kind)
        except LedgerFormatError as error:
            raise _unsigned("format", f"the {kind} {sha256} cannot be read") from error
        issued_at_ms = document.get("issued_at_ms") if isinstance(document, dict) else None
        return document, issued_at_ms if isinstance(issued_at_ms, int) else 0


def _read_verdict(body: Mapping[str, Any]) -> VerdictStatement:
    try:
        return VerdictStatement.model_validate({**body, "signature": ""})
    except ValidationError as error:
        raise _unsigned("format", "a verdict cannot be read") from error


def _unsigned(fact: str, problem: str) -> StatementError:
    return StatementError(problem, remedy="Do not rely on the change", fact=fact)
