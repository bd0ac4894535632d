"""Which responses say what an operation answers with, and which are something else. No I/O.

    judged = judge_response(Response(200, "application/json", body))
    judged.kind        # ResponseKind.SAMPLE, or what it is instead
    judged.value       # the parsed body of a sample

An error page learned as an answer makes a schema that takes error pages. So everything that is not an answer has a kind
of its own: other statuses, HTML, broken or cut-off bodies, and errors that come with status 200. The last are told by
their shape, and only where nothing else is in the body: `{"error": null, "results": [...]}` is an answer, and so is
`{"error": "partial", "results": [1]}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from orchestra_tools.schema.error_bodies import kind_of_error, kind_of_message, kind_spoken_of
from orchestra_tools.schema.response_kinds import MAX_BODY_BYTES, MAX_VALUES, ResponseKind
from orchestra_tools.schema.strict_json import (
    LENIENT_MEDIA_TYPES,
    MAX_DEPTH,
    RepeatedNameError,
    is_json_type,
    read_json,
)

_MAX_PAGE = 80_000  # bytes of a page that are looked at
_MAX_INTEGER_BITS = 8_192  # Python itself writes no more than 4,300 digits
__all__ = ["Judgement", "Response", "ResponseKind", "judge_response", "judge_value"]


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it came.

    Attributes:
        media_type: Content type; parameters and case do not matter. "" = none was named.
        body: After decompression.
    """

    status: int
    media_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a response is; `value` is the parsed body of a sample, else None."""

    kind: ResponseKind
    value: Any = field(default=None, repr=False)

    @property
    def is_sample(self) -> bool:
        """Whether it counts."""
        return self.kind is ResponseKind.SAMPLE


def judge_response(response: Response) -> Judgement:
    """Say what a response is."""
    media_type = response.media_type.partition(";")[0].strip().lower()
    body = response.body
    if not 200 <= response.status < 300:
        return Judgement(_kind_of_failure(response.status, body))
    if response.status in (204, 205) or not body.strip():
        return Judgement(ResponseKind.EMPTY)
    if len(body) > MAX_BODY_BYTES:
        return Judgement(ResponseKind.TOO_LARGE)
    if response.status == 206:
        return Judgement(ResponseKind.TRUNCATED)
    if media_type in ("text/html", "application/xhtml+xml") or _PAGE.match(body):
        return Judgement(_kind_of_page(body))
    if media_type == "application/problem+json":
        return Judgement(ResponseKind.PROBLEM)
    if media_type and not (is_json_type(media_type) or media_type in LENIENT_MEDIA_TYPES):
        return Judgement(ResponseKind.NOT_JSON)
    return _judge_body(body)


def judge_value(value: Any) -> Judgement:
    """Say what a parsed JSON body is."""
    kind = what_is_unsound(value) or kind_of_error(value)
    return Judgement(kind) if kind else Judgement(ResponseKind.SAMPLE, value)


def _judge_body(body: bytes) -> Judgement:
    try:
        value = read_json(body, unique_names=True)
    except RepeatedNameError:
        return Judgement(ResponseKind.AMBIGUOUS)
    except ValueError:
        text = body.decode("utf-8", "replace")
        if (kind := kind_of_message(text)) is not None:
            return Judgement(kind)
        depth, is_cut = _brackets(text)
        if is_cut:
            return Judgement(ResponseKind.TRUNCATED)
        return Judgement(ResponseKind.TOO_DEEP if depth > MAX_DEPTH else ResponseKind.NOT_JSON)
    return judge_value(value)


def _kind_of_failure(status: int, body: bytes) -> ResponseKind:
    if status == 429:
        return ResponseKind.RATE_LIMITED
    if status in (403, 503) and _PAGE.match(body):
        kind = _kind_of_page(body)
        return ResponseKind.ERROR_STATUS if kind is ResponseKind.HTML else kind
    return ResponseKind.ERROR_STATUS


_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|!--|\?xml|html|head|body|title|script|center)\b", re.IGNORECASE)


def _kind_of_page(body: bytes) -> ResponseKind:
    text = body[:_MAX_PAGE].decode("utf-8", "replace")
    return kind_spoken_of(text) or ResponseKind.HTML


def _brackets(text: str) -> tuple[int, bool]:
    """The deepest nesting of a JSON-like text, and whether it ends before it is closed."""
    depth = deepest = 0
    in_string = False
    for token in _TOKENS.finditer(text):
        if token[0][0] == '"':
            in_string = not token["end"]
        elif token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
            if depth < 0:
                return deepest, False
    return deepest, text.lstrip()[:1] in ("{", "[", '"') and (depth > 0 or in_string)


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?P<end>"?)|[\[\]{}]', re.DOTALL)


def what_is_unsound(value: Any) -> ResponseKind | None:
    """Why a value is no JSON that can be held against a schema, or None."""
    # Iterative: it may be deeper than the stack.
    stack: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while stack:
        part, depth = stack.pop()
        seen += 1
        if isinstance(part, dict | list):
            if depth >= MAX_DEPTH:
                return ResponseKind.TOO_DEEP
            if seen + len(stack) + len(part) > MAX_VALUES:
                return ResponseKind.TOO_LARGE
            if isinstance(part, dict) and not all(map(_is_text, part)):
                return ResponseKind.NOT_JSON
            stack.extend((each, depth + 1) for each in (part.values() if isinstance(part, dict) else part))
        elif not _is_scalar(part):
            return ResponseKind.NOT_JSON
    return None


def _is_scalar(part: Any) -> bool:
    if part is None or isinstance(part, bool):
        return True
    if isinstance(part, float):
        return isfinite(part)
    return part.bit_length() <= _MAX_INTEGER_BITS if isinstance(part, int) else _is_text(part)


def _is_text(part: Any) -> bool:
    if type(part) is not str:
        # The engine takes no strings of other classes.
        return False
    try:
        return part.isascii() or bool(part.encode())
    except UnicodeEncodeError:
        return False
