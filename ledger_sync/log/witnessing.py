"""Validators as witnesses: asking them to cosign the newest head, and being one (c2sp.org/tlog-witness).

    collect(store, [LocalWitness(...), RemoteWitness(url, keys)])   # the operator's side
    witness_app(LocalWitness(...))                                  # a validator's side, for aiohttp

A witness never signs two heads of one size, and never goes back: what it signed last is kept before its answer is sent.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestra_tools.errors import ConfigurationError, NoteError, OrchestraError
from orchestra_tools.registry.lock import locked
from orchestra_tools.registry.replacing import replace_file
from orchestra_tools.registry.store import LedgerStore
from orchestra_tools.registry.stored import tile_reader
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.merkle import prove_consistency
from orchestra_tools.trust.notes import Note
from orchestra_tools.trust.tiles import TileHashes
from orchestra_tools.trust.witnesses import (
    MAX_BODY_BYTES,
    AddCheckpoint,
    Head,
    State,
    Witness,
    WitnessAnswer,
    add_cosignatures,
)

if TYPE_CHECKING:
    from aiohttp import web

_TIMEOUT_S = 20.0
_MAX_ANSWER_BYTES = 64_000
_CONFLICT = 409


class WitnessPort(ABC):
    """Somebody who cosigns heads."""

    name: str
    keys: Sequence[CosignatureKey]

    @abstractmethod
    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:
        """Send the body of an add-checkpoint request; status and body of the answer.

        Raises:
            ConfigurationError: It cannot be reached.
        """


class LocalWitness(WitnessPort):
    """A witness whose key is here. What it signed last is a file."""

    def __init__(self, witness: Witness, state: Path, *, clock: Callable[[], float]) -> None:
        """Read nothing yet.

        Args:
            witness: Its keys, and the logs it knows.
            state: File with what it signed last.
            clock: The time, in seconds since the Unix epoch.
        """
        self._witness = witness
        self._path = state
        self._clock = clock
        self.keys = tuple(signer.key for signer in witness.signers)
        self.name = self.keys[0].name

    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:
        answer = self.answer(body)
        return answer.status, answer.body

    def answer(self, body: bytes) -> WitnessAnswer:
        """Decide on a request, and keep what was signed before the answer is given.

        Raises:
            ConfigurationError: What it signed last cannot be read or kept: it signs nothing then.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self._path.with_suffix(".lock")):
                answer = self._witness.add_checkpoint(body, self._load(), timestamp_s=int(self._clock()))
                if answer.status == 200:
                    replace_file(self._path, _encode(answer.state))
        except OSError as error:
            raise ConfigurationError(
                f"what the witness signed last cannot be kept in {self._path}: {error.strerror}",
                remedy="Mend the file or its folder: without it, the witness would sign anything",
            ) from error
        return answer

    def _load(self) -> State:
        try:
            document = json.loads(self._path.read_bytes())
            return {origin: Head(size, bytes.fromhex(root)) for origin, (size, root) in document.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"what the witness signed last cannot be read from {self._path}",
                remedy="Restore the file: without it, the witness would sign anything",
            ) from error


class RemoteWitness(WitnessPort):
    """A witness behind a URL."""

    def __init__(self, url: str, keys: Sequence[CosignatureKey]) -> None:
        """Ask nothing yet.

        Args:
            url: Its submission prefix.
            keys: The keys it publishes.
        """
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self.keys = keys
        self.name = keys[0].name

    def add_checkpoint(self, body: bytes) -> tuple[int, bytes]:
        import httpx

        try:
            with httpx.stream("POST", self._url, content=body, timeout=_TIMEOUT_S) as response:
                answer = bytearray()
                for chunk in response.iter_bytes():
                    answer += chunk
                    if len(answer) > _MAX_ANSWER_BYTES:
                        raise ConfigurationError(f"the witness {self.name} sends too much", remedy="Check its URL")
                return response.status_code, bytes(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConfigurationError(
                f"the witness {self.name} cannot be reached ({type(error).__name__})", remedy="Check its URL"
            ) from error


@dataclass(frozen=True, slots=True)
class Collected:
    """What asking the witnesses came to.

    Attributes:
        note: The newest head with all cosignatures there are.
        cosigned: Names of those who signed now.
        failed: Why the others did not, by name.
    """

    note: Note
    cosigned: tuple[str, ...]
    failed: dict[str, str]


def collect(store: LedgerStore, witnesses: Iterable[WitnessPort]) -> Collected:
    """Ask witnesses to cosign the newest head, and keep what they sign.

    Raises:
        ConfigurationError: There is no head yet.
        StoreError: The cosignatures cannot be kept.
    """
    head = store.head()
    if head is None:
        raise ConfigurationError(f"{store.name} has no log yet", remedy="Begin it: orchestra ledger init")
    hashes = TileHashes(head.size, tile_reader(store))
    note = Note.parse(head.note)
    lines: dict[str, str] = {}
    failed: dict[str, str] = {}
    for witness in witnesses:
        try:
            signed = add_cosignatures(note, _ask(witness, note, head.size, hashes), witness.keys)
        except OrchestraError as error:
            failed[witness.name] = error.problem
            continue
        names = {each.name for each in witness.keys}
        lines |= {each.name: str(each) for each in signed.signatures if each.name in names}
    if lines:
        with store.write() as writer:
            writer.put_cosignatures(head.size, lines)
    return Collected(note, tuple(lines), failed)


def _ask(witness: WitnessPort, note: Note, size: int, hashes: TileHashes) -> bytes:
    """The answer of a witness; asked again from the size that it says it knows."""
    status, body = _add_checkpoint(witness, note, 0, size, hashes)
    if status == _CONFLICT:
        status, body = _add_checkpoint(witness, note, _size_known(witness, body, size), size, hashes)
    if status != 200:
        reason = body.decode("utf-8", "replace").strip()[:200]
        raise NoteError(
            f"the witness {witness.name} did not sign ({status}): {reason}", remedy="Ask its operator", fact="refused"
        )
    return body


def _add_checkpoint(
    witness: WitnessPort, note: Note, old_size: int, size: int, hashes: TileHashes
) -> tuple[int, bytes]:
    proof = prove_consistency(old_size, size, hashes) if 0 < old_size < size else ()
    return witness.add_checkpoint(AddCheckpoint(old_size, tuple(proof), note).encode())


def _size_known(witness: WitnessPort, body: bytes, size: int) -> int:
    text = body.decode("ascii", "replace").strip()
    if not text.isdecimal() or len(text) > 19 or int(text) > size:
        raise NoteError(
            f"the witness {witness.name} knows {text[:40]!r} leaves, this log has {size}",
            remedy="Look for another copy of this log: one of them was taken back",
            fact="conflict",
        )
    return int(text)


def witness_app(witness: LocalWitness) -> web.Application:
    """The web application of a witness."""
    from aiohttp import web

    async def add_checkpoint(request: web.Request) -> web.Response:
        answer = await asyncio.to_thread(witness.answer, await request.read())
        return web.Response(status=answer.status, body=answer.body, headers={"content-type": answer.content_type})

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/add-checkpoint", add_checkpoint)
    return app


def _encode(state: State) -> bytes:
    return json.dumps({origin: (head.size, head.root.hex()) for origin, head in sorted(state.items())}).encode()
