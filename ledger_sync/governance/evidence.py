"""Evidence: calls that somebody made, as receipts and samples. Canonical, so that its digest is the same for everyone.

    evidence = pack(calls)
    evidence.sha256, evidence.bundle, evidence.samples      # the bundle names its samples by digest
    unpack(evidence.bundle, blob)                           # held against receipts and digests

Receipts have digests only; samples are answers, and public: see `redaction`. A sample that was redacted cannot be held
against the digest of the answer, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ledger_sync.governance.redaction import REDACTED, redact
from orchestra_tools.calls import CallResult
from orchestra_tools.errors import Fault, LedgerFormatError, OrchestraError, ProposalRefusedError
from orchestra_tools.importers import parse_json
from orchestra_tools.model import Outcome, Receipt
from orchestra_tools.trust import canonicalise, canonicalise_any, sha256_hex, verify_receipt

EVIDENCE_FORMAT = "orchestra-evidence/1"
MAX_CALLS = 50
MAX_SAMPLE_BYTES = 1024 * 1024
MAX_SAMPLES_BYTES = 12 * 1024 * 1024  # of all samples together
_FIELDS = frozenset({"format", "receipts", "samples", "left_out"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that somebody made: its receipt, and the answer; None where there was none, or it is not kept."""

    receipt: Receipt
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is handed in.

    Attributes:
        bundle: The document that is hashed.
        samples: The answers that it names, redacted.
    """

    bundle: bytes
    samples: tuple[bytes, ...]

    @property
    def sha256(self) -> str:
        """Digest of the bundle, hex."""
        return sha256_hex(self.bundle)

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """Everything, as the desk takes it."""
        return (self.bundle, *self.samples)


def call_of(result: CallResult) -> Call:
    """A call that was answered."""
    return Call(result.receipt, result.data)


def pack(calls: Iterable[Call]) -> Evidence:
    """The evidence made of calls. An answer that is too large is left out, and the bundle says so.

    Raises:
        ProposalRefusedError: There are too many; `reason` is evidence.
    """
    receipts: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = []
    left_out: list[str] = []
    samples: list[bytes] = []
    for call in calls:
        receipts.append(call.receipt.to_json())
        if call.answer is None or not _is_answered(call.receipt):
            continue
        data = canonicalise_any(redact(call.answer))[1]
        if len(data) > MAX_SAMPLE_BYTES or sum(map(len, samples)) + len(data) > MAX_SAMPLES_BYTES:
            left_out.append(call.receipt.id)
            continue
        samples.append(data)
        # What the session cut out is told by the same mark.
        redacted = REDACTED.encode() in data
        listed.append({"receipt": call.receipt.id, "sha256": sha256_hex(data), "redacted": redacted})
    if len(receipts) > MAX_CALLS:
        raise _refuse(f"it has {len(receipts)} calls, and may have {MAX_CALLS}")
    document = {"format": EVIDENCE_FORMAT, "receipts": receipts, "samples": listed, "left_out": left_out}
    return Evidence(canonicalise(document), tuple(samples))


def unpack(bundle: bytes, blob: Callable[[str], bytes | None], *, slot: str | None = None) -> Sequence[Call]:
    """The calls of a bundle, each held against its receipt.

    Args:
        bundle: The document.
        blob: The samples by their SHA-256.
        slot: The slot that all calls must be of.

    Raises:
        ProposalRefusedError: Something does not hold; `reason` is evidence.
    """
    try:
        document = _read_bundle(bundle)
        samples = {each["receipt"]: each for each in document["samples"]}
        calls = [_read_call(each, samples.pop(each["id"], None), blob) for each in document["receipts"]]
        ids = {call.receipt.id for call in calls}
        missing = {*samples, *document["left_out"]} - ids
    except (LedgerFormatError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise _refuse("it cannot be read") from error
    if missing:
        raise _refuse("it names a call that it has no receipt of")
    if len(ids) != len(calls):
        raise _refuse("it has a receipt twice")
    if strangers := {call.receipt.slot for call in calls if slot is not None and call.receipt.slot != slot}:
        raise _refuse(f"it is about {min(strangers)[:40]}, not about {slot}")
    return calls


def _read_bundle(bundle: bytes) -> dict[str, Any]:
    document = parse_json(bundle, source="evidence")
    if not isinstance(document, dict) or document.get("format") != EVIDENCE_FORMAT or set(document) != _FIELDS:
        raise _refuse(f"it is not of the format {EVIDENCE_FORMAT}")
    if canonicalise(document) != bundle:
        raise _refuse("it is not canonical")
    if len(document["receipts"]) > MAX_CALLS:
        raise _refuse(f"it has {len(document['receipts'])} calls, and may have {MAX_CALLS}")
    if len({each["receipt"] for each in document["samples"]}) != len(document["samples"]):
        raise _refuse("it has two samples of one call")
    return document


def _read_call(document: dict[str, Any], listed: Any, blob: Callable[[str], bytes | None]) -> Call:
    try:
        receipt = verify_receipt(document).receipt
    except OrchestraError as error:
        raise _refuse(f"a receipt does not hold: {error.problem}") from error
    if listed is None:
        return Call(receipt)
    data = blob(str(listed["sha256"]))
    if data is None or sha256_hex(data) != listed["sha256"]:
        raise _refuse(f"the sample {str(listed['sha256'])[:64]} is missing, or has other bytes")
    if len(data) > MAX_SAMPLE_BYTES:
        raise _refuse(f"a sample has {len(data):,} bytes, and may have {MAX_SAMPLE_BYTES:,}")
    if receipt.response is None or not _is_answered(receipt):
        raise _refuse("it has a sample of a call that had no answer")
    if listed["redacted"] is not (REDACTED.encode() in data):
        raise _refuse("a sample says of itself that it was redacted, and was not, or the other way round")
    answered = receipt.response.jcs_sha256
    if not listed["redacted"] and answered is not None and sha256_hex(data) != answered:
        raise _refuse("a sample is not the answer that its receipt records")
    return Call(receipt, parse_json(data, source="sample"))


def _is_answered(receipt: Receipt) -> bool:
    return receipt.response is not None and receipt.outcome in (Outcome.OK, Outcome.DRIFT)


def _refuse(problem: str) -> ProposalRefusedError:
    return ProposalRefusedError(
        "the evidence does not hold", [Fault("", problem)], remedy="Make the calls anew", reason="evidence"
    )
