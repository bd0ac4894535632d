"""What `orchestra verify` says of a statement that a hotkey signed: a proposal, a verdict, a certificate. Offline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from orchestra_tools.cli.moments import moment
from orchestra_tools.cli.output import print_json, print_line
from orchestra_tools.cli.verify_log import print_weighed
from orchestra_tools.errors import StatementError
from orchestra_tools.model.proposal import PROPOSAL_STATEMENT, VERDICT_STATEMENT
from orchestra_tools.trust.certificates import verify_certificate
from orchestra_tools.trust.statements import CERTIFICATE_STATEMENT, verify_statement

_KINDS = {"proposal": PROPOSAL_STATEMENT, "decision": VERDICT_STATEMENT, "witness_vkey": CERTIFICATE_STATEMENT}
"""By the field that tells them apart."""


def verify_signed(document: Mapping[str, Any], *, as_json: bool) -> None:
    """Check a statement, and print what it proves.

    Raises:
        StatementError: It does not hold.
        ConfigurationError: The extra `[server]` is not installed.
    """
    kind = next((kind for field, kind in _KINDS.items() if field in document), None)
    if kind is None:
        raise StatementError(
            "the statement is of no known kind", remedy=f"Those are {', '.join(_KINDS.values())}", fact="kind"
        )
    hotkey = _verify(kind, document)
    issued, expires = (moment(document[name] / 1000) for name in ("issued_at_ms", "expires_at_ms"))
    proven = (
        f"the hotkey {hotkey} signed this {kind}, for the ledger {document['ledger']} on {document['network']}",
        f"it was good from {issued} to {expires}, by its own clock",
    )
    not_proven = [
        "who holds the hotkey, and whether it is registered: the chain says so",
        "whether it was accepted: the log of the ledger says so",
    ]
    if document["expires_at_ms"] <= time.time() * 1000:
        not_proven.append("anything new: it has expired, and nobody takes it in any more")
    if as_json:
        print_json(
            {
                "holds": True,
                "kind": kind,
                "hotkey": hotkey,
                "ledger": document["ledger"],
                "network": document["network"],
                "proven": list(proven),
                "not_proven": not_proven,
            }
        )
        return
    print_line(f"The {kind} of {hotkey} holds.")
    print_weighed(proven, tuple(not_proven))


def _verify(kind: str, document: Mapping[str, Any]) -> str:
    """Who signed it. It is held against the time at which it was issued: what is kept has mostly expired."""
    issued_at_ms = document.get("issued_at_ms")
    now_ms = issued_at_ms if isinstance(issued_at_ms, int) else 0
    network, ledger = str(document.get("network")), str(document.get("ledger"))
    if kind == CERTIFICATE_STATEMENT:
        return verify_certificate(document, network=network, ledger=ledger, now_ms=now_ms).hotkey
    return verify_statement(kind, document, network=network, ledger=ledger, now_ms=now_ms).hotkey
