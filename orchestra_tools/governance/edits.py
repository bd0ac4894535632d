"""What each kind of proposal does to the document of an entry. Pure; `applying` puts the version on it.

The old value must be what stands there: a wish that was made from something else is stale. What a proposal says beyond
its kind is refused, and nothing is dropped without being told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestra_tools.compile import ABSENT
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.compile.names import skeleton, slug
from orchestra_tools.errors import Fault, ProposalRefusedError, SchemaRefusedError
from orchestra_tools.governance.bumps import bump_of_price, bump_of_terms
from orchestra_tools.governance.paths import FLAT_FIELDS, RESERVED, Place, read_at, refuse, write_at
from orchestra_tools.governance.schema_fields import (
    expand_field,
    is_required,
    plain_formats,
    read_field,
    same_schema,
    write_field,
)
from orchestra_tools.governance.versions import Bump
from orchestra_tools.model import Entry, Operation
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.schema import Comparison, check_schema, compare, expand
from orchestra_tools.trust import canonicalise_any

WIDENED = "widened"
"""What comes out may be anything that it could be before, and more: to be looked at twice."""
DEPRECATED, ACTIVE = "deprecated", "active"
_SCHEMAS = ("input_schema", "output_schema")
_ENTRY_FIELDS = frozenset(
    {*FLAT_FIELDS, "name", "description", "symbol", "categories", "capabilities", "links", "documents"}
    | {"status", "cost_per_query", "operations"}
)
_OPERATION_FIELDS = frozenset(
    {field.alias or name for name, field in Operation.model_fields.items()} | {"deprecated", "status_note"}
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A proposal at its place.

    Attributes:
        entry: The entry now; None where there is none.
        document: Its document.
        slot: The tenancy.
    """

    proposal: Proposal
    entry: Entry | None
    place: Place
    slot: str
    document: Mapping[str, Any]

    @property
    def old(self) -> Any:
        return self.proposal.old_value

    @property
    def new(self) -> Any:
        return self.proposal.new_value


@dataclass(frozen=True, slots=True)
class Edit:
    """What a proposal makes of a document.

    Attributes:
        document: The document from here on; None = withdrawn.
        bump: What the kind of change does at least; what else it does to operations is found by comparing them.
        notes: What is told beside the differences.
        comparison: Of a schema.
        flags: What reviewers should look at twice.
    """

    document: dict[str, Any] | None
    bump: Bump
    notes: tuple[str, ...] = ()
    comparison: Comparison | None = None
    flags: tuple[str, ...] = ()


def edit(wish: Wish) -> Edit:
    """The edit that a proposal is.

    Raises:
        ProposalRefusedError: It does not fit the entry; `reason` says why.
        SchemaRefusedError: It has a schema that is none.
    """
    return _EDITS[wish.proposal.update_type](wish)


def _new_subnet(wish: Wish) -> Edit:
    _check_old(wish, None)
    if not isinstance(wish.new, dict):
        raise refusal("invalid", "/new_value", "it is no entry", "Give the entry as an object")
    measured = [name for name in wish.new if name in RESERVED]
    given = {name: each for name, each in wish.new.items() if name not in RESERVED}
    _check_fields(given, _ENTRY_FIELDS, "")
    if not str(given.get("name") or "").strip():
        raise refusal("invalid", "/new_value/name", "an entry needs a name", "Say what the subnet is called")
    netuid, _, block = wish.slot.removeprefix("SN").partition("@")
    place: dict[str, Any] = {"netuid": int(netuid)}
    if block.isdecimal():
        place["registered_at_block"] = int(block)
    for name, stated in place.items():
        if wish.new.get(name, stated) != stated:
            raise refusal("slot", f"/new_value/{name}", f"the statement is about {wish.slot}", "Say the same in both")
    document = {**place, **given}
    for name in _SCHEMAS:
        if name in document:
            document[name] = plain_formats(document[name])
    if isinstance(operations := document.get("operations"), dict):
        document["operations"] = {name: _read_operation(each, name) for name, each in operations.items()}
    told = (f"{name} is left out: {RESERVED[name]}" for name in measured if name not in place)
    return Edit(document, "minor", (f"{wish.slot} is new", *told))


def _new_operation(wish: Wish) -> Edit:
    name = wish.place.root[1]
    _check_old(wish, _stated(wish, name))
    document, notes = _unfolded(wish)
    look = skeleton(slug(name))
    if alike := next((each for each in document.get("operations", {}) if skeleton(slug(each)) == look), None):
        raise refusal(
            "confusable", "/field", f"its name looks like that of {printable(alike, limit=60)}", "Give it another name"
        )
    return Edit(_write(wish, document, wish.place.root, _read_operation(wish.new, name)), "minor", notes)


