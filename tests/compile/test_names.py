"""Tool names: safe in every host, unique to the eye, readable, and where they were after every recompile."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestra_tools.compile.names import assign_names, skeleton, slug

SAFE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
HOSTILE = st.sampled_from(
    ["", " ", "_", "-", "search", "Search", "s_earch", "sea_rch", "seаrch", "ｓｅａｒｃｈ", "searcһ", "search\u200b",
     "rn", "m", "vv", "w", "cl", "d", "0", "o", "1", "l", "a_b", "a-b", "a__b", "aB", "a b", "x" * 10_000, "x" * 10_001,
     "\ud800", "😀", "поиск", "검색", "search_7e69e9b4", "../..", "%s", "__proto__", "\n", "\x00"]
)  # fmt: skip
IDS = st.lists(HOSTILE | st.text() | st.from_regex(r"[a-z][a-z0-9_]{0,60}", fullmatch=True), unique=True, max_size=12)


@settings(deadline=None)
@given(st.integers(0, 65_535), IDS)
@example(1, ["search", "Search", "search_" + "8" * 8])
def test_every_name_is_safe_and_unlike_its_neighbours(netuid: int, ids: list[str]) -> None:
    names = assign_names(netuid, ids)
    assert list(names) == ids
    assert all(SAFE.fullmatch(name) and name.startswith(f"sn{netuid}_") for name in names.values())
    looks = [skeleton(unicodedata.normalize("NFKC", name)) for name in names.values()]
    assert len(set(looks)) == len(ids)


@settings(deadline=None)
@given(IDS, IDS)
def test_names_stay_when_operations_are_added_at_the_end(ids: list[str], more: list[str]) -> None:
    added = [each for each in more if each not in ids]
    before = assign_names(7, ids)
    after = assign_names(7, [*ids, *added])
    assert {name: after[name] for name in ids} == before
    assert assign_names(7, ids) == before


@settings(deadline=None)
@given(st.integers(0, 65_535), st.integers(0, 65_535), HOSTILE, HOSTILE)
def test_names_of_two_subnets_never_look_alike(one: int, two: int, first: str, second: str) -> None:
    looks = {skeleton(name) for netuid in {one, two} for name in assign_names(netuid, [first, second]).values()}
    assert len(looks) == len({(netuid, each) for netuid in (one, two) for each in (first, second)})


@pytest.mark.parametrize(
    ("operation_id", "name"),
    [
        ("web_search", "sn22_web_search"),
        ("webSearch", "sn22_web_search"),
        ("WebSearch", "sn22_web_search"),
        ("getHTTPHeaders", "sn22_get_http_headers"),
        ("list v2/items", "sn22_list_v2_items"),
        ("Suche nach Bildern", "sn22_suche_nach_bildern"),
        ("café", "sn22_cafe"),
        ("ｗｅｂ", "sn22_web"),
        ("web-search", "sn22_web-search"),
        ("__init__", "sn22_init"),
    ],
)
def test_names_are_readable(operation_id: str, name: str) -> None:
    assert assign_names(22, [operation_id]) == {operation_id: name}


def test_a_long_name_keeps_its_beginning_and_is_cut_between_words() -> None:
    one = "list_all_documents_of_an_organisation_that_were_changed_since_a_given_moment"
    names = assign_names(22, [one, f"{one}_in_utc"])
    assert [re.sub(r"_[0-9a-f]{8}$", "", name) for name in names.values()] == [
        "sn22_list_all_documents_of_an_organisation_that_were"
    ] * 2
    assert len(set(names.values())) == 2


def test_a_long_name_of_one_word_is_cut_anywhere() -> None:
    (name,) = assign_names(22, ["x" * 10_000]).values()
    assert re.fullmatch(r"sn22_x{50}_[0-9a-f]{8}", name)


def test_an_id_without_latin_letters_is_an_operation() -> None:
    assert re.fullmatch(r"sn22_operation_[0-9a-f]{8}", assign_names(22, ["поиск"])["поиск"])


def test_the_first_of_two_that_look_alike_owns_the_name() -> None:
    names = assign_names(1, ["modern", "modem"])
    assert names["modern"] == "sn1_modern"
    assert re.fullmatch(r"sn1_modem_[0-9a-f]{8}", names["modem"])


def test_an_id_made_to_look_like_anothers_suffixed_name_does_not_take_it() -> None:
    suffixed = assign_names(1, ["search", "Search"])["Search"]
    names = assign_names(1, ["search", suffixed.removeprefix("sn1_"), "Search"])
    assert len(set(names.values())) == 3


@settings(deadline=None)
@given(st.text())
def test_a_slug_is_its_own_slug(text: str) -> None:
    assert slug(slug(text)) == slug(text)


def test_letters_that_look_alike_fold_together() -> None:
    pairs: list[tuple[Any, Any]] = [
        ("modern", "modem"),
        ("1ist", "list"),
        ("go0", "goo"),
        ("a-b", "a__b"),
        ("vveb", "web"),
    ]
    assert all(skeleton(one) == skeleton(two) for one, two in pairs)
    assert skeleton("list") != skeleton("last")
