"""The MCP server, through the SDK's own client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from mcp import Client

from mcp_server_orchestra import build_server
from tests.contract.driver import Call, Called, Driver, Shown, Talk


class McpDriver(Driver):
    """A client in this process; stdio and HTTP are tested in `tests/mcp_server`."""

    host = "mcp"
    rewrites = frozenset({"prefix_items"})

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        server = build_server(session=self.ledger.session, surface="operations")
        self._client = await self._stack.enter_async_context(Client(server))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def show(self) -> list[Shown]:
        shown: list[Shown] = []
        cursor: str | None = None
        while True:
            page = await self._client.list_tools(cursor=cursor)
            shown += [Shown(tool.name, tool.description or "", tool.input_schema) for tool in page.tools]
            if (cursor := page.next_cursor) is None:
                return shown

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Called:
        result = await self._client.call_tool(name, dict(arguments))
        text = "".join(block.text for block in result.content if block.type == "text")
        return Called(text, bool(result.is_error), self._artifact(result.meta or {}, result.structured_content))

    async def talk(self, turns: Sequence[Call], answer: str) -> Talk:
        """MCP has no agent of its own: a host's loop is calls and texts."""
        return Talk([(await self.call(turn.tool, turn.arguments)).text for turn in turns], answer)

    def _artifact(self, meta: Mapping[str, Any], structured: Any) -> dict[str, Any]:
        """What a program finds in `_meta`, with the receipt it names, as `orchestra verify` finds it."""
        journal = self.ledger.session.executor.journal
        facts = {key.removeprefix("orchestra/"): value for key, value in meta.items()}
        receipt = journal.receipt(facts["receipt"]) if "receipt" in facts else None
        code = facts.get("error")
        return {
            "data": structured,
            "error": {"error": code} if code else None,
            "outcome": facts.get("outcome"),
            "schema": facts.get("schema") or (receipt or {}).get("schema_verdict"),
            "receipt": receipt,
        }
