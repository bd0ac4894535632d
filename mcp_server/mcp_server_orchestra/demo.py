"""`orchestra demo`: the main job, from nothing, on this machine.

A sandbox stands in for the subnets, the real server runs over stdio, a real MCP client talks to it. Each step says what
it does and is checked; the first that fails ends the demo with exit code 1.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult
from rich.console import Console

from orchestra_tools.calls import Journal
from orchestra_tools.schema import apply_defaults
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import to_text
from orchestra_tools.trust import verify_receipt

TOOL = "sn22_web_search"
WISH = "search the web for GPU cloud prices"
STEP_TIMEOUT_S = 30.0


class StepFailedError(Exception):
    """A step of the demo did not do what it promises."""


@dataclass(slots=True)
class _Stage:
    """What the steps share."""

    sandbox: Sandbox
    client: Client
    home: Path
    facts: dict[str, Any] = field(default_factory=dict)

    async def call(self, name: str, /, **arguments: Any) -> CallToolResult:
        result = await self.client.call_tool(name, arguments)
        if not isinstance(result, CallToolResult):
            raise StepFailedError(f"{name} gave no result")
        return result

    async def structured(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self.call(name, **arguments)
        if result.is_error or result.structured_content is None:
            raise StepFailedError(f"{name} failed: {_text_of(result)}")
        return dict(result.structured_content)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it shows, and what was seen."""

    title: str
    run: Callable[[_Stage], Awaitable[list[str]]]


async def _connect(stage: _Stage) -> list[str]:
    status = await stage.structured("ledger_status")
    info = stage.client.server_info
    return [
        f"MCP {stage.client.protocol_version}, server {info.name if info else '?'} {info.version if info else ''}",
        f"{status['subnets']} subnets, {status['tools']} tools compiled, {status['callable_now']} can be called here",
    ]


async def _list(stage: _Stage) -> list[str]:
    listed = (await stage.client.list_tools()).tools
    names = [tool.name for tool in listed]
    _check(names[:1] == ["find_tools"] and TOOL in names, f"{TOOL} is not listed")
    size = sum(len(tool.model_dump_json(by_alias=True, exclude_none=True)) for tool in listed)
    return [f"{len(names)} tools in {size:,} bytes: {', '.join(names[:8])}, …"]


async def _find(stage: _Stage) -> list[str]:
    found = await stage.structured("find_tools", query=WISH, limit=3)
    cards = found["tools"]
    _check(any(card["name"] == TOOL for card in cards), f"{TOOL} was not found")
    lines = [f"{card['name']}: {card['summary']}  [{card['why']}]" for card in cards]
    nothing = await stage.structured("find_tools", query="book a flight to Paris")
    _check(nothing["confidence"] != "good", "a wish no subnet can grant was matched")
    return [*lines, f'and for "book a flight to Paris": {nothing["no_match"]}']


async def _describe(stage: _Stage) -> list[str]:
    told = await stage.structured("describe_tool", name=TOOL)
    stage.facts["calls_before"] = (told["statistics"] or {}).get("calls", 0)
    stage.facts["input_schema"] = told["input_schema"]
    required = ", ".join(told["input_schema"].get("required", []))
    return [
        f"{told['title']}, slot {told['slot']}, version {told['version']}, digest {told['digest'][:12]}…",
        f"needs {required}; cost: {told['cost']}; source: {told['confidence']}; last verified: {told['last_verified']}",
    ]


async def _call(stage: _Stage) -> list[str]:
    result = await stage.call(TOOL, query="GPU cloud prices per hour")
    _check(not result.is_error, _text_of(result))
    meta = dict(result.meta or {})
    _check(meta["orchestra/schema"] == "valid", "the answer was not held against its schema")
    stage.facts["receipt"] = meta["orchestra/receipt"]
    data: list[dict[str, Any]] = dict(result.structured_content or {}).get("data", [])
    _check(bool(data), "the answer is empty")
    return [
        f"first of the results: {data[0].get('title')}",
        f"schema verdict {meta['orchestra/schema']}, cost {meta['orchestra/cost']}, {meta['orchestra/latency_ms']} ms",
    ]


async def _verify(stage: _Stage) -> list[str]:
    journal = Journal(stage.home / "journal.sqlite")
    try:
        document = journal.receipt(stage.facts["receipt"])
    finally:
        journal.close()
    _check(document is not None, "the receipt is not in the journal")
    arguments = apply_defaults(stage.facts["input_schema"], {"query": "GPU cloud prices per hour"})
    report = verify_receipt(document or {}, arguments=arguments)
    return [
        *(f"proven: {fact}" for fact in report.proven),
        *(f"not proven: {fact}" for fact in report.not_proven[:2]),
    ]


