"""Which operations of a document are wanted."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence

from orchestra_tools.importers.openapi.identifiers import Listed

Select = Callable[[Listed], bool]


def select_by(patterns: Sequence[str]) -> Select:
    """Take the operations that fit one of some patterns; a pattern that starts with `-` leaves some out again.

    A pattern is `GET /v1/search*` (method and path), `/v1/*` (path), `tag:search`, or an `operationId`. `*` stands for
    any text and `?` for one character. With exclusions alone, everything else is taken.
    """
    wanted = [each for each in patterns if not each.startswith("-")]
    unwanted = [each.removeprefix("-") for each in patterns if each.startswith("-")]

    def select(listed: Listed) -> bool:
        taken = not wanted or any(_fits(pattern, listed) for pattern in wanted)
        return taken and not any(_fits(pattern, listed) for pattern in unwanted)

    return select


def _fits(pattern: str, listed: Listed) -> bool:
    kind, colon, rest = pattern.partition(":")
    if colon and kind == "tag":
        return any(fnmatch.fnmatchcase(tag, rest) for tag in listed.tags)
    if pattern.startswith("/"):
        return fnmatch.fnmatchcase(listed.path, pattern)
    method, blank, path = pattern.partition(" ")
    if blank:
        return fnmatch.fnmatchcase(listed.method, method.upper()) and fnmatch.fnmatchcase(listed.path, path.strip())
    return fnmatch.fnmatchcase(listed.operation_id, pattern)
