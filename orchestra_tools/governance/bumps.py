"""What a change of an operation, apart from its schemas, does to those who call it.

An address, an authentication or a price that they rely on and that is not so any more is a major change. What only
adds, such as the price of an operation that nobody knew, is a minor one.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from orchestra_tools.governance.versions import Bump, greatest
from orchestra_tools.model import HttpEndpoint, Operation
from orchestra_tools.model.operation import UndocumentedAuth

AUTH_REMOVED, HOST_CHANGED, PRICE_RAISED = "auth_removed", "host_changed", "price_raised"
"""What reviewers are told to look at twice."""


def bump_between(before: Operation, after: Operation) -> tuple[Bump, tuple[str, ...]]:
    """What a change does, and what to look at twice in it."""
    bumps: list[Bump] = ["patch"]
    flags: list[str] = []
    for bump, flag in (*_access(before, after), *_promises(before, after), *_price(before, after)):
        bumps.append(bump)
        flags += [flag] if flag else []
    return greatest(*bumps), tuple(flags)


def bump_of_terms(before: list[str], after: list[str]) -> Bump:
    """What a change of a list of capabilities does."""
    return "major" if set(before) - set(after) else "minor"


def bump_of_price(before: float | None, after: float | None) -> Bump:
    """What a change of an entry's plain price does."""
    if before is None:
        return "minor"
    return "major" if after is None or after > before else "minor"


def _access(before: Operation, after: Operation) -> Iterator[tuple[Bump, str]]:
    if before.endpoint != after.endpoint:
        known = not (isinstance(before.endpoint, HttpEndpoint) and before.endpoint.base_url is None)
        host = known and _host(before) != _host(after)
        yield "major" if known else "minor", HOST_CHANGED if host else ""
    if before.auth != after.auth:
        told = isinstance(before.auth, UndocumentedAuth) and after.auth is not None
        removed = before.auth is not None and (after.auth is None or isinstance(after.auth, UndocumentedAuth))
        yield "minor" if told and not removed else "major", AUTH_REMOVED if removed else ""


def _promises(before: Operation, after: Operation) -> Iterator[tuple[Bump, str]]:
    for promise in ("read_only", "idempotent"):
        kept, now = getattr(before, promise), getattr(after, promise)
        if kept != now:
            yield "major" if kept else "minor", ""
    if before.unavailable != after.unavailable:
        yield "major" if before.unavailable is None else "minor", ""
    if before.audience != after.audience:
        yield "minor", ""


def _price(before: Operation, after: Operation) -> Iterator[tuple[Bump, str]]:
    if (before.cost, before.spends_money) == (after.cost, after.spends_money):
        return
    old = None if before.cost is None else before.cost.amount
    new = None if after.cost is None else after.cost.amount
    free, still_free = before.price == 0, after.price == 0
    if free or still_free:
        yield ("major", PRICE_RAISED) if not still_free else ("patch" if free else "minor", "")
    elif old is None or new is None:
        yield "minor" if new is not None else "patch" if old is None else "major", ""
    elif before.cost is not None and after.cost is not None:
        if (before.cost.currency, before.cost.unit) != (after.cost.currency, after.cost.unit):
            yield "major", ""
        elif new != old:
            yield ("major", PRICE_RAISED) if new > old else ("minor", "")


def _host(operation: Operation) -> str:
    endpoint = operation.endpoint
    if not isinstance(endpoint, HttpEndpoint):
        return endpoint.address
    try:
        return urlsplit(endpoint.base_url or "").hostname or ""
    except ValueError:
        return ""
