"""Fusion: laws that hold for any two rankings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.discovery import Hit
from orchestra_tools.discovery.fusion import DEPTH, fuse

rankings = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.001, 100), max_size=8).map(
    lambda scores: tuple(Hit(key, score) for key, score in sorted(scores.items(), key=lambda item: -item[1]))
)


@given(rankings, rankings)
def test_it_has_every_hit_once_best_first_between_0_and_1(words: tuple[Hit, ...], meaning: tuple[Hit, ...]) -> None:
    fused = fuse(words, meaning)
    assert {hit.key for hit in fused} == {hit.key for hit in (*words, *meaning)}
    assert len({hit.key for hit in fused}) == len(fused)
    assert fused == sorted(fused, key=lambda hit: (-hit.score, hit.key))
    assert all(-1e-9 <= hit.score <= 1 + 1e-9 for hit in fused)


@given(rankings, rankings, st.floats(0.01, 1000))
def test_the_scale_of_a_score_does_not_matter(words: tuple[Hit, ...], meaning: tuple[Hit, ...], factor: float) -> None:
    scaled = tuple(Hit(hit.key, hit.score * factor) for hit in words)
    plain = {hit.key: hit.score for hit in fuse(words, meaning)}
    for hit in fuse(scaled, meaning):
        assert abs(hit.score - plain[hit.key]) < 1e-6


@given(rankings)
def test_one_ranking_alone_keeps_its_order(ranking: tuple[Hit, ...]) -> None:
    scores = {hit.key: hit.score for hit in ranking}
    for fused in (fuse(ranking, ()), fuse((), ranking)):
        assert [scores[hit.key] for hit in fused] == sorted(scores.values(), reverse=True)


def test_what_both_find_comes_before_what_one_finds() -> None:
    words = (Hit("words", 9.0), Hit("both", 8.0))
    meaning = (Hit("meaning", 0.9), Hit("both", 0.8), Hit("far", 0.1))
    assert fuse(words, meaning)[0].key == "both"


def test_of_a_ranking_that_was_cut_off_the_last_hit_counts_nothing() -> None:
    words = tuple(Hit(f"k{number:03}", 200.0 - number) for number in range(DEPTH))
    scores = {hit.key: hit.score for hit in fuse(words, ())}
    assert scores[f"k{DEPTH - 1:03}"] == 0.0
    assert scores["k000"] == 0.5
