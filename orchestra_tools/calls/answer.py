"""A response becomes data, or the error that says whose fault it was. Pure.

JSON is parsed strictly, text decoded, server-sent events collected into a list; anything else comes back as base64.
What a subnet says in an error is quoted to the caller only if it is short, plain and does not talk to the model.
"""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from orchestra_tools.calls.events import EVENT_STREAM, read_event_data
from orchestra_tools.calls.wire import WireResponse
from orchestra_tools.compile import Tool
from orchestra_tools.compile.hygiene import text_problems
from orchestra_tools.errors import (
    CallError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnreadableAnswerError,
    UpstreamError,
)
from orchestra_tools.model import HttpEndpoint, Outcome
from orchestra_tools.schema.strict_json import LENIENT_MEDIA_TYPES, is_json_type, read_json

MAX_QUOTE = 300  # characters of a subnet's own error message
MAX_JUDGED = 4096  # bytes of it that are looked at
MAX_RETRY_AFTER_S = 86_400.0
# Not encodings of text: they decode at quadratic cost, or run escapes.
_REFUSED_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_7"})


def read_answer(
    tool: Tool, response: WireResponse, *, now: datetime, clean: Callable[[str], str] = lambda text: text
) -> Any:
    """The data of a response.

    Args:
        tool: The tool that was called.
        response: What came back.
        now: For a `Retry-After` that is a date.
        clean: Cuts the caller's key out of a message of the subnet before it is quoted.

    Raises:
        UnauthorizedError, RejectedError, RateLimitedError, UpstreamError: By status.
        UnreadableAnswerError: The body is not what its media type says.
    """
    if not 200 <= response.status < 300:
        raise _failure(tool, response, now, clean)
    endpoint = tool.operation.endpoint
    expected = endpoint.response_media_type if isinstance(endpoint, HttpEndpoint) else ""
    bodiless = isinstance(endpoint, HttpEndpoint) and endpoint.method == "HEAD"
    if response.status == 204 or (not response.body and (bodiless or response.status != 200)):
        return None
    return _reader(expected, response)(tool, response)


def _reader(expected: str, response: WireResponse) -> Callable[[Tool, WireResponse], Any]:
    given = response.media_type or expected
    if given == EVENT_STREAM:
        return _read_events
    if is_json_type(given):
        return _read_json
    if is_json_type(expected):
        # Some servers send JSON as text/plain; HTML in place of JSON is an error page.
        return _read_json if given in LENIENT_MEDIA_TYPES else _refuse_media_type
    if given.startswith("text/") or given == "image/svg+xml":
        return _read_text
    return _read_binary


def _read_json(tool: Tool, response: WireResponse) -> Any:
    try:
        return read_json(response.body)
    except ValueError as error:
        raise _unreadable(tool, response, str(error)) from None


def _read_text(tool: Tool, response: WireResponse) -> str:
    charset = "utf-8"
    for parameter in response.headers.get("content-type", "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"')
    try:
        if codecs.lookup(charset).name.replace("-", "_") in _REFUSED_CHARSETS:
            raise LookupError(charset)
        return response.body.decode(charset)
    except (ValueError, LookupError):
        raise _unreadable(tool, response, "its text is not in the charset it names") from None


def _read_events(tool: Tool, response: WireResponse) -> list[Any]:
    events: list[Any] = []
    for data in read_event_data(response.body):
        if data == "[DONE]":
            break
        try:
            events.append(read_json(data.encode()))
        except ValueError:
            events.append(data)
    return events


def _read_binary(tool: Tool, response: WireResponse) -> dict[str, Any]:
    return {
        "media_type": response.media_type or "application/octet-stream",
        "bytes": len(response.body),
        "base64": base64.b64encode(response.body).decode(),
    }


def _refuse_media_type(tool: Tool, response: WireResponse) -> NoReturn:
    raise _unreadable(tool, response, f"it is {response.media_type!r} instead of JSON")


def _unreadable(tool: Tool, response: WireResponse, problem: str) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"{tool.subnet} answered {tool.name}, but {problem}",
        remedy="Try again later or use another tool; the fault is the subnet's",
        outcome=Outcome.UNREADABLE,
        status=response.status,
        tool=tool.name,
    )


def _failure(tool: Tool, response: WireResponse, now: datetime, clean: Callable[[str], str]) -> CallError:
    status = response.status
    said = _quote(response, clean)
    subject = f"{tool.subnet} answered {tool.name} with {status}{said}"
    retry_after = _retry_after(response, now)
    if status == 429:
        wait = f"Wait {retry_after:g} seconds" if retry_after is not None else "Wait before calling again"
        return RateLimitedError(
            subject, remedy=wait, outcome=Outcome.RATE_LIMITED, status=status, retry_after_s=retry_after, tool=tool.name
        )
    if status in (401, 402, 403):
        remedy = f"Check the key: `orchestra keys set {tool.subnet}`"
        if status == 402:
            remedy = f"The account behind the key of {tool.subnet} needs credit"
        return UnauthorizedError(subject, remedy=remedy, outcome=Outcome.UNAUTHORIZED, status=status, tool=tool.name)
    if status < 500 and status != 408:
        remedy = "Mend the arguments, or use another tool"
        return RejectedError(subject, remedy=remedy, outcome=Outcome.REJECTED, status=status, tool=tool.name)
    return UpstreamError(
        subject,
        remedy="Try again later or use another tool; the fault is the subnet's",
        outcome=Outcome.SERVER_ERROR,
        status=status,
        retry_after_s=retry_after,
        tool=tool.name,
    )


def _quote(response: WireResponse, clean: Callable[[str], str]) -> str:
    """What the subnet says of an error, if it can be shown to a model."""
    if not (is_json_type(response.media_type) or response.media_type == "text/plain"):
        return ""
    text = " ".join(clean(_readable(response.body[:MAX_JUDGED])).split())
    if not text:
        return ""
    # An escape that is still there hides what it says.
    if "\\u" in text or any(text_problems(text, limit=MAX_JUDGED)):
        return " (its message is withheld: it is not plain text about the call)"
    return f": {text[:MAX_QUOTE]}{'…' if len(text) > MAX_QUOTE else ''}"


def _readable(message: bytes) -> str:
    """A message as a model would understand it: JSON without its escapes."""
    try:
        value = read_json(message)
    except ValueError:
        return message.decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _retry_after(response: WireResponse, now: datetime) -> float | None:
    """`Retry-After` in seconds (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal() and value.isascii():
        return _bounded(float(value[:10]))
    try:
        date = parsedate_to_datetime(value)
        return None if date.tzinfo is None else _bounded((date - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), MAX_RETRY_AFTER_S)
