"""Sets for bench/retrieval.py: read, and scored.

A set is {"tools": [{id, name, description, parameters, category?}], "queries": [{text, relevant: [ids], split?}]};
without "tools" it asks the packaged ledger. A query without relevant tools is one that nothing answers: it has no part
in the scores of a ranking, only in whether "no good match" is said when it should be.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from orchestra_tools.compile import compile_ledger
from orchestra_tools.discovery import Document, describe_parameters, document_of
from orchestra_tools.importers import read_ledger

TOP = 10
_SEED = 3


@dataclass(frozen=True)
class Asked:
    """A query, and every tool that would do; none where nothing does."""

    text: str
    relevant: frozenset[str]
    split: str = ""


@dataclass(frozen=True)
class RetrievalSet:
    """Tools, and what is asked of them."""

    name: str
    documents: Sequence[Document]
    queries: Sequence[Asked]

    @property
    def answerable(self) -> list[Asked]:
        return [query for query in self.queries if query.relevant]

    def sample(self, most: int) -> RetrievalSet:
        """At most so many of its queries, always the same ones."""
        return replace(self, queries=random.Random(_SEED).sample(self.queries, min(most, len(self.queries))))


def load(path: Path) -> RetrievalSet:
    """Read a set.

    Raises:
        ValueError: It has not that form.
    """
    data = json.loads(path.read_text("utf-8"))
    if not isinstance(data, dict) or not isinstance(data.get("queries"), list):
        raise ValueError(f"{path} is no retrieval set: it has no list of queries")
    try:
        documents = [_document(tool) for tool in data["tools"]] if "tools" in data else packaged_documents()
        known = {document.key for document in documents}
        queries = [
            Asked(query["text"], frozenset(query.get("relevant") or ()) & known, query.get("split") or "")
            for query in data["queries"]
            # Where the right tools are named but absent, neither a tool nor "nothing" would be right.
            if not query.get("relevant") or known.intersection(query["relevant"])
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no retrieval set ({type(error).__name__}: {error})") from error
    return RetrievalSet(path.stem, list({document.key: document for document in documents}.values()), queries)


def packaged_documents() -> list[Document]:
    """The tools of the packaged ledger."""
    body = resources.files("orchestra_tools.data").joinpath("ledger.json").read_bytes()
    return [document_of(tool) for tool in compile_ledger(read_ledger(body, source="packaged ledger")).tools.values()]


def pool(sets: Sequence[RetrievalSet]) -> RetrievalSet:
    """All tools and answerable queries of some sets, in one."""
    documents: list[Document] = []
    queries: list[Asked] = []
    for number, each in enumerate(sets):
        documents += [replace(document, key=f"{number}/{document.key}") for document in each.documents]
        queries += [
            replace(query, relevant=frozenset(f"{number}/{key}" for key in query.relevant)) for query in each.answerable
        ]
    return RetrievalSet("pooled", documents, queries)


def score(found: Sequence[str], relevant: frozenset[str]) -> dict[str, float]:
    """nDCG@10, recall and reciprocal rank of one answer."""
    gain = sum(1 / math.log2(rank + 2) for rank, key in enumerate(found[:TOP]) if key in relevant)
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(TOP, len(relevant))))
    first = next((rank for rank, key in enumerate(found[:TOP], start=1) if key in relevant), None)
    recall = {f"R@{k}": len(relevant.intersection(found[:k])) / len(relevant) for k in (1, 5, 10)}
    return {"nDCG@10": gain / ideal, **recall, "MRR": 0.0 if first is None else 1 / first}


def _document(tool: dict[str, Any]) -> Document:
    parameters = tool.get("parameters")
    return Document(
        str(tool["id"]),
        str(tool.get("name") or tool["id"]),
        description=tool.get("description") or "",
        parameters=describe_parameters(parameters if isinstance(parameters, dict) else {}),
        category=tool.get("category") or "",
    )
