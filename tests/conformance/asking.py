"""Fixture tools that ask their client for something, which no operation of a ledger does.

Before 2026-07-28 a server sends its question as a request of its own; since then it answers with the question, and the
client calls again with what it was told.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp.types as mcp_types
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp_types import MISSING_REQUIRED_CLIENT_CAPABILITY

Context = ServerRequestContext[Any, Any]
Called = mcp_types.CallToolResult | mcp_types.InputRequiredResult
Run = Callable[[Context, mcp_types.CallToolRequestParams], Awaitable[Called]]
PAUSE_S = 0.05  # between log messages, as the suite describes it
STATE = "asked"


@dataclass(frozen=True)
class Fixture:
    """A tool that is registered by hand.

    Attributes:
        properties: Schemas of its arguments, all of them required.
    """

    run: Run
    description: str
    properties: Mapping[str, Any] = field(default_factory=dict)

    def definition(self, name: str) -> dict[str, Any]:
        """As `tools/list` has it."""
        return {"name": name, "description": self.description, "inputSchema": self.input_schema}

    @property
    def input_schema(self) -> dict[str, Any]:
        """Of its arguments."""
        return {"type": "object", "properties": dict(self.properties), "required": list(self.properties)}


def say(text: str) -> mcp_types.CallToolResult:
    """A result of one line."""
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text=text)])


def ask(requests: mcp_types.InputRequests, state: str | None = None) -> mcp_types.InputRequiredResult:
    """A result that asks."""
    return mcp_types.InputRequiredResult(input_requests=requests, request_state=state)


def form(message: str, **properties: dict[str, Any]) -> mcp_types.ElicitRequest:
    """A question to the user, whose fields are all required."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return mcp_types.ElicitRequest(params=mcp_types.ElicitRequestFormParams(message=message, requested_schema=schema))


