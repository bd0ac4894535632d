"""Words people use, and the words tools use for the same thing.

Few and plain on purpose: they bridge the way requests are worded, they do not guess at meaning. Keys stand for all
their forms (`tweet` for `tweets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "article": ("page", "text", "news"),
    "ask": ("chat", "question"),
    "balance": ("credits", "wallet"),
    "blog": ("web", "page"),
    "btc": ("bitcoin",),
    "chance": ("probability",),
    "chatbot": ("chat", "model"),
    "chatgpt": ("ai", "chat"),
    "cheap": ("price", "cost"),
    "clip": ("video",),
    "command": ("run",),
    "crypto": ("asset", "bitcoin"),
    "deadline": ("end", "time"),
    "deepfake": ("generated", "ai"),
    "directory": ("folder",),
    "disk": ("storage",),
    "essay": ("text",),
    "erase": ("delete", "remove"),
    "eth": ("ethereum",),
    "fake": ("generated", "ai"),
    "find": ("search",),
    "gather": ("collect",),
    "gpt": ("openai", "chat"),
    "gpu": ("machine", "compute"),
    "headline": ("news",),
    "internet": ("web",),
    "likelihood": ("probability",),
    "likely": ("probability",),
    "llm": ("language", "model"),
    "look": ("search",),
    "money": ("balance", "credits"),
    "odds": ("probability",),
    "photo": ("image",),
    "picture": ("image",),
    "prompt": ("message", "chat"),
    "rain": ("weather",),
    "ranking": ("leaderboard",),
    "remove": ("delete",),
    "request": ("call",),
    "save": ("store", "upload"),
    "scrape": ("crawl", "page"),
    "server": ("machine", "workload", "pod"),
    "site": ("web", "page"),
    "summarise": ("summary",),
    "summarize": ("summary",),
    "tao": ("bittensor",),
    "temperature": ("weather",),
    "tweet": ("x", "twitter", "post"),
    "twitter": ("x",),
    "url": ("address", "link"),
    "vm": ("machine", "workload"),
    "wallet": ("balance",),
    "webpage": ("web", "page"),
    "website": ("web", "page"),
    "written": ("writing", "wrote"),
}
