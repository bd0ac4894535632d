"""A document, and what its `$ref`s lead to. Nothing outside the document is ever read."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from orchestra_tools.schema import join
from orchestra_tools.schema.pointer import split

MAX_HOPS = 64  # references that lead through one another before something stands there
MAX_POINTER = 2_000  # characters; a pointer may repeat every key on its way
MAX_SHOWN = 200  # characters of a stranger's text in a reason


class Unusable(Exception):  # noqa: N818  # never leaves this package: the operation is skipped for it
    """A part of the document cannot be used, and with it the operation that needs it."""

    def __init__(self, pointer: str, problem: str) -> None:
        super().__init__(problem)
        self.pointer = pointer
        self.problem = problem

    @property
    def reason(self) -> str:
        """What is wrong, and where."""
        where = self.pointer if len(self.pointer) <= MAX_SHOWN else f"…{self.pointer[-MAX_SHOWN:]}"
        return f"{where or '(root)'}: {self.problem}"


class Document:
    """The document, read by reference.

    Attributes:
        root: The parsed document.
        version: Of OpenAPI: "3.0", "3.1" or "3.2".
    """

    def __init__(self, root: dict[str, Any], version: str) -> None:
        self.root = root
        self.version = version

    @property
    def keeps_siblings(self) -> bool:
        """Whether what stands beside a `$ref` in a schema counts: since 3.1."""
        return self.version != "3.0"

    def follow(self, value: Any, pointer: str) -> tuple[Any, str]:
        """What stands at a place once its references are followed, and where that is.

        Raises:
            Unusable: A reference leads outside, nowhere, or in a circle.
        """
        seen: set[str] = set()
        while isinstance(value, dict) and value.get("$ref") is not None:
            target = self.target(value["$ref"], pointer)
            if target in seen or len(seen) > MAX_HOPS:
                raise Unusable(pointer, "its $ref leads in a circle")
            seen.add(target)
            value, pointer = self.at(target, pointer), target
        return value, pointer

    def target(self, reference: Any, pointer: str) -> str:
        """The pointer a `$ref` means, in its plain form.

        Raises:
            Unusable: It means nothing inside this document.
        """
        if not isinstance(reference, str):
            raise Unusable(pointer, "a $ref is a string")
        shown = reference[:MAX_SHOWN]
        if not reference.startswith("#"):
            raise Unusable(pointer, f"refers outside the document: {shown!r}; bundle the documents into one first")
        if not reference.startswith("#/"):
            raise Unusable(pointer, f"refers by anchor or to the document itself: {shown!r}")
        target = join(split(unquote(reference[1:])))
        if len(target) > MAX_POINTER:
            raise Unusable(pointer, f"refers by more than {MAX_POINTER:,} characters")
        return target

    def at(self, target: str, pointer: str) -> Any:
        """What stands at a plain pointer; `pointer` is where it is referred to, for the reason.

        Raises:
            Unusable: Nothing stands there.
        """
        value: Any = self.root
        for name in split(target):
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isascii() and name.isdecimal() and int(name[:9]) < len(value):
                value = value[int(name[:9])]
            else:
                raise Unusable(pointer, f"its $ref leads nowhere: {('#' + target)[:MAX_SHOWN]!r}")
        return value


def expect_object(value: Any, pointer: str, what: str) -> dict[str, Any]:
    """The value, which must be an object; nothing at all is an empty one.

    Raises:
        Unusable: It is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unusable(pointer, f"{what} is an object, this is {type(value).__name__}")
    return value


def expect_list(value: Any, pointer: str, what: str) -> list[Any]:
    """The value, which must be a list; nothing at all is an empty one.

    Raises:
        Unusable: It is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unusable(pointer, f"{what} is a list, this is {type(value).__name__}")
    return value


def expect_name(value: Any, pointer: str, what: str) -> str:
    """The value, which must be a name of sensible length.

    Raises:
        Unusable: It is something else.
    """
    if not isinstance(value, str) or not value:
        raise Unusable(pointer, f"{what} has a name")
    if len(value) > MAX_SHOWN:
        raise Unusable(pointer, f"the name of {what} has {len(value):,} characters, the limit is {MAX_SHOWN}")
    return value


def text_of(value: Any) -> str:
    """The value if it is text, "" otherwise."""
    return value if isinstance(value, str) else ""