def prompt(text: str, max_tokens: int) -> mcp_types.CreateMessageRequest:
    """A question to the client's model."""
    message = mcp_types.SamplingMessage(role="user", content=mcp_types.TextContent(type="text", text=text))
    return mcp_types.CreateMessageRequest(
        params=mcp_types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


def roots() -> mcp_types.ListRootsRequest:
    """A question for the client's folders."""
    return mcp_types.ListRootsRequest(params=mcp_types.RequestParams())


def told(
    params: mcp_types.CallToolRequestParams | mcp_types.GetPromptRequestParams, *keys: str
) -> list[dict[str, Any]] | None:
    """What the client answered to each question; None where one is not answered, or was declined."""
    given = params.input_responses or {}
    answers = [given[key].model_dump(by_alias=True, mode="json") for key in keys if key in given]
    complete = len(answers) == len(keys) and all(each.get("action", "accept") == "accept" for each in answers)
    return answers if complete else None


NAME = {"type": "string"}
_DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_VALUES = ("value1", "value2", "value3")
_OPTIONS = ("option1", "option2", "option3")
_TITLED = [{"const": value, "title": title} for value, title in zip(_VALUES, ("First", "Second", "Third"), strict=True)]
_CHOICES = {
    "untitledSingle": {"type": "string", "enum": list(_OPTIONS)},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": list(_OPTIONS)}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}


async def _log(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        with warnings.catch_warnings(action="ignore"):  # deprecated since 2026-07-28, and demanded before
            await context.session.send_log_message("info", line, related_request_id=context.request_id)
        await asyncio.sleep(PAUSE_S)
    return say("Said what it did.")


async def _sample(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
    asked = prompt((params.arguments or {})["prompt"], 100).params
    with warnings.catch_warnings(action="ignore"):  # deprecated since 2026-07-28, and demanded before
        answer = await context.session.create_message(
            asked.messages, max_tokens=asked.max_tokens, related_request_id=context.request_id
        )
    return say(f"LLM response: {answer.content.text if answer.content.type == 'text' else ''}")


def _elicit(message: str | None, **properties: dict[str, Any]) -> Run:
    async def run(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        asked = message if message is not None else (params.arguments or {})["message"]
        schema = {"type": "object", "properties": properties, "required": list(properties) if message is None else []}
        answer = await context.session.elicit_form(asked, schema, related_request_id=context.request_id)
        return say(f"User response: action={answer.action}, content={answer.content}")

    return run


async def _need_sampling(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
    declared = context.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY, "sampling is needed", {"requiredCapabilities": {"sampling": {}}}
        )
    return say("The client can sample.")


def _ask_once(requests: mcp_types.InputRequests, *, state: str | None = None) -> Run:
    """Asks, and tells what it was told; with a state, only if that came back as well."""

    async def run(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
        answers = told(params, *requests)
        if answers is None or (state is not None and params.request_state != state):
            return ask(requests, state)
        return say(f"{'state-ok ' if state else ''}{answers}")

    return run


async def _ask_twice(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
    if params.request_state == "named" and (answers := told(params, "step2")) is not None:
        return say(f"Both steps are done: {answers}")
    if params.request_state == STATE and told(params, "step1") is not None:
        return ask({"step2": form("Step 2: What is your favorite color?", color={"type": "string"})}, "named")
    return ask({"step1": form("Step 1: What is your name?", name=NAME)}, STATE)


async def _ask_what_can_be_asked(context: Context, params: mcp_types.CallToolRequestParams) -> Called:
    declared = context.session.client_capabilities or mcp_types.ClientCapabilities()
    possible: dict[str, tuple[object, mcp_types.InputRequest]] = {
        "user_name": (declared.elicitation, form("What is your name?", name=NAME)),
        "greeting": (declared.sampling, prompt("Generate a greeting", 50)),
        "client_roots": (declared.roots, roots()),
    }
    requests = {key: request for key, (can, request) in possible.items() if can is not None}
    if not requests:
        return say("The client can be asked nothing.")
    answers = told(params, *requests)
    return ask(requests) if answers is None else say(str(answers))


_NAMED: mcp_types.InputRequests = {"user_name": form("What is your name?", name=NAME)}
_CONFIRMED: mcp_types.InputRequests = {"confirm": form("Please confirm", ok={"type": "boolean"})}
_CAPITAL: mcp_types.InputRequests = {"capital_question": prompt("What is the capital of France?", 100)}
_MANY: mcp_types.InputRequests = {**_NAMED, "greeting": prompt("Generate a greeting", 50), "client_roots": roots()}
_USER = {"username": {"type": "string"}, "email": {"type": "string"}}

ASKING: Mapping[str, Fixture] = {
    "test_tool_with_logging": Fixture(_log, "Logs while it works."),
    "test_logging_tool": Fixture(_log, "Logs while it works."),
    "test_sampling": Fixture(_sample, "Asks the client's model.", {"prompt": {"type": "string"}}),
    "test_elicitation": Fixture(_elicit(None, **_USER), "Asks the user.", {"message": {"type": "string"}}),
    "test_elicitation_sep1034_defaults": Fixture(_elicit("Who are you?", **_DEFAULTS), "Asks with defaults."),
    "test_elicitation_sep1330_enums": Fixture(_elicit("Choose.", **_CHOICES), "Asks with choices."),
    "test_missing_capability": Fixture(_need_sampling, "Needs a client that samples."),
    "test_streaming_elicitation": Fixture(_ask_once(_NAMED), "Asks the user."),
    "test_input_required_result_elicitation": Fixture(_ask_once(_NAMED), "Asks the user."),
    "test_input_required_result_sampling": Fixture(_ask_once(_CAPITAL), "Asks the client's model."),
    "test_input_required_result_list_roots": Fixture(_ask_once({"client_roots": roots()}), "Asks for folders."),
    "test_input_required_result_request_state": Fixture(_ask_once(_CONFIRMED, state=STATE), "Asks, with a state."),
    "test_input_required_result_tampered_state": Fixture(_ask_once(_CONFIRMED, state=STATE), "Asks, with a state."),
    "test_input_required_result_multiple_inputs": Fixture(_ask_once(_MANY, state=STATE), "Asks three at once."),
    "test_input_required_result_multi_round": Fixture(_ask_twice, "Asks twice."),
    "test_input_required_result_capabilities": Fixture(_ask_what_can_be_asked, "Asks only what the client can do."),
}
