"""Holding a published folder against the store it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger_sync.log.findings import Findings, Progress
from orchestra_tools.errors import NoteError, ProofError, TamperedError
from orchestra_tools.registry.published.files import CHECKPOINT, MANIFEST_PROOF, blob_path
from orchestra_tools.registry.published.log import MAX_BLOB_BYTES
from orchestra_tools.registry.record import blobs_of, read_leaf
from orchestra_tools.registry.store import Head, StoreReader
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.bundles import MAX_ENTRY_BYTES, encode_bundle
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.merkle import leaf_hash, verify_inclusion
from orchestra_tools.trust.notes import MAX_NOTE_BYTES, Note, VerifierKey, open_note
from orchestra_tools.trust.proofs import MAX_PROOF_BYTES, TlogProof
from orchestra_tools.trust.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, parse_path, tiles_of

_BLOB = re.compile(r"blob/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_MOST_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)  # of the largest file there is, a bundle
_FILES_A_STEP = 256


def compare_folder(
    reader: StoreReader, folder: Path, *, keys: Sequence[VerifierKey], findings: Findings, progress: Progress
) -> int | None:
    """Tell what of a folder is not as the store has it, and what is missing there.

    Returns:
        Leaves under its checkpoint; None where it has none that holds.
    """
    comparison = _Comparison(reader, folder, keys, findings)
    head = comparison.check_checkpoint()
    for number, path in enumerate(_walk(folder), start=1):
        comparison.check_file(path)
        if number % _FILES_A_STEP == 0:
            progress("published", number, number)
    if head is None:
        return None
    comparison.check_missing(head.size)
    comparison.check_manifest_proof(head)
    return head.size


class _Comparison:
    def __init__(self, reader: StoreReader, folder: Path, keys: Sequence[VerifierKey], findings: Findings) -> None:
        self._reader = reader
        self._folder = folder
        self._keys = keys
        self._findings = findings
        newest = reader.head()
        self._size = 0 if newest is None else newest.size
        self._known = frozenset(reader.blobs())

    def check_checkpoint(self) -> Head | None:
        """The head that is out, if it is one of the store's."""
        data = self._read(CHECKPOINT, MAX_NOTE_BYTES)
        if data is None:
            self._odd(CHECKPOINT, "it is missing")
            return None
        try:
            text = open_note(data, self._keys).note.text
            shown = Checkpoint.parse(text)
        except NoteError as error:
            self._odd(CHECKPOINT, error.problem)
            return None
        head = self._reader.head_of(shown.size)
        if head is None or Note.parse(head.note).text != text:
            self._odd(CHECKPOINT, f"the store has not signed this head of {shown.size} leaves")
            return None
        return head

    def check_file(self, path: str) -> None:
        """Hold a file below `tile` or `blob` against the store."""
        if found := _BLOB.fullmatch(path):
            self._check_blob(path, found[2])
            return
        try:
            place = parse_path(path)
        except ValueError:
            self._odd(path, "it is no file of a log")
            return
        expected = self._expected(place)
        if expected is None:
            self._odd(path, "it is ahead of the log")
        elif self._read(path, _MOST_BYTES) != expected:
            self._odd(path, "it differs from the store")

    def check_missing(self, size: int) -> None:
        """Look for every file that readers of a head need."""
        for tile in tiles_of(size):
            self._check_there(tile.path)
        for start in range(0, size, TILE_WIDTH):
            self._check_there(Bundle(start // TILE_WIDTH, min(TILE_WIDTH, size - start)).path)
            for leaf in self._reader.leaves(start, min(start + TILE_WIDTH, size)):
                try:
                    event = read_leaf(leaf.data, leaf.index)
                except TamperedError:
                    continue  # told of already
                for sha256 in blobs_of(event):
                    self._check_there(blob_path(sha256))

    def check_manifest_proof(self, head: Head) -> None:
        """See that the proof leads from a manifest to a head of the store."""
        data = self._read(MANIFEST_PROOF, MAX_PROOF_BYTES)
        if data is None:
            self._odd(MANIFEST_PROOF, "it is missing")
            return
        try:
            proof = TlogProof.parse(data)
            text = open_note(proof.note, self._keys).note.text
            checkpoint = Checkpoint.parse(text)
            # It is written before the checkpoint, so it may be of a newer head.
            ours = self._reader.head_of(checkpoint.size)
            leaves = self._reader.leaves(proof.index, proof.index + 1)
            if ours is None or Note.parse(ours.note).text != text or checkpoint.size < head.size:
                self._odd(MANIFEST_PROOF, "its checkpoint is not the one that is out")
            elif not leaves or read_leaf(leaves[0].data, proof.index).kind != "manifest":
                self._odd(MANIFEST_PROOF, f"leaf {proof.index} is no manifest")
            else:
                verify_inclusion(
                    leaf_hash(leaves[0].data),
                    index=proof.index,
                    size=checkpoint.size,
                    proof=proof.hashes,
                    root=checkpoint.root,
                )
        except (ProofError, NoteError, TamperedError) as error:
            self._odd(MANIFEST_PROOF, error.problem)

    def _expected(self, place: Tile | Bundle) -> bytes | None:
        if isinstance(place, Tile):
            if place.index * TILE_WIDTH + place.width > self._size >> TILE_HEIGHT * place.level:
                return None
            return self._reader.tile(place)
        start = place.index * TILE_WIDTH
        leaves = self._reader.leaves(start, start + place.width)
        return encode_bundle([leaf.data for leaf in leaves]) if len(leaves) == place.width else None

    def _check_blob(self, path: str, sha256: str) -> None:
        data = self._read(path, MAX_BLOB_BYTES)
        if data is None or sha256_hex(data) != sha256:
            self._odd(path, "it has other bytes")
        elif sha256 not in self._known:
            self._odd(path, "the store has no such document")

    def _check_there(self, path: str) -> None:
        if not (self._folder / path).is_file():
            self._odd(path, "it is missing")

    def _read(self, path: str, max_bytes: int) -> bytes | None:
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(max_bytes + 1)
        except OSError:
            return None

    def _odd(self, path: str, problem: str) -> None:
        self._findings.add("published", path, problem)


def _walk(folder: Path) -> Iterator[str]:
    """Every file below `tile` and `blob`, by its path."""
    for top in ("tile", "blob"):
        for here, _, names in os.walk(folder / top):
            for name in sorted(names):
                yield (Path(here) / name).relative_to(folder).as_posix()
