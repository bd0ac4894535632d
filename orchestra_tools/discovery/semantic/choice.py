"""Which embedding model a setting names."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from orchestra_tools.discovery.semantic.embedder import Embedder
from orchestra_tools.discovery.semantic.endpoint import DEFAULT_MODEL, EmbeddingEndpoint
from orchestra_tools.errors import ConfigurationError


def open_embedder(choice: str, *, model: str | None = None, key: SecretStr | None = None) -> Embedder:
    """The embedding model that a setting names.

    Args:
        choice: "minilm", the URL of an OpenAI-compatible endpoint, or a folder with a model of one's own.
        model: The model's name at an endpoint.
        key: Its key.

    Raises:
        ConfigurationError: It names none.
        ImportError: A part of the extra is missing.
    """
    if "://" in choice:
        return EmbeddingEndpoint(choice, model=model or DEFAULT_MODEL, key=key)
    from orchestra_tools.discovery.semantic.minilm import MiniLM  # an endpoint needs no onnxruntime

    if choice.strip().lower() == "minilm":
        return MiniLM()
    folder = Path(os.path.expanduser(choice))  # noqa: PTH111  # Path.expanduser raises where there is no such user
    if not (folder / "model.onnx").is_file():
        raise ConfigurationError(
            f"{choice[:120]!r} names no embedding model",
            remedy="Give minilm, the URL of an OpenAI-compatible endpoint, or a folder with a model.onnx",
        )
    return MiniLM(folder)
