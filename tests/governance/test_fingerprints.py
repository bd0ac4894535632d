"""One fingerprint for every spelling of one wish, and another one for every other wish."""

from __future__ import annotations

import copy
import json
import random
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.governance.fingerprints import fingerprint_between, fingerprint_of
from orchestra_tools.governance.normal_forms import normal_schema, normal_text, normal_url
from orchestra_tools.model import Entry
from orchestra_tools.model.proposal import UpdateType
from orchestra_tools.schema import Validator
from tests.governance.examples import OPERATION, SEED_ENTRY, SLOT, entry_with, flat_entry, packaged, wish

PINNED = "40cdba8870771d05590b00881bd66ce47c7371325f318f3dcb814d7e4d909e5d"
STAMP = {"type": "string", "format": "date-time"}
Spelling = tuple[UpdateType, str, Any, Any]


def fingerprint(spelling: Spelling, entry: Entry | None = None) -> str:
    kind, field, old, new = spelling
    entry = entry or entry_with()
    return fingerprint_of(wish(kind, field, old, new, subnet=entry.key), entry, slot=str(entry.slot))


def new_output(schema: Any) -> Spelling:
    """An operation's output schema, replaced as a whole."""
    return ("schema_change", "output_schema", OPERATION["output_schema"], schema)


FULL = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"enum": ["x", "y"]}, "c": {"type": ["string", "null"]}},
    "required": ["a", "b"],
}
RESPELLED = [
    {"required": ["b", "a"], "properties": dict(reversed(FULL["properties"].items())), "type": "object"},  # type: ignore[attr-defined]  # it is an object
    {**FULL, "title": "Answer", "description": "What comes out.", "examples": [{"a": "1"}], "$comment": "mine"},
    {**FULL, "properties": {**FULL["properties"], "b": {"enum": ["y", "x"], "deprecated": True}}},  # type: ignore[dict-item]  # it is an object
    {**FULL, "properties": {**FULL["properties"], "c": {"anyOf": [{"type": "null"}, {"type": "string"}]}}},  # type: ignore[dict-item]  # it is an object
    {**FULL, "properties": {**FULL["properties"], "a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},  # type: ignore[dict-item]  # it is an object
    {**FULL, "additionalProperties": True, "minProperties": 0},
    {"allOf": [FULL]},
    {
        "a": {"type": "string", "required": True},
        "b": {"enum": ["x", "y"], "required": True},
        "c": {"type": ["string", "null"]},
    },
]


@pytest.mark.parametrize("schema", RESPELLED)
def test_a_schema_spelled_otherwise_is_the_same_wish(schema: Any) -> None:
    assert fingerprint(new_output(schema)) == fingerprint(new_output(FULL))


@pytest.mark.parametrize(
    "schema",
    [
        {**FULL, "required": ["a"]},
        {**FULL, "additionalProperties": False},
        {**FULL, "properties": {**FULL["properties"], "a": {"type": "integer"}}},  # type: ignore[dict-item]  # it is an object
        {**FULL, "properties": {**FULL["properties"], "b": {"enum": ["x"]}}},  # type: ignore[dict-item]  # it is an object
        {**FULL, "properties": {**FULL["properties"], "A": {"type": "string"}}},  # type: ignore[dict-item]  # it is an object
        {"type": "array", "items": FULL},
    ],
)
def test_a_schema_that_says_something_else_is_another_wish(schema: Any) -> None:
    assert fingerprint(new_output(schema)) != fingerprint(new_output(FULL))


@pytest.mark.parametrize(
    "other",
    [
        ("schema_change", "operations.find.output_schema.took", None, STAMP),
        ("schema_change", "/operations/find/output_schema/properties/took", None, STAMP),
        ("schema_change", "/output_schema/properties/took", None, STAMP),
        ("schema_change", "output_schema.took", None, {"type": "string", "format": "iso8601"}),
        ("schema_change", "output_schema.took", None, {"type": ["string"], "format": "ISO-8601", "title": "Took"}),
        (
            "schema_change",
            "output_schema",
            OPERATION["output_schema"],
            {
                **OPERATION["output_schema"],
                "properties": {**OPERATION["output_schema"]["properties"], "took": STAMP},
            },
        ),
    ],
)
def test_a_field_named_otherwise_is_the_same_wish(other: Spelling) -> None:
    assert fingerprint(other) == fingerprint(("schema_change", "output_schema.took", None, STAMP))


def test_a_flat_entry_and_one_with_operations_name_their_field_alike() -> None:
    """Ours: `operations.web_search.` says no more than the short form does."""
    flat = flat_entry(registered_at_block=5)
    short = ("schema_change", "output_schema.took", None, "string")
    long = ("schema_change", "operations.web_search.output_schema.took", None, {"type": "string"})
    assert fingerprint(short, flat) == fingerprint(long, flat)  # type: ignore[arg-type]  # of literals


ENDPOINT = OPERATION["endpoint"]


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("https://new.example.com/", "/v2/find"),
        ("https://NEW.example.com", "/v2/find/"),
        ("https://new.example.com:443", "v2/find"),
        ("HTTPS://new.example.com.", "/v2/find"),
        ("https://new.example.com/v2", "/find"),
        ("https://new.example.com", "/v2/%66ind"),
        ("https://new.example.com", "/%762/find"),
    ],
)
def test_an_address_spelled_otherwise_is_the_same_wish(base_url: str, path: str) -> None:
    """5.3: a trailing slash or a port that is meant anyway makes no discovery."""
    spellings: list[Spelling] = [
        ("endpoint_change", "operations.find.endpoint", ENDPOINT, {**ENDPOINT, "base_url": base, "path": at})
        for base, at in (("https://new.example.com", "/v2/find"), (base_url, path))
    ]
    assert fingerprint(spellings[0]) == fingerprint(spellings[1])


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "https://other.example.com"},
        {"base_url": "https://new.example.com:8443"},
        {"base_url": "http://new.example.com"},
        {"path": "/v2/Find"},
        {"path": "/v2/find?x=1"},
        {"path": "/v2%2Ffind"},
        {"method": "GET"},
        {"response_media_type": "text/plain"},
    ],
)
def test_another_address_is_another_wish(change: dict[str, str]) -> None:
    new = {**ENDPOINT, "base_url": "https://new.example.com", "path": "/v2/find"}
    one, other = (("endpoint_change", "operations.find.endpoint", ENDPOINT, each) for each in (new, {**new, **change}))
    assert fingerprint(one) != fingerprint(other)  # type: ignore[arg-type]  # of literals


