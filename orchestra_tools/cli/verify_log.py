"""What `orchestra verify` says of a ledger, of an entry and of a `.tlog-proof`: held against keys that are pinned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestra_tools.cli.moments import moment
from orchestra_tools.cli.output import print_fields, print_json, print_line
from orchestra_tools.errors import ConfigurationError, LedgerFormatError, TamperedError, UnknownSubnetError
from orchestra_tools.importers import parse_json
from orchestra_tools.model import Entry, Ledger
from orchestra_tools.registry.published import LogSource
from orchestra_tools.registry.published.auditing import audit
from orchestra_tools.registry.record import read_leaf
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.policy import TrustedHead, TrustPolicy
from orchestra_tools.trust.proofs import TlogProof, verify_tlog_proof


@dataclass(frozen=True, slots=True)
class LogReport:
    """What was found to hold.

    Attributes:
        about: What was verified.
        head: The head everything stands under.
        facts: Figures, by name.
        proven: What is proven by them.
        not_proven: What is not.
    """

    about: str
    head: TrustedHead
    facts: Mapping[str, Any]
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]


def verify_ledger(
    source: LogSource, *, on_progress: Callable[[int, int], None], other_head: bytes | None = None
) -> LogReport:
    """Verify every leaf, every document, every current entry, and that nothing newer is hidden.

    Args:
        source: The ledger.
        on_progress: Told how many leaves were read, and of how many.
        other_head: A signed head that somebody else was shown.

    Raises:
        TrustError: Something does not hold.
    """
    ledger, log = source.load(), source.record
    found, head = audit(log, on_progress=on_progress), log.head()
    proven = [
        *_proven_of(head),
        f"all {found.leaves:,} leaves stand in its tree, and each follows the one before it of its slot",
        f"the {len(ledger):,} current entries are those that the log names, byte for byte, and none is newer",
        f"{found.documents:,} documents are those that the leaves name",
    ]
    if found.changes:
        proven.append(f"{found.changes:,} accepted changes, made again, make the entries that stand there")
    if other_head is not None:
        theirs = log.compare(other_head).checkpoint
        proven.append(f"the other head, of {theirs.size:,} leaves, is of this very log")
    missing = [*_not_proven_of(head), "who signed the proposals and verdicts: `orchestra verify FILE` checks one"]
    if found.missing:
        missing.append(f"what {len(found.missing):,} documents say that are not there, such as {found.missing[0]}")
    facts = {
        "leaves": found.leaves,
        "entries": len(ledger),
        "operations": sum(len(entry.operations) for entry in ledger),
        "changes": found.changes,
        "documents": found.documents,
        "documents_missing": len(found.missing),
    }
    return LogReport(f"the ledger {head.checkpoint.origin}", head, facts, tuple(proven), tuple(missing))


def verify_entry(source: LogSource, subnet: str) -> LogReport:
    """Verify that an entry is the latest of its slot.

    Raises:
        TrustError: Something does not hold.
        UnknownSubnetError: There is none.
    """
    entry = _find_entry(source.load(), subnet)
    head, latest = source.record.head(), source.record.latest()[str(entry.slot)]
    return LogReport(
        f"{entry.key} {entry.version}",
        head,
        {"slot": str(entry.slot), "version": entry.version, "index": latest.index, "entry_sha256": latest.entry_sha256},
        (
            *_proven_of(head),
            f"the entry {latest.entry_sha256} is named by the leaf {latest.index} of its tree",
            f"no newer event of {entry.slot} is in the tree",
        ),
        _not_proven_of(head),
    )


def verify_proof(text: bytes, entry: bytes | None, policy: TrustPolicy, now: datetime) -> LogReport:
    """Verify a `.tlog-proof`, offline, and an entry with it.

    Args:
        text: The file.
        entry: The entry it is said to be about, as JSON.
        policy: Whose signatures are wanted.
        now: The time, with a time zone.

    Raises:
        TrustError: Something does not hold.
        ConfigurationError: The proof carries no leaf.
    """
    proof = TlogProof.parse(text)
    if not proof.extra:
        raise ConfigurationError("the proof carries no leaf", remedy="Make it with `orchestra history --proofs`")
    head = verify_tlog_proof(proof.extra, proof, policy, now=now)
    event = read_leaf(proof.extra, proof.index)
    proven = [*_proven_of(head), f"the event {proof.index} ({event.kind} of {event.slot}) stands in its tree"]
    missing = [*_not_proven_of(head), "that nothing newer exists: a proof alone cannot say so"]
    if entry is None:
        missing.append("what the entry says: give it with --entry")
    elif event.entry_sha256 not in (sha256_hex(entry), sha256_hex(_compact(entry))):
        raise TamperedError(
            f"the entry given is not the one that the proof names ({event.entry_sha256})",
            remedy="Do not rely on it, or give the entry of that version",
            part="entry",
        )
    else:
        proven.append("the entry given is the one it names")
    facts = {"slot": event.slot, "version": event.version, "index": proof.index, "entry_sha256": event.entry_sha256}
    return LogReport(f"the proof of {event.slot}", head, facts, tuple(proven), tuple(missing))


def print_report(report: LogReport, *, as_json: bool) -> None:
    """What holds, what it proves, and what it does not."""
    checkpoint = report.head.checkpoint
    if as_json:
        print_json(
            {
                "holds": True,
                "head": {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()},
                "log_key": str(report.head.log_key),
                "witnesses": {name: moment(at_s) for name, at_s in report.head.witnesses},
                **report.facts,
                "proven": list(report.proven),
                "not_proven": list(report.not_proven),
            }
        )
        return
    print_line(f"{report.about} holds.")
    head = {"origin": checkpoint.origin, "size": f"{checkpoint.size:,}", "root": checkpoint.root.hex()}
    facts = {name.replace("_", " "): str(value) for name, value in report.facts.items() if value is not None}
    print_fields(head | facts)
    print_weighed(report.proven, report.not_proven)


def print_weighed(proven: tuple[str, ...], not_proven: tuple[str, ...]) -> None:
    """What is proven, and what is not, for people."""
    for heading, lines in (("Proven:", proven), ("Not proven:", not_proven)):
        if lines:
            print_line(heading)
        for each in lines:
            print_line(f"  - {each}")


def _find_entry(ledger: Ledger, subnet: str) -> Entry:
    if "@" not in subnet:
        return ledger.find_entry(subnet)
    for entry in ledger:
        if str(entry.slot) == subnet.upper():
            return entry
    raise UnknownSubnetError(f"no slot {subnet[:40]} in this ledger", remedy=f"See `orchestra history {subnet[:40]}`")


def _compact(entry: bytes) -> bytes:
    """JSON as the log has it: the same text without what stands between its parts."""
    try:
        document = parse_json(entry, source="entry")
    except LedgerFormatError:
        return entry
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _proven_of(head: TrustedHead) -> list[str]:
    lines = [f"the head of {head.checkpoint.size:,} leaves is signed by the pinned key of {head.log_key.name}"]
    if head.witnesses:
        named = ", ".join(f"{name} at {moment(at_s)}" for name, at_s in head.witnesses)
        lines.append(f"witnesses saw it, and it does not contradict what they saw before: {named}")
    return lines


def _not_proven_of(head: TrustedHead) -> tuple[str, ...]:
    if head.vouched_at is not None:
        return ()
    return ("that everybody is shown the same log, and that this head is the newest: the policy asks for no witness",)
