"""JSON from strangers: strict, and only what everything behind can carry. No I/O.

`json.loads` takes NaN, makes infinities of huge numbers and half characters of stray escapes, and nests as deep as its
stack; hosts then fail while they pass the answer on.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 128
LENIENT_MEDIA_TYPES = frozenset({"text/plain", "application/octet-stream"})
"""What some servers send JSON as."""


class RepeatedNameError(ValueError):
    """An object has a name twice: what it says depends on the reader."""


def is_json_type(media_type: str) -> bool:
    """Whether a media type, in lower case and without parameters, is one of JSON."""
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


def read_json(body: bytes, *, unique_names: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        body: In UTF-8, 16 or 32.
        unique_names: Refuse an object that has a name twice; otherwise the last one counts.

    Raises:
        RepeatedNameError: A name stands twice in one object.
        ValueError: It is not JSON, or not JSON that can be passed on; says why, in words of our own.
    """
    try:
        # Strict: the decoder of `json.loads` lets halves of characters in.
        value = (_UNIQUE if unique_names else _DECODER).decode(body.decode(json.detect_encoding(body)))
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except RepeatedNameError:
        raise
    except ValueError:
        raise ValueError("its body is not JSON") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH or b"\\u" in body:
        _check(value)
    return value


def _check(value: Any) -> None:
    """Look at every part of a value; the caller does so only where the text gives reason to."""
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        each, depth = stack.pop()
        if isinstance(each, str):
            _check_text(each)
        elif isinstance(each, list | dict):
            if depth > MAX_DEPTH:
                raise ValueError("its JSON is nested too deeply")
            if isinstance(each, dict):
                for key in each:
                    _check_text(key)
                stack.extend((part, depth + 1) for part in each.values())
            else:
                stack.extend((part, depth + 1) for part in each)


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("its JSON has half a character in it") from None


def _no_constants(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise RepeatedNameError("a name stands twice in one object")
    return made


_DECODER = json.JSONDecoder(parse_constant=_no_constants, parse_float=_finite)
_UNIQUE = json.JSONDecoder(parse_constant=_no_constants, parse_float=_finite, object_pairs_hook=_unique)
