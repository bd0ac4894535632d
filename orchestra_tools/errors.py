"""Every error the project raises, split by what the caller can do about it.

    OrchestraError
    ├── InputError                fix what you passed in
    │   ├── LedgerFormatError         a ledger document cannot be read
    │   ├── DocumentRefusedError      a document to import from cannot be read, or is of no kind we import
    │   ├── SchemaRefusedError        a schema breaks the intake limits
    │   ├── InvalidArgumentsError     arguments break the operation's input schema
    │   ├── UnknownSubnetError        no such subnet in this ledger
    │   ├── UnknownToolError          no such tool in this ledger
    │   ├── UnknownCapabilityError    no such term in the vocabulary
    │   ├── ProposalRefusedError      a proposal or verdict cannot be taken in
    │   └── ConfigurationError        a setting or a host's file cannot be used
    ├── RefusedError              nothing was sent; change the policy or the situation, then try again
    │   ├── QuarantinedError          the operation did not compile safely
    │   ├── PinnedError               the tool changed since its user pinned it
    │   ├── NotCallableError          no transport, address or documented authentication
    │   ├── NotApprovedError          a person has not agreed to the call
    │   ├── CredentialMissingError    no key for the subnet
    │   ├── BudgetExceededError       the call would break a budget
    │   ├── PriceUnknownError         it may cost money and nobody knows how much
    │   ├── AddressRefusedError       the address is private, or the URL is a trick
    │   └── CircuitOpenError          the endpoint failed too often just now
    ├── CallError                 the call was made and failed; `fault` says whose doing it was
    │   ├── UnauthorizedError         401, 402, 403: the key
    │   ├── RejectedError             other 4xx and redirects away: the request
    │   ├── RateLimitedError          429
    │   ├── UpstreamError             5xx
    │   ├── CallTimeoutError          no answer in time
    │   ├── UnreadableAnswerError     the body is not what its media type says
    │   ├── AnswerTooLargeError       the body passes a size limit
    │   └── ConnectionFailedError     no connection: name, route, TLS, reset
    ├── EmbeddingError            the embedding model gave no usable answer; tools are found by words all the same
    ├── StoreError                the stored ledger cannot be read or written now; nothing was changed
    └── TrustError                stop trusting it
        ├── ReceiptError              a receipt does not hold
        ├── StatementError            a hotkey's signed statement does not hold: proposal, verdict, certificate
        ├── NoteError                 a signed note is malformed, or nobody trusted has signed it
        ├── ProofError                a Merkle proof does not lead to the root
        ├── TamperedError             bytes are not those that the log vouches for
        ├── StaleError                nothing newer was vouched for in time: the log may be frozen
        ├── RollbackError             a log shows less than it has shown before
        └── ForkError                 two heads of one log contradict each other

An error carries its facts as attributes; the message is made from them and ends with the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from orchestra_tools.model import Observation, Outcome, Receipt


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a JSON value.

    Attributes:
        pointer: JSON Pointer (RFC 6901) to the value at fault; "" is the whole value.
        problem: What is wrong with it.
        remedy: What would mend it; "" where the problem says it all.
    """

    pointer: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.pointer or '(root)'}: {self.problem}" + (f" ({self.remedy})" if self.remedy else "")


class OrchestraError(Exception):
    """Root of all errors of this project."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    facts: Mapping[str, Any]

    def __init__(self, problem: str, *, remedy: str = "", **facts: Any) -> None:
        self.problem = problem
        self.remedy = remedy
        self.facts = facts
        super().__init__(f"{problem}. {remedy}".strip() if remedy else problem)

    def to_dict(self) -> dict[str, Any]:
        """The one JSON form of an error, for `--json`, MCP and HTTP."""
        body: dict[str, Any] = {"error": self.code, "message": self.problem}
        if self.remedy:
            body["remedy"] = self.remedy
        return body | dict(self.facts)


class InputError(OrchestraError):
    """Something passed in is wrong."""

    code = "input"
    exit_code = 2


class _FaultyInputError(InputError):
    """Input with a list of faults."""

    def __init__(self, problem: str, faults: Sequence[Fault], *, remedy: str = "", **facts: Any) -> None:
        self.faults = tuple(faults)
        listed = "; ".join(str(fault) for fault in self.faults)
        super().__init__(f"{problem}: {listed}" if listed else problem, remedy=remedy, **facts)

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | {"faults": [asdict(fault) for fault in self.faults]}


class LedgerFormatError(_FaultyInputError):
    """A ledger document cannot be read; `source` says which, `faults` what and where."""

    code = "ledger_format"


class DocumentRefusedError(_FaultyInputError):
    """A document to import from is refused as a whole; `source` says which, `faults` what and where."""

    code = "document_refused"


class SchemaRefusedError(_FaultyInputError):
    """A JSON Schema breaks the intake limits; `faults` lists every reason."""

    code = "schema_refused"


class InvalidArgumentsError(_FaultyInputError):
    """Arguments break the operation's input schema; `faults` lists every one, so that a model can repair them."""

    code = "invalid_arguments"


class UnknownSubnetError(InputError):
    """The ledger has no such subnet."""

    code = "unknown_subnet"


class UnknownToolError(InputError):
    """The ledger has no such tool."""

    code = "unknown_tool"


class UnknownCapabilityError(InputError):
    """The vocabulary has no such term."""

    code = "unknown_capability"


