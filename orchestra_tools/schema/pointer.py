"""JSON Pointer (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote


def escape(token: str) -> str:
    """One reference token, escaped."""
    return token.replace("~", "~0").replace("/", "~1")


def join(tokens: Iterable[str | int]) -> str:
    """The pointer made of reference tokens."""
    return "".join(f"/{escape(str(token))}" for token in tokens)


def split(pointer: str) -> list[str]:
    """The reference tokens of a pointer, unescaped."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def resolve(document: Any, pointer: str) -> Any:
    """The value a pointer leads to; percent-encoding as in a URI fragment is undone.

    Raises:
        LookupError: It leads nowhere.
    """
    if pointer and not pointer.startswith("/"):
        raise LookupError(pointer)
    value = document
    for name in split(unquote(pointer)):
        if isinstance(value, dict):
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and (name == "0" or name[0] != "0"):
            value = value[int(name)]
        else:
            raise LookupError(pointer)
    return value
