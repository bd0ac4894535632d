"""Clients of the ledger."""

from orchestra_tools.client.ledger import AsyncLedgerClient, LedgerClient
from orchestra_tools.client.offer import ApprovalRule, LedgerLike, Offer, spends_money, unapproved
from orchestra_tools.client.pins import Pinned, Pins
from orchestra_tools.client.queries import Change, Subscription
from orchestra_tools.client.session import Session, open_session
from orchestra_tools.client.settings import Settings
from orchestra_tools.compile import CatalogueDiff

__all__ = [
    "ApprovalRule",
    "AsyncLedgerClient",
    "CatalogueDiff",
    "Change",
    "LedgerClient",
    "LedgerLike",
    "Offer",
    "Pinned",
    "Pins",
    "Session",
    "Settings",
    "Subscription",
    "open_session",
    "spends_money",
    "unapproved",
]
