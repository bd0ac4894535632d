"""A document is fetched within limits, from where it may be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra_tools.calls import Limits
from orchestra_tools.errors import AnswerTooLargeError, CallTimeoutError, RejectedError
from orchestra_tools.updates.documents import OwnAddresses, fetch_document, may_be_remembered
from tests.api_documents import DocumentSite, document_site

SMALL = Limits(timeout_s=30.0, max_wire_bytes=20_000, max_body_bytes=50_000)


@pytest.fixture
def site() -> Iterator[DocumentSite]:
    with document_site() as running:
        yield running


async def fetch(site: DocumentSite, tmp_path: Path, **options: Any) -> bytes | None:
    options = {"limits": SMALL} | options
    return (await fetch_document(site.url, typed=True, own=OwnAddresses(tmp_path), **options)).data


async def test_bytes_are_counted_as_they_come(site: DocumentSite, tmp_path: Path) -> None:
    counted: list[int] = []
    data = await fetch(site, tmp_path, on_bytes=counted.append)
    assert data == site.body
    assert counted[-1] == len(site.body)


async def test_a_server_that_drips_is_given_up(site: DocumentSite, tmp_path: Path) -> None:
    site.drip_s = 0.05
    with pytest.raises(CallTimeoutError, match="did not come within 1 seconds") as caught:
        await fetch(site, tmp_path, limits=Limits(timeout_s=1.0))
    assert "curl" in caught.value.remedy


async def test_a_document_beyond_the_limit_is_given_up(site: DocumentSite, tmp_path: Path) -> None:
    site.body = b"{" + b" " * 30_000
    with pytest.raises(AnswerTooLargeError, match="larger than 20,000 bytes"):
        await fetch(site, tmp_path)


async def test_a_redirect_on_the_same_host_is_followed(site: DocumentSite, tmp_path: Path) -> None:
    """And not for ever."""
    site.status, site.headers = 302, {"Location": "/v2/openapi.json"}
    with pytest.raises(RejectedError, match="leads to another place"):
        await fetch(site, tmp_path)
    assert [path for path, _ in site.asked] == ["/openapi.json", *["/v2/openapi.json"] * 3]


async def test_what_follows_a_number_sign_is_not_sent(site: DocumentSite, tmp_path: Path) -> None:
    fetched = await fetch_document(f"{site.url}#/search", typed=True, own=OwnAddresses(tmp_path), limits=SMALL)
    assert fetched.url == site.url
    assert OwnAddresses(tmp_path).known() == [site.url]


def test_only_the_latest_own_addresses_are_kept(tmp_path: Path) -> None:
    own = OwnAddresses(tmp_path)
    for number in range(120):
        own.add(f"http://127.0.0.1/{number}")
    assert len(own.known()) == 100
    assert own.known()[-1] == "http://127.0.0.1/119"


@pytest.mark.parametrize(
    ("query", "fit"),
    [("", True), ("format=json", True), ("api_key=1", False), ("Token", False), ("X-Amz-Signature=1", False)],
)
def test_a_query_with_a_secret_is_not_remembered(query: str, fit: bool) -> None:
    assert may_be_remembered(f"https://api.example/openapi.json?{query}") is fit
