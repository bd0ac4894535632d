"""Proofs to keep (c2sp.org/tlog-proof): that an entry stands in a log, in one text file that is verified offline.

    c2sp.org/tlog-proof@v1
    extra <base64>
    index 73894
    <base64 of a hash>

    <the checkpoint, a signed note>

A proof says that the entry was logged, and witnessed when the checkpoint was. That nothing newer was logged since it
cannot say, so its age does not matter unless one asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from orchestra_tools.errors import ProofError
from orchestra_tools.trust.lines import decode_base64, encode_base64, parse_decimal
from orchestra_tools.trust.merkle import HASH_BYTES, is_count, leaf_hash, verify_inclusion
from orchestra_tools.trust.notes import MAX_NOTE_BYTES
from orchestra_tools.trust.policy import TrustedHead, TrustPolicy

HEADER = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_BYTES = 65_535  # as the largest entry there is
MAX_HASHES = 63  # a log has fewer than 2**63 leaves
MAX_PROOF_BYTES = MAX_NOTE_BYTES + 100_000  # with the longest extra data and the longest path
_EXTRA, _INDEX = "extra ", "index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """That some entry is leaf `index` of the log, under the root of a checkpoint.

    Attributes:
        index: Position of the entry, from 0.
        hashes: Inclusion proof, from the leaf to the root.
        note: The checkpoint with its signatures, byte for byte.
        extra: What goes with the proof and is not authenticated by it.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes = b""

    def __post_init__(self) -> None:
        if not is_count(self.index):
            raise _malformed("its index is no position in a log")
        if len(self.hashes) > MAX_HASHES:
            raise _malformed(f"it has {len(self.hashes)} hashes, and may have {MAX_HASHES}")
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise _malformed(f"a hash in it does not have {HASH_BYTES} bytes")
        if len(self.extra) > MAX_EXTRA_BYTES:
            raise _malformed(f"its extra data has more than {MAX_EXTRA_BYTES:,} bytes")

    @classmethod
    def parse(cls, data: bytes | str) -> Self:
        """Read a `.tlog-proof` file; the checkpoint in it is not looked at.

        Raises:
            ProofError: It is none; `fact` is format.
        """
        encoded = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
        if len(encoded) > MAX_PROOF_BYTES:
            raise _malformed(f"it has more than {MAX_PROOF_BYTES:,} bytes")
        head, blank, note = encoded.partition(b"\n\n")
        if not blank:
            raise _malformed("no checkpoint stands after a blank line")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise _malformed("what stands before the checkpoint is not ASCII") from None
        if lines.pop(0) != HEADER:
            raise _malformed(f"its first line is not {HEADER}")
        extra = lines.pop(0).removeprefix(_EXTRA) if lines and lines[0].startswith(_EXTRA) else None
        if not lines or not lines[0].startswith(_INDEX):
            raise _malformed("no line has its index")
        index, *hashes = lines
        try:
            return cls(
                index=parse_decimal(index.removeprefix(_INDEX)),
                hashes=tuple(map(decode_base64, hashes)),
                note=note,
                extra=b"" if extra is None else _decode_extra(extra),
            )
        except ValueError as error:
            raise _malformed(f"a value in it is {error}") from error

    def encode(self) -> bytes:
        """The file."""
        lines = [HEADER, *([_EXTRA + encode_base64(self.extra)] if self.extra else []), f"{_INDEX}{self.index}"]
        lines += map(encode_base64, self.hashes)
        return "\n".join(lines).encode() + b"\n\n" + self.note


def verify_tlog_proof(
    leaf: bytes, proof: TlogProof | bytes, policy: TrustPolicy, now: datetime, *, fresh: bool = False
) -> TrustedHead:
    """Check offline that an entry was logged.

    Args:
        leaf: Bytes of the entry.
        proof: The proof, or its file.
        policy: Whose signatures are wanted.
        now: The time, with a time zone.
        fresh: Whether the head has to be as new as the policy wants; a proof that was kept is older by its nature.

    Returns:
        The head it stands under; its `vouched_at` says until when, at least, all of the log was consistent.

    Raises:
        ProofError: The proof is malformed, or does not lead from the entry to the root.
        NoteError: The head is not signed as the policy wants.
        StaleError: The head is too old, and `fresh` was asked for.
    """
    proof = proof if isinstance(proof, TlogProof) else TlogProof.parse(proof)
    head = policy.check(proof.note, now=now, fresh=fresh)
    verify_inclusion(
        leaf_hash(leaf),
        index=proof.index,
        size=head.checkpoint.size,
        proof=proof.hashes,
        root=head.checkpoint.root,
    )
    return head


def _decode_extra(text: str) -> bytes:
    if not text:
        raise ValueError("empty; without extra data, the line is left out")
    return decode_base64(text)


def _malformed(problem: str) -> ProofError:
    return ProofError(f"the proof does not hold: {problem}", remedy="Do not rely on it", fact="format")
