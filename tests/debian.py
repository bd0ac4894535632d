"""Programs of Debian that tests need, installed where they are missing and we may."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
Found = TypeVar("Found")


def find_or_install(find: Callable[[], Found | None], package: str, *, name: str) -> Found:
    """What a package brings; skips the test where the platform has none and none can be installed.

    Args:
        find: Looks for it.
        package: The package.
        name: What to call it.
    """
    if (found := find()) is not None:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"the platform has no {name}, and only root can install it (apt-get install {package})")
    lock = REPOSITORY / "build" / f"{package}.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if (found := find()) is None:
            for command in (
                ["apt-get", "update", "-qq"],
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
            ):
                subprocess.run(command, capture_output=True, check=False)
            found = find()
    if found is None:
        pytest.skip(f"the platform has no {name}, and apt-get could not install it")
    return found
