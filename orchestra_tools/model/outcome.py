"""How a call ended, and by whose fault. Only the subnet's fault counts against its reliability."""

from __future__ import annotations

from enum import StrEnum


class Blame(StrEnum):
    """Who caused an outcome."""

    NOBODY = "nobody"
    CALLER = "caller"
    SUBNET = "subnet"
    NETWORK = "network"
    OURS = "ours"


class Outcome(StrEnum):
    """The end of one call."""

    OK = "ok"
    DRIFT = "drift"
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    CANCELLED = "cancelled"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    INTERNAL = "internal"

    @property
    def fault(self) -> Blame:
        """Whose doing it was."""
        return _FAULTS[self]

    @property
    def counts(self) -> bool:
        """Whether the outcome says anything about the subnet: it answered, or failed to."""
        return self.fault in (Blame.NOBODY, Blame.SUBNET)


_FAULTS = {
    Outcome.OK: Blame.NOBODY,
    Outcome.DRIFT: Blame.SUBNET,
    Outcome.UNAUTHORIZED: Blame.CALLER,
    Outcome.REJECTED: Blame.CALLER,
    # A rate limit is the caller's quota: a subnet that guards itself is not unreliable.
    Outcome.RATE_LIMITED: Blame.CALLER,
    Outcome.CANCELLED: Blame.CALLER,
    Outcome.SERVER_ERROR: Blame.SUBNET,
    Outcome.TIMEOUT: Blame.SUBNET,
    Outcome.UNREADABLE: Blame.SUBNET,
    Outcome.TOO_LARGE: Blame.SUBNET,
    # No connection may be our own cable: it is not held against the subnet.
    Outcome.UNREACHABLE: Blame.NETWORK,
    Outcome.INTERNAL: Blame.OURS,
}
