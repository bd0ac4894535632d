"""The clients of Orchestra, under the name users import them by."""

from orchestra_tools.client import AsyncLedgerClient, LedgerClient

__all__ = ["AsyncLedgerClient", "LedgerClient"]
