"""Headless Chromium for tests: Debian's own, installed where it is missing and we may."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_APT = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])


def find_chromium() -> str:
    """Path of Chromium; skips the test where the platform has none and none can be installed."""
    if (found := _which()) is not None:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("the platform has no Chromium, and only root can install it (apt-get install chromium)")
    lock = REPOSITORY / "build" / "chromium.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if (found := _which()) is None:
            for command in _APT:
                subprocess.run(command, capture_output=True, check=False)
            found = _which()
    if found is None:
        pytest.skip("the platform has no Chromium, and apt-get could not install it")
    return found


def _which() -> str | None:
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A browser for the length of a block."""
    program = find_chromium()
    async with async_playwright() as playwright:
        # Chromium's own sandbox refuses to run as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()