def _schema_change(wish: Wish) -> Edit:
    place = wish.place
    form = read_at(wish.document, place.root)
    _check_operation(wish)
    readable = _is_readable(form)
    if place.inner and not readable:
        raise refusal("invalid", "/field", "the schema that stands there cannot be read", "Propose the whole schema")
    _check_old_schema(wish, form, readable=readable)
    if place.inner:
        new = write_field(form, place.inner, wish.new, wish.proposal.field, exact=place.exact)
    else:
        new = ABSENT if wish.new is None else plain_formats(wish.new)
    if new is not ABSENT:
        check_schema(expand(new), what="schema proposed")
    document = _write(wish, wish.document, place.root, new)
    if not readable:
        return Edit(document, "major")
    if same_schema(_or_none(form), _or_none(new)):
        raise nothing()
    direction = "input" if place.part == "input_schema" else "output"
    comparison = compare(_form_for(form, direction), _form_for(new, direction), direction)  # type: ignore[arg-type]  # of two names
    bump: Bump = "patch" if comparison.bump == "none" else comparison.bump
    flags = (WIDENED,) if direction == "output" and bump == "major" and _is_wider(form, new) else ()
    return Edit(document, bump, tuple(map(str, comparison.changes)), comparison, flags)


def _replacement(bump: Bump) -> Callable[[Wish], Edit]:
    def replace(wish: Wish) -> Edit:
        return Edit(_replace(wish), bump)

    return replace


def _capability_change(wish: Wish) -> Edit:
    before, document = read_at(wish.document, wish.place.root), _replace(wish)
    if wish.place.root[-1] != "capabilities":
        return Edit(document, "minor")
    return Edit(document, bump_of_terms(_terms(before, "/old_value"), _terms(_or_none(wish.new), "/new_value")))


def _cost_change(wish: Wish) -> Edit:
    document = _replace(wish)
    if wish.place.root != ("cost_per_query",):
        return Edit(document, "patch")
    return Edit(document, bump_of_price(*(_number(each) for each in (wish.old, wish.new))))


def _deprecation(wish: Wish) -> Edit:
    place = wish.place
    if place.part == "availability":
        if place.root == ("status",) and wish.new not in (ACTIVE, DEPRECATED):
            raise refusal("invalid", "/new_value", "a status is active or deprecated", "Give one of them")
        return Edit(_replace(wish), "minor")
    _check_object(wish, also=("active", False))
    if wish.new not in (None, True, DEPRECATED):
        raise refusal("invalid", "/new_value", "a deprecation says nothing else", 'Give "deprecated"')
    if place.part == "entry":
        return Edit(_write(wish, wish.document, ("status",), DEPRECATED), "minor")
    document, notes = _unfolded(wish)
    return Edit(_write(wish, document, (*place.root, DEPRECATED), True), "minor", notes)


def _withdrawal(wish: Wish) -> Edit:
    _check_object(wish)
    if wish.new is not None:
        raise refusal("invalid", "/new_value", "a withdrawal leaves nothing", "Give null")
    if wish.place.part == "entry":
        return Edit(None, "major", (f"{wish.slot} is withdrawn",))
    if wish.entry is not None and not wish.entry.declared:
        raise refusal("invalid", "/field", "the entry is written flat, and has no other operation", "Withdraw it whole")
    return Edit(_write(wish, wish.document, wish.place.root, ABSENT), "major")


_EDITS: Mapping[str, Callable[[Wish], Edit]] = {
    "new_subnet": _new_subnet,
    "new_operation": _new_operation,
    "schema_change": _schema_change,
    # What it does to callers is found by comparing the operation before and after.
    "endpoint_change": _replacement("patch"),
    "capability_change": _capability_change,
    "cost_change": _cost_change,
    "identity_change": _replacement("patch"),
    "deprecation": _deprecation,
    "withdrawal": _withdrawal,
}


def refusal(reason: str, pointer: str, problem: str, remedy: str) -> ProposalRefusedError:
    """The refusal of a proposal that does not fit its entry."""
    fault = Fault(pointer, problem)
    return ProposalRefusedError("the proposal does not fit the entry", [fault], remedy=remedy, reason=reason)


def stale(current: Any) -> ProposalRefusedError:
    """The refusal of a proposal that was made from something else than what stands there."""
    shown = printable(json.dumps(current, ensure_ascii=False), limit=200)
    remedy = "Read the entry again, and propose from what stands there now"
    return refusal("stale", "/old_value", f"what stands there now is {shown}", remedy)


def nothing() -> ProposalRefusedError:
    """The refusal of a proposal that changes nothing."""
    return refusal("nothing", "/new_value", "it is what stands there already", "There is nothing to propose")


