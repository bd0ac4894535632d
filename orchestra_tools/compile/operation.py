"""One operation of one entry becomes one tool, or goes to quarantine with every reason."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from orchestra_tools.compile.hygiene import (
    MAX_DESCRIPTION,
    MAX_TERM,
    MAX_TITLE,
    Text,
    find_problems,
    printable,
    texts_of,
)
from orchestra_tools.compile.tool import Annotations, Quarantined, Tool
from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.model import Cost, Entry, HttpEndpoint, Operation
from orchestra_tools.model.operation import Location, Style
from orchestra_tools.schema import check_schema, expand
from orchestra_tools.schema.explain import layers

SANDBOX_MARK = " (sandbox)"  # after the title
SANDBOX_NOTE = "This is a sandbox stand-in, not the real subnet."
_MAX_REASONS = 10
_PAIRED: tuple[Style, ...] = ("form", "spaceDelimited", "pipeDelimited", "deepObject")
_STYLES: dict[Location, tuple[Style, ...]] = {  # From: OpenAPI 3.1, 4.8.12.3
    "path": ("simple", "label", "matrix"),
    "query": _PAIRED,
    "header": ("simple",),
    "cookie": ("form",),
    "body": _PAIRED,
}
_MAX_OPERATION_ID = 400  # characters


def compile_operation(
    entry: Entry, operation_id: str, operation: Operation, *, name: str, sandbox: bool
) -> Tool | Quarantined:
    """Compile one operation.

    Args:
        entry: The entry it belongs to.
        operation_id: Its id there.
        operation: What the entry says of it.
        name: The tool's name, unique in the ledger.
        sandbox: Whether its address is a loopback stand-in; the tool then says so.
    """
    schemas: dict[str, Any] = {}
    reasons: list[str] = []
    for side, form in (("input", operation.input_form), ("output", operation.output_form)):
        try:
            schemas[side] = None if form is None and side == "output" else _read_schema(form, side)
        except SchemaRefusedError as error:
            reasons += [f"{side} schema at {fault}" for fault in error.faults]
    title = (operation.title or operation_id.replace("_", " ")).strip()
    shown_title = f"{entry.name or entry.key}: {title}" + (SANDBOX_MARK if sandbox else "")
    description = _describe(entry, operation, title, sandbox)
    texts: list[Text] = [
        ("title", None, shown_title, MAX_TITLE),
        ("description", None, description, MAX_DESCRIPTION),
        ("id", None, operation_id, _MAX_OPERATION_ID),
        ("version", None, entry.version, MAX_TERM),
        *(("capability", None, term, MAX_TERM) for term in operation.capabilities),
        # Told beside the definition, as where the facts come from.
        ("last verified", None, entry.last_verified or "", MAX_TERM),
        ("confidence", None, operation.confidence or "", MAX_TERM),
        *texts_of(operation.source or {}, "source"),
    ]
    for side, schema in schemas.items():
        texts += texts_of(schema or {}, f"{side} schema")
    reasons += find_problems(texts)
    if not reasons:
        reasons += _address_problems(operation, schemas["input"])
    if reasons:
        return Quarantined(name, entry.slot, operation_id, tuple(map(printable, reasons[:_MAX_REASONS])))
    return Tool(
        name=name,
        title=shown_title,
        description=description,
        input_schema=schemas["input"],
        output_schema=schemas["output"],
        annotations=_annotate(operation),
        operation=operation,
        operation_id=operation_id,
        slot=entry.slot,
        entry_name=entry.name,
        entry_version=entry.version,
        last_verified=entry.last_verified,
        sandbox=sandbox,
    )


def describe_cost(operation: Operation) -> str:
    """What a call costs, in words."""
    cost: Cost | None = operation.cost
    if cost is not None and cost.amount is not None:
        return "free" if cost.amount == 0 else f"{_plain(cost.amount)} {cost.currency} per {cost.unit}"
    if not operation.spends_money:
        return "free"
    if cost is not None and cost.header:
        return "not known before the call; the answer says what it cost"
    return "not known"


def _read_schema(form: Any, side: str) -> dict[str, Any]:
    schema = expand(form)
    if side == "input":
        if schema.get("type", "object") != "object":
            raise SchemaRefusedError("", [Fault("/type", "arguments are an object, the schema says otherwise")])
        # Hosts need both keys, and LangChain and LlamaIndex break without `properties`.
        schema = {"type": "object", "properties": {}} | schema
    check_schema(schema)
    return schema


def _describe(entry: Entry, operation: Operation, title: str, sandbox: bool) -> str:
    what = (operation.description or title).strip()
    parts = [what if what.endswith((".", "!", "?")) else f"{what}."]
    if operation.use_when:
        parts.append(f"Use when {operation.use_when.strip().rstrip('.')}.")
    parts.append(f"Runs on Bittensor subnet {entry.key}{f' ({entry.name})' if entry.name else ''}.")
    parts.append(f"Cost: {describe_cost(operation)}.")
    if obstacle := operation.obstacle:
        parts.append(f"Not callable: {obstacle}.")
    if sandbox:
        parts.append(SANDBOX_NOTE)
    return " ".join(parts)


def _annotate(operation: Operation) -> Annotations:
    method = operation.endpoint.method if isinstance(operation.endpoint, HttpEndpoint) else ""
    return Annotations(
        read_only=operation.read_only,
        destructive=not operation.read_only and method in ("DELETE", "PUT", "PATCH"),
        idempotent=operation.idempotent,
    )


def _address_problems(operation: Operation, schema: dict[str, Any]) -> Iterator[str]:
    """Places that contradict the schema: a path that cannot be filled in, a body that is claimed twice."""
    endpoint = operation.endpoint
    if not isinstance(endpoint, HttpEndpoint):
        return
    known = [name for layer in layers(schema, schema) for name in layer.get("properties", ())]
    for name in endpoint.placeholders - {endpoint.place_of(each).name or each for each in known}:
        yield f"the path needs {{{name}}}, which is no argument"
    whole = [name for name, place in endpoint.arguments.items() if place.whole]
    if len(whole) > 1:
        yield f"several arguments claim the whole body: {', '.join(sorted(whole))}"
    for name, place in endpoint.arguments.items():
        if place.style is not None and place.style not in _STYLES[place.location]:
            yield f"the argument {name} is in the {place.location}, where the style {place.style} is not possible"


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")
