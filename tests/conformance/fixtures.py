"""What the suite expects under fixed names, on our server's object.

An operation of the conformance ledger is compiled to `sn9000_` and its id, and its id is the name the suite uses: that
prefix is all that is translated. What no operation can do (asking, logging) and what is named by URI is registered
beside it. Everything else, the four fixed tools among it, stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import mcp.types as mcp_types
from mcp import MCPError
from mcp.server import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import PromptsListChanged

from tests.conformance.asking import ASKING, Called, Context, Fixture, say
from tests.conformance.reading import PROMPTS, RESOURCES, SCHEME, TEMPLATES, get_prompt, read_resource

PREFIX = "sn9000_"
_PARTS = ("test_simple_text", "test_image_content", "test_embedded_resource")
_Handler = Callable[[Context, Any], Awaitable[Any]]


def add_fixtures(server: Server[Any], *, change_ledger: Callable[[], Any]) -> None:
    """Register the fixtures.

    Args:
        server: What `build_server` gave.
        change_ledger: Changes the ledger's document, and has the change taken over.
    """
    tools = _Tools(server, change_ledger)
    server.add_request_handler("tools/list", mcp_types.PaginatedRequestParams, tools.list)
    server.add_request_handler("tools/call", mcp_types.CallToolRequestParams, tools.call)
    server.get_tool_input_schema = tools.input_schema
    _add_resources(server)
    _add_prompts(server)
    server.add_request_handler("logging/setLevel", mcp_types.SetLevelRequestParams, _accept)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=server.name))


class _Tools:
    """The server's tools under the suite's names, and the fixture tools."""

    def __init__(self, server: Server[Any], change_ledger: Callable[[], Any]) -> None:
        self._list, self._call = _handler(server, "tools/list"), _handler(server, "tools/call")
        self._schema_of = server.get_tool_input_schema
        self._server = server
        self._change_ledger = change_ledger
        self._fixtures: Mapping[str, Fixture] = {
            **ASKING,
            "test_multiple_content_types": Fixture(self._answer_in_parts, "Answers with text, a picture and a file."),
            "test_trigger_tool_change": Fixture(self._change_tools, "Changes the ledger."),
            "test_trigger_prompt_change": Fixture(self._change_prompts, "Says that the prompts changed."),
        }

    async def list(self, context: Context, params: mcp_types.PaginatedRequestParams | None) -> dict[str, Any]:
        """The whole list is one page: the ledger is small."""
        page: dict[str, Any] = await self._list(context, params)
        compiled = [tool | {"name": tool["name"].removeprefix(PREFIX)} for tool in page["tools"]]
        return page | {"tools": compiled + [each.definition(name) for name, each in self._fixtures.items()]}

    async def call(self, context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        """Run a fixture, or the compiled tool of that name."""
        if (fixture := self._fixtures.get(params.name)) is not None:
            return await fixture.run(context, params)
        return await self._call_compiled(context, params)

    def input_schema(self, name: str) -> Mapping[str, Any] | None:
        """For the SDK's check of headers against arguments."""
        if (fixture := self._fixtures.get(name)) is not None:
            return fixture.input_schema
        assert self._schema_of is not None
        return self._schema_of(name) or self._schema_of(PREFIX + name)

    async def _call_compiled(self, context: Context, params: mcp_types.CallToolRequestParams) -> Any:
        assert self._schema_of is not None
        name = params.name if self._schema_of(params.name) is not None else PREFIX + params.name
        return await self._call(context, params.model_copy(update={"name": name}))

    async def _answer_in_parts(self, context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        """What a subnet answers is one thing: the answers of three operations, one after another."""
        parts = [
            await self._call_compiled(context, params.model_copy(update={"name": each, "arguments": {}}))
            for each in _PARTS
        ]
        return mcp_types.CallToolResult(content=[block for part in parts for block in part.content])

    async def _change_tools(self, context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        await asyncio.to_thread(self._change_ledger)
        return say("The ledger has changed.")

    async def _change_prompts(self, context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        # The prompts of a ledger stay the same; the notice goes out on the server's own bus.
        await self._server._notices.bus.publish(PromptsListChanged())  # type: ignore[attr-defined]  # of our server
        return say("The prompts have changed.")


def _add_resources(server: Server[Any]) -> None:
    listed, templates = _handler(server, "resources/list"), _handler(server, "resources/templates/list")
    read = _handler(server, "resources/read")
    paginated = mcp_types.PaginatedRequestParams

    async def read_any(context: Context, params: mcp_types.ReadResourceRequestParams) -> Any:
        if not params.uri.startswith(SCHEME):
            return await read(context, params)
        if (found := read_resource(params.uri)) is None:
            raise MCPError(mcp_types.INVALID_PARAMS, "Resource not found", {"uri": params.uri})
        return found

    server.add_request_handler("resources/list", paginated, _with_more(listed, RESOURCES))
    server.add_request_handler("resources/templates/list", paginated, _with_more(templates, TEMPLATES))
    server.add_request_handler("resources/read", mcp_types.ReadResourceRequestParams, read_any)
    for method, watched in (
        ("resources/subscribe", mcp_types.SubscribeRequestParams),
        ("resources/unsubscribe", mcp_types.UnsubscribeRequestParams),
    ):
        server.add_request_handler(method, watched, _accept_or_ask(_handler(server, method)))


def _add_prompts(server: Server[Any]) -> None:
    listed, get, complete = (
        _handler(server, method) for method in ("prompts/list", "prompts/get", "completion/complete")
    )

    async def get_any(context: Context, params: mcp_types.GetPromptRequestParams) -> Any:
        found = get_prompt(params)
        return await get(context, params) if found is None else found

    async def complete_any(context: Context, params: mcp_types.CompleteRequestParams) -> Any:
        if not (isinstance(params.ref, mcp_types.PromptReference) and params.ref.name.startswith("test_")):
            return await complete(context, params)
        values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
        return mcp_types.CompleteResult(completion=mcp_types.Completion(values=values, total=len(values)))

    server.add_request_handler("prompts/list", mcp_types.PaginatedRequestParams, _with_more(listed, PROMPTS))
    server.add_request_handler("prompts/get", mcp_types.GetPromptRequestParams, get_any)
    server.add_request_handler("completion/complete", mcp_types.CompleteRequestParams, complete_any)


def _handler(server: Server[Any], method: str) -> _Handler:
    """The server's own handler of a method; where it has none, one that knows nothing."""
    entry = server.get_request_handler(method)
    return _refuse if entry is None else entry.handler


def _with_more(listed: _Handler, fixtures: mcp_types.PaginatedResult) -> _Handler:
    """The first page of the server's own list, with the fixtures before it."""

    async def list_all(context: Context, params: mcp_types.PaginatedRequestParams | None) -> mcp_types.PaginatedResult:
        more = fixtures.model_dump(by_alias=True, exclude_unset=True)
        page = {} if listed is _refuse else await listed(context, params)
        own = page if isinstance(page, dict) else page.model_dump(by_alias=True, exclude_unset=True)
        together = {key: [*entries, *own.get(key, ())] for key, entries in more.items()}
        return type(fixtures).model_validate(own | together)

    return list_all


def _accept_or_ask(own: _Handler) -> _Handler:
    """Fixtures never change, so watching one takes nothing; all else is the server's own to watch."""

    async def watch(
        context: Context, params: mcp_types.SubscribeRequestParams | mcp_types.UnsubscribeRequestParams
    ) -> mcp_types.EmptyResult:
        return await (_accept if params.uri.startswith(SCHEME) else own)(context, params)

    return watch


async def _refuse(context: Context, params: Any) -> Any:
    raise MCPError(mcp_types.INVALID_PARAMS, "There is no such thing")


async def _accept(context: Context, params: Any) -> mcp_types.EmptyResult:
    return mcp_types.EmptyResult()
