"""Ids of operations and names of arguments: readable, legal in every host, stable.

An id depends on the operation alone, or on the set of operations that would have the same id; never on their order. So
a document that grows does not rename what was there, except where a newcomer makes an id ambiguous: what an earlier
import gave (`known`) then stays.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_ID = 56  # characters; a tool's name has 64 with the subnet before it
MAX_ARGUMENT = 64  # characters; OpenAI and Anthropic refuse longer ones
_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNSAFE = re.compile(r"[^a-z0-9]+")
_LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NOT_LEGAL = re.compile(r"[^A-Za-z0-9]+")
_NOT_WORD = re.compile(r"\W")  # as FastAPI has it
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Listed:
    """An operation as `paths` lists it.

    Attributes:
        pointer: Where it stands.
        method: In capitals.
        path: The path template.
        tags: As stated.
        operation_id: As stated; "" where it is not.
    """

    pointer: str
    method: str
    path: str
    tags: tuple[str, ...] = ()
    operation_id: str = ""

    @property
    def key(self) -> str:
        """Method and path: what names the operation in every version of the document."""
        return f"{self.method} {self.path}"


def assign_ids(operations: Sequence[Listed], known: Mapping[str, str]) -> list[str]:
    """The id of each operation, in their order."""
    given = [known.get(each.key) for each in operations]
    # Ids stand twice only in a mapping made by hand.
    counted = Counter(each for each in given if each)
    ids = [each if each and counted[each] == 1 else None for each in given]
    taken = {each for each in ids if each}
    for form in (_short, _stated, _marked):
        forms = {index: form(operations[index]) for index, each in enumerate(ids) if not each}
        counts = Counter(forms.values())
        for index, text in forms.items():
            if text and counts[text] == 1 and text not in taken:
                ids[index] = text
        taken.update(each for each in ids if each)
    return [each or _unlike(listed, taken) for each, listed in zip(ids, operations, strict=True)]


def argument_name(wire_name: str) -> str:
    """The argument's name for a name on the wire: letters, digits and underscores, a letter first."""
    folded = unicodedata.normalize("NFKD", wire_name[: 4 * MAX_ARGUMENT]).encode("ascii", "ignore").decode()
    name = folded if _LEGAL.fullmatch(folded) else _NOT_LEGAL.sub("_", folded).strip("_")
    if not name:
        return f"argument_{_mark(wire_name)}"
    if name[0].isdigit():
        name = f"n{name}"
    return name if len(name) <= MAX_ARGUMENT else f"{name[: MAX_ARGUMENT - 9]}_{_mark(wire_name)}"


def unique_name(name: str, taken: Iterable[str], suffix: str) -> str:
    """The name, or the name with a suffix if it is taken."""
    used = set(taken)
    head = name[: MAX_ARGUMENT - len(suffix) - 4]
    tries = [name, f"{head}_{suffix}", *(f"{head}_{suffix}_{number}" for number in range(2, len(used) + 4))]
    return next(each for each in tries if each not in used)


def snake_case(text: str) -> str:
    """Lower case, words joined by `_`; "" where nothing of it is a letter or digit."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text[:1_000]))
    ascii_form = folded.encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", _WORD_EDGE.sub("_", ascii_form).lower()).strip("_")


def _fit(text: str, seed: str) -> str:
    if len(text) <= MAX_ID:
        return text
    head = text[: MAX_ID - 9]
    head = head[: head.rindex("_")] if "_" in head[len(head) // 2 :] else head
    return f"{head}_{_mark(seed)}"


def _short(listed: Listed) -> str:
    """The stated id, without the path and method FastAPI puts behind a function's name."""
    stated = listed.operation_id
    for method in (listed.method.lower(), *_METHODS):
        tail = f"{_NOT_WORD.sub('_', listed.path)}_{method}"
        if len(stated) > len(tail) and stated.endswith(tail):
            stated = stated.removesuffix(tail)
            break
    return _fit(snake_case(stated), stated) if snake_case(stated) else _from_path(listed)


def _stated(listed: Listed) -> str:
    return _fit(snake_case(listed.operation_id), listed.operation_id)


def _from_path(listed: Listed) -> str:
    # "post secrets" reads as an order to whoever guards a model's context, "secrets post" does not.
    parts = [listed.path, listed.method] if listed.method == "POST" else [listed.method, listed.path]
    text = snake_case("_".join(parts))
    # Where no letter of the path is Latin, the method alone would name every one of them.
    return _fit(text, listed.key) if text != listed.method.lower() or listed.path == "/" else _marked(listed)


def _marked(listed: Listed) -> str:
    head = (snake_case(listed.operation_id) or snake_case(f"{listed.method}_{listed.path}"))[: MAX_ID - 9].strip("_")
    return f"{head or 'operation'}_{_mark(listed.key)}"


def _unlike(listed: Listed, taken: set[str]) -> str:
    number = 2
    while (text := f"{_marked(listed)[: MAX_ID - 5]}_{number}") in taken:
        number += 1
    taken.add(text)
    return text


def _mark(seed: str) -> str:
    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
