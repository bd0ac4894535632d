"""Fuzz the parsers of strangers' bytes, guided by coverage (atheris, libFuzzer).

    python -m tests.fuzz TARGET [-runs=N] [libFuzzer options]

A target fails when anything comes out but its own typed error. Targets: see TARGETS.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["orchestra_tools"]):
    from orchestra_tools.calls.addresses import split_origin
    from orchestra_tools.calls.events import read_event_data
    from orchestra_tools.compile import compile_ledger
    from orchestra_tools.errors import (
        AddressRefusedError,
        ConfigurationError,
        DocumentRefusedError,
        LedgerFormatError,
        NoteError,
        ProofError,
        ReceiptError,
        SchemaRefusedError,
        TamperedError,
    )
    from orchestra_tools.importers import read_ledger
    from orchestra_tools.importers.openapi import import_openapi, read_openapi_document
    from orchestra_tools.schema import check_schema, expand
    from orchestra_tools.schema.strict_json import read_json
    from orchestra_tools.trust.bundles import decode_bundle, encode_bundle
    from orchestra_tools.trust.checkpoints import Checkpoint
    from orchestra_tools.trust.notes import Note
    from orchestra_tools.trust.policy import TrustPolicy
    from orchestra_tools.trust.proofs import TlogProof
    from orchestra_tools.trust.receipts import verify_receipt
    from orchestra_tools.trust.tiles import parse_path
    from orchestra_tools.trust.witnesses import AddCheckpoint


def fuzz_ledger(data: bytes) -> None:
    """A ledger document is read and compiled, or refused."""
    with suppress(LedgerFormatError):
        assert compile_ledger(read_ledger(data, source="fuzz")).tools is not None


def fuzz_openapi(data: bytes) -> None:
    """An API document is read and imported, or refused."""
    with suppress(DocumentRefusedError):
        imported = import_openapi(read_openapi_document(data, source="fuzz"), source="fuzz")
        pointers = [each.pointer for each in (*imported.imported, *imported.skipped)]
        assert len(pointers) == len(set(pointers)), pointers


def fuzz_schema(data: bytes) -> None:
    """A schema, or the seed's shorthand, is let in or refused."""
    with suppress(SchemaRefusedError, ValueError):
        form = json.loads(data)
        with suppress(SchemaRefusedError):
            check_schema(expand(form))
        check_schema(form)


def fuzz_url(data: bytes) -> None:
    """An address is taken apart, or refused."""
    with suppress(AddressRefusedError, UnicodeDecodeError):
        host, port, scheme = split_origin(data.decode())
        assert host
        assert 0 < port < 65_536
        assert scheme in ("http", "https")


def fuzz_events(data: bytes) -> None:
    """Whatever a stream of events holds, it has an end."""
    assert sum(len(event) for event in read_event_data(data)) <= 3 * len(data)


def fuzz_answer(data: bytes) -> None:
    """An answer is JSON that can be passed on, or none."""
    with suppress(ValueError):
        json.dumps(read_json(data), allow_nan=False, ensure_ascii=False).encode()


def fuzz_receipt(data: bytes) -> None:
    """A receipt holds, or does not."""
    with suppress(ReceiptError, ValueError):
        document = read_json(data)
        if isinstance(document, dict):
            verify_receipt(document)


def fuzz_tile_path(data: bytes) -> None:
    """A path is spelled in the one way there is, or refused."""
    with suppress(ValueError):
        path = data.decode()
        assert parse_path(path).path == path


def fuzz_bundle(data: bytes) -> None:
    """A bundle is read to its last byte, or refused."""
    with suppress(TamperedError):
        width = data[0] + 1 if data else 1
        assert encode_bundle(decode_bundle(data[1:], width=width)) == data[1:]


def fuzz_note(data: bytes) -> None:
    """A note is written as it was read, or refused; so is the checkpoint in it."""
    with suppress(NoteError):
        note = Note.parse(data)
        assert note.encode() == data
        assert Checkpoint.parse(note.text).text == note.text


def fuzz_tlog_proof(data: bytes) -> None:
    """A proof is written as it was read, or refused."""
    with suppress(ProofError):
        assert TlogProof.parse(data).encode() == data


def fuzz_add_checkpoint(data: bytes) -> None:
    """A request to a witness is written as it was read, or refused."""
    with suppress(ProofError, NoteError):
        assert AddCheckpoint.parse(data).encode() == data


def fuzz_trust_policy(data: bytes) -> None:
    """A policy says the same once it was written anew, or is refused."""
    with suppress(ConfigurationError):
        policy = TrustPolicy.parse(data)
        assert TrustPolicy.parse(policy.format()) == policy


TARGETS: dict[str, Callable[[bytes], None]] = {
    "ledger": fuzz_ledger,
    "openapi": fuzz_openapi,
    "schema": fuzz_schema,
    "url": fuzz_url,
    "events": fuzz_events,
    "answer": fuzz_answer,
    "receipt": fuzz_receipt,
    "tile-path": fuzz_tile_path,
    "bundle": fuzz_bundle,
    "note": fuzz_note,
    "tlog-proof": fuzz_tlog_proof,
    "add-checkpoint": fuzz_add_checkpoint,
    "trust-policy": fuzz_trust_policy,
}


def main() -> None:
    """The command."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz {{{'|'.join(TARGETS)}}} [-runs=N] [libFuzzer options]")
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
