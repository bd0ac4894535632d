"""Whether a file may have changed since it was read."""

from __future__ import annotations

from pathlib import Path


def fingerprint_of(path: Path) -> str:
    """Changes when the file may have changed. Cheap; never raises."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return "absent"
    except OSError:
        return "unreadable"
    return f"{seen.st_ino}:{seen.st_mtime_ns}:{seen.st_size}"
