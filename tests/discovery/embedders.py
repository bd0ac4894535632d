"""An embedding model that is quick and always the same: a text is the sum of its words, each a fixed direction."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from orchestra_tools.discovery.semantic import Embedder
from orchestra_tools.discovery.text import split_words
from orchestra_tools.errors import EmbeddingError

# Words that are one in meaning, as a model would know.
MEANINGS = {"rain": "weather", "umbrella": "weather", "sunny": "weather", "cash": "money", "dough": "money"}


class WordSums(Embedder):
    """Counts what it embeds; fails while it is `down`, waits until it may `go_on`."""

    model = "word sums"
    batch_size = 4

    def __init__(self, *, length: int = 64, calibrated: bool = True) -> None:
        self.length = length
        self.calibrated = calibrated
        self.embedded: list[str] = []
        self.patience: list[float] = []
        self.down = False
        self.go_on = threading.Event()
        self.go_on.set()
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def _embed_batch(self, texts: Sequence[str], within_s: float) -> np.ndarray:
        self.patience.append(within_s)
        self.go_on.wait(60)
        if self.down:
            raise EmbeddingError("the model is down", remedy="Wait")
        self.embedded += texts
        return np.array([self._sum(text) for text in texts], np.float32)

    def _sum(self, text: str) -> np.ndarray:
        words = [MEANINGS.get(word, word) for word in split_words(text)] or ["nothing"]
        return np.sum([_direction(word, self.length) for word in words], axis=0)


def _direction(word: str, length: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(length)