async def _statistics(stage: _Stage) -> list[str]:
    told = await stage.structured("describe_tool", name=TOOL)
    seen = told["statistics"] or {}
    _check(seen.get("calls") == stage.facts["calls_before"] + 1, "the statistics did not move")
    measured = f"reliability at least {seen['reliability']} (95 % lower bound), median {seen['latency_p50_ms']} ms"
    return [f"calls {stage.facts['calls_before']} → {seen['calls']}; {measured}; marked as sandbox: {seen['sandbox']}"]


async def _repair(stage: _Stage) -> list[str]:
    result = await stage.call(TOOL, querry="GPU prices")
    _check(bool(result.is_error), "wrong arguments were accepted")
    return [_text_of(result)]


async def _drift(stage: _Stage) -> list[str]:
    with stage.sandbox.faults(TOOL, "drift"):
        result = await stage.call(TOOL, query="GPU prices")
    meta = dict(result.meta or {})
    _check(bool(result.is_error) and bool(meta.get("orchestra/drift")), "the drifted answer was not flagged")
    return [f"flagged: {fault}" for fault in meta["orchestra/drift"][:2]] + ["the data was handed over all the same"]


async def _change(stage: _Stage) -> list[str]:
    before = {
        tool.name: dict(tool.meta or {}).get("orchestra/digest") for tool in (await stage.client.list_tools()).tools
    }
    async with stage.client.listen(tools_list_changed=True) as news:
        path = stage.sandbox.ledger_path
        document = json.loads(path.read_text("utf-8"))
        document["entries"]["SN22"]["operations"]["web_search"]["title"] = "Web search, renamed"
        document["entries"]["SN22"]["version"] = "1.0.1"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(document), "utf-8")
        draft.replace(path)
        seen = type(await anext(aiter(news))).__name__
    listed = (await stage.client.list_tools(cache_mode="refresh")).tools
    after = {tool.name: dict(tool.meta or {}).get("orchestra/digest") for tool in listed}
    changed = [name for name in after if after[name] != before.get(name)]
    _check(changed == [TOOL], f"changed: {changed}")
    return [f"{seen} arrived; of {len(after)} listed tools only {changed[0]} has another digest"]


STEPS = (
    Step("The server starts and a client connects over stdio", _connect),
    Step("The host lists its tools: four fixed ones, and those it can call now", _list),
    Step(f'The model looks for a tool: "{WISH}"', _find),
    Step(f"It reads all about {TOOL}", _describe),
    Step("It calls the subnet; the answer is held against the ledger's schema", _call),
    Step("The signed receipt of the call is verified offline", _verify),
    Step("The call moved the statistics that rank tools", _statistics),
    Step("Wrong arguments come back with every fault and the fix", _repair),
    Step("The subnet's answer drifts from its schema: flagged, not hidden", _drift),
    Step("Somebody edits the ledger: that entry recompiles, the host is told", _change),
)


async def run_demo(report: Callable[[int, Step, list[str]], None]) -> None:
    """Run all steps.

    Args:
        report: Told of each step that has passed: its number, the step, what was seen.

    Raises:
        StepFailedError: A step did not do what it promises.
    """
    with tempfile.TemporaryDirectory(prefix="orchestra-demo-") as folder, Sandbox() as sandbox:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "mcp_server_orchestra.main", "--ledger", str(sandbox.ledger_path)],
            env={**os.environ, "ORCHESTRA_HOME": folder},
        )
        async with Client(server) as client:
            stage = _Stage(sandbox, client, Path(folder))
            for number, step in enumerate(STEPS, start=1):
                try:
                    async with asyncio.timeout(STEP_TIMEOUT_S):
                        seen = await step.run(stage)
                except Exception as error:
                    raise StepFailedError(f"step {number} ({step.title}): {type(error).__name__} {error}") from error
                report(number, step, seen)


@click.command(short_help="Show the main job on a sandbox: no key, no network.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a step.")
def demo(as_json: bool) -> None:
    """Start a sandbox and the MCP server, connect a client, and show each step of the main job."""
    console = Console(highlight=False, soft_wrap=True)

    def tell(number: int, step: Step, seen: list[str]) -> None:
        if as_json:
            click.echo(json.dumps({"step": number, "title": step.title, "seen": seen}, ensure_ascii=False))
            return
        console.print(f"[bold]{number}. {step.title}[/bold]")
        for line in seen:
            console.print(f"   {line}", markup=False)

    try:
        asyncio.run(run_demo(tell))
    except* StepFailedError as failed:
        raise click.ClickException(_first_of(failed)) from None
    if not as_json:
        console.print("\nAll steps passed. Next: [bold]orchestra attach claude-desktop[/bold]")


def _first_of(failed: BaseExceptionGroup[StepFailedError]) -> str:
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise StepFailedError(problem)


def _text_of(result: CallToolResult) -> str:
    return to_text(next((block.text for block in result.content if block.type == "text"), ""))