@pytest.mark.parametrize("text", ["Finds  pages\nand posts.", " Finds pages and posts. ", "Ｆinds pages and posts."])
def test_a_text_that_reads_the_same_is_the_same_wish(text: str) -> None:
    """Ours: white space and full-width letters (NFKC)."""
    one, other = (
        ("identity_change", "operations.find.description", OPERATION["description"], each)
        for each in ("Finds pages and posts.", text)
    )
    assert fingerprint(one) == fingerprint(other)  # type: ignore[arg-type]  # of literals


def test_another_text_is_another_wish() -> None:
    one, other = (
        ("identity_change", "operations.find.description", OPERATION["description"], each) for each in ("A.", "B.")
    )
    assert fingerprint(one) != fingerprint(other)  # type: ignore[arg-type]  # of literals


@pytest.mark.parametrize("amount", ["0.0030", "0.003", "3E-3"])
def test_an_amount_is_a_number_however_many_zeros_it_has(amount: str) -> None:
    one, other = (
        ("cost_change", "operations.find.cost", OPERATION["cost"], {"amount": each, "currency": "USD"})
        for each in ("0.003", amount)
    )
    assert fingerprint(one) == fingerprint(other)  # type: ignore[arg-type]  # of literals


def test_a_change_of_words_only_is_a_wish_of_its_own() -> None:
    """Ours: what changes a description and nothing else is no variant of nothing."""
    schema = {**OPERATION["output_schema"], "description": "Pages."}
    other = {**OPERATION["output_schema"], "description": "Posts."}
    assert fingerprint(new_output(schema)) != fingerprint(new_output(other))
    assert fingerprint(new_output(schema)) == fingerprint(new_output({**schema, "description": " Pages. "}))


def test_the_same_wish_about_another_slot_is_another_one() -> None:
    """Netuids are reassigned."""
    before, after = entry_with(), entry_with(name="Other")
    assert fingerprint_between(before, after, slot=SLOT) != fingerprint_between(before, after, slot="SN7@71")


class TestNewThings:
    def found(self, document: dict[str, Any]) -> str:
        proposal = wish("new_subnet", "", None, document)
        return fingerprint_of(proposal, None, slot=SLOT)

    def test_a_subnet_found_twice_is_one_finding_whatever_it_is_called(self) -> None:
        """5.3: titles, an order and a slash make no second discovery."""
        found = {"name": "Seven", "operations": {"find": OPERATION}}
        other = {**OPERATION, "title": "Search", "description": "Searches.", "endpoint": {**ENDPOINT, "path": "/find/"}}
        assert self.found(found) == self.found({"operations": {"search": other}, "name": "Number seven"})

    def test_a_subnet_with_another_operation_is_another_finding(self) -> None:
        other = {**OPERATION, "endpoint": {**ENDPOINT, "path": "/other"}}
        documents = [{"name": "Seven", "operations": {"find": each}} for each in (OPERATION, other)]
        assert self.found(documents[0]) != self.found(documents[1])

    def test_a_subnet_without_operations_is_told_by_its_name(self) -> None:
        assert self.found({"name": "Seven"}) == self.found({"name": " SEVEN"})
        assert self.found({"name": "Seven"}) != self.found({"name": "Eight"})

    def test_the_seeds_entry_and_its_json_schema_form_are_one_finding(self) -> None:
        flat = copy.deepcopy(SEED_ENTRY)
        for name in ("reliability", "avg_latency_ms", "last_verified", "version"):
            del flat[name]
        written_out = {
            **flat,
            "input_schema": {
                "type": "object",
                "properties": {"query": {"type": "string"}, "max_results": {"type": "integer", "default": 10}},
                "required": ["query"],
            },
        }
        assert self.found(flat) == self.found(written_out)

    def test_a_withdrawal_is_one_wish(self) -> None:
        one, other = (("withdrawal", "", old, None) for old in ("1.0.0", entry_with().to_json()))
        assert fingerprint(one) == fingerprint(other)  # type: ignore[arg-type]  # of literals


