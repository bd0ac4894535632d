"""Headless Chromium for tests: Debian's own, installed where it is missing and we may."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.debian import find_or_install

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Path of Chromium; skips the test where the platform has none and none can be installed."""
    return find_or_install(_which, "chromium", name="Chromium")


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
