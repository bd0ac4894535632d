"""The second index: documents by meaning. It answers once every document has a vector, and says so until then.

A request is compared as a whole and sentence by sentence: one that asks for three things is close to none of the three
tools as a whole.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

import numpy as np

from orchestra_tools.discovery.document import Document
from orchestra_tools.discovery.index import Hit
from orchestra_tools.discovery.semantic.embedder import Embedder, Vectors
from orchestra_tools.discovery.semantic.store import VectorStore
from orchestra_tools.discovery.text import separate_words
from orchestra_tools.errors import EmbeddingError

Progress = Callable[[int, int], None]
"""Is told how many documents have a vector, and of how many."""

_REQUEST_S = 3.0  # somebody waits for the answer
_RETRY_S = 60.0  # after the model did not answer
_MAX_SENTENCES = 8  # each costs as much as a short request
_SHORT = 12  # characters: "Thanks!" asks for nothing
_MAX_CHARACTERS = 2_000  # of a request
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\n+")


class MeaningIndex:
    """Documents by key, with the vectors of their texts. Threads may share it."""

    def __init__(
        self, embedder: Embedder, store: VectorStore | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start empty.

        Args:
            embedder: Makes the vectors.
            store: Keeps them; None = they are made anew each time.
            clock: Seconds that only rise.
        """
        self.embedder = embedder
        self._store = VectorStore() if store is None else store
        self._clock = clock
        self._lock = threading.Lock()
        self._one_batch = threading.Lock()
        self._texts: dict[str, str] = {}
        self._vectors: dict[str, Vectors] = {}
        self._pending: dict[str, str] = {}
        self._matrix: tuple[list[str], Vectors] | None = None
        self._problem: EmbeddingError | None = None
        self._retry_at = 0.0
        self._worker: threading.Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def pending(self) -> int:
        """Documents whose text has no vector yet."""
        return len(self._pending)

    @property
    def note(self) -> str | None:
        """Why the last search was by words alone; None if it was not."""
        if self._problem is not None:
            return f"Searched by words alone: {self._problem}"
        if self._missing():
            done, total = len(self) - len(self._pending), len(self)
            return f"Searched by words alone: {done:,} of {total:,} tools are embedded so far."
        return None

    def update(self, changed: Iterable[Document], removed: Iterable[str] = ()) -> None:
        """Add or replace documents, and take others out. Embeds nothing: vectors that are stored come back at once."""
        texts = {document.key: describe_document(document) for document in changed}
        with self._lock:
            for key in removed:
                for table in (self._texts, self._vectors, self._pending):
                    table.pop(key, None)
            new = {key: text for key, text in texts.items() if self._texts.get(key) != text}
            self._texts |= texts
            known = self._store.load(self.embedder.model, new.values())
            for key, text in new.items():
                self._pending[key] = text
                if text in known:
                    self._keep(key, text, known[text])
            self._matrix = None

    def embed_pending(self, on_progress: Progress | None = None) -> None:
        """Embed what has no vector yet, batch by batch.

        Raises:
            EmbeddingError: The model did not answer. What was embedded before stays.
        """
        while self._embed_batch():
            if on_progress is not None:
                on_progress(len(self) - len(self._pending), len(self))

    def start(self) -> None:
        """Embed what has no vector yet in a thread of its own, which stops with the main program."""
        with self._lock:
            idle = self._worker is None or not self._worker.is_alive()
            if self._pending and idle and not self._closed and self._clock() >= self._retry_at:
                # No daemon: one that is stopped inside the model's own code takes the process down with it.
                self._worker = threading.Thread(target=self._work, name="orchestra-embedding")
                self._worker.start()

    def close(self) -> None:
        """Stop embedding, and close what is open."""
        with self._lock:
            self._closed = True
        if self._worker is not None and self._worker is not threading.current_thread():
            # The garbage collector may close a client in any thread, this one too.
            self._worker.join()
        self.embedder.close()
        self._store.close()

    def search(
        self, text: str, *, limit: int = 50, accept: Callable[[str, float], bool] | None = None
    ) -> tuple[Hit, ...] | None:
        """The documents closest in meaning, or None as long as some have no vector or the model does not answer.

        What has no vector yet is embedded in the background from now on.

        A hit's score is the cosine of the angle between the two, or of the closest sentence.

        Args:
            text: The request.
            limit: At most so many.
            accept: Asked for each key and its score, best first, until `limit` are found; others are passed over.
        """
        self.start()
        if self._missing() or self._clock() < self._retry_at:
            return None
        try:
            found = self.rank(self.embed(text), limit=limit, accept=accept)
        except EmbeddingError as error:
            self._give_up(error)
            return None
        self._problem = None
        return found

    def embed(self, text: str) -> Vectors:
        """Vectors of a request and of its sentences.

        Raises:
            EmbeddingError: The model did not answer.
        """
        return self.embedder.embed(split_request(text), within_s=_REQUEST_S)

    def rank(
        self, request: Vectors, *, limit: int = 50, accept: Callable[[str, float], bool] | None = None
    ) -> tuple[Hit, ...]:
        """The documents closest to what `embed` returned; see `search`.

        Raises:
            EmbeddingError: The vectors do not fit those of the documents.
        """
        keys, matrix = self._current_matrix()
        if not keys or limit < 1:
            return ()
        if request.shape[1] != matrix.shape[1]:
            raise self._start_over()
        closeness = (matrix @ request.T).max(axis=1)
        if accept is None and limit < len(keys):
            best = np.argpartition(-closeness, limit)[:limit]
            order = best[np.argsort(-closeness[best], kind="stable")]
        else:
            order = np.argsort(-closeness, kind="stable")
        hits = (Hit(keys[row], float(closeness[row])) for row in order)
        return tuple(islice((hit for hit in hits if accept is None or accept(hit.key, hit.score)), limit))

    def _missing(self) -> bool:
        # A document whose text has changed is found under its old one until then.
        return any(key not in self._vectors for key in list(self._pending))

    def _current_matrix(self) -> tuple[list[str], Vectors]:
        with self._lock:
            if self._matrix is None:
                keys = list(self._vectors)
                rows = [self._vectors[key] for key in keys]
                one_length = len({len(row) for row in rows}) == 1
                self._matrix = (keys, np.stack(rows) if one_length else np.empty((len(rows), 0), np.float32))
            return self._matrix

    def _embed_batch(self) -> bool:
        """Embed some documents; False if there is nothing to do."""
        with self._one_batch:
            with self._lock:
                # Long texts with long ones: a batch is as slow as its longest.
                batch = dict(sorted(self._pending.items(), key=lambda item: len(item[1]))[: self.embedder.batch_size])
                stop = self._closed or not batch
            if stop:
                return False
            try:
                vectors = self.embedder.embed(list(batch.values()))
            except EmbeddingError as error:
                self._give_up(error)
                raise
            made = dict(zip(batch.values(), vectors, strict=True))
            self._store.save(self.embedder.model, made)
            with self._lock:
                for key, text in batch.items():
                    self._keep(key, text, made[text])
                self._matrix = None
                self._problem = None
        return True

    def _keep(self, key: str, text: str, vector: Vectors) -> None:
        """Take in a vector, unless the document has changed since. The lock is held."""
        if self._pending.get(key) == text:
            del self._pending[key]
            self._vectors[key] = vector

    def _work(self) -> None:
        try:
            while threading.main_thread().is_alive() and self._embed_batch():
                pass
        except EmbeddingError:
            pass  # it is in the note, and tried again with a later search

    def _give_up(self, error: EmbeddingError) -> None:
        self._problem = error
        self._retry_at = self._clock() + _RETRY_S

    def _start_over(self) -> EmbeddingError:
        """The model is another one than its name says: no vector counts any more."""
        self._store.forget(self.embedder.model)
        with self._lock:
            self._vectors.clear()
            self._pending = dict(self._texts)
            self._matrix = None
        return EmbeddingError(f"{self.embedder.model} returns vectors of another length than before")


def describe_document(document: Document) -> str:
    """A document's text as a model reads it; what matters most stands first, for models read only the beginning."""
    parts = (document.name, document.subnet, document.description, document.parameters, document.category)
    name, *rest = (" ".join(part.split()) for part in parts)
    return ". ".join(part for part in (separate_words(name), *rest) if part) or "tool"


def split_request(text: str) -> list[str]:
    """A request, and its sentences if there are several."""
    whole = " ".join(text[:_MAX_CHARACTERS].split()) or "?"
    sentences = [part.strip() for part in _SENTENCE_END.split(text[:_MAX_CHARACTERS])]
    telling = [part for part in sentences if len(part) >= _SHORT]
    return [whole, *telling[:_MAX_SENTENCES]] if len(telling) > 1 else [whole]
