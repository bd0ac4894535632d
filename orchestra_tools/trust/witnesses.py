"""The rule of a witness (c2sp.org/tlog-witness), and the bodies of its one call, add-checkpoint. No I/O.

    answer = witness.add_checkpoint(body, state, timestamp_s=now)
    state = answer.state              # keep it before answer.body is sent

A witness never signs two heads of one size with different roots, and never goes back. For that, nobody else may change
`state` between the call and the moment the new one is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from orchestra_tools.errors import ConfigurationError, NoteError, ProofError
from orchestra_tools.trust.checkpoints import Checkpoint
from orchestra_tools.trust.cosignatures import MAX_NAME_BYTES, CosignatureKey, CosignatureSigner
from orchestra_tools.trust.lines import decode_base64, encode_base64, parse_decimal, quote
from orchestra_tools.trust.merkle import HASH_BYTES, verify_consistency
from orchestra_tools.trust.notes import (
    MAX_NOTE_BYTES,
    Note,
    VerifierKey,
    open_note,
    verify_signatures,
)

MAX_PROOF_LINES = 63  # tlog-witness, add-checkpoint
MAX_BODY_BYTES = MAX_NOTE_BYTES + 4_096  # a note, and as many lines of a proof as there may be
SIZE_TYPE = "text/x.tlog.size"
_TEXT_TYPE = "text/plain; charset=utf-8"
_OLD = "old "


@dataclass(frozen=True, slots=True)
class Head:
    """The newest head of a log that a witness signed."""

    size: int
    root: bytes


State = Mapping[str, Head]
"""By origin."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of a request: a head, and that it is consistent with an old one."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a body.

        Raises:
            ProofError: It is none; `fact` is format.
            NoteError: What stands after the blank line is no note.
        """
        if len(body) > MAX_BODY_BYTES:
            raise _malformed(f"it has more than {MAX_BODY_BYTES:,} bytes")
        head, blank, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise _malformed("what stands before the note is not ASCII") from None
        if not blank or not first.startswith(_OLD):
            raise _malformed("it has the old size, the proof, a blank line and a note, in this order")
        if len(lines) > MAX_PROOF_LINES:
            raise _malformed(f"its proof has {len(lines)} lines, and may have {MAX_PROOF_LINES}")
        try:
            old_size = parse_decimal(first.removeprefix(_OLD))
        except ValueError as error:
            raise _malformed(f"its old size is {error}") from error
        return cls(old_size, _parse_hashes(lines), Note.parse(note))

    def encode(self) -> bytes:
        """The body."""
        lines = "".join(f"{encode_base64(each)}\n" for each in self.proof)
        return f"{_OLD}{self.old_size}\n{lines}\n{self.note}".encode()


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers, and what it has to keep before it does."""

    status: int
    """HTTP status: 200 signed; 400, 403, 404, 409, 422 as the specification has them."""
    body: bytes
    content_type: str
    state: State


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the logs it knows, by origin, each with the keys it trusts for it; and its own keys.

    Raises:
        ConfigurationError: It has no key, or an origin is too long for a cosignature.
    """

    logs: Mapping[str, Sequence[VerifierKey]]
    signers: Sequence[CosignatureSigner]

    def __post_init__(self) -> None:
        if not self.signers:
            raise ConfigurationError("a witness needs a key of its own", remedy="Make one, and keep it")
        if too_long := [origin for origin in self.logs if len(origin.encode()) > MAX_NAME_BYTES]:
            raise ConfigurationError(
                f"the origin {quote(too_long[0])} has more than {MAX_NAME_BYTES} bytes",
                remedy="A witness cannot name it; leave the log out",
            )

    def add_checkpoint(self, body: bytes, state: State, *, timestamp_s: int) -> WitnessAnswer:
        """Decide on a request; nothing is changed, `answer.state` is what to keep.

        Args:
            body: Body of the request.
            state: What the witness signed last, by origin.
            timestamp_s: Now, in seconds since 1970.
        """
        try:
            request = AddCheckpoint.parse(body)
            checkpoint = Checkpoint.parse(request.note.text)
        except (ProofError, NoteError) as error:
            return _refuse(400, error.problem, state)
        keys = self.logs.get(checkpoint.origin)
        if keys is None:
            return _refuse(404, "this witness does not know the log", state)
        try:
            open_note(request.note, keys)
        except NoteError as error:
            return _refuse(403, error.problem, state)
        return _refuse_growth(request, checkpoint, state) or self._sign(request.note, checkpoint, state, timestamp_s)

    def _sign(self, note: Note, checkpoint: Checkpoint, state: State, timestamp_s: int) -> WitnessAnswer:
        lines = [signer.cosign(note.text, timestamp_s) for signer in self.signers]
        kept = {**state, checkpoint.origin: Head(checkpoint.size, checkpoint.root)}
        return WitnessAnswer(200, "".join(f"{line}\n" for line in lines).encode(), _TEXT_TYPE, kept)


def add_cosignatures(note: Note, body: bytes, keys: Iterable[CosignatureKey]) -> Note:
    """The note with the cosignatures that a witness sent; those of unknown keys are left out.

    They take the places of older ones by the same keys: a witness signs a head anew as long as it is the newest.

    Args:
        note: The checkpoint that was sent to the witness.
        body: Body of its answer.
        keys: Keys of the witness.

    Raises:
        NoteError: The answer is malformed, a signature in it is wrong, or none is of a known key (`fact` unsigned).
    """
    sent = Note.parse(f"{note.text}\n".encode() + body)
    cosignatures = {(each.name, each.key_id): each for _, each in verify_signatures(sent, keys)}
    if not cosignatures:
        raise NoteError(
            "the answer of the witness does not hold: no cosignature in it is of its keys",
            remedy="Check which key the witness publishes",
            fact="unsigned",
        )
    kept = tuple(each for each in note.signatures if (each.name, each.key_id) not in cosignatures)
    return replace(note, signatures=(*kept, *cosignatures.values()))


def _parse_hashes(lines: Iterable[str]) -> tuple[bytes, ...]:
    hashes = []
    for number, line in enumerate(lines, start=1):
        try:
            each = decode_base64(line)
        except ValueError as error:
            raise _malformed(f"line {number} of its proof is {error}") from error
        if len(each) != HASH_BYTES:
            raise _malformed(f"line {number} of its proof has {len(each)} bytes and must have {HASH_BYTES}")
        hashes.append(each)
    return tuple(hashes)


def _refuse_growth(request: AddCheckpoint, checkpoint: Checkpoint, state: State) -> WitnessAnswer | None:
    """The refusal of a head that does not grow out of the one signed last; None where it does."""
    if request.old_size > checkpoint.size:
        return _refuse(400, "the old size is larger than the checkpoint", state)
    signed = state.get(checkpoint.origin)
    signed_size = 0 if signed is None else signed.size
    if request.old_size != signed_size:
        return _conflict(signed_size, state)
    if signed is None or signed.size == 0:
        return _refuse(422, "a proof from size 0 is empty", state) if request.proof else None
    if signed.size == checkpoint.size and signed.root != checkpoint.root:
        return _conflict(signed_size, state)
    try:
        verify_consistency(
            old_size=signed.size,
            new_size=checkpoint.size,
            proof=request.proof,
            old_root=signed.root,
            new_root=checkpoint.root,
        )
    except ProofError as error:
        return _refuse(422, error.problem, state)
    return None


def _conflict(size: int, state: State) -> WitnessAnswer:
    return WitnessAnswer(409, f"{size}\n".encode(), SIZE_TYPE, state)


def _refuse(status: int, problem: str, state: State) -> WitnessAnswer:
    return WitnessAnswer(status, f"{problem}\n".encode(), _TEXT_TYPE, state)


def _malformed(problem: str) -> ProofError:
    return ProofError(f"the request does not hold: {problem}", remedy="Send it as tlog-witness has it", fact="format")
