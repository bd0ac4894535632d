"""Tools as model APIs take them: the whole forms, for every tool, held against the providers' own SDKs."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.client import Offer
from orchestra_tools.compile import Tool, compile_ledger
from orchestra_tools.errors import InputError
from orchestra_tools.exports import (
    Definition,
    define,
    restore_arguments,
    to_anthropic_tools,
    to_gemini_declarations,
    to_openai_tools,
    to_strict,
)
from orchestra_tools.importers import read_ledger
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.schema import check_schema
from orchestra_tools.testing import Sandbox
from orchestra_tools.toolsets import META_TOOLS
from tests.contract.cases import document
from tests.exports.schemas import closed

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = compile_ledger(packaged_ledger()).tools
TOOLS = list(CATALOGUE.values())
HARD = list(compile_ledger(read_ledger(json.dumps(document()).encode(), source="cases")).tools.values())
CLOSED = [replace(define(tool), input_schema=closed(dict(define(tool).input_schema))) for tool in HARD]
SEARCH = CATALOGUE["sn22_web_search"]
SEARCH_TEXT = (
    "Searches the public web and returns ranked links with titles and snippets. Use when you need web pages about a "
    "topic. Runs on Bittensor subnet SN22 (Desearch). Cost: not known before the call; the answer says what it cost."
)
SEARCH_STRICT = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words to search for."},
        "start": {"type": ["integer", "null"], "description": "How many results to skip. (default: 0)"},
    },
    "required": ["query", "start"],
    "additionalProperties": False,
}
SEARCH_LOOSE = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "Words to search for."},
        "start": {"type": ["integer", "null"], "default": 0, "description": "How many results to skip."},
    },
    "required": ["query"],
    "additionalProperties": False,
}


def tool_named(name: str) -> Tool:
    return next(tool for tool in HARD if tool.name.endswith(name))


def test_the_forms_of_one_tool() -> None:
    """Snapshots of what goes over the wire."""
    function = {"name": "sn22_web_search", "description": SEARCH_TEXT}
    strict = function | {"parameters": SEARCH_STRICT, "strict": True}
    loose = function | {"parameters": SEARCH_LOOSE, "strict": False}
    assert to_openai_tools([SEARCH]) == [{"type": "function", "function": strict}]
    assert to_openai_tools([SEARCH], api="responses") == [{"type": "function", **strict}]
    assert to_openai_tools([SEARCH], strict=True) == [{"type": "function", "function": strict}]
    assert to_openai_tools([SEARCH], strict=False) == [{"type": "function", "function": loose}]
    assert to_anthropic_tools([SEARCH]) == [{**function, "input_schema": SEARCH_LOOSE}]
    [declaration] = to_gemini_declarations([SEARCH])
    assert declaration.pop("responseJsonSchema")["type"] == "object"
    assert declaration == {**function, "parametersJsonSchema": SEARCH_LOOSE}


def test_a_rule_of_the_root_stands_in_the_description() -> None:
    """As in every host: model APIs refuse choices at the root."""
    [exported] = to_openai_tools([CATALOGUE["sn6_event_signals"]])
    assert exported["function"]["strict"]
    assert exported["function"]["description"].endswith("Give exactly one of: market; question.")
    assert "oneOf" not in exported["function"]["parameters"]


def test_definitions_are_exported_as_tools_are() -> None:
    """An offer gives definitions, and the fixed tools have no other form."""
    assert to_openai_tools(map(define, TOOLS)) == to_openai_tools(TOOLS)
    fixed = to_openai_tools(tool.definition for tool in META_TOOLS.values())
    assert {each["function"]["name"]: each["function"]["strict"] for each in fixed} == {
        "find_tools": True,
        "describe_tool": True,
        "call_tool": False,  # the arguments of some other tool are an open map
        "ledger_status": True,
    }


@pytest.mark.parametrize("tools", [TOOLS, HARD], ids=["packaged", "cases"])
def test_every_tool_keeps_its_name_and_words_in_every_form(tools: list[Tool]) -> None:
    """In order, as JSON, with an object at the root, and without a part of the tool itself in it."""
    before = copy.deepcopy([(define(tool), tool.digest) for tool in tools])
    forms = [
        [each["function"] for each in to_openai_tools(tools)],
        [each["function"] for each in to_openai_tools(tools, strict=False)],
        to_openai_tools(tools, api="responses"),
        to_anthropic_tools(tools),
        to_gemini_declarations(tools),
    ]
    for form in forms:
        assert json.loads(json.dumps(form)) == form
        assert [(each["name"], each["description"]) for each in form] == [
            (tool.name, define(tool).description) for tool in tools
        ]
        for each in form:
            [schema] = [each[key] for key in ("parameters", "input_schema", "parametersJsonSchema") if key in each]
            check_schema(schema)
            assert schema["type"] == "object"
            assert isinstance(schema["properties"], dict)
            wreck(each)
    assert [(define(tool), tool.digest) for tool in tools] == before


def wreck(value: Any) -> None:
    """What an SDK might do to what it is given."""
    for member in list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
        wreck(member)
    if isinstance(value, dict | list):
        value.clear()


def test_tools_that_cannot_be_strict_are_named_with_their_reasons() -> None:
    """An error for whoever relies on it; by default they are sent as they are."""
    tools = [SEARCH, *(CATALOGUE[name] for name in ("sn64_deploy_chute", "sn62_request_evaluation"))]
    with pytest.raises(InputError, match=r"^2 of 3 tools cannot be strict: sn64_deploy_chute: /properties/") as caught:
        to_openai_tools(tools, strict=True)
    assert list(caught.value.facts["tools"]) == ["sn64_deploy_chute", "sn62_request_evaluation"]
    assert caught.value.to_dict()["tools"]["sn62_request_evaluation"] == [
        "/properties/body: takes members it does not name (set additionalProperties to false if it takes none)"
    ]
    assert [each["function"]["strict"] for each in to_openai_tools(tools)] == [True, False, False]


def test_what_fails_a_whole_request_is_left_out() -> None:
    """By reports of many projects: lists without items, look-around, a root without properties or with a dialect."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "a": {"type": "array"},
            "b": {"type": "string", "pattern": "^(?!x)"},
            "c": {"type": "string", "pattern": "^(?:x|y)$"},
            "d": {"type": "object", "properties": {"pattern": {"const": "(?=a)"}}},
        },
    }
    definition = define(tool_named("closed"))
    changed = replace(definition, input_schema=schema)
    properties = {
        "a": {"type": "array", "items": {}},
        "b": {"type": "string"},
        "c": {"type": "string", "pattern": "^(?:x|y)$"},
        "d": {"type": "object", "properties": {"pattern": {"const": "(?=a)"}}},
    }
    [exported] = to_openai_tools([changed])
    assert exported["function"]["parameters"] == {"type": "object", "properties": properties}
    [exported] = to_openai_tools([tool_named("nothing")])
    assert exported["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"query": "tao", "start": null}', {"query": "tao"}),
        ({"query": "tao", "start": 3}, {"query": "tao", "start": 3}),
        ("", {}),
        ('{"query": ', '{"query": '),
        ("null", None),
        (7, 7),
    ],
)
def test_what_the_model_wrote_is_restored(written: Any, expected: Any) -> None:
    """Text or object; what is neither is passed on, and the call says what is wrong with it."""
    assert restore_arguments(SEARCH, written) == expected
    assert restore_arguments(define(SEARCH), written) == expected
    unknown = restore_arguments(None, written)
    assert unknown == (expected if written != '{"query": "tao", "start": null}' else {"query": "tao", "start": None})


