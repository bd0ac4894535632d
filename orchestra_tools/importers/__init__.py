"""Foreign documents become ledger values. No I/O."""

from orchestra_tools.importers.documents import ledger_document, ledger_from_document, parse_json, read_ledger

__all__ = ["ledger_document", "ledger_from_document", "parse_json", "read_ledger"]