def is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are one, the order of members aside. True is not 1."""
    return canonicalise_any(one)[1] == canonicalise_any(other)[1]


def _replace(wish: Wish) -> dict[str, Any]:
    """The document with the new value in the place of the old one, which must be what stands there."""
    _check_operation(wish)
    path = (*wish.place.root, *map(str, wish.place.inner))
    _check_old(wish, _or_none(read_at(wish.document, path)))
    return _write(wish, wish.document, path, ABSENT if wish.new is None else wish.new)


def _write(wish: Wish, document: Any, path: tuple[str, ...], value: Any) -> dict[str, Any]:
    try:
        changed: dict[str, Any] = write_at(document, path, value)
    except LookupError as error:
        raise refuse(wish.proposal.field, f"it leads through {str(error)[:60]}, which has no parts") from error
    return changed


def _check_operation(wish: Wish) -> None:
    operation = wish.place.operation
    if operation is not None and read_at(wish.document, ("operations", operation)) is ABSENT:
        raise refuse(wish.proposal.field, f"the entry has no operation {printable(operation, limit=60)}")


def _check_old(wish: Wish, current: Any) -> None:
    if not is_same(wish.old, current):
        raise stale(current)


def _check_object(wish: Wish, *, also: tuple[Any, ...] = ()) -> None:
    """Check that what shall go is there. As `old_value` the version is enough: nobody copies a whole entry."""
    place = wish.place
    current = wish.document if place.part == "entry" else _stated(wish, place.root[1])
    if current is None or wish.entry is None:
        raise stale(None)
    if place.part == "operation":
        also = tuple(each for each in also if each != ACTIVE)
    if not any(is_same(wish.old, each) for each in (current, wish.entry.version, *also)):
        raise stale(wish.entry.version)


def _stated(wish: Wish, operation: str) -> Any:
    """What the entry says of an operation, also where it is written flat; None where it has none."""
    if wish.entry is None or operation not in wish.entry.stated:
        return None
    if wish.entry.declared:
        return wish.document["operations"][operation]
    each = wish.entry.stated[operation]
    return each.to_json() if isinstance(each, Operation) else each.document


def _unfolded(wish: Wish) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document with its operations by their ids: a flat one gets its own id, under which it was known already."""
    document = dict(wish.document)
    if wish.entry is None or wish.entry.declared or not wish.entry.stated:
        return document, ()
    operations = {name: _stated(wish, name) for name in wish.entry.stated}
    kept = {name: each for name, each in document.items() if name not in FLAT_FIELDS}
    listed = ", ".join(operations)
    return {**kept, "operations": operations}, (f"what was written flat is now the operation {listed}",)


def _read_operation(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refusal("invalid", f"/operations/{name}"[:200], "it is no operation", "Give the operation as an object")
    _check_fields(value, _OPERATION_FIELDS, f"/operations/{name}"[:200])
    made = {key: plain_formats(each) if key in _SCHEMAS else each for key, each in value.items()}
    for side in _SCHEMAS:
        if made.get(side) is not None:
            check_schema(expand(made[side]), what=side.replace("_", " "))
    return made


def _check_fields(value: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(value) - known):
        listed = printable(", ".join(unknown[:5]), limit=120)
        remedy = f"Known are {', '.join(sorted(known))}"
        raise refusal("invalid", f"/new_value{where}", f"nobody knows the fields {listed}", remedy)


def _check_old_schema(wish: Wish, form: Any, *, readable: bool) -> None:
    place, old = wish.place, wish.old
    if not readable:
        return _check_old(wish, form)
    current = read_field(form, place.inner, wish.proposal.field, exact=place.exact)
    if old is None or current is ABSENT or place.exact:
        if not is_same(plain_formats(old), plain_formats(_or_none(current))):
            raise stale(_or_none(current))
        return None
    stated: bool | None = None
    try:
        if place.inner:
            old, stated, _ = expand_field(old)
        same = same_schema(old, current)
    except SchemaRefusedError as error:
        raise stale(current) from error
    if not same or (stated is not None and stated != is_required(form, place.inner, wish.proposal.field)):
        raise stale(current)
    return None


def _is_readable(form: Any) -> bool:
    try:
        if form is not ABSENT and form is not None:
            check_schema(expand(form))
    except SchemaRefusedError:
        return False
    return True


def _form_for(form: Any, direction: str) -> Any:
    """A schema as `compare` takes it: an input that is not documented is the one that takes everything."""
    if form is ABSENT or form is None:
        return {} if direction == "input" else None
    return form


def _is_wider(before: Any, after: Any) -> bool:
    return compare(_form_for(after, "output"), _form_for(before, "output"), "output").verdict == "compatible"


def _terms(value: Any, pointer: str) -> list[str]:
    if value is ABSENT or value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refusal("invalid", pointer, "capabilities are a list of terms", 'Write them as in ["web_search"]')
    return value


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _or_none(value: Any) -> Any:
    return None if value is ABSENT else value
