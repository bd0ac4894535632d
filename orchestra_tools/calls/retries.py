"""When a failed attempt may be made again, and how long to wait."""

from __future__ import annotations

from orchestra_tools.compile import Tool
from orchestra_tools.errors import ConnectionFailedError, RateLimitedError, UpstreamError

MAX_ATTEMPTS = 3
MAX_WAIT_S = 5.0
PASSING_STATUSES = frozenset({429, 502, 503, 504})  # the request was turned away, or a gateway's backend is away


def wait_before_retry(tool: Tool, error: Exception) -> bool | float:
    """Whether to try again: False, True for the usual backoff, or the seconds the subnet asked for.

    Again is safe where the request never left, or was turned away; where it may have been carried out, only if carrying
    it out twice changes nothing and costs nothing.
    """
    if isinstance(error, ConnectionFailedError):
        return not error.facts["sent"] or _may_repeat(tool)
    if isinstance(error, RateLimitedError) or (isinstance(error, UpstreamError) and _may_repeat(tool)):
        if error.status not in PASSING_STATUSES:
            return False
        if error.retry_after_s is None:
            return True
        return error.retry_after_s if error.retry_after_s <= MAX_WAIT_S else False
    return False


def _may_repeat(tool: Tool) -> bool:
    operation = tool.operation
    return (operation.read_only or operation.idempotent) and not operation.spends_money