class ConfigurationError(InputError):
    """A setting, a file of settings or a missing extra."""

    code = "configuration"


class ProposalRefusedError(_FaultyInputError):
    """A proposal or a verdict cannot be taken in; `reason` is a word for programs, `faults` say what and where."""

    code = "proposal_refused"


class RefusedError(OrchestraError):
    """Policy said no before anything was sent."""

    code = "refused"
    exit_code = 3


class QuarantinedError(RefusedError):
    """The operation is in quarantine; `reasons` says why."""

    code = "quarantined"


class PinnedError(RefusedError):
    """The tool is not as it was when its user pinned it, and is held until the user approves it."""

    code = "pinned"


class NotCallableError(RefusedError):
    """The ledger knows the operation but cannot call it."""

    code = "not_callable"


class NotApprovedError(RefusedError):
    """A person must agree to the call and has not."""

    code = "not_approved"


class CredentialMissingError(RefusedError):
    """There is no key for the subnet."""

    code = "credential_missing"


class BudgetExceededError(RefusedError):
    """The call would break a budget; `limit` names it."""

    code = "budget_exceeded"


class PriceUnknownError(RefusedError):
    """The operation may cost money and its price is unknown."""

    code = "price_unknown"


class AddressRefusedError(RefusedError):
    """The address is private, special or not what its URL pretends."""

    code = "address_refused"


class CircuitOpenError(RefusedError):
    """The endpoint failed too often; `retry_after_s` says when it is tried again."""

    code = "circuit_open"


class CallError(OrchestraError):
    """A call that was made and failed.

    Attributes:
        outcome: How it ended, and by whose fault.
        status: HTTP status, or None where there was no answer.
        retry_after_s: Seconds the subnet asked us to wait, or None.
        receipt: What we recorded of the exchange; None until the executor has written it.
        observation: The facts that feed statistics; None until then.
    """

    code = "call_failed"
    exit_code = 4

    def __init__(
        self,
        problem: str,
        *,
        outcome: Outcome,
        remedy: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
        **facts: Any,
    ) -> None:
        self.outcome = outcome
        self.status = status
        self.retry_after_s = retry_after_s
        self.receipt: Receipt | None = None
        self.observation: Observation | None = None
        given = {"status": status, "retry_after_s": retry_after_s}
        super().__init__(
            problem,
            remedy=remedy,
            outcome=outcome.value,
            fault=outcome.fault.value,
            **{name: value for name, value in given.items() if value is not None},
            **facts,
        )

    def to_dict(self) -> dict[str, Any]:
        return super().to_dict() | ({"receipt": self.receipt.id} if self.receipt else {})


class UnauthorizedError(CallError):
    """The subnet refused the key, or wants payment."""

    code = "unauthorized"


class RejectedError(CallError):
    """The subnet refused the request."""

    code = "rejected"


class RateLimitedError(CallError):
    """The subnet asks for fewer calls."""

    code = "rate_limited"


class UpstreamError(CallError):
    """The subnet failed."""

    code = "upstream_error"


class CallTimeoutError(CallError):
    """No complete answer within the time limit."""

    code = "timeout"


class UnreadableAnswerError(CallError):
    """The body is not what its media type says."""

    code = "unreadable_answer"


class AnswerTooLargeError(CallError):
    """The body passes the limit on the wire, or after decompression."""

    code = "answer_too_large"


class ConnectionFailedError(CallError):
    """No connection could be made or kept."""

    code = "connection_failed"


class EmbeddingError(OrchestraError):
    """The embedding model cannot be reached, or its answer is of no use."""

    code = "embedding"


class StoreError(OrchestraError):
    """The stored ledger cannot be read or written now; nothing was changed."""

    code = "store"


class TrustError(OrchestraError):
    """Something signed does not hold."""

    code = "trust"
    exit_code = 5


class ReceiptError(TrustError):
    """A receipt does not hold; `fact` names the part."""

    code = "receipt"


class StatementError(TrustError):
    """A hotkey's signed statement does not hold; `fact` says which part."""

    code = "statement"


class NoteError(TrustError):
    """A signed note is malformed, or nobody who is trusted has signed it; `fact` says which."""

    code = "note"


class ProofError(TrustError):
    """A Merkle proof does not lead to the root it should."""

    code = "proof"


class TamperedError(TrustError):
    """Bytes are not those that the log vouches for; `part` says which: entry, leaf, tile, manifest, evidence."""

    code = "tampered"


class StaleError(TrustError):
    """Nothing newer was vouched for in time: the log, or the reader's view of it, may be frozen."""

    code = "stale"


class _ConflictError(TrustError):
    """Two views of one log; both signed notes are kept, as evidence against whoever signed them."""

    def __init__(self, problem: str, *, remedy: str = "", kept: str, shown: str, **facts: Any) -> None:
        """Say what contradicts what.

        Args:
            problem: What is wrong.
            remedy: What to do.
            kept: The signed note this reader trusted before.
            shown: The signed note it was shown now.
            facts: Further facts.
        """
        self.kept = kept
        self.shown = shown
        super().__init__(problem, remedy=remedy, kept=kept, shown=shown, **facts)


class RollbackError(_ConflictError):
    """A log shows less than it has shown before."""

    code = "rollback"


class ForkError(_ConflictError):
    """Two heads of one log contradict each other."""

    code = "fork"
