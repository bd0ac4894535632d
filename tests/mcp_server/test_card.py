"""The card of an entry, in headless Chromium, inside a host that implements MCP Apps."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import TextResourceContents
from playwright.async_api import Browser, expect

from mcp_server_orchestra.card import (
    CARD_MIME,
    CARD_TOOLS,
    CARD_URI,
    EXTENSION,
    card_contents,
    card_meta,
    card_resource,
    read_card,
)
from orchestra_tools.toolsets import META_TOOLS
from tests.browser import open_browser
from tests.mcp_server.card_entry import ASKED, DESCRIBED, ENTRY, background, host_of
from tests.mcp_server.card_host import BRIDGE_PAGE, open_host
from tests.npm_packages import install_packages


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as opened:
        yield opened


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class TestPage:
    """What is sent to a host."""

    def test_it_is_small_and_complete_in_itself(self) -> None:
        page = read_card()
        parser = _Tags()
        parser.feed(page)
        assert len(page.encode()) < 40_000
        assert {tag for tag, _ in parser.tags} <= {
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "p",
            "script",
        }
        names = {name for _, attributes in parser.tags for name in attributes}
        assert not names & {"src", "href", "style", "srcset", "action", "data"}
        assert not [name for name in names if name.startswith("on")]
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|fetch\(", page)

    def test_its_policy_lets_only_its_own_script_and_style_run(self) -> None:
        (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', read_card())
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules["script-src"])
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules["style-src"])

    def test_it_is_described_as_the_extension_wants(self) -> None:
        """MCP Apps, revision 2026-01-26; constants as the SDK has them."""
        assert (EXTENSION, CARD_MIME) == (EXTENSION_ID, APP_MIME_TYPE)
        assert CARD_URI.startswith("ui://")
        resource, contents = card_resource(), card_contents()
        assert resource["uri"] == contents["uri"] == CARD_URI
        assert resource["mimeType"] == contents["mimeType"] == CARD_MIME
        assert contents["text"] == read_card()
        assert resource["_meta"] == contents["_meta"]
        assert not any(contents["_meta"]["ui"]["csp"].values())
        assert card_meta()["ui"] == {"resourceUri": CARD_URI}
        assert set(CARD_TOOLS) <= set(META_TOOLS)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
class TestCard:
    """What a person sees."""

    async def test_an_entry_is_shown_with_its_figures(self, browser: Browser) -> None:
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            text = await host.text()
            first = host.card.locator(".tool").first
            assert await first.get_attribute("aria-current") == "true"
            assert "sn22_web_search" in await first.inner_text()
            charts = [await each.get_attribute("aria-label") for each in await first.get_by_role("img").all()]
            host.assert_quiet()
        assert charts == ["Reliability: at least 91 % (41 calls, 2 drifted)", "Latency: p50 420 ms, p90 2.3 s"]
        for expected in ("Desearch", "SN22", "Web and X search.", "Version 1.2.0", "last verified 2026-11-01"):
            assert expected in text
        for expected in ("ok", "0.0010 USD", "ab" * 32, "28/05/2026", "valid", "4b271221"):
            assert expected in text
        for expected in ("speaks to the model; too long", "changed since it was pinned", "is not https"):
            assert expected in text

    async def test_what_was_never_measured_and_what_cannot_be_called_is_said(self, browser: Browser) -> None:
        async with host_of(browser) as host:
            await host.show(read_card(), arguments={"name": "sn22_x_search"}, result=DESCRIBED)
            assert "Never measured" in await host.card.locator(".tool.asked").inner_text()
            assert "cannot be called now: no key" in await host.card.locator(".tool.asked").inner_text()
            more = host.card.get_by_role("button", name="Show all 6 tools")
            await more.focus()
            await more.press("Enter")
            await expect(host.card.locator(".tool")).to_have_count(6)
            await expect(host.card.get_by_role("button", name="Show fewer")).to_be_focused()
            text = await host.text()
        assert "Reliability: not known (3 calls)" in text
        assert "(1 call to the sandbox, 2 drifted)" in text

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"last_verified": None, "version": None}, "No version · never verified"),
            ({"last_receipt": None}, "No call of this subnet on record here."),
            ({"tools": []}, "This entry has no tools."),
            ({"sandbox": True}, "sandbox"),
            ({"status": "reassigned"}, "reassigned"),
            (
                {"description": None, "withheld": [{"field": "description", "reason": "gives orders"}]},
                "Description withheld: gives orders",
            ),
            ({"description": None, "withheld": None}, "No description."),
            ({"capabilities": [f"c{number}" for number in range(50)]}, "and 10 more"),
            ({"last_receipt": {"outcome": "timeout", "request": {"sha256": "cd" * 32}, "cost": None}}, "cd" * 32),
            (
                {
                    "tools": [
                        {"name": "sn22_slow", "statistics": {"calls": 9, "reliability": 0, "latency_p50_ms": 61_000}}
                    ]
                },
                "61 s",
            ),
        ],
    )
    async def test_each_state_is_told(self, browser: Browser, changes: dict[str, Any], told: str) -> None:
        async with host_of(browser, ENTRY | changes) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            assert told in await host.text()
            host.assert_quiet()

    @pytest.mark.parametrize(
        ("entry", "told"),
        [
            ("{", "it is not JSON"),
            ("[]", "another subnet's"),
            (ENTRY | {"subnet": "SN64"}, "another subnet's"),
            (" " * 4_000_001, "too large"),
            (LookupError("no such resource"), "no such resource"),
        ],
    )
    async def test_an_entry_that_cannot_be_read_is_no_blank_card(self, browser: Browser, entry: Any, told: str) -> None:
        result = DESCRIBED | {
            "_meta": {"orchestra/receipt": "77aa", "orchestra/outcome": "ok", "orchestra/cost": "1 USD"}
        }
        async with host_of(browser, entry) as host:
            await host.show(read_card(), arguments=ASKED, result=result)
            assert told in await host.card.get_by_role("alert").inner_text()
            text = await host.text()
            assert host.requests == []
        assert "77aa" in text
        assert "1 USD" in text

    async def test_a_failed_call_is_told_beside_the_entry(self, browser: Browser) -> None:
        failed = {"isError": True, "content": [{"type": "text", "text": "unknown_tool: no such tool"}]}
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=failed)
            assert "unknown_tool" in await host.card.get_by_role("alert").inner_text()
            assert "Desearch" in await host.text()

    async def test_a_result_that_names_no_subnet_and_a_cancelled_call_are_told(self, browser: Browser) -> None:
        async with host_of(browser) as host:
            await host.show(read_card(), arguments={}, result={"content": []})
            assert "names no subnet" in await host.text()
            await host.notify("ui/notifications/tool-cancelled", {"reason": "user"})
            await expect(host.card.get_by_role("alert")).to_have_text("The call was cancelled.")

    async def test_the_answer_of_a_stranger_does_not_choose_the_entry(self, browser: Browser) -> None:
        """`call_tool` passes on what the subnet wrote; what the model asked for comes first."""
        result = {"content": [], "structuredContent": {"name": "sn64_chat", "slot": "SN64@1"}}
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=result)
            assert "Desearch" in await host.text()

    async def test_it_follows_the_hosts_theme_and_colours(self, browser: Browser) -> None:
        colours = {
            f"--color-{name}": "light-dark(#fedcba, #012345)"
            for name in (
                "background-primary",
                "background-secondary",
                "text-primary",
                "text-secondary",
                "border-primary",
            )
        }
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED, context={"theme": "dark"})
            assert await background(host) == "rgb(27, 27, 29)"
            await host.notify("ui/notifications/host-context-changed", {"theme": "light"})
            assert await background(host) == "rgb(255, 255, 255)"
            part = {"--color-text-primary": "#fff", "--font-sans": "serif"}
            await host.notify("ui/notifications/host-context-changed", {"styles": {"variables": part}})
            assert await background(host) == "rgb(255, 255, 255)"
            await host.notify("ui/notifications/host-context-changed", {"styles": {"variables": colours}})
            assert await background(host) == "rgb(254, 220, 186)"
            host.assert_quiet()

    @pytest.mark.parametrize("theme", ["light", "dark"])
    async def test_all_text_stands_out_from_its_ground(self, browser: Browser, theme: str) -> None:
        """WCAG 2.2, 1.4.3: 4.5 to 1."""
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED, context={"theme": theme})
            ratios = await host.card.locator("body").evaluate(_CONTRASTS)
        assert ratios
        assert min(ratios) >= 4.5

    @pytest.mark.parametrize("width", [320, 1200])
    async def test_it_fits_its_frame_and_says_how_high_it_is(self, browser: Browser, width: int) -> None:
        async with host_of(browser, ENTRY | {"name": "W" * 300, "description": "w" * 900}, width=width) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            wide, high = await host.card.locator("html").evaluate(
                "e => [e.scrollWidth, Math.ceil(e.getBoundingClientRect().height)]"
            )
            sizes = await host.messages("ui/notifications/size-changed")
        assert wide <= width
        assert {"width": width, "height": high} in [each["params"] for each in sizes]

    async def test_it_shakes_hands_and_answers_the_host(self, browser: Browser) -> None:
        async with host_of(browser) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            (opening,) = await host.messages("ui/initialize")
            assert opening["params"]["protocolVersion"] == "2026-01-26"
            for number, method in enumerate(("ping", "ui/resource-teardown", "tools/list")):
                await host.page.evaluate("([id, method]) => post({ id, method, params: {} })", [f"h{number}", method])
            await host.page.wait_for_function(
                "() => log.filter((each) => String(each.id).startsWith('h')).length === 3"
            )
            answers = {
                each["id"]: each for each in await host.page.evaluate("() => log") if str(each.get("id"))[0] == "h"
            }
        assert answers["h0"]["result"] == answers["h1"]["result"] == {}
        assert answers["h2"]["error"]["code"] == -32601

    async def test_a_changed_ledger_is_read_again(self, browser: Browser) -> None:
        entry = dict(ENTRY)
        async with host_of(browser, entry) as host:
            await host.show(read_card(), arguments=ASKED, result=DESCRIBED)
            entry["name"] = "Renamed"
            await host.notify("notifications/resources/list_changed", {})
            await expect(host.card.get_by_role("heading", level=1)).to_have_text("Renamed")


@asynccontextmanager
async def sandbox_server() -> AsyncIterator[Client]:
    """The server as a host starts it, on a sandbox."""
    command = ["-m", "mcp_server_orchestra.main", "--sandbox"]
    server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
    async with Client(server) as client:
        yield client


def wire(result: Any) -> dict[str, Any]:
    form: dict[str, Any] = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return form


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
class TestRealServer:
    """The card that our server gives, beside that server's results."""

    async def card_beside(self, browser: Browser, client: Client, name: str, **options: Any) -> str:
        """What the card shows beside `describe_tool` of a tool."""

        async def ask_server(method: str, params: dict[str, Any]) -> Any:
            assert method == "resources/read"
            return wire(await client.read_resource(params["uri"]))

        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        meta = listed["describe_tool"].meta or {}
        (page,) = (await client.read_resource(meta["ui"]["resourceUri"])).contents
        assert isinstance(page, TextResourceContents)
        assert page.mime_type == CARD_MIME
        result = wire(await client.call_tool("describe_tool", {"name": name}))
        async with open_host(browser, ask_server, **options) as host:
            await host.show(
                page.text,
                arguments={"name": name},
                result=result,
                context={"toolInfo": {"tool": wire(listed["describe_tool"])}},
            )
            text = await host.text()
            host.assert_quiet()
        return text

    async def test_measured_figures_and_the_last_receipt_reach_the_card(self, browser: Browser) -> None:
        async with sandbox_server() as client:
            called = [await client.call_tool("sn22_web_search", {"query": f"gpu {number}"}) for number in range(3)]
            text = await self.card_beside(browser, client, "sn22_web_search")
        meta = called[-1].meta
        assert meta is not None
        assert meta["orchestra/receipt"] in text
        for expected in (
            "Desearch",
            "Reliability: at least 44 % (3 calls to the sandbox)",
            "Never measured",
            "Answer, SHA-256",
        ):
            assert expected in text

    async def test_a_subnet_never_called_and_a_tool_unknown_are_told(self, browser: Browser) -> None:
        async with sandbox_server() as client:
            text = await self.card_beside(browser, client, "sn64_chat_completion")
            unknown = await self.card_beside(browser, client, "sn22_no_such_tool")
        assert "No call of this subnet on record here." in text
        assert "Never measured" in text
        assert "The call failed" in unknown
        assert "Desearch" in unknown


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_the_bridge_of_the_extensions_own_package_understands_it(browser: Browser) -> None:
    """That bridge holds every message against the extension's schema."""
    modules = install_packages() / "node_modules"
    assert (modules / "@modelcontextprotocol" / "ext-apps").is_dir()
    async with host_of(browser, path=BRIDGE_PAGE, modules=modules) as host:
        await host.page.wait_for_function("() => window.show")
        await host.show(read_card(), arguments=ASKED, result=DESCRIBED, context={"theme": "dark"})
        assert "Desearch" in await host.text()
        assert await background(host) == "rgb(27, 27, 29)"
        assert await host.page.evaluate("() => window.app.name") == "orchestra-entry"
        await host.card.get_by_role("region", name="Links").get_by_role("button").first.click()
        await host.page.wait_for_function("() => opened.length === 1")
        assert await host.messages("ui/notifications/size-changed")
        assert await host.page.evaluate("() => window.bridge.teardownResource({})") == {}
        host.assert_quiet()


_CONTRASTS = """(body) => {
  const level = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const written = (each) => [...each.childNodes].some((child) => child.nodeType === 3);
  return [...body.querySelectorAll("main *")].filter(written)
    .map((each) => [level(getComputedStyle(each).color), level(ground(each))].sort((a, b) => b - a))
    .map(([light, dark]) => (light + 0.05) / (dark + 0.05));
}"""
