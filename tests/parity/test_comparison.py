"""Requests that mean the same are the same; whatever else differs is told."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict

from tests.calls.recording import Recorded
from tests.parity.comparison import compare

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def request(**changes: Any) -> Recorded:
    headers = changes.pop("headers", {})
    parts: dict[str, Any] = {"method": "POST", "target": "/v1/ask?q=a", "body": b"", **changes}
    return Recorded(headers=CIMultiDict({"Authorization": "Bearer k", **headers}), **parts)


def multipart(boundary: str, *parts: str) -> Recorded:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return request(headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}, body=body.encode())


FIELD = 'Content-Disposition: form-data; name="a"\r\n\r\n1'
FILE = 'Content-Disposition: form-data; name="a"; filename="a"\r\nContent-Type: image/png\r\n\r\n1'


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (request(), request()),
        (request(target="/v1/%7Ea?q=a+b&r=1&q=c"), request(target="/v1/~a?r=1&q=a%20b&q=c")),
        (
            request(headers={"Content-Type": "application/json; charset=UTF-8"}, body=b'{"a": 1.0, "b": "\\u00fc"}'),
            request(headers=JSON, body='{"b":"ü","a":1}'.encode()),
        ),
        (request(headers=FORM, body=b"a=1&b=x+y"), request(headers=FORM, body=b"b=x%20y&a=1")),
        (request(headers={"User-Agent": "x", "Accept": "*/*"}), request(headers={"Accept-Encoding": "gzip"})),
        (
            request(headers={"Accept": "application/json;q=0.5"}),
            request(headers={"Accept": "text/plain, application/json"}),
        ),
        (multipart("x", FIELD, FILE), multipart("yy", FIELD, FILE)),
        (request(headers={"X-Client-Version": "1"}), request()),
    ],
)
def test_what_means_the_same_is_the_same(theirs: Recorded, ours: Recorded) -> None:
    """Ours: what may differ is named in the module's first words."""
    assert compare(theirs, ours, ["x-client-*"]) == []


@pytest.mark.parametrize(
    ("theirs", "ours", "told"),
    [
        (request(method="PUT"), request(), "method"),
        (request(target="/v1/ask/?q=a"), request(), "path"),
        (request(target="/v1/a%2Fb"), request(target="/v1/a/b"), "path"),
        (request(target="/v1/ask?q=a&q=b"), request(target="/v1/ask?q=b&q=a"), "query 'q'"),
        (request(target="/v1/ask?q=a&r="), request(), "query 'r'"),
        (request(target="/v1/ask?q=True"), request(target="/v1/ask?q=true"), "query 'q'"),
        (request(headers={"Authorization": "k"}), request(), "header 'authorization'"),
        (request(headers={"X-Api-Version": "1"}), request(), "header 'x-api-version'"),
        (request(), request(headers={"X-More": "1"}), "header 'x-more'"),
        (request(headers={"Accept": "application/json"}), request(headers={"Accept": "text/plain"}), "header 'accept'"),
        (
            request(headers=JSON, body=b"1"),
            request(headers={"Content-Type": "text/json+json"}, body=b"1"),
            "content type",
        ),
        (request(headers=JSON, body=b'{"a":1}'), request(headers=JSON, body=b'{"a":"1"}'), "body 'a'"),
        (request(headers=JSON, body=b'{"a":true}'), request(headers=JSON, body=b'{"a":1}'), "body 'a'"),
        (request(headers=JSON, body=b'{"a":null}'), request(headers=JSON, body=b"{}"), "body 'a'"),
        (request(headers=JSON, body=b"[1,2]"), request(headers=JSON, body=b"[2,1]"), "body"),
        (request(headers=FORM, body=b"a=1"), request(headers=FORM, body=b"a=2"), "body 'a'"),
        (multipart("x", FIELD), multipart("x", FILE), "body"),
        (request(body=b"a"), request(body=b"b"), "body"),
    ],
)
def test_every_difference_is_told(theirs: Recorded, ours: Recorded, told: str) -> None:
    """Ours: one difference each, so that no check hides behind another."""
    (difference,) = compare(theirs, ours)
    assert difference.startswith(f"{told}: ")
