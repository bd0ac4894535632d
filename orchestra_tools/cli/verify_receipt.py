"""What `orchestra verify` says of a receipt: what it proves, and what it does not. Offline."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestra_tools.calls import Identity, Journal
from orchestra_tools.cli.arguments import read_text
from orchestra_tools.cli.output import print_json, print_line
from orchestra_tools.client import Settings
from orchestra_tools.compile import compile_ledger
from orchestra_tools.errors import ConfigurationError, OrchestraError
from orchestra_tools.importers import parse_json
from orchestra_tools.trust import ReceiptReport, digest_request, verify_receipt

LATEST = "latest"
SELF = "self"
_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def verify_receipt_at(
    place: str,
    *,
    body_file: str | None,
    arguments_file: str | None,
    key: str | None,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Check a receipt, and print what it proves.

    Args:
        place: A file, - for stdin, the id of a receipt in the local journal, or latest.
        body_file: File with the raw body of the answer.
        arguments_file: File with the arguments of the call.
        key: Public key that must have signed; self = this installation's.
        ledger: The ledger in use.
        as_json: Print JSON.
    """
    settings = Settings.from_environment()
    document = _read_receipt(place, settings.home)
    own = _own_key(settings.home)
    trusted = _trusted(key, own, document)
    arguments = None if arguments_file is None else _read_object(arguments_file, "arguments")
    if arguments is not None:
        arguments = _with_defaults(arguments, document, ledger, settings)
    body = None if body_file is None else read_text(body_file)
    report = verify_receipt(document, trusted_keys=trusted, body=body, arguments=arguments)
    signed_here = own is not None and report.receipt.public_key == own
    if as_json:
        print_json(
            {
                "holds": True,
                "proven": list(report.proven),
                "not_proven": list(report.not_proven),
                "signer": {"public_key": report.receipt.public_key, "this_installation": signed_here},
                "receipt": dict(document),
            }
        )
    else:
        _print_report(report, signed_here=signed_here)


def _read_receipt(place: str, home: Path) -> Mapping[str, Any]:
    if place == "-" or os.path.isfile(place):  # noqa: PTH113  # Path.is_file raises for a very long text
        document = _read_object(place, "receipt")
        inner = document.get("receipt")
        # What `orchestra call --json` prints has the receipt inside.
        return inner if isinstance(inner, dict) and "format" not in document else document
    if place != LATEST and not _ID.fullmatch(place):
        raise ConfigurationError(
            f"{place[:120]!r} is neither a file nor the id of a receipt", remedy="Give a file, -, an id, or latest"
        )
    path = home / "journal.sqlite"
    found = None
    if path.exists():
        journal = Journal(path)
        try:
            found = journal.latest_receipt() if place == LATEST else journal.receipt(place)
        finally:
            journal.close()
    if found is None:
        what = "no receipt" if place == LATEST else f"no receipt {place}"
        raise ConfigurationError(f"the local journal has {what}", remedy="Make a call first, or give a file")
    return found


def _read_object(place: str, what: str) -> dict[str, Any]:
    document = parse_json(read_text(place), source="stdin" if place == "-" else place)
    if not isinstance(document, dict):
        raise ConfigurationError(f"{place} is JSON, but no {what}", remedy="Give a JSON object")
    return document


def _own_key(home: Path) -> str | None:
    # Looking must not make a key.
    path = home / "identity.pem"
    return Identity.load(path).public_key if path.exists() else None


def _trusted(key: str | None, own: str | None, document: Mapping[str, Any]) -> frozenset[str] | None:
    if key is None:
        return frozenset((own,)) if own is not None and document.get("public_key") == own else None
    if key == SELF:
        if own is None:
            raise ConfigurationError("this installation has no key yet", remedy="It is made by the first call")
        return frozenset((own,))
    if not _KEY.fullmatch(key):
        raise ConfigurationError("--key is no Ed25519 public key", remedy="Give 64 hex digits, or self")
    return frozenset((key.lower(),))


def _with_defaults(
    arguments: dict[str, Any], document: Mapping[str, Any], ledger: str | None, settings: Settings
) -> dict[str, Any]:
    """The arguments as they were sent, which is with defaults applied; as given where that cannot be found out."""
    request = document.get("request")
    if isinstance(request, Mapping) and _digest(arguments, document) == request.get("sha256"):
        return arguments
    try:
        catalogue = compile_ledger(settings.open_ledger(ledger).load())
        tool = catalogue.find_tool(str(document.get("tool")))
        if tool.digest != document.get("tool_digest"):
            return arguments
        return tool.input_validator.check(arguments, tool=tool.name)
    except OrchestraError:
        return arguments


def _digest(arguments: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    tool, digest, version = (str(document.get(name)) for name in ("tool", "tool_digest", "entry_version"))
    return digest_request(tool=tool, tool_digest=digest, entry_version=version, arguments=arguments)[1]


def _print_report(report: ReceiptReport, *, signed_here: bool) -> None:
    receipt = report.receipt
    print_line(
        f"The receipt {receipt.id} holds: {receipt.tool}, {receipt.outcome.value}, schema {receipt.schema_verdict}."
    )
    if signed_here:
        print_line("It was signed by this installation's own key.")
    print_line("Proven:")
    for each in report.proven:
        print_line(f"  - {each}")
    print_line("Not proven:")
    for each in report.not_proven:
        print_line(f"  - {each}")
