"""Lists in pages: every item once, and a cursor that is not of this list is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError
from mcp.types import INVALID_PARAMS

from mcp_server_orchestra.pages import PAGE_SIZE, Listing


def listing(length: int, *, kind: str = "tools", prefix: str = "") -> Listing[int]:
    return Listing(kind, range(length), [f"{prefix}{number}" for number in range(length)])


def cursors_of(listed: Listing[int]) -> list[str]:
    found: list[str] = []
    cursor = listed.page(None)[1]
    while cursor is not None:
        found.append(cursor)
        cursor = listed.page(cursor)[1]
    return found


@given(length=st.integers(0, 5 * PAGE_SIZE))
def test_the_pages_together_are_the_list(length: int) -> None:
    """Each item once, in order, and no empty page at the end."""
    listed = listing(length)
    pages = [listed.page(cursor)[0] for cursor in (None, *cursors_of(listed))]
    assert [item for page in pages for item in page] == list(range(length))
    assert all(pages) or length == 0


def test_a_worker_takes_the_cursor_of_another_worker_with_the_same_list() -> None:
    """Workers behind a load balancer share nothing."""
    (cursor,) = cursors_of(listing(150))
    assert list(listing(150).page(cursor)[0]) == list(range(100, 150))


@pytest.mark.parametrize(
    "other",
    [listing(251), listing(250, prefix="other "), listing(250, kind="resources"), listing(0)],
    ids=["longer", "of other items", "of another kind", "empty"],
)
def test_a_cursor_of_another_list_is_refused(other: Listing[int]) -> None:
    """Never a wrong page silently: going on would leave items out, or give some twice."""
    for cursor in cursors_of(listing(250)):
        with pytest.raises(MCPError, match=r"Invalid cursor.*List again from the beginning") as caught:
            other.page(cursor)
        assert caught.value.code == INVALID_PARAMS


@given(place=st.integers(0, 400), text=st.text(max_size=40), at=st.integers(0, 20), mark=st.characters())
def test_whatever_is_no_cursor_of_the_list_is_refused(place: int, text: str, at: int, mark: str) -> None:
    """Invented and changed ones alike."""
    listed = listing(250)
    good = cursors_of(listed)
    changed = good[0][:at] + mark + good[0][at + 1 :]
    for cursor in (text, changed, f"{place}-{good[0].partition('-')[2]}", good[0] + text):
        if cursor not in good:
            with pytest.raises(MCPError, match="Invalid cursor"):
                listed.page(cursor)
