"""What a change must be, besides fitting its entry, before anybody is asked to verify it.

These rules may grow stricter from day to day; what was accepted under earlier ones stays. What they need from outside
is passed in: the vocabulary, and what tells whether an address may be called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestra_tools.compile import ABSENT, check_entry, compile_entry
from orchestra_tools.compile.entry_texts import url_problems
from orchestra_tools.compile.hygiene import MAX_TERM, printable, text_problems
from orchestra_tools.compile.names import skeleton, slug
from orchestra_tools.errors import Fault, OrchestraError, ProposalRefusedError, SchemaRefusedError
from orchestra_tools.governance.applying import Applied
from orchestra_tools.governance.paths import read_at
from orchestra_tools.governance.schema_fields import read_field
from orchestra_tools.model import Entry, HttpEndpoint, Operation
from orchestra_tools.schema import compare, expand

MAX_CATEGORIES = 20
_LETTERS = str.maketrans(
    # Cyrillic and Greek letters that look much like one of the Latin alphabet (UTS 39).
    "авԁеғһіјкӏмпорԛгѕтцѵѡхуᴢαβγεηικνορτυχω",
    "abdefhijklmnopqrstuvwxyzabyenikvoptuxw",
)
_ANYTHING: Mapping[str, object] = {}
_ANY_OBJECT: Mapping[str, object] = {"type": "object"}
_SAY = "Say what the answers are, or propose nothing"


@dataclass(frozen=True, slots=True)
class Intake:
    """What the rules need from outside.

    Attributes:
        vocabulary: The capabilities that there are.
        check_url: Refuses a URL that may not be called, by raising; it is told whether a key would be sent there.
        names: Tells the names of the entries of other slots.
    """

    vocabulary: Collection[str]
    check_url: Callable[[str, bool], None]
    names: Callable[[], Iterable[str]]


def examine(before: Entry | None, applied: Applied, intake: Intake) -> None:
    """Hold what a proposal makes of an entry against the rules; what was there before may stay.

    Raises:
        ProposalRefusedError: It is not fit; `reason` is unsafe, confusable, capability, address or vacuous.
    """
    if applied.entry is None:
        return
    for reason, find, remedy in _RULES:
        if faults := tuple(find(before, applied.entry, intake)):
            problem = "the entry would not be fit for a ledger"
            raise ProposalRefusedError(problem, faults, remedy=remedy, reason=reason)
    if fault := _vacuous_field(before, applied, applied.entry):
        raise ProposalRefusedError("the field would say nothing", [fault], remedy=_SAY, reason="vacuous")


def _vacuous_field(before: Entry | None, applied: Applied, after: Entry) -> Fault | None:
    """A field that may be anything: told of, it sounds like a finding, and no answer could ever contradict it."""
    place = applied.place
    if applied.comparison is None or not place.inner or place.exact:
        return None
    whole = read_at(after.to_json(), place.root)
    part = read_field(whole, place.inner, place.pointer)
    if isinstance(part, dict):
        # It may refer to definitions of the whole.
        part = {**part, "$defs": {**expand(whole).get("$defs", {}), **part.get("$defs", {})}}
    if part is ABSENT or not _takes(part, _ANYTHING):
        return None
    return Fault(place.pointer, "it may be anything")


def _takes(schema: object, everything: Mapping[str, object]) -> bool:
    """Whether a schema, in either form, is known to take all that another one takes."""
    try:
        return compare(schema, everything, "output").verdict == "compatible"
    except SchemaRefusedError:
        return False


def _unsafe(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    known = set() if before is None else {(each.field, each.reason) for each in check_entry(before).withheld}
    for text in check_entry(after).withheld:
        if (text.field, text.reason) not in known:
            yield Fault(f"/{text.field}", text.reason)
    bad = {} if before is None else {each.operation_id: each.reasons for each in compile_entry(before).quarantined}
    for each in compile_entry(after).quarantined:
        if each.reasons != bad.get(each.operation_id):
            where = printable(each.operation_id, limit=60)
            yield Fault(f"/operations/{where}", printable("; ".join(each.reasons)))


def _presentation(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    """What people are shown of an entry, and no model: it is short, and hides nothing."""
    was, now = ({} if each is None else each.to_json() for each in (before, after))
    symbol, categories = now.get("symbol"), now.get("categories")
    if symbol is not None and symbol != was.get("symbol"):
        yield from _term_faults("/symbol", symbol)
    if categories is not None and categories != was.get("categories"):
        if not isinstance(categories, list) or len(categories) > MAX_CATEGORIES:
            yield Fault("/categories", f"it is no list of at most {MAX_CATEGORIES} terms")
            return
        for at, term in enumerate(categories):
            yield from _term_faults(f"/categories/{at}", term)


def _term_faults(pointer: str, term: object) -> Iterator[Fault]:
    if not isinstance(term, str) or not term:
        yield Fault(pointer, "it is no text")
    else:
        yield from (Fault(pointer, problem) for problem in text_problems(term, limit=MAX_TERM, quoting=False))


def _documentation(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    for name, now in after.operations.items():
        old = None if before is None else before.operations.get(name)
        if now.docs_url and (old is None or old.docs_url != now.docs_url):
            for problem in url_problems(now.docs_url):
                yield Fault(f"/operations/{printable(name, limit=60)}/docs_url", problem)


def _confusable(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    if before is not None and before.name == after.name:
        return
    look = _look(after.name)
    for name in intake.names():
        if name and (name.casefold() == after.name.casefold() or (look and _look(name) == look)):
            yield Fault("/name", f"it looks like {printable(name, limit=60)}, the name of another subnet")
            return


def _look(name: str) -> str:
    """What a name looks like at a glance, also where its letters are those of another script."""
    return skeleton(slug(name.lower().translate(_LETTERS))).replace("_", "")


def _capabilities(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    known = {*intake.vocabulary, *_terms_of(before)}
    for where, terms in _terms_by_place(after).items():
        for term in terms:
            if term not in known:
                yield Fault(where, f"there is no capability {printable(term, limit=60)}")


def _vacuous(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    for name, now in after.operations.items():
        old = None if before is None else before.operations.get(name)
        where = f"/operations/{printable(name, limit=60)}"
        if (old is None or old.output_form != now.output_form) and _says_less_than_nothing(
            None if old is None else old.output_form, now.output_form
        ):
            yield Fault(f"{where}/output_schema", "it would take any answer")
        said = None if old is None or old.input_form == now.input_form else old.input_form
        if said is not None and _takes(now.input_form, _ANY_OBJECT) and not _takes(said, _ANY_OBJECT):
            yield Fault(f"{where}/input_schema", "it would take any arguments")


def _says_less_than_nothing(before: object, now: object) -> bool:
    """Whether an output schema is there only for show, or gone where there was one that said something."""
    if now is None:
        return before is not None and not _takes(before, _ANY_OBJECT)
    return _takes(now, _ANY_OBJECT)


def _addresses(before: Entry | None, after: Entry, intake: Intake) -> Iterator[Fault]:
    for name, now in after.operations.items():
        old = None if before is None else before.operations.get(name)
        if not isinstance(now.endpoint, HttpEndpoint) or now.endpoint.base_url is None:
            continue
        if old is not None and (old.endpoint, old.auth) == (now.endpoint, now.auth):
            continue
        try:
            intake.check_url(now.endpoint.base_url, now.auth is not None)
        except OrchestraError as error:
            yield Fault(f"/operations/{printable(name, limit=60)}/endpoint/base_url", error.problem)


def _terms_of(entry: Entry | None) -> set[str]:
    return set() if entry is None else {term for terms in _terms_by_place(entry).values() for term in terms}


def _terms_by_place(entry: Entry) -> Mapping[str, tuple[str, ...]]:
    operations: Mapping[str, Operation] = entry.operations if entry.declared else {}
    return {
        "/capabilities": entry.capabilities,
        **{f"/operations/{printable(name, limit=60)}": each.capabilities for name, each in operations.items()},
    }


_RULES: tuple[tuple[str, Callable[[Entry | None, Entry, Intake], Iterator[Fault]], str], ...] = (
    ("unsafe", _unsafe, "Mend the text or the schema"),
    ("unsafe", _presentation, "Write short terms, as in data or mcp"),
    ("unsafe", _documentation, "Give a public http or https address"),
    ("confusable", _confusable, "Give it a name of its own"),
    ("capability", _capabilities, "Use terms of the vocabulary: `orchestra find --capabilities`"),
    ("address", _addresses, "Give the public https address"),
    ("vacuous", _vacuous, _SAY),
)
