"""The field of a proposal: where in an entry it is.

    output_schema.metadata.scrape_timestamp              of the main operation
    operations.query_data.output_schema.results[].title  of a certain one, in the items of a list
    links.website, capabilities, operations.query_data.cost
    /operations/query_data/output_schema/anyOf/0         a JSON Pointer into the document, schemas written out
    ""                                                   the whole entry

Inside a schema, dotted steps are properties as people mean them; what JSON Schema has in between is found. A name with
a dot or a bracket in it is written with a backslash before each, or as a JSON Pointer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestra_tools.compile import ABSENT
from orchestra_tools.compile.hygiene import MAX_ARGUMENT_NAME, printable, text_problems
from orchestra_tools.errors import Fault, ProposalRefusedError
from orchestra_tools.model import Entry
from orchestra_tools.schema import join
from orchestra_tools.schema.pointer import split

Part = Literal[
    "entry",
    "operation",
    "input_schema",
    "output_schema",
    "endpoint",
    "auth",
    "behaviour",
    "cost",
    "capabilities",
    "availability",
    "text",
]
SCHEMAS = ("input_schema", "output_schema")
FLAT_FIELDS = (*SCHEMAS, "endpoint", "auth", "cost")
"""What a flat entry has at its root, and without `operations.` means the main operation of any other."""
ENTRY_FIELDS: Mapping[str, Part] = {
    **dict.fromkeys(("name", "description", "links", "symbol", "categories"), "text"),
    "status": "availability",
    "capabilities": "capabilities",
    "cost_per_query": "cost",
}
OPERATION_FIELDS: Mapping[str, Part] = {
    "input_schema": "input_schema",
    "output_schema": "output_schema",
    "endpoint": "endpoint",
    "auth": "auth",
    **dict.fromkeys(("timeout_s", "read_only", "idempotent"), "behaviour"),
    **dict.fromkeys(("cost", "spends_money"), "cost"),
    **dict.fromkeys(("capabilities", "audience"), "capabilities"),
    **dict.fromkeys(("deprecated", "unavailable"), "availability"),
    **dict.fromkeys(("title", "description", "use_when", "notes", "docs_url"), "text"),
}
RESERVED: Mapping[str, str] = {
    **dict.fromkeys(("reliability", "avg_latency_ms", "last_verified"), "it is measured, and nobody can propose it"),
    "version": "the ledger raises it by what a change does",
    **dict.fromkeys(("netuid", "registered_at_block"), "it says which slot the entry is of"),
}
MAX_STEPS = 32
_WITH_PARTS = frozenset({"links", "endpoint", "auth", "cost", *SCHEMAS})
_STEP = re.compile(r"((?:[^.\\\[\]]|\\.)+)((?:\[\])*)")
_BAD_ESCAPE = re.compile(r"~(?![01])")
# A key that JavaScript takes for something else than a key.
_TRAPS = frozenset({"__proto__"})


class _Items:
    def __repr__(self) -> str:
        return "[]"


ITEMS = _Items()
"""The step into the items of a list."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field is.

    Attributes:
        part: What it is a part of.
        operation: Id of the operation; None = it is the entry's own, or the entry has one flat operation.
        root: Path to the part in the entry's document.
        inner: Steps inside the part; in schemas: names of properties, and `ITEMS`.
        exact: Whether `inner` are steps of the document, as a JSON Pointer has them.
    """

    part: Part
    operation: str | None
    root: tuple[str, ...]
    inner: tuple[Any, ...] = ()
    exact: bool = False

    @property
    def pointer(self) -> str:
        """A JSON Pointer to it, with schemas written out: the same for all spellings of the field."""
        if self.exact or self.part not in SCHEMAS:
            return join((*self.root, *self.inner))
        inner = [token for step in self.inner for token in (["items"] if step is ITEMS else ["properties", step])]
        return join((*self.root, *inner))


def find_place(field: str, entry: Entry | None) -> Place:
    """Where a field is in an entry, or would be.

    Raises:
        ProposalRefusedError: It is nowhere; `reason` is field.
    """
    if not field:
        return Place("entry", None, ())
    steps, exact = _steps_of(field)
    name, inner = str(steps[0]), steps[1:]
    if name == "operations":
        return _in_operation(field, inner, exact, entry)
    if name in FLAT_FIELDS:
        if entry is None:
            raise refuse(field, "there is no entry yet")
        if not entry.declared and entry.stated:
            return _place(field, OPERATION_FIELDS[name], None, (name,), inner, exact)
        if (main := entry.main_operation) is None:
            raise refuse(field, "the entry has no operation")
        return _in_operation(field, (main, *steps), exact, entry)
    if name not in ENTRY_FIELDS:
        raise refuse(field, RESERVED.get(name, f"an entry has no field {_shown(name)} that a proposal can change"))
    return _place(field, ENTRY_FIELDS[name], None, (name,), inner, exact)


def _in_operation(field: str, steps: tuple[Any, ...], exact: bool, entry: Entry | None) -> Place:
    if not steps or not isinstance(steps[0], str):
        raise refuse(field, "name an operation, as in operations.web_search")
    operation, *rest = steps
    flat = entry is not None and not entry.declared and operation in entry.stated
    if not rest:
        return Place("operation", operation, ("operations", operation))
    name = str(rest[0])
    if flat and name in FLAT_FIELDS:
        return _place(field, OPERATION_FIELDS[name], None, (name,), tuple(rest[1:]), exact)
    if name not in OPERATION_FIELDS:
        raise refuse(field, f"an operation has no field {_shown(name)} that a proposal can change")
    if flat:
        raise refuse(field, f"the entry is written flat, and has no {_shown(name)} of its operation")
    return _place(field, OPERATION_FIELDS[name], operation, ("operations", operation, name), tuple(rest[1:]), exact)


def _place(
    field: str, part: Part, operation: str | None, root: tuple[str, ...], inner: tuple[Any, ...], exact: bool
) -> Place:
    if inner and root[-1] not in _WITH_PARTS:
        raise refuse(field, f"{root[-1]} is changed as a whole")
    if part not in SCHEMAS:
        if ITEMS in inner:
            raise refuse(field, "[] is a step inside a schema")
        return Place(part, operation, root, inner)
    # The pointer of a field that has a dotted spelling is that field.
    if exact and (named := _named_steps(inner)) is not None:
        return Place(part, operation, root, named)
    return Place(part, operation, root, inner, exact)


def _named_steps(tokens: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Tokens through `properties` and `items` as dotted steps; None where they lead through anything else."""
    steps: list[Any] = []
    at = 0
    while at < len(tokens):
        if tokens[at] == "properties" and at + 1 < len(tokens):
            steps.append(tokens[at + 1])
            at += 2
        elif tokens[at] == "items":
            steps.append(ITEMS)
            at += 1
        else:
            return None
    return tuple(steps)


