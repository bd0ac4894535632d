"""key=value and JSON become arguments, as the schema wants them."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra_tools.cli.arguments import read_arguments, read_pairs, wanted_types
from orchestra_tools.errors import InvalidArgumentsError

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "maybe": {"type": ["string", "null"]},
        "count": {"type": ["integer", "null"]},
        "on": {"type": "boolean"},
        "list": {"type": "array"},
        "either": {"anyOf": [{"type": "string"}, {"type": "array"}]},
        "any": {},
        "level": {"$ref": "#/$defs/level"},
        "kind": {"enum": ["1", "2"]},
        "step": {"enum": [1, 2]},
        "narrow": {"allOf": [{"type": ["string", "integer"]}, {"type": "integer"}]},
    },
    "$defs": {"level": {"oneOf": [{"type": "number"}, {"const": None}]}},
}


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("text=5", "5"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ('text="quoted"', '"quoted"'),
        ("maybe=null", "null"),
        ("count=5", 5),
        ("count=null", None),
        ("count=many", "many"),
        ("on=true", True),
        ("list=[1,2]", [1, 2]),
        ("either=[1]", [1]),
        ("either=1", "1"),
        ("any=1", 1),
        ("any=word", "word"),
        ("any=NaN", "NaN"),
        ("level=0.5", 0.5),
        ("kind=1", "1"),
        ("step=1", 1),
        ("narrow=1", 1),
        ("unknown=1", "1"),
    ],
)
def test_a_value_is_json_only_where_the_schema_wants_no_string(pair: str, value: Any) -> None:
    assert list(read_pairs([pair], SCHEMA).values()) == [value]


@pytest.mark.parametrize("bad", [["word"], ["=x"], ["text=a", "text=b"]])
def test_what_is_no_pair_is_refused(bad: list[str]) -> None:
    with pytest.raises(InvalidArgumentsError):
        read_pairs(bad, SCHEMA)


@pytest.mark.parametrize("bad", ["{", "[1]", '{"a": 1, "a": 2}', '{"a": NaN}', "null"])
def test_a_document_is_one_strict_json_object(bad: str) -> None:
    with pytest.raises(InvalidArgumentsError):
        read_arguments([], bad, SCHEMA)


def test_pairs_win_over_the_document() -> None:
    assert read_arguments(["text=b"], '{"text": "a", "count": 1}', SCHEMA) == {"text": "b", "count": 1}


def test_a_schema_that_refers_to_itself_is_no_trap() -> None:
    schema = {"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}
    assert "string" in wanted_types(schema["properties"]["x"], schema)