SCALARS = st.sampled_from([{"type": each} for each in ("string", "integer", "number", "boolean", "null")])
VALUES: list[Any] = [
    *(None, 1, 1.5, "a", "z", True, [], [1], ["a"], [[]], [None]),
    *({}, {"p": 1}, {"p": "a", "q": 1, "r": None}, {"p": {"q": 1}}, {"q": ["b"], "r": {}}, {"r": [{"p": "a"}]}),
]
SCHEMAS = st.recursive(
    SCALARS | st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(lambda each: {"enum": each}),
    lambda inner: (
        st.builds(
            lambda fields, required: {
                "type": "object",
                "properties": fields,
                **({"required": sorted(required & fields.keys())} if required & fields.keys() else {}),
            },
            st.dictionaries(st.sampled_from("pqr"), inner, min_size=1, max_size=3),
            st.sets(st.sampled_from("pqr")),
        )
        | inner.map(lambda each: {"type": "array", "items": each})
    ),
    max_leaves=6,
)


def respell(schema: Any, chance: random.Random) -> Any:
    """A schema that says the same in other words and another order."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    if "properties" in made:
        named = [(name, respell(each, chance)) for name, each in made["properties"].items()]
        chance.shuffle(named)
        made["properties"] = dict(named)
    if "items" in made:
        made["items"] = respell(made["items"], chance)
    for listed in ("required", "enum"):
        if listed in made:
            made[listed] = chance.sample(made[listed], len(made[listed]))
    if chance.random() < 0.3:
        made["title"] = "told"
    if chance.random() < 0.3 and isinstance(made.get("type"), str):
        made["type"] = [made["type"]]
    members = list(made.items())
    chance.shuffle(members)
    made = dict(members)
    return {"allOf": [made]} if chance.random() < 0.2 else made


@settings(deadline=None)
@given(SCHEMAS, st.integers(0, 2**32))
def test_no_respelling_makes_another_schema_of_one(schema: Any, number: int) -> None:
    again = respell(schema, random.Random(number))
    assert normal_schema(again) == normal_schema(schema)


@settings(deadline=None)
@given(SCHEMAS, st.integers(0, 2**32))
def test_a_schema_and_its_normal_form_take_the_same_values(schema: Any, number: int) -> None:
    """Ours: so two wishes with one fingerprint say the same, and nobody's finding is taken for another's."""
    validator, normal = Validator(schema), Validator(normal_schema(respell(schema, random.Random(number))))
    for value in VALUES:
        assert normal.accepts(value) == validator.accepts(value)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_text_has_one_normal_form(text: str) -> None:
    assert normal_text(normal_text(text)) == normal_text(text)
    assert normal_text(f"  {unicodedata.normalize('NFKD', text)}\n") == normal_text(text)


@settings(deadline=None)
@given(
    st.sampled_from(["https://a.example/x", "http://[::1]:80/y/", "wss://h:443", "not a url", "http://[", "//x", ""])
)
def test_a_url_has_one_normal_form(url: str) -> None:
    assert normal_url(normal_url(url)) == normal_url(url)


def test_recursive_schemas_are_told_apart_by_what_they_lead_back_to() -> None:
    def tree(name: str, child: Any) -> Any:
        node = {"type": "object", "properties": {"child": child, "v": {"type": "string"}}}
        return {"$ref": f"#/$defs/{name}", "$defs": {name: node}}

    one, renamed = tree("Node", {"$ref": "#/$defs/Node"}), tree("Leaf", {"$ref": "#/$defs/Leaf"})
    assert normal_schema(one) == normal_schema(renamed)
    assert normal_schema(one) != normal_schema(tree("Node", {"type": "array", "items": {"$ref": "#/$defs/Node"}}))
    assert normal_schema({"$ref": "#/$defs/none"}) == {"$ref": "#/$defs/none"}


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    """Ours: it is what was committed to, so it may never change."""
    entry = packaged("SN13")
    proposal = wish("identity_change", "name", entry.name, "Data Universe Two", subnet="SN13")
    read = Entry.from_document("SN13", json.loads(json.dumps(entry.to_json())))
    assert fingerprint_of(proposal, entry, slot=str(entry.slot)) == fingerprint_of(proposal, read, slot=str(read.slot))
    assert fingerprint_between(entry_with(), entry_with(name="Eight"), slot=SLOT) == PINNED
