"""What inference claims from how much evidence: required, formats, vocabularies, maps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestra_tools.schema import resolve
from orchestra_tools.schema.infer import infer
from orchestra_tools.schema.inference.evidence import upper_bound
from orchestra_tools.schema.inference.names import is_data


class TestRequired:
    """By the rule of three."""

    def test_it_takes_three_hundred(self) -> None:
        """Ours: absence is bounded to 1 % by 300."""
        few, enough = infer([{"a": 1}] * 299), infer([{"a": 1}] * 300)
        assert "required" not in few.schema
        assert any(note.startswith("the root: no property is required") and "300" in note for note in few.notes)
        assert enough.schema["required"] == ["a"]
        assert enough.confidence["/properties/a"].absent_at_most == pytest.approx(0.01)

    def test_one_absence_is_enough_to_leave_it_out(self) -> None:
        """Ours."""
        inference = infer([{"a": 1, "b": 2}] * 400 + [{"b": 2}])
        assert inference.schema["required"] == ["b"]
        evidence = inference.confidence["/properties/a"]
        assert (evidence.present, evidence.of, evidence.responses) == (400, 401, 401)
        assert 1 / 401 < evidence.absent_at_most < 0.02

    def test_the_items_of_few_responses_are_not_many(self) -> None:
        """Ours: items of one response resemble each other."""
        few = infer([{"rows": [{"a": 1}] * 100}] * 20)
        many = infer([{"rows": [{"a": 1}] * 10}] * 30)
        assert "required" not in few.schema["properties"]["rows"]["items"]
        assert many.schema["properties"]["rows"]["items"]["required"] == ["a"]
        assert "required" not in many.schema

    def test_a_null_is_present(self) -> None:
        """JSON Schema: `required` is about the key."""
        schema = infer([{"a": None}, {"a": 1}], required_after=1).schema
        assert schema == {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]}


@pytest.mark.parametrize(("events", "trials", "bound"), [(0, 0, 1.0), (0, 2, 1.0), (0, 300, 0.01), (5, 5, 1.0)])
def test_the_bound_of_absence_is_the_rule_of_three(events: int, trials: int, bound: float) -> None:
    """Ours."""
    assert upper_bound(events, trials) == pytest.approx(bound)


def test_the_bound_of_absence_is_wilsons_where_some_were_absent() -> None:
    """Checked by hand against Wilson's formula with z = 1.6449."""
    assert upper_bound(1, 10) == pytest.approx(0.3478, abs=1e-3)


class TestFormats:
    """Claimed where every string keeps one."""

    @pytest.mark.parametrize(
        ("name", "example"),
        [
            ("date-time", "2026-11-{:02d}T10:00:00Z"),
            ("date", "2026-11-{:02d}"),
            ("uri", "https://a.example/{}"),
            ("email", "a{}@b.example"),
            ("uuid", "550e8400-e29b-41d4-a716-4466554400{:02d}"),
            ("ipv4", "10.0.0.{}"),
            ("ipv6", "fe80::{}"),
        ],
    )
    def test_it_is_claimed_once_enough_keep_it(self, name: str, example: str) -> None:
        """Ours."""
        values = [{"x": example.format(number % 20 + 1)} for number in range(30)]
        assert infer(values).schema["properties"]["x"] == {"type": "string", "format": name}
        assert infer(values[:29]).schema["properties"]["x"] == {"type": "string"}

    @pytest.mark.parametrize("odd", ["", "soon", "2026-11-22", "x" * 5_000])
    def test_one_exception_is_enough(self, odd: str) -> None:
        """Ours: an empty string too, which keeps no format."""
        values = [{"x": f"2026-11-{number % 20 + 1:02d}T10:00:00Z"} for number in range(100)]
        assert infer([*values, {"x": odd}]).schema["properties"]["x"] == {"type": "string"}

    def test_one_value_that_never_changes_is_weak_evidence(self) -> None:
        """Ours."""
        assert infer(["2026-11-22"] * 100).schema == {"type": "string"}

    def test_a_pair_with_a_colon_is_no_uri(self) -> None:
        """Ours, though RFC 3986 would take it."""
        assert infer([f"BTC:USD{number}" for number in range(50)]).schema == {"type": "string"}


