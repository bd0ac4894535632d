"""What counts as a sample: answers do, errors and pages in their place do not, and answers about errors do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.schema.response_kinds import MAX_BODY_BYTES, MEANINGS
from orchestra_tools.schema.responses import Response, ResponseKind, judge_response, judge_value

JSON = "application/json"


def judge(body: bytes | Any, status: int = 200, media_type: str = JSON) -> str:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge_response(Response(status, media_type, body)).kind.value


@pytest.mark.parametrize(
    "answer",
    [
        *({}, [], None, 0, False, "", "hello", [1], {"a": 1}),
        {"error": None, "results": [1]},
        {"error": None},
        {"error": "", "data": {"a": 1}},
        {"error": False, "message": "done"},
        {"errors": [], "data": {"a": 1}},
        {"errors": []},
        {"errors": 0, "warnings": 2},
        {"error": "one of three engines failed", "results": [{"title": "a"}]},
        {"error": {"message": "partial"}, "items": [1]},
        {"error": 0.03, "prediction": 1.5},
        {"error": {"mean": 0.1, "max": 0.5}},
        {"errors": [{"message": "field x is null"}], "data": {"y": 1}},
        {"success": True, "message": "ok"},
        {"success": False, "matches": [{"id": 1}]},
        {"ok": False, "score": 0.2},
        {"status": "failed", "job_id": "17", "progress": 0.5},
        {"status": "error"},
        {"status": "ok", "message": "Hello", "timestamp": 17},
        {"code": "BTC", "name": "Bitcoin", "description": "a coin"},
        {"code": 200, "message": "fine"},
        {"title": "S&P 500", "status": 17, "description": "an index"},
        {"title": "Engineer", "type": "job", "status": "open"},
        {"detail": {"price": 3}},
        {"detail": "x" * 400},
        {"detail": [{"msg": "hi", "from": "a"}], "next": 2},
        {"detail": []},
        {"message": "A rate limit is a cap on the number of requests that a client may send."},
        {"message": "Errors happen. Here is how to handle them in Python."},
        {"message": "Forbidden fruit is sweet"},
        {"message": {"role": "assistant", "content": "hi"}},
        "The maintenance of old cars takes patience and rate limits do not matter.",
        [{"detail": "first"}, {"detail": "second"}],
        [{"message": "not found"}],
        [{"error": None, "x": 1}],
        {"text": "<html>"},
    ],
    ids=lambda answer: json.dumps(answer)[:50],
)
def test_answers_are_samples(answer: Any) -> None:
    """Ours: a false alarm here loses an answer."""
    judged = judge_value(answer)
    assert judged.is_sample
    assert judged.value == answer
    assert judge(answer) == "sample"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": "no such model"}, "error_object"),
        ({"Error": "no such model", "requestId": "x"}, "error_object"),
        ({"error": {"message": "bad", "type": "invalid_request_error", "code": None}}, "error_object"),
        ({"error": "boom", "results": []}, "error_object"),
        ({"error": True, "message": "boom"}, "error_object"),
        ({"errors": ["a", "b"]}, "error_object"),
        ({"errors": {"name": ["is required"]}, "message": "invalid"}, "error_object"),
        ({"error_code": 17, "message": "bad"}, "error_object"),
        ({"success": False, "message": "no"}, "error_object"),
        ({"success": False}, "error_object"),
        ({"ok": False, "description": "chat not found", "error_code": 400}, "error_object"),
        ({"status": "error", "message": "boom", "data": None}, "error_object"),
        ({"status": "fail", "detail": "boom"}, "error_object"),
        ({"code": 500, "msg": "boom"}, "error_object"),
        ({"statusCode": 404, "message": "nothing here"}, "error_object"),
        ({"detail": "Not authenticated"}, "error_object"),
        ({"detail": [{"loc": ["query", "q"], "msg": "Field required", "type": "missing"}]}, "error_object"),
        ({"message": "Internal Server Error"}, "error_object"),
        ({"message": "Forbidden"}, "error_object"),
        ({"message": "Missing Authentication Token"}, "error_object"),
        ([{"error": "x"}, {"error": "y"}], "error_object"),
        ("Internal Server Error", "error_object"),
        ("Error: upstream gone", "error_object"),
        ({"detail": "rate limit"}, "rate_limited"),
        ({"detail": "Request was throttled. Expected available in 5 seconds."}, "rate_limited"),
        ({"error": {"message": "slow", "code": 429}}, "rate_limited"),
        ({"error": {"code": "rate_limit_exceeded", "message": "wait"}}, "rate_limited"),
        ({"message": "API rate limit exceeded"}, "rate_limited"),
        ({"message": "You have exceeded your monthly quota"}, "rate_limited"),
        ("Too many requests, please try again later.", "rate_limited"),
        ({"status": 429, "message": "x"}, "rate_limited"),
        ({"error": "we are down for maintenance"}, "maintenance"),
        ({"message": "Service temporarily unavailable"}, "maintenance"),
        ({"message": "The API is under maintenance"}, "maintenance"),
        ({"error": "please solve the captcha"}, "challenge"),
        ({"type": "about:blank", "title": "Not Found", "status": 404}, "problem"),
        ({"title": "Bad", "status": 400, "detail": "no", "balance": 30}, "problem"),
        ({"title": "Too Many Requests", "status": 429, "detail": "wait"}, "rate_limited"),
        ({"errors": [{"message": "bad query", "locations": []}], "data": None}, "graphql_error"),
        ({"errors": [{"message": "bad query"}]}, "graphql_error"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_errors_with_status_200_are_not(answer: Any, kind: str) -> None:
    """Ours: bad input 25."""
    assert judge_value(answer).kind.value == kind
    assert judge(answer) == kind
    assert judge_value(answer).value is None


@pytest.mark.parametrize(
    ("status", "media_type", "body", "kind"),
    [
        (500, JSON, b'{"a": 1}', "error_status"),
        (404, JSON, b"", "error_status"),
        (301, JSON, b'{"a": 1}', "error_status"),
        (100, JSON, b'{"a": 1}', "error_status"),
        (429, JSON, b'{"a": 1}', "rate_limited"),
        (503, "text/html", b"<html>We are in maintenance</html>", "maintenance"),
        (403, "text/html", b"<!DOCTYPE html><title>Just a moment...</title>", "challenge"),
        (503, "text/html", b"<html>oops</html>", "error_status"),
        (204, JSON, b"", "empty"),
        (205, JSON, b"{}", "empty"),
        (200, JSON, b"", "empty"),
        (200, JSON, b" \r\n ", "empty"),
        (206, JSON, b'{"a": 1}', "truncated"),
        (201, JSON, b'{"a": 1}', "sample"),
        (200, "text/html; charset=utf-8", b'{"a": 1}', "html"),
        (200, JSON, b"<!doctype html><html></html>", "html"),
        (200, JSON, b"\xef\xbb\xbf  <HTML>", "html"),
        (200, "", b"<html>Please complete the captcha</html>", "challenge"),
        (200, "text/html", b"<p>Rate limit exceeded</p>", "rate_limited"),
        (200, "application/problem+json", b'{"title": "x"}', "problem"),
        (200, "image/png", b"\x89PNG", "not_json"),
        (200, "text/event-stream", b"data: {}\n\n", "not_json"),
        (200, "APPLICATION/JSON; charset=utf-8", b'{"a": 1}', "sample"),
        (200, "application/vnd.api+json", b'{"a": 1}', "sample"),
        (200, "text/plain", b'{"a": 1}', "sample"),
        (200, "application/octet-stream", b"[1]", "sample"),
        (200, "", b'{"a": 1}', "sample"),
        (200, JSON, b'\xef\xbb\xbf{"a": 1}', "sample"),
        (200, JSON, '{"a": "é"}'.encode("utf-16"), "sample"),
        (200, "text/plain", b"Too Many Requests", "rate_limited"),
        (200, "text/plain", b"hello", "not_json"),
        (200, JSON, b'{"a": 1', "truncated"),
        (200, JSON, b'[{"a": "x"}, {"b', "truncated"),
        (200, JSON, b'{"a": "x\\"', "truncated"),
        (200, JSON, b'{"a": "x\\', "truncated"),
        (200, JSON, b'"abc', "truncated"),
        (200, JSON, b"[" * 100_000, "truncated"),
        (200, JSON, b"{a: 1}", "not_json"),
        (200, JSON, b'{"a": 1}}', "not_json"),
        (200, JSON, b'{"a": 1} {"a": 2}', "not_json"),
        (200, JSON, b'{"a": NaN}', "not_json"),
        (200, JSON, b'{"a": 1e999}', "not_json"),
        (200, JSON, b'{"a": ' + b"1" * 5_000 + b"}", "not_json"),
        (200, JSON, b'{"a": "\\ud800"}', "not_json"),
        (200, JSON, b"\xff\xfe\xff", "not_json"),
        (200, JSON, b'{"a": 1, "a": 2}', "ambiguous"),
        (200, JSON, b'[{"b": {"a": 1, "a": 1}}]', "ambiguous"),
        (200, JSON, b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (200, JSON, b"[" * 200 + b"]" * 200, "too_deep"),
        (200, JSON, b"[" + b"0," * 250_000 + b"0]", "too_large"),
        (200, JSON, b" " * MAX_BODY_BYTES + b"1", "too_large"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_response_is_judged_by_status_type_and_body(status: int, media_type: str, body: bytes, kind: str) -> None:
    """Ours: bad inputs 15 to 18, 24 and 25."""
    assert judge(body, status, media_type) == kind


@given(st.integers(100, 599), st.sampled_from([JSON, "text/html", "", "text/plain", "x"]), st.binary(max_size=60))
def test_any_bytes_are_judged(status: int, media_type: str, body: bytes) -> None:
    """Ours."""
    judged = judge_response(Response(status, media_type, body))
    assert judged.is_sample == (judged.kind is ResponseKind.SAMPLE)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["error", "detail", "errors"]), inner)
        ),
    )
)
def test_any_value_is_judged_the_same_as_its_text(value: Any) -> None:
    """Ours."""
    kind = judge_value(value).kind
    if kind is ResponseKind.NOT_JSON:
        return
    text = json.dumps(value, ensure_ascii=False).encode()
    assert judge_response(Response(200, JSON, text)).kind is kind


def test_every_kind_is_explained() -> None:
    """Ours: they are told in the notes of an inference."""
    assert MEANINGS.keys() == set(ResponseKind)


def test_bodies_are_not_shown() -> None:
    """Ours: they may hold secrets."""
    response = Response(200, JSON, b'{"token": "hunter2"}')
    assert "hunter2" not in repr(response)
    assert "hunter2" not in repr(judge_response(response))
