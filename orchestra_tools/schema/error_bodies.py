"""Errors that come with status 200, told by their shape and by what they say. No I/O.

An error is told only where nothing else is in the body: an answer may well have a member `error`, or talk of rate
limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestra_tools.schema.response_kinds import ResponseKind

_MAX_LOOKED_AT = 20_000  # characters of a page or message that are searched for words
_MAX_MESSAGE = 300  # characters; a longer text is an answer, whatever it talks of


def _words(**kinds: str) -> tuple[tuple[ResponseKind, re.Pattern[str]], ...]:
    return tuple(
        (ResponseKind[kind], re.compile(pattern, re.IGNORECASE | re.DOTALL)) for kind, pattern in kinds.items()
    )


# Searched in pages, and in what is known to be an error: they only say which one.
_SPOKEN_OF = _words(
    CHALLENGE=r"captcha|verify (that )?you are (a )?human|checking your browser|just a moment\.\.\.|attention required!"
    r"|enable javascript and cookies|cf-challenge|are you a robot|unusual traffic",
    RATE_LIMITED=r"rate[ _-]?limit|too many requests|quota|throttl(ed|ing)|slow down|try again in \d+",
    MAINTENANCE=r"maintenance|temporarily (unavailable|down|offline)|service (is )?(\w+ )?unavailable"
    r"|be back (soon|shortly)",
)
# For a text that stands where an answer should. It may be an answer about rate limits, so it must say little else.
_SAID_ALONE = _words(
    CHALLENGE=r"(please )?(complete|solve) (the|a) captcha|captcha (is )?required"
    r"|(please )?verify (that )?you are (a )?human",
    RATE_LIMITED=r"((you|have|has|your|the|api|request|error|hourly|daily|monthly)\W+)*"
    r"(rate[ _-]?limit(ed|s)?\W*(\w+ ){0,2}(exceeded|reached|hit)\b|rate[ _-]?limit(ed)?\W*$|too many requests"
    r"|exceeded \w+ [\w ]{0,30}(quota|limit)|quota \w{0,5} ?\w{0,5} ?(exceeded|reached|exhausted)|throttl(ed|ing)\W*$)",
    MAINTENANCE=r".{0,40}\b(under|down for|undergoing|scheduled) maintenance\b|maintenance( mode)?\W*$"
    r"|(the )?service (is )?(\w+ )?unavailable",
    ERROR_OBJECT=r"\W*(error|internal (server )?error|unauthori[sz]ed|forbidden|not found|access denied"
    r"|permission denied|bad request|bad gateway|gateway time-?out|endpoint request timed out|request timed out"
    r"|invalid (api )?(key|token)|missing (api key|authentication)( token)?|not authenticated"
    r"|authentication (required|failed)|method not allowed|unprocessable (entity|content))(\s*[.:!(,-].*)?$",
)


def kind_spoken_of(text: str) -> ResponseKind | None:
    """The kind of error that a page or an error is about, by its words, or None."""
    text = text[:_MAX_LOOKED_AT]
    return next((kind for kind, words in _SPOKEN_OF if words.search(text)), None)


def kind_of_message(text: str) -> ResponseKind | None:
    """The kind of a text that stands where an answer should, or None."""
    if len(text) > _MAX_MESSAGE:
        return None
    return next((kind for kind, words in _SAID_ALONE if words.match(text.strip())), None)


# Members that come with an error and are no answer by themselves, in lower case.
_COMPANIONS = frozenset(
    (
        *("error", "errors", "err", "error_code", "error_type", "error_message", "error_description", "error_uri"),
        *("message", "msg", "detail", "details", "description", "reason", "reasons", "hint", "title", "type", "name"),
        *("code", "status", "status_code", "statuscode", "success", "ok", "param", "stack", "traceback", "extensions"),
        *("instance", "path", "method", "timestamp", "time", "version", "meta", "retry_after", "retryafter"),
        *("request_id", "requestid", "trace_id", "traceid", "correlation_id", "correlationid"),
        *("documentation_url", "docs", "docs_url", "doc_url", "help", "help_url"),
    )
)
_TEXTS = ("message", "msg", "detail", "details", "description", "reason", "error_description", "error_message", "title")
_SAY_SO = frozenset({*_TEXTS, "code", "status"})
_FAILED = frozenset({"error", "fail", "failed", "failure"})


def kind_of_error(value: Any) -> ResponseKind | None:
    """The kind of an error that came in place of an answer, or None."""
    if isinstance(value, str):
        return kind_of_message(value)
    if isinstance(value, list):
        failed = bool(value) and all(isinstance(each, dict) and _is_bare(each) and _has_error(each) for each in value)
        return ResponseKind.ERROR_OBJECT if failed else None
    if not isinstance(value, dict) or not value:
        return None
    if _is_problem(value):
        return kind_spoken_of(_said(value)) or ResponseKind.PROBLEM
    if not _is_bare(value):
        return None
    if _has_graphql_errors(value):
        return ResponseKind.GRAPHQL_ERROR
    if _has_error(value) or _says_failed(value) or _is_only_detail(value):
        return kind_spoken_of(_said(value)) or ResponseKind.ERROR_OBJECT
    if set(map(str.lower, value)) <= {"message", "msg"}:
        # One text alone may be an answer; it is an error where it says so.
        return next((kind for text in _texts(value) if (kind := kind_of_message(text))), None)
    return None


def _is_bare(answer: dict[str, Any]) -> bool:
    """Whether an object holds nothing but what comes with an error."""
    return all(key.lower() in _COMPANIONS or _is_nothing(part) for key, part in answer.items())


def _is_nothing(part: Any) -> bool:
    return part is None or part in ("", [], {})


def _is_problem(answer: dict[str, Any]) -> bool:
    """Whether it is a problem (RFC 9457) under another media type."""
    status = answer.get("status")
    return (
        isinstance(answer.get("title"), str)
        and isinstance(answer.get("type", ""), str)
        and _is_error_status(status)
        and ("type" in answer or "detail" in answer)
    )


def _is_error_status(code: Any) -> bool:
    return isinstance(code, int) and not isinstance(code, bool) and 400 <= code <= 599


def _has_graphql_errors(answer: dict[str, Any]) -> bool:
    errors = answer.get("errors")
    return (
        isinstance(errors, list)
        and bool(errors)
        and all(isinstance(each, dict) and isinstance(each.get("message"), str) for each in errors)
        and set(answer) <= {"errors", "data", "extensions"}
    )


def _has_error(answer: dict[str, Any]) -> bool:
    lowered = {key.lower(): part for key, part in answer.items()}
    for key in ("error", "errors", "err"):
        error = lowered.get(key)
        if isinstance(error, str) and error.strip():
            return True
        if error is True or (isinstance(error, list) and error and all(isinstance(each, str | dict) for each in error)):
            return True
        if isinstance(error, dict) and error and (key == "errors" or any(name.lower() in _SAY_SO for name in error)):
            return True
    return "error_code" in lowered and any(_texts(answer))


def _says_failed(answer: dict[str, Any]) -> bool:
    lowered = {key.lower(): part for key, part in answer.items()}
    if lowered.get("success") is False or lowered.get("ok") is False:
        return True
    status = lowered.get("status")
    failed = isinstance(status, str) and status.lower() in _FAILED
    failed = failed or any(
        _is_error_status(lowered.get(key)) for key in ("status", "code", "status_code", "statuscode")
    )
    return failed and any(_texts(answer))


def _is_only_detail(answer: dict[str, Any]) -> bool:
    """What FastAPI and Django REST framework answer with."""
    detail = answer.get("detail")
    if len(answer) != 1:
        return False
    if isinstance(detail, list):
        return bool(detail) and all(isinstance(each, dict) and "msg" in each for each in detail)
    return isinstance(detail, str) and 0 < len(detail) <= _MAX_MESSAGE


def _texts(answer: Any, depth: int = 0) -> Iterator[str]:
    """The messages of an error object."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, dict) and depth < 4:
        for key, part in answer.items():
            if key.lower() in _TEXTS:
                yield from _texts(part, depth + 1)
    elif isinstance(answer, list) and depth < 4:
        for each in answer[:5]:
            yield from _texts(each, depth + 1)


def _said(answer: dict[str, Any]) -> str:
    """All that an error object says, in one text."""
    inner = [answer.get(key) for key in ("error", "errors")]
    texts = [*_texts(answer), *(text for part in inner for text in _texts(part))]
    codes = [each.get("code") for each in (answer, *inner) if isinstance(each, dict)]
    texts += [code for code in codes if isinstance(code, str)]
    if 429 in codes or answer.get("status") == 429 or answer.get("status_code") == 429:
        texts.append("rate limit")
    return "\n".join(texts)
