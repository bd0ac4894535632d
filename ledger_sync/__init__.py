"""The operator's side: keeps the ledger true, and serves it."""
