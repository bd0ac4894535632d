"""The rules by which the ledger changes: pure decisions about proposals, verdicts and versions. No I/O."""
