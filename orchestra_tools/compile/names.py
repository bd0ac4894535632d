"""Tool names: ours, safe in every host, readable, stable.

A name is `sn22_web_search`: ASCII, at most 64 characters of `[a-zA-Z0-9_-]` (Claude Desktop drops the whole server for
one name outside that). It is made from the operation's id, so compiling again does not move it: the first operation of
an entry to make a name owns it; a later one whose name is or looks the same gets a suffix made from its id.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping

MAX_LENGTH = 64
_WORD_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNSAFE = re.compile(r"[^a-z0-9_-]+")
# ASCII characters that look alike in common faces (UTS 39 confusables, lower case).
_LOOKALIKES = str.maketrans({"0": "o", "1": "l", "-": "_"})
_LOOKALIKE_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def slug(operation_id: str) -> str:
    """The name form of an operation id: lower case, words joined by `_`."""
    folded = unicodedata.normalize("NFKC", operation_id[:400])
    ascii_form = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    return _UNSAFE.sub("_", _WORD_EDGE.sub("_", ascii_form).lower()).strip("_-")


def skeleton(name: str) -> str:
    """What a name looks like at a glance: two names with one skeleton can be mistaken for each other."""
    look = name.lower().translate(_LOOKALIKES)
    for pair, single in _LOOKALIKE_PAIRS:
        look = look.replace(pair, single)
    return re.sub("_+", "_", look)


def assign_names(netuid: int, operation_ids: Iterable[str]) -> Mapping[str, str]:
    """A name for each operation of a subnet; no two alike to the eye."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for operation_id in operation_ids:
        plain = slug(operation_id)
        name = f"sn{netuid}_{plain or 'operation'}"
        if len(name) > MAX_LENGTH or not plain or skeleton(name) in taken:
            # More than one turn only where somebody has made an id that looks like another's suffixed name.
            name = next(
                suffixed
                for turn in itertools.count()
                if skeleton(suffixed := _suffixed(name, operation_id, turn)) not in taken
            )
        taken.add(skeleton(name))
        names[operation_id] = name
    return names


def _suffixed(name: str, operation_id: str, turn: int) -> str:
    seed = operation_id.encode("utf-8", "surrogatepass") + bytes(turn)
    mark = hashlib.sha256(seed).hexdigest()[:8]
    head = name[: MAX_LENGTH - len(mark) - 1]
    if len(head) < len(name) and "_" in head[len(head) // 2 :]:
        head = head[: head.rindex("_")]
    return f"{head.rstrip('_-')}_{mark}"
