"""Places where a crash is of interest. Who wants to know when one is reached passes a function in."""

from __future__ import annotations

from collections.abc import Callable

Reached = Callable[[str], None]
"""Called with the name of a place."""

BLOBS_KEPT = "append: blobs kept"
LEAVES_KEPT = "append: leaves kept"
TILES_KEPT = "append: tiles kept"
HEAD_KEPT = "append: head kept"
PROJECTED = "append: projected"
COMMITTING = "commit: about to"
COMMITTED = "commit: done"
DRAFT_WRITTEN = "file: draft written"
FILE_RENAMED = "file: renamed"
PUBLISHING = "publish: begun"
LEAVES_PUBLISHED = "publish: leaves and documents are out"
TILES_PUBLISHED = "publish: tiles are out"
MANIFEST_PUBLISHED = "publish: manifest is out"
CHECKPOINT_PUBLISHED = "publish: checkpoint is out"
PUBLISHED = "publish: done"

PLACES = (
    BLOBS_KEPT,
    LEAVES_KEPT,
    TILES_KEPT,
    HEAD_KEPT,
    PROJECTED,
    COMMITTING,
    COMMITTED,
    DRAFT_WRITTEN,
    FILE_RENAMED,
    PUBLISHING,
    LEAVES_PUBLISHED,
    TILES_PUBLISHED,
    MANIFEST_PUBLISHED,
    CHECKPOINT_PUBLISHED,
    PUBLISHED,
)


def pass_by(place: str) -> None:
    """Nobody wants to know."""
