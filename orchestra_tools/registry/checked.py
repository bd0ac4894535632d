"""What every writer refuses, whatever it writes to: so that all stores keep the same things, and none keeps half."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from orchestra_tools.errors import StoreError
from orchestra_tools.model.case import Case, Commitment, Participant
from orchestra_tools.registry.store import Head, Projected, StoredLeaf, StoreWriter
from orchestra_tools.registry.transactions import Transaction
from orchestra_tools.trust import sha256_hex
from orchestra_tools.trust.tiles import Tile

MAX_NUMBER = 2**63 - 1  # what every database keeps in a whole number
_UNKEEPABLE = "unkeepable"


class CheckedWriter(StoreWriter):
    """A writer whose changes were checked before they are made. What is left to do is to make them."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put_blob(self, data: bytes) -> str:
        return self.put_blobs([data])[0]

    def put_blobs(self, blobs: Iterable[bytes]) -> Sequence[str]:
        with self._transaction.step():
            named = [(sha256_hex(data), data) for data in blobs]
            new = dict(named)
            for sha256 in self._known_blobs(new):
                del new[sha256]
            if new:
                self._add_blobs(new)
            return [sha256 for sha256, _ in named]

    def append(self, leaves: Sequence[StoredLeaf]) -> None:
        with self._transaction.step():
            if not leaves:
                return
            _check_texts(*{leaf.slot for leaf in leaves})
            _check_numbers(*(leaf.seq for leaf in leaves))
            _check_distinct(leaves)
            for index, leaf in enumerate(leaves, self._next_index()):
                if leaf.index < index:
                    raise _taken(f"position {leaf.index} is taken", index=leaf.index)
                if leaf.index > index:
                    raise StoreError(
                        f"the next leaf stands at {index}, not at {leaf.index}",
                        remedy="Add leaves at the end",
                        reason="gap",
                        index=leaf.index,
                    )
            self._add_leaves(leaves)

    def put_tiles(self, tiles: Mapping[Tile, bytes]) -> None:
        with self._transaction.step():
            _check_numbers(*(number for tile in tiles for number in tile))
            # A narrower tile before a wider one of its place: the last one is kept.
            widest = {(tile.level, tile.index): (tile.width, tiles[tile]) for tile in sorted(tiles)}
            if widest:
                self._set_tiles(widest)

    def put_head(self, head: Head) -> None:
        with self._transaction.step():
            _check_numbers(head.size)
            kept = self.head_of(head.size)
            if kept is None:
                self._add_head(head)
            elif kept != head:
                raise _taken(f"there is another head of {head.size} leaves", size=head.size)

    def put_cosignatures(self, size: int, lines: Mapping[str, str]) -> None:
        with self._transaction.step():
            _check_texts(*lines, *lines.values())
            if self.head_of(size) is None:
                raise StoreError(f"there is no head of {size} leaves to cosign", reason="absent", size=size)
            if lines:
                self._set_cosignatures(size, lines)

    def project(self, entries: Sequence[Projected]) -> None:
        with self._transaction.step():
            for each in entries:
                _check_texts(each.slot, each.version, each.entry_sha256)
                _check_numbers(each.index, each.seq)
            if entries:
                self._set_projection({each.slot: each for each in entries})

    def clear_projection(self) -> None:
        with self._transaction.step():
            self._drop_projection()

    def put_case(self, case: Case) -> None:
        with self._transaction.step():
            _check_texts(case.id, case.state, case.slot, case.fingerprint, case.hotkey)
            self._set_case(case)

    def add_commitment(self, *, hotkey: str, digest: str, at_ms: int) -> Commitment:
        with self._transaction.step():
            _check_texts(hotkey, digest)
            _check_numbers(at_ms)
            return self._add_commitment(hotkey, digest, at_ms)

    def use_nonce(self, hotkey: str, nonce: str) -> bool:
        with self._transaction.step():
            _check_texts(hotkey, nonce)
            return self._add_nonce(hotkey, nonce)

    def set_participants(self, participants: Sequence[Participant]) -> None:
        with self._transaction.step():
            by_hotkey = {each.hotkey: each for each in participants}
            _check_texts(*by_hotkey)
            if len(by_hotkey) != len(participants):
                raise StoreError("a hotkey is registered twice", remedy="Name each once", reason="twice")
            self._replace_participants(by_hotkey)

    def set_setting(self, name: str, value: Any) -> None:
        with self._transaction.step():
            _check_texts(name)
            try:
                text = json.dumps(value, allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise StoreError(f"the setting {name[:80]} is no JSON value", reason=_UNKEEPABLE) from error
            self._set_setting(name, text)

    @abstractmethod
    def _next_index(self) -> int: ...

    @abstractmethod
    def _known_blobs(self, digests: Iterable[str]) -> Collection[str]:
        """Which of some blobs are there."""

    @abstractmethod
    def _add_blobs(self, blobs: Mapping[str, bytes]) -> None: ...

    @abstractmethod
    def _add_leaves(self, leaves: Sequence[StoredLeaf]) -> None:
        """Raises StoreError where a slot's `seq` is taken."""

    @abstractmethod
    def _set_tiles(self, tiles: Mapping[tuple[int, int], tuple[int, bytes]]) -> None:
        """Width and hashes by level and index; a wider one that is there stays."""

    @abstractmethod
    def _add_head(self, head: Head) -> None: ...

    @abstractmethod
    def _set_cosignatures(self, size: int, lines: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _set_projection(self, entries: Mapping[str, Projected]) -> None: ...

    @abstractmethod
    def _drop_projection(self) -> None: ...

    @abstractmethod
    def _set_case(self, case: Case) -> None: ...

    @abstractmethod
    def _add_commitment(self, hotkey: str, digest: str, at_ms: int) -> Commitment: ...

    @abstractmethod
    def _add_nonce(self, hotkey: str, nonce: str) -> bool: ...

    @abstractmethod
    def _replace_participants(self, participants: Mapping[str, Participant]) -> None: ...

    @abstractmethod
    def _set_setting(self, name: str, text: str) -> None: ...


def seq_taken(slot: str, seq: int) -> StoreError:
    """The error of a leaf that would be a slot's second of one `seq`."""
    return _taken(f"event {seq} of {slot} is there", slot=slot, seq=seq)


def _check_distinct(leaves: Sequence[StoredLeaf]) -> None:
    seen: set[tuple[str, int]] = set()
    for leaf in leaves:
        if (leaf.slot, leaf.seq) in seen:
            raise seq_taken(leaf.slot, leaf.seq)
        seen.add((leaf.slot, leaf.seq))


def _taken(what: str, **facts: str | int) -> StoreError:
    return StoreError(
        f"{what} already, and is never replaced",
        remedy="Look again at what is there: another writer may have come first",
        reason="taken",
        **facts,
    )


def _check_texts(*texts: str | None) -> None:
    for text in texts:
        if text is not None and ("\0" in text or not _is_unicode(text)):
            raise StoreError(f"the text {text[:80]!a} is not Unicode, or holds a NUL", reason=_UNKEEPABLE)


def _check_numbers(*numbers: int) -> None:
    if any(not 0 <= number <= MAX_NUMBER for number in numbers):
        raise StoreError("a number below 0 or beyond 63 bits cannot be kept", reason=_UNKEEPABLE)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
