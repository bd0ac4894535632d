"""SN22 Desearch: its own client, `desearch-py`."""

from __future__ import annotations

from desearch_py import Desearch
from desearch_py.api import BASE_URL

from tests.parity.harness import Call, Vendor

ODD = "naïve – 東京 🦄 a+b & c=d/100%?#"
ISO = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-02-28T23:59:59Z"}
URLS = ["https://x.com/a/status/1?s=20&t=x", "https://x.com/b/status/2"]


def connect(url: str, key: str) -> Desearch:
    """Its base URL is an argument."""
    return Desearch(key, base_url=url)


DESEARCH = Vendor(
    "desearch-py",
    connect,
    origins={"SN22": BASE_URL},
    calls=(
        Call("sn22_ai_search", "ai_search", {"prompt": "gpu prices", "tools": ["web"]}),
        Call("sn22_ai_search", "ai_search", {"prompt": ODD, "tools": ["web", "twitter", "arxiv"], **ISO, "count": 10}),
        Call(
            "sn22_ai_search",
            "ai_search",
            {
                "prompt": "x",
                "tools": ["hackernews", "reddit", "wikipedia", "youtube"],
                "date_filter": "PAST_WEEK",
                "result_type": "ONLY_LINKS",
                "system_message": 'Say "ja".\n',
                "scoring_system_message": "",
                "count": 200,
            },
        ),
        Call("sn22_ai_search", "ai_search", {"prompt": "x", "tools": ["web"], "date_filter": None, "count": None}),
        Call("sn22_ai_web_links_search", "ai_web_links_search", {"prompt": "x", "tools": ["web", "arxiv"]}),
        Call("sn22_ai_web_links_search", "ai_web_links_search", {"prompt": ODD, "tools": [], "count": 50}),
        Call("sn22_ai_web_links_search", "ai_web_links_search", {"prompt": "x", "tools": ["web"], "count": None}),
        Call("sn22_ai_x_links_search", "ai_x_links_search", {"prompt": "x"}),
        Call("sn22_ai_x_links_search", "ai_x_links_search", {"prompt": ODD, "count": 10}),
        Call("sn22_ai_x_links_search", "ai_x_links_search", {"prompt": ODD, "count": None}),
        Call("sn22_x_search", "x_search", {"query": "bittensor"}),
        Call(
            "sn22_x_search",
            "x_search",
            {
                "query": f"{ODD} from:opentensor",
                "sort": "Latest",
                "user": "opentensor",
                "start_date": "2026-01-01",
                "end_date": "2026-02-28_23:59:59_UTC",
                "lang": "ja",
                "min_retweets": 1,
                "min_replies": "2",
                "min_likes": 0,
                "count": 100,
            },
        ),
        Call(
            "sn22_x_search",
            "x_search",
            {"query": "x", "sort": None, "user": None, "verified": None, "min_likes": None, "count": None},
        ),
        # Its HTTP library refuses booleans in a query, so it can only be given their text.
        Call(
            "sn22_x_search",
            "x_search",
            {"query": "x"},
            theirs={"verified": "true", "blue_verified": "false", "is_quote": "true", "is_video": "false"},
            ours={"verified": True, "blue_verified": False, "is_quote": True, "is_video": False},
        ),
        Call("sn22_x_search", "x_search", {"query": ""}, theirs={"is_image": "true"}, ours={"is_image": True}),
        Call("sn22_x_posts_by_urls", "x_posts_by_urls", {"urls": URLS}),
        Call("sn22_x_posts_by_urls", "x_posts_by_urls", {"urls": URLS[:1]}),
        Call("sn22_x_posts_by_urls", "x_posts_by_urls", {"urls": [f"https://x.com/{ODD}", "a,b"]}),
        Call("sn22_x_posts_by_urls", "x_posts_by_urls", {"urls": []}),
        Call("sn22_x_post_by_id", "x_post_by_id", {"id": "1892527552029499853"}),
        Call("sn22_x_post_by_id", "x_post_by_id", {"id": ODD}),
        Call("sn22_x_posts_by_user", "x_posts_by_user", {"user": "opentensor"}),
        Call("sn22_x_posts_by_user", "x_posts_by_user", {"user": "@opentensor", "query": ODD, "count": 1}),
        Call("sn22_x_posts_by_user", "x_posts_by_user", {"user": "x", "query": None, "count": None}),
        Call("sn22_x_post_retweeters", "x_post_retweeters", {"id": "1"}),
        Call("sn22_x_post_retweeters", "x_post_retweeters", {"id": "1", "cursor": "DAABCgABGl==+/|"}),
        Call("sn22_x_user_posts", "x_user_posts", {"username": "opentensor"}),
        Call("sn22_x_user_posts", "x_user_posts", {"username": ODD, "cursor": ""}),
        Call("sn22_x_user_replies", "x_user_replies", {"user": "opentensor"}),
        Call("sn22_x_user_replies", "x_user_replies", {"user": "x", "count": 10, "query": ODD}),
        Call("sn22_x_post_replies", "x_post_replies", {"post_id": "1"}),
        Call("sn22_x_post_replies", "x_post_replies", {"post_id": "1", "count": 100, "query": "lang:en -is:retweet"}),
        Call("sn22_x_trends", "x_trends", {"woeid": 23424977}),
        Call("sn22_x_trends", "x_trends", {"woeid": 1, "count": 30}),
        Call("sn22_web_search", "web_search", {"query": "gpu cloud pricing"}),
        Call("sn22_web_search", "web_search", {"query": ODD, "start": 10}),
        Call("sn22_web_search", "web_search", {"query": 'site:example.com "exact phrase"', "start": None}),
        Call("sn22_web_crawl", "web_crawl", {"url": "https://docs.example.com/a?b=c&d=e#f"}),
        Call("sn22_web_crawl", "web_crawl", {"url": f"https://example.com/{ODD}", "format": "html"}),
        Call("sn22_web_crawl", "web_crawl", {"url": "https://example.com", "format": None}),
    ),
)
VENDORS = (DESEARCH,)
