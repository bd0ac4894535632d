"""Finding: filters, order, confidence."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from orchestra_tools.compile import Tool
from orchestra_tools.discovery import Finder, Findings, Index, Vocabulary, document_of
from orchestra_tools.errors import InputError, UnknownCapabilityError
from orchestra_tools.model import Statistics

FREE = {"spends_money": False}


def usd(amount: str) -> Mapping[str, Any]:
    return {"cost": {"amount": amount, "currency": "USD"}}


def measured(reliability: float | None, latency_ms: float | None = 100.0, *, sandbox: bool = False) -> Statistics:
    return Statistics(
        calls=9,
        counted=9,
        succeeded=9,
        reliability=reliability,
        latency_p50_ms=latency_ms,
        latency_p90_ms=latency_ms,
        latency_p99_ms=latency_ms,
        drifted=0,
        last_call_ms=0,
        sandbox=sandbox,
    )


def names(findings: Findings) -> list[str]:
    return [card.name for card in findings.cards]


def test_a_capability_puts_its_own_operation_first_and_side_jobs_last(make_finder: Any) -> None:
    finder = make_finder(
        {
            "SN1/summary": {"capabilities": ["research_summary", "web_search"]},
            "SN2/links": {},
            "SN3/web_search": {},
            "SN4/weather": {"capabilities": ["weather_forecast"]},
        }
    )
    findings = finder.find(capability="web_search")
    assert names(findings) == ["sn3_web_search", "sn2_links", "sn1_summary"]
    assert (findings.confidence, findings.no_match, findings.total) == ("good", None, 3)
    assert findings.cards[2].why == "capability web_search"


def test_equal_capabilities_are_ordered_by_what_can_be_called_reliability_price_and_name(make_finder: Any) -> None:
    finder = make_finder(
        {
            "SN1/blocked": {"endpoint": {"kind": "http", "method": "GET", "base_url": None, "path": "/"}, **FREE},
            "SN2/reliable": usd("1"),
            "SN3/z_cheap": FREE,
            "SN4/a_cheap": FREE,
            "SN5/dear": usd("2"),
            "SN6/unknown_price": {},
            "SN7/operator": {"audience": "operator", **FREE},
        },
        {"sn2_reliable": measured(0.9)},
    )
    assert names(finder.find(capability="web_search", limit=9)) == [
        "sn2_reliable",
        "sn3_z_cheap",
        "sn4_a_cheap",
        "sn5_dear",
        "sn6_unknown_price",
        "sn7_operator",
        "sn1_blocked",
    ]


def test_a_star_finds_all_terms_that_begin_so_the_exact_one_first(make_finder: Any) -> None:
    finder = make_finder(
        {"SN1/crawl": {"capabilities": ["web_crawl"]}, "SN2/b": {}, "SN3/chat": {"capabilities": ["chat_completion"]}}
    )
    assert names(finder.find(capability="web_*")) == ["sn1_crawl", "sn2_b"]
    assert names(finder.find(capability="web_search*")) == ["sn2_b"]
    assert names(finder.find(capability=["chat_completion", "web_crawl"])) == ["sn1_crawl", "sn3_chat"]


def test_an_unknown_capability_is_an_error_one_without_tools_is_no_match(make_finder: Any) -> None:
    finder = make_finder({"SN1/a": {}, "SN2/b": {"capabilities": ["dowsing"]}})
    with pytest.raises(UnknownCapabilityError, match="web_search"):
        finder.find(capability="websearch")
    findings = finder.find(capability="chat_completion")
    assert (findings.cards, findings.confidence, findings.total) == ((), "none", 0)
    assert findings.no_match == "No tool has chat_completion."
    assert names(finder.find(capability="dowsing")) == ["sn2_b"]


def test_a_tool_of_unknown_price_does_not_pass_a_limit_and_is_counted(make_finder: Any) -> None:
    finder = make_finder(
        {
            "SN1/free": FREE,
            "SN2/cheap": usd("0.01"),
            "SN3/dear": usd("0.5"),
            "SN4/unknown": {},
            "SN5/credits": {"cost": {"amount": "0.01", "currency": "credits"}},
        }
    )
    findings = finder.find(capability="web_search", max_cost=0.05)
    assert names(findings) == ["sn1_free", "sn2_cheap"]
    assert findings.unknown == 2
    assert findings.to_json()["unknown"] == 2
    assert names(finder.find(capability="web_search", max_cost=Decimal(0))) == ["sn1_free"]


def test_measured_figures_filter_and_unmeasured_tools_do_not_pass(make_finder: Any) -> None:
    finder = make_finder(
        {"SN1/good": {}, "SN2/slow": {}, "SN3/flaky": {}, "SN4/new": {}, "SN5/down": {}},
        {
            "sn1_good": measured(0.9, 80),
            "sn2_slow": measured(0.9, 9_000),
            "sn3_flaky": measured(0.3, 80),
            "sn5_down": measured(None, None),
        },
    )
    findings = finder.find(capability="web_search", max_latency_ms=500, min_reliability=0.8)
    assert names(findings) == ["sn1_good"]
    assert findings.unknown == 2


def test_what_was_measured_of_a_stand_in_says_nothing_of_the_subnet(make_finder: Any) -> None:
    statistics = {"sn1_a": measured(0.9, sandbox=True)}
    assert make_finder({"SN1/a": {}}, statistics).find().cards[0].reliability is None
    assert make_finder({"SN1/a": {}}, statistics, sandbox=True).find().cards[0].reliability == 0.9


def test_filters_that_leave_nothing_say_so(make_finder: Any) -> None:
    finder = make_finder({"SN1/a": usd("1"), "SN2/b": {}})
    findings = finder.find(capability="web_search", max_cost=0.5)
    assert findings.no_match == (
        "No tool has web_search (1 do not pass the filters; of 1 a figure asked for is not known)."
    )


def test_audience_and_read_only_filter(make_finder: Any) -> None:
    finder = make_finder(
        {"SN1/a": {"read_only": True}, "SN2/b": {"audience": "compute"}, "SN3/c": {"audience": "operator"}}
    )
    assert names(finder.find(audience="compute")) == ["sn2_b"]
    assert names(finder.find(audience=["compute", "operator"])) == ["sn2_b", "sn3_c"]
    assert names(finder.find(read_only=True)) == ["sn1_a"]
    assert names(finder.find(read_only=False)) == ["sn2_b", "sn3_c"]


def test_of_equal_texts_the_reliable_the_callable_and_the_consumers_come_first(make_finder: Any) -> None:
    text = {"title": "Weather", "description": "Says the weather.", "capabilities": ["weather_forecast"]}
    plain = {f"SN{number}/weather": text for number in range(1, 5)}
    rest = {f"SN{number}/other{number}": {"capabilities": ["chat_completion"]} for number in range(10, 30)}
    finder = make_finder(
        {
            **plain,
            **rest,
            "SN5/weather": {**text, "audience": "operator"},
            "SN6/weather": {**text, "audience": "compute"},
        },
        {"sn3_weather": measured(0.95), "sn2_weather": measured(0.0)},
    )
    refuse_fourth = {"sn4_weather": "no key for SN4"}
    found = finder.find("weather", limit=6, callable_with=lambda tool: refuse_fourth.get(tool.name))
    assert names(found) == [f"sn{number}_weather" for number in (3, 1, 6, 2, 5, 4)]
    assert [card.callable for card in found.cards] == [True] * 5 + ["no key for SN4"]


def test_the_first_calls_of_a_tool_do_not_make_it_worse_than_one_never_called(make_finder: Any) -> None:
    text = {"title": "Weather", "capabilities": ["weather_forecast"]}
    finder = make_finder({"SN1/weather": text, "SN2/weather": text}, {"sn2_weather": measured(0.2065)})
    assert names(finder.find("weather"))[0] == "sn2_weather"


def test_a_tools_own_name_finds_it_first(packaged: Finder, packaged_tools: Mapping[str, Tool]) -> None:
    for name in list(packaged_tools)[::10]:
        findings = packaged.find(name)
        assert (findings.cards[0].name, findings.confidence) == (name, "good")


def test_a_subnets_name_or_number_finds_its_tools(packaged: Finder) -> None:
    for query in ("SN22", "subnet 22", "Desearch", "desearch search"):
        findings = packaged.find(query)
        assert findings.confidence == "good"
        assert {card.subnet for card in findings.cards} == {"SN22 Desearch"}


def test_text_within_a_capability_orders_it(packaged: Finder) -> None:
    findings = packaged.find("replies to a post", capability="social_search")
    assert names(findings)[0] == "sn22_x_post_replies"
    assert all("social_search" in card.capabilities for card in findings.cards)
    assert findings.confidence == "good"


def test_text_within_a_capability_keeps_none_out(packaged: Finder) -> None:
    assert packaged.find("crawl", capability="social_search").total == packaged.find(capability="social_search").total


def test_only_tools_that_can_be_called_now_on_request(make_finder: Any) -> None:
    finder = make_finder({"SN1/a": {}, "SN2/b": {"unavailable": "it is gone"}, "SN3/c": {}})
    keys = {"sn3_c": "no key for SN3"}
    asked = {"callable_with": lambda tool: keys.get(tool.name), "callable_now": True}
    assert names(finder.find(capability="web_search", **asked)) == ["sn1_a"]
    assert names(finder.find("web search", **asked)) == ["sn1_a"]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), "much"])
def test_a_limit_that_is_no_amount_is_refused(packaged: Finder, amount: Any) -> None:
    with pytest.raises(InputError, match="no amount"):
        packaged.find("search", max_cost=amount)


def test_text_that_helps_nothing_leaves_the_order_of_the_capability(packaged: Finder) -> None:
    by_capability = packaged.find(capability="web_search")
    assert names(packaged.find("zzz qqq", capability="web_search")) == names(by_capability)


def test_no_good_match_names_the_words_nobody_knows(packaged: Finder) -> None:
    findings = packaged.find("book a flight to Paris")
    assert (findings.cards, findings.confidence) == ((), "none")
    assert findings.no_match is not None
    assert findings.no_match.startswith("No tool of this ledger fits 'book a flight to Paris' (no tool knows ")
    assert "flight" in findings.no_match


def test_a_weak_match_shows_the_nearest_and_says_what_they_lack(packaged: Finder) -> None:
    findings = packaged.find("buy running shoes")
    assert findings.confidence == "weak"
    assert findings.cards
    assert findings.no_match is not None
    assert "shoes" in findings.no_match


@pytest.mark.parametrize("text", [None, "", "  "])
def test_without_text_and_capability_all_tools_are_listed(packaged: Finder, text: str | None) -> None:
    assert packaged.find(text, limit=3).total == len(packaged.find(text, limit=10_000).cards) > 200


@pytest.mark.parametrize("text", ["the", "???", "find me something", "x" * 5_000, "zzqq " * 3_000, "\x00\ud800"])
def test_odd_texts_find_little_and_break_nothing(packaged: Finder, text: str) -> None:
    assert packaged.find(text).confidence in ("weak", "none")


def test_a_ledger_of_one_tool_can_be_searched(make_finder: Any) -> None:
    finder = make_finder({"SN1/web_search": {"description": "Searches the web."}})
    assert finder.find("search the web").confidence == "good"
    assert finder.find("order a pizza").confidence == "none"


def test_a_text_search_is_the_same_every_time(packaged: Finder) -> None:
    assert packaged.find("search posts", limit=20) == packaged.find("search posts", limit=20)


def test_a_finder_serves_only_its_own_tools(make_tools: Any) -> None:
    tools = make_tools({"SN1/weather": {}, "SN2/weather": {}})
    index = Index(map(document_of, tools.values()))
    kept = {name: tool for name, tool in tools.items() if name == "sn2_weather"}
    assert names(Finder(index, kept, vocabulary=Vocabulary({})).find("weather")) == ["sn2_weather"]
