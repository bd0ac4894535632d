"""A published log under one head that is trusted. Nothing it gives was not followed up to the root of that head."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from copy import copy

from orchestra_tools.errors import ProofError
from orchestra_tools.registry.published.files import LogFiles, tampered
from orchestra_tools.registry.record import Recorded, read_leaf, walk
from orchestra_tools.trust.bundles import MAX_ENTRY_BYTES, decode_bundle
from orchestra_tools.trust.merkle import (
    HASH_BYTES,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    tree_root,
    verify_consistency,
)
from orchestra_tools.trust.policy import TrustedHead
from orchestra_tools.trust.proofs import TlogProof
from orchestra_tools.trust.tiles import TILE_WIDTH, Bundle, Tile, TileHashes, authenticate_leaves

_TILE_BYTES = TILE_WIDTH * HASH_BYTES
_BUNDLE_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
_BUNDLES_KEPT = 32


class LogView:
    """What a log says under one head."""

    def __init__(self, files: LogFiles, head: TrustedHead) -> None:
        """Read nothing yet.

        Args:
            files: The log.
            head: Checked already.
        """
        self.head = head
        self.size = head.checkpoint.size
        self._files = files
        self._hashes = TileHashes(self.size, self._read_tile)
        self._bundles: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()

    def at(self, head: TrustedHead) -> LogView:
        """The same view under a head of the same checkpoint, signed anew."""
        other = copy(self)
        other.head = head
        return other

    def walk(self, start: int) -> Iterator[Recorded]:
        """Events from a position on, read a bundle at a time."""
        return walk(self.events, start, self.size)

    def events(self, start: int, stop: int) -> list[Recorded]:
        """Events by position, [start, stop), as far as there are any.

        Raises:
            TamperedError: A leaf or a tile is not the one that the head vouches for, or a leaf is no event.
            ConfigurationError: The place cannot be read.
        """
        start, stop = max(start, 0), min(stop, self.size)
        if start >= stop:
            return []
        leaves: list[bytes] = []
        for index in range(start // TILE_WIDTH, (stop - 1) // TILE_WIDTH + 1):
            first = index * TILE_WIDTH
            leaves += self._read_bundle(index)[max(start - first, 0) : stop - first]
        hashes = [leaf_hash(leaf) for leaf in leaves]
        try:
            authenticate_leaves(hashes, start=start, size=self.size, root=self.head.checkpoint.root, read=self._hashes)
        except ProofError as error:
            raise tampered("tile", f"the tiles of {self.size} leaves do not lead to the root of the head") from error
        return [Recorded(start + at, read_leaf(leaf, start + at), leaf) for at, leaf in enumerate(leaves)]

    def prove(self, index: int) -> TlogProof:
        """The proof that a leaf stands at an index.

        Raises:
            ProofError: There is no such leaf.
            TamperedError, ConfigurationError: As for `events`.
        """
        found = self.events(index, index + 1) if index >= 0 else []
        if not found:
            raise ProofError(f"there is no leaf {index} among {self.size}", fact="index")
        hashes = prove_inclusion(index, self.size, self._hashes)
        return TlogProof(index=index, hashes=hashes, note=self.head.note, extra=found[0].leaf)

    def prove_growth(self, old_size: int, new_size: int) -> Sequence[bytes]:
        """The consistency proof from an older head, made of tiles that do belong to this one.

        If it leads elsewhere than to the older head, that head is at fault, and not a tile.

        Raises:
            TamperedError: A tile does not belong to this head.
        """
        try:
            proof = prove_consistency(old_size, new_size, self._hashes)
            verify_consistency(
                old_size=old_size,
                new_size=new_size,
                proof=proof,
                old_root=tree_root(old_size, self._hashes),
                new_root=self.head.checkpoint.root,
            )
        except ProofError as error:
            raise tampered("tile", f"the tiles of {self.size} leaves do not lead to the root of the head") from error
        return proof

    def _read_bundle(self, index: int) -> tuple[bytes, ...]:
        if (known := self._bundles.get(index)) is not None:
            return known
        bundle = Bundle(index, min(TILE_WIDTH, self.size - index * TILE_WIDTH))
        data = self._files.read(bundle.path, max_bytes=_BUNDLE_BYTES)
        width = bundle.width
        if data is None and width < TILE_WIDTH:
            # A place may drop a partial bundle once the full one is there.
            data = self._files.read(bundle._replace(width=TILE_WIDTH).path, max_bytes=_BUNDLE_BYTES)
            width = TILE_WIDTH
        if data is None:
            raise tampered("bundle", f"{bundle.path} is missing", path=bundle.path)
        entries = decode_bundle(data, width=width)[: bundle.width]
        self._bundles[index] = entries
        if len(self._bundles) > _BUNDLES_KEPT:
            self._bundles.popitem(last=False)
        return entries

    def _read_tile(self, tile: Tile) -> bytes:
        data = self._files.read(tile.path, max_bytes=_TILE_BYTES)
        if data is None and tile.width < TILE_WIDTH:
            full = self._files.read(tile._replace(width=TILE_WIDTH).path, max_bytes=_TILE_BYTES)
            data = None if full is None else full[: tile.width * HASH_BYTES]
        if data is None:
            raise tampered("tile", f"{tile.path} is missing", path=tile.path)
        return data
