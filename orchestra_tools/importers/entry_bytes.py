"""An entry as a blob: the bytes that a ledger's log vouches for.

The document keeps its order, which a model sees: the bytes are compact JSON, not canonical JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import ValidationError

from orchestra_tools.errors import Fault, LedgerFormatError
from orchestra_tools.importers.documents import MAX_ENTRY_DEPTH, parse_json
from orchestra_tools.model import Entry, faults_of
from orchestra_tools.schema.limits import is_deeper


def entry_bytes(entry: Entry) -> bytes:
    """The document of an entry, as UTF-8 JSON in its own order.

    Raises:
        ValueError: It holds something that is not JSON.
    """
    return json.dumps(entry.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def entry_from_bytes(slot: str, data: bytes) -> Entry:
    """The entry of a slot (`SN13@1907637`, or `SN13@?` where nobody looked the block up).

    Raises:
        LedgerFormatError: They are not the bytes of an entry of that slot.
    """
    source = f"entry of {slot[:40]}"
    document = parse_json(data, source=source)
    if not isinstance(document, Mapping) or is_deeper(document, MAX_ENTRY_DEPTH):
        raise LedgerFormatError(f"the {source} cannot be read", [Fault("", "no object, or too deep")], source=source)
    try:
        entry = Entry.from_document(slot.partition("@")[0], document)
    except ValidationError as error:
        raise LedgerFormatError(f"the {source} cannot be read", faults_of(error), source=source) from error
    except ValueError as error:
        raise LedgerFormatError(f"the {source} cannot be read", [Fault("", str(error))], source=source) from error
    if str(entry.slot) != slot:
        fault = Fault("", f"it is the entry of {entry.slot}")
        raise LedgerFormatError(f"the {source} cannot be read", [fault], source=source)
    return entry
