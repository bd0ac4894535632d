"""A change of what an operation answers with, held against real answers over HTTP."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from aiohttp import web

from ledger_sync.governance.verification import Review
from tests.calls.recording import json_answer
from tests.sync.governance.stage import OUTPUT, Stage, answering, codes, statement_of

STAMP = {"type": "string", "format": "iso8601"}
FIELD = "output_schema.metadata.scrape_timestamp"
ADDED = statement_of("schema_change", FIELD, None, STAMP)


def stamped(asked: dict[str, str], number: int = 0) -> dict[str, Any]:
    return {
        "answer": f"of {asked['query']}",
        "metadata": {"scrape_timestamp": f"2026-11-{number % 28 + 1:02}T00:00:00Z"},
    }


def plain(asked: dict[str, str]) -> dict[str, Any]:
    return {"answer": f"of {asked['query']}"}


def numbered() -> Any:
    """Answers that are never the same."""
    numbers = itertools.count()
    return answering(lambda asked: stamped(asked, next(numbers)))


def check(review: Review, name: str) -> bool:
    return next(each.passed for each in review.checks if each.name == name)


async def test_a_field_that_is_there_is_approved_by_every_validator(stage: Stage) -> None:
    """The seed: the validator calls the subnet directly, confirms that the new field exists, and approves."""
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    for seed in ("one", "two", "three"):
        review = await stage.review(ADDED, entry, seed=seed, evidence=evidence)
        assert review.decision == "approve", review.reasons
        assert {each.name for each in review.checks} >= {"evidence", "calls", "present", "news", "specific", "held_out"}


async def test_validators_ask_what_nobody_else_asks_and_can_say_again_what_they_asked(stage: Stage) -> None:
    """Issue, 5: "its own inputs"."""
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    told: dict[str, list[str]] = {"miner": stage.asked()}
    for who, seed in (("first", "one"), ("second", "two"), ("again", "one")):
        stage.server.requests.clear()
        await stage.review(ADDED, entry, seed=seed, evidence=evidence)
        told[who] = stage.asked()
    assert all(len(asked) == 3 for asked in told.values())
    assert told["first"] == told["again"]
    assert len({*told["miner"], *told["first"], *told["second"]}) == 9


async def test_a_field_that_is_not_there_is_false(stage: Stage) -> None:
    stage.server.answer(answering(plain))
    review = await stage.review(ADDED, stage.entry())
    assert "false" in codes(review)
    assert not check(review, "present")


@pytest.mark.parametrize("new", [{}, True, {"description": "anything"}, {"anyOf": [{}, {"type": "string"}]}])
async def test_a_schema_that_takes_everything_is_vacuous(stage: Stage, new: Any) -> None:
    """notes, 5.3: vacuous schema."""
    stage.server.answer(numbered())
    statement = statement_of("schema_change", FIELD, None, new)
    assert "vacuous" in codes(await stage.review(statement, stage.entry()))


async def test_a_vacuous_field_does_not_come_in_with_a_good_one(stage: Stage) -> None:
    stage.server.answer(answering(lambda asked: stamped(asked) | {"odd": asked["query"]}))
    properties = {"metadata": {"type": "object", "properties": {"scrape_timestamp": STAMP}}, "odd": {}}
    whole = {**OUTPUT, "properties": OUTPUT["properties"] | properties}  # type: ignore[operator]  # both are objects
    statement = statement_of("schema_change", "output_schema", OUTPUT, whole)
    assert codes(await stage.review(statement, stage.entry())) == {"vacuous"}


@pytest.mark.parametrize("nested", [True, False])
async def test_a_false_field_does_not_come_in_with_a_true_one(stage: Stage, *, nested: bool) -> None:
    """A schema without it takes every answer with it, and the other way round: only looking for it tells."""
    stage.server.answer(numbered())
    metadata = {"type": "object", "properties": {"scrape_timestamp": STAMP, "invented": {"type": "string"}}}
    if nested:
        statement = statement_of("schema_change", "output_schema.metadata", None, metadata)
    else:
        whole = {**OUTPUT, "properties": OUTPUT["properties"] | {"metadata": metadata}}  # type: ignore[operator]  # both are objects
        statement = statement_of("schema_change", "output_schema", OUTPUT, whole)
    review = await stage.review(statement, stage.entry())
    assert codes(review) == {"false"}
    assert "metadata.invented" in review.reasons[0].text


async def test_a_widening_that_nothing_asks_for_does_not_come_in_with_a_true_field(stage: Stage) -> None:
    stage.server.answer(numbered())
    metadata = {"type": "object", "properties": {"scrape_timestamp": STAMP}}
    loose = {"answer": {"type": ["string", "number", "null"]}, "metadata": metadata}
    whole = {**OUTPUT, "properties": OUTPUT["properties"] | loose}  # type: ignore[operator]  # both are objects
    review = await stage.review(statement_of("schema_change", "output_schema", OUTPUT, whole), stage.entry())
    assert "false" in codes(review)
    assert not check(review, "news")


@pytest.mark.parametrize("form", ["enum", "const"])
async def test_a_schema_that_only_knows_the_answers_it_was_made_from_is_overfit(stage: Stage, form: str) -> None:
    """notes, 5.3: enum of seen values."""
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    seen = [call.answer["metadata"]["scrape_timestamp"] for call in evidence]
    new = {"type": "string", "enum": seen} if form == "enum" else {"const": seen[0]}
    evidence = evidence if form == "enum" else evidence[:1]
    review = await stage.review(statement_of("schema_change", FIELD, None, new), entry, evidence=evidence)
    assert codes(review) >= {"overfit", "false"}


async def test_older_answers_that_a_validator_knows_are_held_out(stage: Stage) -> None:
    stage.server.answer(numbered())
    odd = {"answer": "of old", "metadata": {"scrape_timestamp": 1_700_000_000}}
    review = await stage.review(ADDED, stage.entry(), older=[odd])
    assert codes(review) == {"overfit"}
    assert not check(review, "held_out")


async def test_a_proposer_without_an_answer_has_shown_nothing(stage: Stage) -> None:
    """Issue, 5: the new schema holds "on live and on held-out older samples"."""
    stage.server.answer(numbered())
    assert codes(await stage.review(ADDED, stage.entry(), evidence=[])) == {"no_evidence"}


async def test_answers_of_another_operation_are_no_evidence(stage: Stage) -> None:
    stage.server.answer(numbered())
    entry = stage.entry()
    other = stage.entry(operations={"other": entry.to_json()["operations"]["ask"]})
    evidence = await stage.gather(other, operation="other")
    assert codes(await stage.review(ADDED, entry, evidence=evidence)) == {"no_evidence"}


async def test_calls_of_a_sandbox_are_no_evidence_of_a_real_subnet(stage: Stage) -> None:
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    stage.server.requests.clear()
    assert codes(await stage.review(ADDED, entry, evidence=evidence, sandbox=None)) == {"no_preimage"}
    assert stage.server.requests == []


async def test_what_does_not_stand_there_any_more_is_stale(stage: Stage) -> None:
    stage.server.answer(numbered())
    statement = statement_of("schema_change", "output_schema.answer", {"type": "integer"}, {"type": "string"})
    stage.server.requests.clear()
    review = await stage.review(statement, stage.entry(), evidence=[])
    assert codes(review) == {"stale"}
    assert stage.server.requests == []


async def test_a_type_that_changed_is_seen(stage: Stage) -> None:
    """The old schema fails on live answers, the new one holds."""
    stage.server.answer(answering(lambda asked: {"answer": f"of {asked['query']}", "score": "high"}))
    change = ("schema_change", "output_schema.score", {"type": "number"})
    assert (await stage.review(statement_of(*change, {"type": "string"}), stage.entry())).decision == "approve"
    stage.server.answer(answering(lambda asked: {"answer": f"of {asked['query']}", "score": 0.5}))
    assert "false" in codes(await stage.review(statement_of(*change, {"type": "string"}), stage.entry()))
    assert "false" in codes(await stage.review(statement_of(*change, {"type": ["number", "null"]}), stage.entry()))


async def test_a_narrower_type_says_more(stage: Stage) -> None:
    stage.server.answer(answering(lambda asked: {"answer": f"of {asked['query']}", "score": 5}))
    change = statement_of("schema_change", "output_schema.score", {"type": "number"}, {"type": "integer"})
    assert (await stage.review(change, stage.entry())).decision == "approve"


async def test_a_field_that_is_gone_is_gone_from_every_answer(stage: Stage) -> None:
    change = statement_of("schema_change", "output_schema.score", {"type": "number"}, None)
    stage.server.answer(answering(plain))
    assert (await stage.review(change, stage.entry())).decision == "approve"
    stage.server.answer(answering(lambda asked: {"answer": f"of {asked['query']}", "score": 1}))
    assert "false" in codes(await stage.review(change, stage.entry()))


async def test_a_field_is_not_gone_because_nothing_was_found_that_could_have_it(stage: Stage) -> None:
    """An empty list shows nothing of its items."""
    stage.operation["output_schema"] = {
        "type": "object",
        "properties": {
            "found": {"type": "array", "items": {"type": "object", "properties": {"title": {"type": "string"}}}}
        },
    }
    change = statement_of("schema_change", "output_schema.found[].title", {"type": "string"}, None)
    stage.server.answer(answering(lambda asked: {"found": []}))
    assert "false" in codes(await stage.review(change, stage.entry()))
    stage.server.answer(answering(lambda asked: {"found": [{"url": asked["query"]}]}))
    assert (await stage.review(change, stage.entry())).decision == "approve"


async def test_a_field_in_the_items_of_a_list_is_found(stage: Stage) -> None:
    stage.operation["output_schema"] = {
        "type": "object",
        "properties": {"found": {"type": "array", "items": {"type": "object"}}},
    }
    change = statement_of("schema_change", "output_schema.found[].title", None, {"type": "string"})
    stage.server.answer(answering(lambda asked: {"found": [{"title": asked["query"]}, {"title": "more"}]}))
    assert (await stage.review(change, stage.entry())).decision == "approve"
    stage.server.answer(answering(lambda asked: {"found": [{}, {}, {"title": asked["query"]}]}))
    assert "false" in codes(await stage.review(change, stage.entry()))


async def test_the_first_schema_of_an_undocumented_operation_is_seen(stage: Stage) -> None:
    stage.operation["output_schema"] = None
    stage.server.answer(answering(plain))
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    change = statement_of("schema_change", "output_schema", None, schema)
    assert (await stage.review(change, stage.entry())).decision == "approve"


async def test_answers_that_flap_do_not_make_a_field(stage: Stage) -> None:
    numbers = itertools.count()
    stage.server.answer(answering(lambda asked: stamped(asked) if next(numbers) % 3 == 0 else plain(asked)))
    assert "false" in codes(await stage.review(ADDED, stage.entry()))


async def test_answers_of_which_one_breaks_the_new_schema_do_not_hold(stage: Stage) -> None:
    numbers = itertools.count()

    def drifting(asked: dict[str, str]) -> dict[str, Any]:
        return stamped(asked) if next(numbers) != 5 else plain(asked) | {"metadata": {"scrape_timestamp": 5}}

    stage.server.answer(answering(drifting))
    assert "false" in codes(await stage.review(ADDED, stage.entry()))


FAILURES = {
    "an error": json_answer('{"detail":"no"}', status=500),
    "half an answer": json_answer('{"answer": "an ans'),
    "a page": web.Response(body=b"<!doctype html><html></html>", headers={"Content-Type": "text/html"}),
    "a page that says it is JSON": json_answer("<html><body>502 Bad Gateway</body></html>"),
    "an error with 200": json_answer('{"error":"rate limit exceeded"}'),
    "a rate limit": json_answer('{"detail":"too many requests"}', status=429, Retry_After="60"),
    "nothing": web.Response(status=204),
    "a refusal": json_answer('{"detail":"who are you"}', status=401),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_is_no_answer_approves_nothing(stage: Stage, failure: str) -> None:
    """notes, 2: error bodies, rate-limit pages and HTML are no drift."""
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    stage.server.answer(FAILURES[failure])
    review = await stage.review(ADDED, entry, evidence=evidence)
    assert codes(review) == {"unreachable"}
    # The circuit of an endpoint that failed five times in a row rests.
    assert review.evidence.bundle.count(b'"orchestra-receipt/1"') >= 5


async def test_a_failure_or_two_are_called_again_later(stage: Stage) -> None:
    """A rate limit says for how long."""
    stage.server.answer(FAILURES["a rate limit"], FAILURES["an error"], numbered())
    entry = stage.entry()
    evidence = await Stage.gather(stage, entry)
    assert 60.0 in stage.pauses
    assert len(stage.pauses) == 4
    assert (await stage.review(ADDED, entry, evidence=evidence)).decision == "approve"


async def test_a_subnet_that_nobody_reaches_is_said_to_be_so(stage: Stage) -> None:
    stage.server.answer(numbered())
    entry = stage.entry()
    evidence = await stage.gather(entry)
    gone = stage.server.url.rpartition(":")[0] + ":9"
    moved = entry.to_json()
    moved["operations"]["ask"]["endpoint"]["base_url"] = gone
    away = entry.replace(operations=moved["operations"])
    mark = stage.mark.model_copy(update={"url": gone})
    review = await stage.review(ADDED, away, evidence=evidence, sandbox=mark)
    assert codes(review) == {"unreachable"}


async def test_an_answer_that_is_too_large_for_a_sample_is_left_out_of_the_evidence_and_still_judged(
    stage: Stage,
) -> None:
    stage.server.answer(answering(lambda asked: stamped(asked) | {"answer": "a" * 1_100_000}))
    stage.operation["output_schema"] = {"type": "object", "properties": {"answer": {"type": "string"}}}
    review = await stage.review(ADDED, stage.entry(), older=[stamped({"query": "known"})])
    assert review.decision == "approve"
    assert review.evidence.samples == ()
    assert b'"left_out":["' in review.evidence.bundle