class TestVocabularies:
    """Better never than overfit."""

    @staticmethod
    def _answers(words: list[str | None], count: int) -> list[Any]:
        return [{"x": words[number % len(words)]} for number in range(count)]

    def test_constants_seen_often_are_a_vocabulary(self) -> None:
        """Ours."""
        schema = infer(self._answers(["up", "down", "up_to_date"], 300)).schema
        assert schema["properties"]["x"] == {"type": "string", "enum": ["down", "up", "up_to_date"]}
        schema = infer(self._answers(["UP", "DOWN", None], 450)).schema
        assert schema["properties"]["x"] == {"type": ["null", "string"], "enum": ["DOWN", "UP", None]}

    @pytest.mark.parametrize(
        "answers",
        [
            _answers(["up", "down"], 299),
            _answers(["up"], 1000),
            _answers(["Alice", "Bob"], 1000),
            _answers(["2026-11-22", "2026-11-23"], 1000),
            _answers(["gpt-4", "gpt-5"], 1000),
            _answers(["two words", "three words"], 1000),
            _answers([chr(97 + number) for number in range(9)], 1000),
            [*_answers(["up", "down"], 1000), {"x": "paused"}],
            [*_answers(["up", "down"], 1000), {"x": 1}],
            [{"x": ["up", "down"] * 500}],
            [{"a": 1}, {"x": "up" * 30}] * 300,
        ],
        ids=lambda answers: str(answers[-1])[:30],
    )
    def test_anything_less_is_text(self, answers: list[Any]) -> None:
        """Ours."""
        assert "enum" not in json.dumps(infer(answers).schema)

    def test_it_can_be_turned_off(self) -> None:
        """Ours."""
        assert "enum" not in json.dumps(infer(self._answers(["up", "down"], 900), enum_after=None).schema)


class TestMaps:
    """Keys that are data do not become properties."""

    @pytest.mark.parametrize(
        "key",
        [
            *("0", "17", "-1.5", "2026-11", "2026-11-22", "2026-11-22T10:00:00Z", "2026/11/22"),
            *("550e8400-e29b-41d4-a716-446655440000", "0x52908400098527886E0F7030069857D2E4169EE7", "a" * 40),
            *("5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX", "user_12345", "10.0.0.1:8080", "@someone"),
            *("a@b.example", "https://a.example/", "x" * 200),
        ],
    )
    def test_data_is_told_by_its_looks(self, key: str) -> None:
        """Ours."""
        assert is_data(key)

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "id",
            "__proto__",
            "sma_200",
            "top10",
            "24h",
            "p99",
            "ipv4",
            "a.b",
            "temperatureMaximumTwoMetres",
            "ключ",
            "-",
        ],
    )
    def test_names_are_not_data(self, key: str) -> None:
        """Ours."""
        assert not is_data(key)

    def test_many_identifiers_are_a_map(self) -> None:
        """Ours: key cardinality grows with the samples, the schema does not."""
        values = [{f"550e8400-e29b-41d4-a716-{number:012d}": {"score": 0.5, "rank": number}} for number in range(40)]
        inference = infer(values)
        inner = {"type": "object", "properties": {"rank": {"type": "integer"}, "score": {"type": "number"}}}
        assert inference.schema == {"type": "object", "additionalProperties": inner}
        assert inference.confidence["/additionalProperties"].present == 40
        assert infer(values[:5]).schema == inference.schema
        assert "the root: its keys are data, so it is described as a map" in inference.notes

    def test_few_identifiers_are_left_open(self) -> None:
        """Ours: and it is said."""
        inference = infer([{"1": "a"}, {"2": "b"}])
        assert inference.schema == {"type": "object"}
        assert any("too few" in note for note in inference.notes)

    def test_identifiers_beside_names_are_left_open(self) -> None:
        """Ours: a closed rest would make the next new field drift."""
        inference = infer([{"total": 3} | {str(number): {"x": 1} for number in range(9)}])
        assert inference.schema == {"type": "object", "properties": {"total": {"type": "integer"}}}
        assert any("beside names" in note for note in inference.notes)

    def test_identifiers_with_values_of_several_shapes_are_left_open(self) -> None:
        """Ours."""
        inference = infer([{str(number): number if number % 2 else "x" for number in range(20)}])
        assert inference.schema == {"type": "object"}
        assert any("several shapes" in note for note in inference.notes)

    def test_a_crowd_of_words_is_a_map_where_the_values_agree(self) -> None:
        """Ours: tickers, user names, models."""
        crowd = {f"model{chr(97 + number % 26)}{number}x": {"price": 1.5, "name": "x"} for number in range(300)}
        assert infer([crowd]).schema["additionalProperties"]["properties"].keys() == {"name", "price"}
        mixed = {name: {name: 1} for name in crowd}
        assert infer([mixed]).schema == {"type": "object"}

    def test_words_that_come_and_go_are_a_map(self) -> None:
        """Ours."""
        values = [{f"w{chr(97 + number % 26)}{(number + step) % 60}w": 1 for step in range(3)} for number in range(60)]
        assert infer(values).schema == {"type": "object", "additionalProperties": {"type": "integer"}}

    def test_a_wide_record_is_not_a_map(self) -> None:
        """Ours: its fields are always there."""
        record = {f"feature{chr(97 + number % 26)}{number}f": 0.5 for number in range(100)}
        assert len(infer([record] * 3).schema["properties"]) == 100

    def test_awkward_keys_are_names(self) -> None:
        """Ours: bad input 22."""
        value = {"__proto__": 1, "constructor": 2, "": 3, "$ref": "x", "required": [], "a/b~c": None}
        inference = infer([value], required_after=1)
        assert inference.schema["properties"].keys() == value.keys()
        assert all(isinstance(resolve(inference.schema, pointer), dict) for pointer in inference.confidence)
