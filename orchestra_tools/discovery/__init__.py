"""Discovery: capability vocabulary, search index, ranking."""

from orchestra_tools.discovery.card import Card, card_of
from orchestra_tools.discovery.document import Document, describe_parameters, document_of
from orchestra_tools.discovery.filters import Filters
from orchestra_tools.discovery.find import Finder, Findings
from orchestra_tools.discovery.index import Hit, Index
from orchestra_tools.discovery.matching import Confidence
from orchestra_tools.discovery.vocabulary import Vocabulary, packaged_vocabulary

__all__ = [
    "Card",
    "Confidence",
    "Document",
    "Filters",
    "Finder",
    "Findings",
    "Hit",
    "Index",
    "Vocabulary",
    "card_of",
    "describe_parameters",
    "document_of",
    "packaged_vocabulary",
]
