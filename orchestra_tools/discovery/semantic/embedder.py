"""The port: texts in, vectors of length 1 out, whose products say how close the texts are in meaning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orchestra_tools.errors import EmbeddingError

Vectors = NDArray[np.float32]
"""One row a text."""
PATIENCE_S = 20.0


class Embedder(ABC):
    """An embedding model.

    Attributes:
        model: What vectors depend on, in words: those of another model are never compared with its own.
        batch_size: Texts that are embedded at once.
        calibrated: How close is close enough is known of it, so it has a say in whether anything was found.
    """

    model: str
    batch_size: int = 32
    calibrated: bool = False

    def embed(self, texts: Sequence[str], *, within_s: float = PATIENCE_S) -> Vectors:
        """A vector for each text.

        Args:
            texts: As many as you like.
            within_s: How long one batch may take; a model on this machine takes what it takes.

        Raises:
            EmbeddingError: The model cannot be reached, or its answer is of no use.
        """
        # Half of a surrogate pair is no text that can be sent or read.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        batches = [clean[start : start + self.batch_size] for start in range(0, len(clean), self.batch_size)]
        found = [self._checked(batch, self._embed_batch(batch, within_s)) for batch in batches]
        if len({each.shape[1] for each in found}) > 1:
            raise EmbeddingError(f"{self.model} returned vectors of several lengths")
        return np.concatenate(found) if found else np.empty((0, 0), np.float32)

    def close(self) -> None:  # noqa: B027  # most hold nothing open
        """Give back what it holds open."""

    @abstractmethod
    def _embed_batch(self, texts: Sequence[str], within_s: float) -> Vectors:
        """A vector for each of at most `batch_size` texts, of any length but zero."""

    def _checked(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EmbeddingError(f"{self.model} returned an array of shape {vectors.shape} for {len(texts)} texts")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise EmbeddingError(f"{self.model} returned vectors that are no directions")
        directions: Vectors = (vectors / lengths).astype(np.float32)
        return directions