def test_tools_that_are_not_strict_keep_their_nulls() -> None:
    """Null and nothing are two things where the model was shown the schema itself."""
    tool = CATALOGUE["sn100_update_challenge"]
    assert to_strict(define(tool).input_schema).reasons
    assert restore_arguments(tool, '{"slug": "a", "description": null}') == {"slug": "a", "description": None}


def test_the_page_says_how_many_packaged_tools_can_be_strict() -> None:
    """Counted here; a failure shows the lines that belong there."""
    page = (REPOSITORY / "docs" / "hosts" / "exports.md").read_text("utf-8")
    forms = [to_strict(define(tool).input_schema) for tool in TOOLS]
    problems = Counter(problem for form in forms for problem in {reason.problem for reason in form.reasons})
    lines = [
        f"{sum(form.schema is not None for form in forms)} of the {len(forms)} packaged tools can be strict.",
        *(f"| {count} | {problem} |" for problem, count in problems.most_common()),
    ]
    assert [line for line in lines if line not in page] == []
    assert len(re.findall(r"^\| \d+ \|", page, re.MULTILINE)) == len(problems)


def test_restored_arguments_are_called_with_defaults(sandbox: Sandbox) -> None:
    """The round trip: nulls on the wire, none at the subnet, and every mistake told to the model."""
    with Offer(sandbox.ledger, subnets=["SN22"]) as offer:
        definitions = {each.name: each for each in offer.definitions()}
        search = definitions["sn22_web_search"]
        reply = offer.answer_blocking(search.name, restore_arguments(search, '{"query": "tao", "start": null}'))
        assert not reply.failed
        reply = offer.answer_blocking(search.name, restore_arguments(search, '{"query": null, "start": null}'))
        assert reply.correctable
        assert reply.text.startswith("invalid_arguments: the arguments of sn22_web_search do not fit")
        assert "/query: is not of type string" in reply.text
        assert "/start" not in reply.text
        for broken in ('{"query": ', "[]", "3"):
            assert offer.answer_blocking(search.name, restore_arguments(search, broken)).correctable


