"""Ways to the parts of a JSON value, and copies with one part changed. No I/O."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

Steps = tuple[str | int, ...]
"""From the root: keys of objects and positions in lists."""
MAX_LEVELS = 64


class _Removed:
    """Stands for a member that is taken away."""


REMOVED = _Removed()


def iter_steps(value: Any, *, limit: int, random: Random | None = None) -> Iterator[Steps]:
    """Ways to the parts of a value, the shallow ones first.

    One item stands for its list: the first, or a chosen one where there is a `random`.
    """
    level: list[tuple[Steps, Any]] = [((), value)]
    for _ in range(MAX_LEVELS):
        following: list[tuple[Steps, Any]] = []
        for steps, part in level:
            for step, inner in _members(part, random):
                if limit <= 0:
                    return
                limit -= 1
                yield (*steps, step)
                following.append(((*steps, step), inner))
        level = following


def _members(part: Any, random: Random | None) -> Iterator[tuple[str | int, Any]]:
    if isinstance(part, dict):
        yield from part.items()
    elif isinstance(part, list) and part:
        index = random.randrange(len(part)) if random else 0
        yield index, part[index]


def part_at(value: Any, steps: Steps) -> Any:
    """The part that steps lead to."""
    for step in steps:
        value = value[step]
    return value


def changed(value: Any, steps: Steps, new: Any) -> Any:
    """A copy with one part replaced, or taken away where `new` is `REMOVED`; the rest is shared with the original."""
    if not steps:
        return new
    made = copy.copy(value)
    if new is REMOVED and len(steps) == 1:
        del made[steps[0]]
    else:
        made[steps[0]] = changed(value[steps[0]], steps[1:], new)
    return made
