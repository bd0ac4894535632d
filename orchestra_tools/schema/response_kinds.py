"""What a response can be, beside an answer."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from orchestra_tools.schema.strict_json import MAX_DEPTH

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_VALUES = 200_000  # values in one sample, nested ones included


class ResponseKind(StrEnum):
    """What a response is."""

    SAMPLE = "sample"
    ERROR_STATUS = "error_status"
    EMPTY = "empty"
    HTML = "html"
    RATE_LIMITED = "rate_limited"
    CHALLENGE = "challenge"
    MAINTENANCE = "maintenance"
    NOT_JSON = "not_json"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    AMBIGUOUS = "ambiguous"
    ERROR_OBJECT = "error_object"
    PROBLEM = "problem"
    GRAPHQL_ERROR = "graphql_error"


MEANINGS: Mapping[ResponseKind, str] = {
    ResponseKind.SAMPLE: "an answer",
    ResponseKind.ERROR_STATUS: "its status is not 2xx",
    ResponseKind.EMPTY: "it has no body",
    ResponseKind.HTML: "a web page in place of JSON",
    ResponseKind.RATE_LIMITED: "it speaks of a rate limit",
    ResponseKind.CHALLENGE: "a check for humans",
    ResponseKind.MAINTENANCE: "it speaks of maintenance or an outage",
    ResponseKind.NOT_JSON: "it is not JSON",
    ResponseKind.TRUNCATED: "its JSON ends too early",
    ResponseKind.TOO_LARGE: f"over {MAX_BODY_BYTES:,} bytes or {MAX_VALUES:,} values",
    ResponseKind.TOO_DEEP: f"nested deeper than {MAX_DEPTH} levels",
    ResponseKind.AMBIGUOUS: "a name stands twice in one object",
    ResponseKind.ERROR_OBJECT: "an error in place of an answer",
    ResponseKind.PROBLEM: "problem details (RFC 9457)",
    ResponseKind.GRAPHQL_ERROR: "GraphQL errors without data",
}
