"""A body read within limits: compression is undone in bounded steps, and both sizes are counted as it comes in."""

from __future__ import annotations

import zlib
from typing import Any

from orchestra_tools.calls.wire import Limits
from orchestra_tools.errors import AnswerTooLargeError, UnreadableAnswerError
from orchestra_tools.model import Outcome

ACCEPT_ENCODING = "gzip, deflate"  # encodings that can be undone in bounded steps
_STEP = 64 * 1024  # bytes of decompressed output between two looks at the limit
_GZIP = 16 + zlib.MAX_WBITS
_ZLIB_METHOD = 8  # low half of a zlib header's first byte; without it the stream is raw (RFC 1950, 2.2)


class BodyReader:
    """Takes a body chunk by chunk.

    Attributes:
        received: Bytes on the wire so far.
        size: Bytes after decompression so far.
    """

    def __init__(self, encoding: str, limits: Limits, status: int) -> None:
        """Start.

        Raises:
            UnreadableAnswerError: The encoding was not asked for.
        """
        self.received = 0
        self.size = 0
        self._limits = limits
        self._status = status
        self._encoding = encoding.strip().lower()
        self._decoder: Any = None
        self._chunks: list[bytes] = []
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise self._unreadable("it has an encoding that was not asked for")

    def feed(self, chunk: bytes) -> None:
        """Take the next chunk.

        Raises:
            AnswerTooLargeError: A limit is passed.
            UnreadableAnswerError: The compression is broken.
        """
        self.received += len(chunk)
        if self.received > self._limits.max_wire_bytes:
            raise self._too_large(self._limits.max_wire_bytes, "on the wire")
        if self._encoding in ("", "identity"):
            self._keep(chunk)
        elif chunk:
            self._inflate(chunk)

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            UnreadableAnswerError: The compressed body ends too early.
        """
        if self._decoder is not None and not self._decoder.eof:
            raise self._unreadable("its compressed body ends too early")
        return b"".join(self._chunks)

    def _inflate(self, chunk: bytes) -> None:
        if self._decoder is None:
            self._decoder = zlib.decompressobj(self._window(chunk))
        try:
            while True:
                piece = self._decoder.decompress(chunk, _STEP)
                chunk = self._decoder.unconsumed_tail
                self._keep(piece)
                # A full piece may leave more inside the decoder, even where all input is taken.
                if len(piece) < _STEP and not chunk:
                    return
        except zlib.error:
            raise self._unreadable("its compressed body is broken") from None

    def _window(self, chunk: bytes) -> int:
        if self._encoding != "deflate":
            return _GZIP
        # Many servers send raw deflate under this name.
        return zlib.MAX_WBITS if chunk[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS

    def _keep(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._limits.max_body_bytes:
            raise self._too_large(self._limits.max_body_bytes, "after decompression")
        self._chunks.append(piece)

    def _too_large(self, limit: int, where: str) -> AnswerTooLargeError:
        return AnswerTooLargeError(
            f"the answer is larger than {limit:,} bytes {where}",
            remedy="Ask for less: a smaller count or limit",
            outcome=Outcome.TOO_LARGE,
            status=self._status,
            limit=limit,
        )

    def _unreadable(self, problem: str) -> UnreadableAnswerError:
        return UnreadableAnswerError(
            f"the answer cannot be read: {problem}",
            remedy="Try again later or use another tool; the fault is the subnet's",
            outcome=Outcome.UNREADABLE,
            status=self._status,
        )
