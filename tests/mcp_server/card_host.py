"""A host with MCP Apps in headless Chromium: shows the card beside a tool's result, and passes its requests on.

The page is `card_host.html`, or `card_bridge.html`, which stands on the bridge of `@modelcontextprotocol/ext-apps`.
Every address but the page's own is cut off and noted in `requests`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, FrameLocator, Page, Route

PAGE = Path(__file__).with_name("card_host.html")
BRIDGE_PAGE = Path(__file__).with_name("card_bridge.html")
ADDRESS = "http://host.test/"
MODULES = f"{ADDRESS}npm/"
AskServer = Callable[[str, dict[str, Any]], Awaitable[Any]]
CAPABILITIES: Mapping[str, Any] = {"openLinks": {}, "serverTools": {}, "serverResources": {}}


@dataclass
class CardHost:
    """The host's page, with what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def card(self) -> FrameLocator:
        """The card's frame."""
        return self.page.frame_locator("iframe")

    async def show(
        self,
        html: str,
        *,
        arguments: Mapping[str, Any],
        result: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        capabilities: Mapping[str, Any] = CAPABILITIES,
    ) -> None:
        """Show the card for a tool's result, and wait until it has drawn something."""
        given = {"arguments": arguments, "result": result, "context": context or {}, "capabilities": capabilities}
        await self.page.evaluate("([html, given]) => window.show(html, given)", [html, given])
        if result is not None:
            await self.card.locator("main[aria-busy=false]").wait_for()

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send the card a notification."""
        await self.page.evaluate("([method, params]) => window.notify(method, params)", [method, params])

    async def messages(self, method: str) -> list[dict[str, Any]]:
        """What the card sent so far with a method."""
        sent: list[dict[str, Any]] = await self.page.evaluate("() => window.log")
        return [message for message in sent if message.get("method") == method]

    async def text(self) -> str:
        """All text that can be seen."""
        return await self.card.locator("body").inner_text()

    def assert_quiet(self) -> None:
        """Nothing was complained of, and nothing was asked of the network."""
        assert self.complaints == []
        assert self.requests == []


@asynccontextmanager
async def open_host(
    browser: Browser,
    ask_server: AskServer,
    *,
    width: int = 640,
    path: Path = PAGE,
    modules: Path | None = None,
) -> AsyncIterator[CardHost]:
    """A host's page.

    Args:
        browser: Where to open it.
        ask_server: Its server: takes method and parameters, gives the result.
        width: Of its window.
        path: The page.
        modules: The `node_modules` that the page may load from.
    """
    context = await browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(20_000)
    page = await context.new_page()
    host = CardHost(page)

    async def route(each: Route) -> None:
        url = each.request.url
        if url == ADDRESS:
            await each.fulfill(body=await asyncio.to_thread(path.read_text), content_type="text/html")
        elif modules is not None and url.startswith(MODULES):
            await each.fulfill(path=modules / url.removeprefix(MODULES), content_type="text/javascript")
        else:
            host.requests.append(url)
            await each.abort()

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            host.complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: host.complaints.append(str(error)))
    page.on("dialog", lambda dialog: host.complaints.append(f"dialog: {dialog.message}"))
    context.on("page", lambda opened: host.complaints.append(f"page opened: {opened.url}"))
    await context.route("**/*", route)
    await page.expose_function("askServer", ask_server)
    await page.goto(ADDRESS)
    try:
        yield host
    finally:
        await context.close()
