"""Values to put into stores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from orchestra_tools.model.case import Case, CastVerdict, Participant
from orchestra_tools.registry.store import Head, Projected, StoredLeaf, StoreReader, StoreWriter
from orchestra_tools.trust.tiles import Tile


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def leaf(index: int, *, slot: str = "SN13@1907637", seq: int | None = None) -> StoredLeaf:
    data = f"leaf {index} of {slot}".encode()
    return StoredLeaf(index, slot, index if seq is None else seq, hashlib.sha256(b"\0" + data).digest(), data)


def leaves(start: int, stop: int, *, slot: str = "SN13@1907637") -> Sequence[StoredLeaf]:
    return [leaf(index, slot=slot) for index in range(start, stop)]


def head(size: int, *, note: str = "") -> Head:
    return Head(size, digest(f"root {size}"), f"ledger.example\n{size}\n{note}\n".encode())


def projected(slot: str = "SN13@1907637", *, index: int = 0, entry: str | None = "ab" * 32) -> Projected:
    return Projected(slot, index, index, digest(slot), "1.2.0", entry)


def case(name: str, **fields: Any) -> Case:
    return Case.model_validate(
        {
            "id": digest(name).hex(),
            "fingerprint": digest(f"wish of {name}").hex(),
            "slot": "SN13@1907637",
            "update_type": "schema_change",
            "field": "output_schema.metadata.scrape_timestamp",
            "hotkey": "5Miner",
            "statement_sha256": digest("statement").hex(),
            "evidence_sha256": digest("evidence").hex(),
            "commitment": 0,
            "bump": "minor",
            "opened_at_ms": 1_760_000_000_000,
            "closes_at_ms": 1_760_000_600_000,
            **fields,
        }
    )


def verdict(hotkey: str) -> CastVerdict:
    return CastVerdict(hotkey=hotkey, decision="approve", statement_sha256=digest(hotkey).hex(), at_ms=1)


def participant(hotkey: str, **fields: Any) -> Participant:
    return Participant.model_validate({"hotkey": hotkey, "coldkey": f"{hotkey}-owner", **fields})


def everything(store: StoreReader) -> dict[str, Any]:
    """All that a store says."""
    size = len(store.leaves(0, 10_000))
    return {
        "head": store.head(),
        "heads": [store.head_of(each) for each in range(size + 2)],
        "leaves": store.leaves(0, 10_000),
        "tile": store.tile(Tile(0, 0, 1)),
        "blobs": store.read_blobs(store.blobs()),
        "projection": store.projection(),
        "cases": store.cases(),
        "commitments": store.commitments(),
        "participants": store.participants(),
        "setting": store.setting("origin"),
        "cosignatures": store.cosignatures(size),
    }


def write_some_of_all(writer: StoreWriter) -> None:
    writer.append(leaves(0, 3))
    writer.put_tiles({Tile(0, 0, 3): bytes(96)})
    writer.put_head(head(3))
    writer.put_cosignatures(3, {"witness.example": "— witness.example AAAA"})
    writer.put_blob(b"a document")
    writer.project([projected(), projected("SN22@1", index=2, entry=None)])
    writer.put_case(case("one", verdicts=[verdict("5Validator").to_json()], from_later="kept"))
    writer.add_commitment(hotkey="5Miner", digest="ab" * 32, at_ms=7)
    writer.use_nonce("5Miner", "n1")
    writer.set_participants([participant("5Miner", uid=42), participant("5Validator", validator=True)])
    writer.set_setting("origin", "ledger.example")