def _steps_of(field: str) -> tuple[tuple[Any, ...], bool]:
    exact = field.startswith("/")
    steps = _tokens_of(field) if exact else _dotted(field)
    if len(steps) > MAX_STEPS:
        raise refuse(field, f"it has more than {MAX_STEPS} steps")
    for step in steps:
        if isinstance(step, str):
            _check_name(field, step)
    return tuple(steps), exact


def _tokens_of(field: str) -> list[Any]:
    if _BAD_ESCAPE.search(field):
        raise refuse(field, "in a JSON Pointer, ~ is written ~0 and / is ~1")
    return list(split(field))


def _dotted(field: str) -> list[Any]:
    steps: list[Any] = []
    at = 0
    while at < len(field):
        if (match := _STEP.match(field, at)) is None:
            raise refuse(field, f"character {at} starts no step")
        steps += [re.sub(r"\\(.)", r"\1", match[1]), *[ITEMS] * (len(match[2]) // 2)]
        at = match.end()
        if at < len(field):
            if field[at] != "." or at + 1 == len(field):
                raise refuse(field, f"character {at} ends no step")
            at += 1
    return steps


def _check_name(field: str, name: str) -> None:
    if name in _TRAPS:
        raise refuse(field, f"{name} is no name of a field")
    if problem := next(text_problems(name, limit=MAX_ARGUMENT_NAME, quoting=False), None):
        raise refuse(field, f"a step of it {problem}")


def read_at(document: Any, path: Sequence[str]) -> Any:
    """The value at a path in a document, or `ABSENT`."""
    value = document
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and (index := _index_in(value, step)) is not None:
            value = value[index]
        else:
            return ABSENT
    return value


def write_at(document: Any, path: Sequence[str], value: Any) -> Any:
    """The document with another value at a path; `ABSENT` takes it out. Objects on the way are made where missing.

    Raises:
        LookupError: The path leads through something that has no parts.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    inner: Any
    if isinstance(document, list):
        if (index := _index_in(document, step)) is None:
            raise LookupError(step)
        changed = [] if not rest and value is ABSENT else [write_at(document[index], rest, value)]
        return [*document[:index], *changed, *document[index + 1 :]]
    if not isinstance(document, dict):
        raise LookupError(step)
    if not rest and value is ABSENT:
        return {name: each for name, each in document.items() if name != step}
    inner = document.get(step)
    if inner is None and rest:
        if value is ABSENT:
            return document
        inner = {}
    return {**document, step: write_at(inner, rest, value)}


def refuse(field: str, problem: str) -> ProposalRefusedError:
    """The refusal of a field."""
    return ProposalRefusedError(
        f"the field {_shown(field, 120)} cannot be changed",
        [Fault("/field", problem)],
        remedy="Write it as in output_schema.results[].title, or as a JSON Pointer",
        reason="field",
    )


def _index_in(values: list[Any], step: str) -> int | None:
    # As RFC 6901 has it: ASCII digits, no leading zero.
    if not re.fullmatch("0|[1-9][0-9]{0,8}", step) or int(step) >= len(values):
        return None
    return int(step)


def _shown(text: str, limit: int = 40) -> str:
    return f"'{printable(text, limit=limit)}'"
