"""The card of an entry whose texts were written to do harm, in headless Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from mcp_server_orchestra.card import read_card
from tests.browser import open_browser
from tests.mcp_server.card_entry import ASKED, DESCRIBED, ENTRY, MEASURED, background, host_of
from tests.mcp_server.card_host import CAPABILITIES

HOSTILE = (
    "<script>parent.hacked = 1; alert(1)</script><img src=https://evil.example/x onerror=alert(1)>"
    "![pixel](https://evil.example/y.png) [click](javascript:alert(1))"
    " \u202egnp.exe\u2066\u200b\U000e0041 {{7*7}} ${7*7}"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
class TestHostileEntry:
    """Everything in an entry was written by strangers."""

    async def test_it_is_text_and_stays_text(self, browser: Browser) -> None:
        entry = replaced(ENTRY, HOSTILE)
        result = {"isError": True, "content": [{"type": "text", "text": HOSTILE}]}
        async with host_of(browser, entry) as host:
            await host.show(
                read_card(), arguments=ASKED, result=result, context={"locale": HOSTILE, "timeZone": HOSTILE}
            )
            text = await host.text()
            tags = await host.card.locator("body").evaluate(
                "e => [...new Set([...e.querySelectorAll('*')].map((x) => x.localName))]"
            )
            assert await host.page.evaluate("() => window.hacked") is None
            host.assert_quiet()
        assert text.count("<script>parent.hacked") > 10
        assert "\\u{202e}gnp.exe\\u{2066}\\u{200b}\\u{e0041}" in text
        assert not set(tags) & {"a", "img", "iframe", "object", "form", "input", "link", "style"}
        assert tags.count("script") == 1

    async def test_endless_texts_are_shortened_and_many_tools_folded(self, browser: Browser) -> None:
        entry = replaced(ENTRY, "z" * 10_000)
        entry["tools"] = [{"name": f"sn22_{number}", "title": "\u0301" * 1_000} for number in range(500)]
        async with host_of(browser, entry) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            text = await host.text()
            await host.card.get_by_role("button", name="Show all 500 tools").click()
            await expect(host.card.locator(".tool")).to_have_count(400)
            assert "the first 400" in await host.text()
            host.assert_quiet()
        assert "(10000 characters, shortened)" in text
        assert len(text) < 20_000

    @pytest.mark.parametrize("value", [7, [], {}, True, [[{}]], {"length": 9}, None])
    async def test_values_of_other_types_break_nothing(self, browser: Browser, value: Any) -> None:
        async with host_of(browser, dict.fromkeys(ENTRY, value) | {"subnet": "SN22"}) as host:
            await host.show(
                read_card(), arguments=ASKED, result=DESCRIBED | {"structuredContent": value, "_meta": value}
            )
            assert "SN22" in await host.text()
            host.assert_quiet()
        odd = {"tools": [value, {"name": value, "statistics": dict.fromkeys(MEASURED, value) | {"calls": 2}}]}
        async with host_of(
            browser, ENTRY | odd | {"last_receipt": dict.fromkeys(ENTRY["last_receipt"], value)}
        ) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            assert "Desearch" in await host.text()
            host.assert_quiet()

    async def test_only_https_links_open_and_only_through_the_host(self, browser: Browser) -> None:
        links = {
            "website": "https://desearch.ai/",
            "plain": "http://desearch.ai/",
            "script": "javascript:alert(1)",
            "data": "data:text/html,x",
            "login": "https://ada:pw@desearch.ai/",
            "lookalike": "https://dеsearch.ai/",
            "none": ["not an address", "https://docs.desearch.ai/"],
        }
        async with host_of(browser, ENTRY | {"links": links}) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            section = host.card.get_by_role("region", name="Links")
            names = [await each.inner_text() for each in await section.get_by_role("button").all()]
            await section.get_by_role("button").first.click()
            await host.page.wait_for_function("() => opened.length === 1")
            opened = await host.page.evaluate("() => opened")
            host.assert_quiet()
        lookalike = "dеsearch.ai".encode("idna").decode()
        assert names == [
            "website: https://desearch.ai/",
            f"lookalike: https://{lookalike}/",
            "none: https://docs.desearch.ai/",
        ]
        assert opened == ["https://desearch.ai/"]

    async def test_a_host_that_opens_no_links_is_asked_for_none(self, browser: Browser) -> None:
        without = {name: value for name, value in CAPABILITIES.items() if name != "openLinks"}
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED, capabilities=without)
            assert await host.card.get_by_role("region", name="Links").get_by_role("button").count() == 0

    async def test_messages_of_other_windows_are_not_heard(self, browser: Browser) -> None:
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            forged = {"jsonrpc": "2.0", "method": "ui/notifications/tool-cancelled", "params": {}}
            await host.card.locator("body").evaluate("(e, message) => window.postMessage(message, '*')", forged)
            await host.notify("ui/notifications/host-context-changed", {"theme": "dark"})
            assert await background(host) == "rgb(27, 27, 29)"
            assert "cancelled" not in await host.text()


def replaced(value: Any, text: str) -> Any:
    """A JSON value with every text in it replaced, but for what names the entry."""
    if isinstance(value, dict):
        return {key: each if key == "subnet" else replaced(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [replaced(each, text) for each in value]
    return text if isinstance(value, str) else value
