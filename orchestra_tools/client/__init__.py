"""Clients of the ledger."""

from orchestra_tools.client.ledger import AsyncLedgerClient, LedgerClient
from orchestra_tools.client.offer import LedgerLike, Offer, spends_money
from orchestra_tools.client.queries import Change, Subscription
from orchestra_tools.client.session import Session, open_session
from orchestra_tools.client.settings import Settings

__all__ = [
    "AsyncLedgerClient",
    "Change",
    "LedgerClient",
    "LedgerLike",
    "Offer",
    "Session",
    "Settings",
    "Subscription",
    "open_session",
    "spends_money",
]
