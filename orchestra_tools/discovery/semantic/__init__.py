"""Search by meaning, the extra `[semantic]`: tools are compared with a request by vectors, not by words.

    index = MeaningIndex(open_embedder("minilm"), VectorStore(home / "vectors.sqlite"))
    index.update([document_of(tool) for tool in catalogue.tools.values()])
    index.embed_pending()
    index.search("is it going to rain?")

Nothing here is imported unless it is switched on.
"""

try:
    import numpy as np  # noqa: F401  # to say which extra is missing before anything else does
except ImportError as error:
    from orchestra_tools.extras import missing_extra

    raise missing_extra(__name__, "semantic", error) from error

from orchestra_tools.discovery.semantic.choice import open_embedder
from orchestra_tools.discovery.semantic.embedder import Embedder
from orchestra_tools.discovery.semantic.endpoint import EmbeddingEndpoint
from orchestra_tools.discovery.semantic.index import MeaningIndex
from orchestra_tools.discovery.semantic.store import VectorStore

__all__ = ["Embedder", "EmbeddingEndpoint", "MeaningIndex", "VectorStore", "open_embedder"]