def test_a_gemini_declaration_says_what_it_gives_where_that_is_short() -> None:
    """As the schema of the answer itself; a long one would go with each request."""
    by_name = {each["name"]: each for each in to_gemini_declarations([*TOOLS, *HARD])}
    assert by_name["sn90_list_answer"]["responseJsonSchema"] == {
        "type": "array", "items": {"type": "integer"}, "minItems": 2,
    }  # fmt: skip
    assert "responseJsonSchema" not in by_name["sn90_undocumented"]
    assert "responseJsonSchema" not in by_name["sn22_x_search"]


@pytest.mark.slow
@pytest.mark.parametrize("tools", [TOOLS, HARD, CLOSED], ids=["packaged", "cases", "closed"])
def test_openai_takes_strict_schemas_as_they_are(tools: list[Tool | Definition]) -> None:
    """The SDKs' own helpers have nothing to change, and pydantic-ai's check finds nothing that is not allowed."""
    from agents.strict_schema import ensure_strict_json_schema
    from openai.lib._pydantic import _ensure_strict_json_schema
    from openai.types.chat import ChatCompletionFunctionToolParam
    from openai.types.responses import FunctionToolParam
    from pydantic import TypeAdapter
    from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer

    strict = [each["function"]["parameters"] for each in to_openai_tools(tools) if each["function"]["strict"]]
    assert strict
    for schema in strict:
        theirs = copy.deepcopy(schema)
        assert _ensure_strict_json_schema(theirs, path=(), root=theirs) == schema
        assert ensure_strict_json_schema(copy.deepcopy(schema), _reject_open_objects=not defines(schema)) == schema
        transformer = OpenAIJsonSchemaTransformer(copy.deepcopy(schema), strict=None)
        transformer.walk()
        assert transformer.is_strict_compatible
    TypeAdapter(list[ChatCompletionFunctionToolParam]).validate_python(to_openai_tools(tools))
    TypeAdapter(list[FunctionToolParam]).validate_python(to_openai_tools(tools, api="responses"))


def defines(schema: dict[str, Any]) -> bool:
    """Whether there are references, which the check for open objects does not follow."""
    return "$defs" in schema


@pytest.mark.slow
@pytest.mark.parametrize("tools", [TOOLS, HARD], ids=["packaged", "cases"])
def test_google_takes_the_declarations_as_they_are(tools: list[Tool]) -> None:
    """google-genai's own type, there and back."""
    from google.genai import types

    for declaration in to_gemini_declarations(tools):
        taken = types.FunctionDeclaration.model_validate(declaration)
        assert taken.model_dump(by_alias=True, exclude_none=True) == declaration
