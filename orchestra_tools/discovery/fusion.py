"""Two rankings of one search made into one: by words, and by meaning.

Scores of different searches do not compare, so each ranking is stretched to 0..1 before the two are added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestra_tools.discovery.index import Hit

DEPTH = 100  # hits of each ranking that are fused
# Of the words; the rest is the meaning's. Chosen on six public sets by leaving one out (0.5 or 0.7 each time).
WORDS_WEIGHT = 0.5


def fuse(words: Sequence[Hit], meaning: Sequence[Hit], *, weight: float = WORDS_WEIGHT) -> list[Hit]:
    """All hits of both, best first: a convex combination of their normalised scores."""
    total: Counter[str] = Counter()
    # A document without any of the words would have scored 0 by them; one of another meaning only scores low.
    lowest = 0.0 if len(words) < DEPTH else words[-1].score
    for hits, share, floor in ((words, weight, lowest), (meaning, 1 - weight, meaning[-1].score if meaning else 0.0)):
        span = hits[0].score - floor if hits else 0.0
        for hit in hits:
            total[hit.key] += share * ((hit.score - floor) / span if span > 0 else 1.0)  # type: ignore[assignment]  # a Counter adds floats as well
    return sorted((Hit(key, score) for key, score in total.items()), key=lambda hit: (-hit.score, hit.key))
