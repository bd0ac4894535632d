"""A ledger document: bytes in, ledger out, and back.

Two forms are read: ours, `{"format": "orchestra-ledger/1", "entries": {"SN22": …}}`, and the seed's bare mapping
`{"SN22": …}`. The document comes from strangers, so it is parsed strictly. What cannot be read inside it (an entry, an
operation) is set aside with the reason and written back as it was; the rest is served.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import ValidationError

from orchestra_tools.errors import Fault, LedgerFormatError
from orchestra_tools.model import LEDGER_FORMAT, Entry, Ledger, SandboxMark, Slot, Unreadable, faults_of
from orchestra_tools.schema import join
from orchestra_tools.schema.limits import is_deeper

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_ENTRY_DEPTH = 64  # levels; a schema in an entry may have 32
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
MAX_FAULTS = 20
_OUR_FIELDS = ("format", "sandbox", "entries")


def read_ledger(data: bytes | str, *, source: str) -> Ledger:
    """Parse and read a ledger document.

    Args:
        data: JSON text; UTF-8 if bytes.
        source: What to call it in errors.

    Raises:
        LedgerFormatError: It is not JSON, or not a ledger.
    """
    return ledger_from_document(parse_json(data, source=source), source=source)


def parse_json(data: bytes | str, *, source: str) -> Any:
    """Parse JSON strictly: UTF-8, no duplicate keys, no NaN, no absurd depth or size.

    Raises:
        LedgerFormatError: It is not JSON, or not safe.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _refuse(source, f"{len(data):,} bytes, the limit is {MAX_DOCUMENT_BYTES:,}")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_no_constants, parse_float=_finite_number
        )
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except RecursionError:
        raise _refuse(source, "nested too deeply") from None
    except UnicodeDecodeError as error:
        raise _refuse(source, f"not UTF-8 at byte {error.start}") from error
    except UnicodeEncodeError as error:
        raise _refuse(source, "not JSON: half of a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise _refuse(source, f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except ValueError as error:
        raise _refuse(source, f"not JSON: {str(error)[:200]}") from error


def ledger_from_document(document: Any, *, source: str) -> Ledger:
    """Read the parsed JSON of a ledger.

    Raises:
        LedgerFormatError: It is not a ledger.
    """
    if not isinstance(document, dict):
        raise _refuse(source, f"a ledger is an object, this is {type(document).__name__}", "see docs/ledger.md")
    ours = "entries" in document or "format" in document
    if ours and (stated := document.get("format", LEDGER_FORMAT)) != LEDGER_FORMAT:
        raise _refuse(source, f"unknown format {str(stated)[:60]!r}", f"this version reads {LEDGER_FORMAT}", "/format")
    bodies = document.get("entries") if ours else document
    if not isinstance(bodies, dict):
        raise _refuse(source, f"entries are an object, this is {type(bodies).__name__}", pointer="/entries")
    entries: dict[Slot, Entry] = {}
    unreadable: dict[str, Unreadable] = {}
    for key, body in bodies.items():
        entry = _read_entry(key, body)
        if isinstance(entry, Entry) and entry.slot in entries:
            entry = Unreadable(body, (Fault("", f"the slot {entry.slot} stands twice"),))
        if isinstance(entry, Unreadable):
            unreadable[key] = entry
        else:
            entries[entry.slot] = entry
    if unreadable and not entries:
        root = "/entries" if ours else ""
        faults = [
            Fault(f"{root}{join([key])}{fault.pointer}", fault.problem)
            for key, bad in unreadable.items()
            for fault in bad.faults
        ]
        raise LedgerFormatError(
            f"{source} holds no readable entry",
            faults[:MAX_FAULTS],
            remedy='An entry stands under its key, as in {"SN22": {"name": "Desearch", …}}',
            source=source,
        )
    return Ledger(
        entries.values(),
        sandbox=_read_sandbox(document.get("sandbox") if ours else None, source),
        unreadable=unreadable,
        extra={name: value for name, value in document.items() if name not in _OUR_FIELDS} if ours else {},
    )


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """The JSON document of a ledger, in our form; each entry under the key it was read from, where that is free."""
    entries: dict[str, Any] = {}
    # An entry without a block has no other key than the plain one.
    for entry in sorted(ledger, key=lambda each: each.registered_at_block is not None):
        key = entry.document_key
        entries[str(entry.slot) if key in entries else key] = entry
    order = {entry.slot: index for index, entry in enumerate(ledger)}
    written = {key: entry.to_json() for key, entry in sorted(entries.items(), key=lambda named: order[named[1].slot])}
    document: dict[str, Any] = {"format": LEDGER_FORMAT}
    if ledger.sandbox is not None:
        document["sandbox"] = ledger.sandbox.to_json()
    kept = {key: bad.document for key, bad in ledger.unreadable.items() if key not in written}
    return document | dict(ledger.extra) | {"entries": written | kept}


def frame_document(ledger: Ledger) -> dict[str, Any]:
    """The document of a ledger without its entries: what holds for all of them."""
    document = ledger_document(Ledger((), sandbox=ledger.sandbox, extra=ledger.extra))
    del document["entries"]
    return document


def _read_entry(key: str, body: Any) -> Entry | Unreadable:
    if not isinstance(body, Mapping):
        return Unreadable(body, (Fault("", f"an entry is an object, this is {type(body).__name__}"),))
    if is_deeper(body, MAX_ENTRY_DEPTH):
        return Unreadable(body, (Fault("", f"nested deeper than {MAX_ENTRY_DEPTH} levels"),))
    try:
        return Entry.from_document(key, body)
    except ValidationError as error:
        return Unreadable(body, faults_of(error))
    except ValueError as error:
        return Unreadable(body, (Fault("", str(error)),))


def _read_sandbox(mark: Any, source: str) -> SandboxMark | None:
    if mark is None:
        return None
    try:
        return SandboxMark.model_validate(mark)
    except ValidationError as error:
        faults = [Fault(f"/sandbox{fault.pointer}", fault.problem) for fault in faults_of(error)]
        raise LedgerFormatError(f"{source} cannot be read", faults, source=source) from error


def _refuse(source: str, problem: str, remedy: str = "", pointer: str = "") -> LedgerFormatError:
    return LedgerFormatError(f"{source} cannot be read", [Fault(pointer, problem, remedy)], source=source)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # set.add in a filter
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return value


def _finite_number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
