"""Ledger documents that are not what they should be: each is refused whole, with the place and the reason."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from orchestra_tools.client import AsyncLedgerClient
from orchestra_tools.errors import OrchestraError
from tests.hostile.case import Attack, Case, Unstopped, told
from tests.hostile.stage import Stage

_ENTRY = b'{"SN1": {"name": "A", "x": %s}}'
_DEEP = 100_000
DOCUMENTS: dict[str, bytes] = {
    "empty": b"",
    "cut off": b'{"SN1": {"name": "A"',
    "a key twice": b'{"SN1": {"name": "A", "name": "B"}}',
    "NaN": _ENTRY % b"NaN",
    "Infinity": _ENTRY % b"-Infinity",
    "1e999": _ENTRY % b"1e999",
    "an integer of 5,000 digits": _ENTRY % (b"9" * 5_000),
    "half a surrogate pair": _ENTRY % rb'"\ud800"',
    "half a surrogate pair as a key": rb'{"SN1": {"\udfff": 1}}',
    "a byte order mark": b'\xef\xbb\xbf{"SN1": {}}',
    "UTF-16": '{"SN1": {}}'.encode("utf-16"),
    "Latin-1": '{"SN1": {"name": "Zoë"}}'.encode("latin-1"),
    "arrays 100,000 deep": b"[" * _DEEP + b"]" * _DEEP,
    "objects 100,000 deep": b'{"SN1":' * _DEEP + b"1" + b"}" * _DEEP,
    "an array 100,000 deep in an entry": _ENTRY % (b"[" * _DEEP + b"]" * _DEEP),
    "a list": b"[]",
    "a text": b'"SN22"',
    "null": b"null",
    "gzip in place of JSON": gzip.compress(b'{"SN1": {}}'),
    "a ZIP bomb's beginning": b"PK\x03\x04" + b"\0" * 1000,
    "two documents": b'{"SN1": {}} {"SN2": {}}',
    "a comment": b'{"SN1": {} /* nothing */}',
    "an unknown format": b'{"format": "orchestra-ledger/99", "entries": {}}',
    "entries that are a list": b'{"format": "orchestra-ledger/1", "entries": []}',
    "nothing but a netuid too large": b'{"SN99999": {"name": "A"}}',
    "a key that is no subnet": b'{"../../etc/passwd": {"name": "A"}}',
    "a netuid that says otherwise": b'{"SN1": {"netuid": 2}}',
}


def cases() -> Iterator[Case]:
    """All of them."""
    for name, data in DOCUMENTS.items():
        yield Case("ledger documents", name, _refused(data))
    yield Case("ledger documents", "a file of 65 MB", _refuse_huge)


def _refused(data: bytes) -> Attack:
    async def attack(stage: Stage) -> str:
        try:
            async with stage.client(data):
                raise Unstopped("it was read")
        except OrchestraError as error:
            return told(error)

    return attack


async def _refuse_huge(stage: Stage) -> str:
    path = stage.folder / "huge.json"
    with path.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    try:
        async with AsyncLedgerClient(path, environment={"ORCHESTRA_HOME": str(stage.folder / "home")}):
            raise Unstopped("it was read")
    except OrchestraError as error:
        return told(error)
    finally:
        path.unlink()
