"""An embedding model behind HTTP, in OpenAI's form: `POST {url}/embeddings`. Many servers speak it, local ones too."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from pydantic import SecretStr

from orchestra_tools.discovery.semantic.embedder import Embedder, Vectors
from orchestra_tools.errors import ConfigurationError, EmbeddingError

DEFAULT_MODEL = "text-embedding-3-small"
_CONNECT_S = 5.0
_MAX_BYTES = 32_000_000  # 64 vectors of 4,096 numbers, written out, are 6 MB
_MAX_CHARACTERS = 8_000  # servers refuse a longer text as a whole: models read 8,192 tokens at most
_LOCAL = ("127.0.0.1", "localhost", "::1")


class EmbeddingEndpoint(Embedder):
    """Sends texts in batches. Threads may share it."""

    batch_size = 64

    def __init__(self, url: str, *, model: str = DEFAULT_MODEL, key: SecretStr | None = None) -> None:
        """Connect to nothing yet.

        Args:
            url: What `/embeddings` is added to, as in "https://api.openai.com/v1".
            model: The model's name there.
            key: Sent as a bearer token.

        Raises:
            ConfigurationError: The URL is none, or would carry a key in the clear.
        """
        scheme, host = _read_url(url)
        if scheme == "http" and key is not None and host not in _LOCAL:
            raise ConfigurationError("the key of the embedding model is only sent over https", remedy="Use https")
        self.model = f"{url.rstrip('/')}#{model}"
        self._name = model
        self._url = f"{url.rstrip('/')}/embeddings"
        headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}
        self._client = httpx.Client(headers=headers)

    def close(self) -> None:
        self._client.close()

    def _embed_batch(self, texts: Sequence[str], within_s: float) -> Vectors:
        given = [text[:_MAX_CHARACTERS] or " " for text in texts]
        body = {"model": self._name, "input": given, "encoding_format": "float"}
        timeout = httpx.Timeout(within_s, connect=min(_CONNECT_S, within_s))
        deadline = time.monotonic() + within_s
        try:
            with self._client.stream("POST", self._url, json=body, timeout=timeout) as response:
                answer = self._read(response, deadline)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Not chained: httpx's errors hold the request, and with it the key.
            raise EmbeddingError(
                f"the embedding model at {self._url} cannot be reached ({type(error).__name__})",
                remedy="Check ORCHESTRA_EMBEDDER and the network",
            ) from None
        try:
            rows = sorted(json.loads(answer)["data"], key=lambda row: row["index"])
            return np.array([_numbers(row["embedding"]) for row in rows], np.float32)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EmbeddingError(
                f"{self._url} answered with something that is no list of vectors ({type(error).__name__})",
                remedy="Give the address of an OpenAI-compatible endpoint, without /embeddings",
            ) from None

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        if response.status_code != 200:
            remedy = {401: "Check ORCHESTRA_EMBEDDER_KEY", 403: "Check ORCHESTRA_EMBEDDER_KEY"}.get(
                response.status_code, "Check ORCHESTRA_EMBEDDER and ORCHESTRA_EMBEDDER_MODEL"
            )
            raise EmbeddingError(f"{self._url} answered {response.status_code}", remedy=remedy)
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if time.monotonic() > deadline:
                raise EmbeddingError(f"{self._url} answers too slowly")
            if len(body) > _MAX_BYTES:
                raise EmbeddingError(f"{self._url} answered with more than {_MAX_BYTES:,} bytes")
        return bytes(body)


def _read_url(url: str) -> tuple[str, str]:
    """Scheme and host."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    # Nothing of it is repeated: a user name or a query may hold a key.
    if not usable or not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(
            "the URL of the embedding model is none", remedy="Give scheme, host and path, as in https://host/v1"
        )
    return parts.scheme, parts.hostname


def _numbers(value: Any) -> list[float]:
    return [float(number) for number in value]
