"""The closed vocabulary of capabilities: what an operation can do, in terms everybody shares.

packaged_vocabulary().check("web_search")   # "web_search"
packaged_vocabulary().check("websearch")    # UnknownCapabilityError: did you mean web_search?
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources

from orchestra_tools.errors import UnknownCapabilityError

_CUTOFF = 0.5  # similarity (difflib ratio) from which a term is worth suggesting


class Vocabulary(Mapping[str, str]):
    """Terms, each with one sentence that says what it means."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self._sentences = dict(sentences)

    def __getitem__(self, term: str) -> str:
        return self._sentences[term]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)

    def __len__(self) -> int:
        return len(self._sentences)

    def check(self, term: str) -> str:
        """The term itself.

        Raises:
            UnknownCapabilityError: It is not in the vocabulary.
        """
        if term not in self._sentences:
            raise self._unknown(term)
        return term

    def select(self, pattern: str) -> tuple[str, ...]:
        """The terms a pattern means: one exact term, or with `*` at its end all that begin so.

        Raises:
            UnknownCapabilityError: There is none.
        """
        if not pattern.endswith("*"):
            return (self.check(pattern),)
        if not (found := tuple(term for term in self._sentences if term.startswith(pattern[:-1]))):
            raise self._unknown(pattern)
        return found

    def extended(self, terms: Iterable[str]) -> Vocabulary:
        """With further terms, as a private ledger may use them."""
        return Vocabulary(dict.fromkeys(terms, "") | self._sentences)

    def _unknown(self, term: str) -> UnknownCapabilityError:
        wanted = "_".join(term.rstrip("*").lower().replace("-", "_").split())
        # "search" is not close to "web_search" by letters, but it is one of its words.
        words = [known for known in self._sentences if wanted and wanted in known]
        close = list(dict.fromkeys([*difflib.get_close_matches(wanted, self._sentences, cutoff=_CUTOFF), *words]))[:3]
        hint = f"Did you mean {', '.join(close)}?" if close else f"Known are {', '.join(sorted(self._sentences))}"
        return UnknownCapabilityError(
            f"no capability {term[:80]!r}", remedy=hint, capability=term[:80], suggestions=close
        )


@cache
def packaged_vocabulary() -> Vocabulary:
    """The vocabulary of the packaged ledger."""
    text = resources.files("orchestra_tools.data").joinpath("capabilities.json").read_text(encoding="utf-8")
    return Vocabulary(json.loads(text))
