"""What the fields of an answer should say: echoes of the arguments, search results, replies of a model. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from orchestra_tools.sandbox.corpus import Corpus, Document
from orchestra_tools.schema.guides import Path
from orchestra_tools.schema.words import slug, snake_case

DEFAULT_ROWS = 10
_QUERIES = (
    "query",
    "prompt",
    "q",
    "search",
    "question",
    "keywords",
    "keyword",
    "label",
    "topic",
    "text",
    "url",
    "urls",
)
_COUNTS = ("count", "limit", "max_results", "num_results", "num", "n", "top", "top_k", "size", "page_size", "per_page")
_STARTS = ("start", "offset", "skip", "from_index")
_SEARCHES = ("search", "social", "news", "crawl", "signals", "research")
_CHATS = ("chat", "completion", "inference")
# Too common to be an echo anywhere but at the top of an answer.
_COMMON_NAMES = "id name url title text query status type description content start end format user message"
_COMMON = frozenset(_COMMON_NAMES.split())
_PRICES = {"BTC": 96_250.0, "ETH": 3_480.0, "SOL": 212.4, "TAO": 428.6, "XAU": 3_960.0, "SPYX": 661.2}
_SOURCES = {"web": ("search", "search_results"), "hackernews": ("hacker_news",), "twitter": ("tweets",)}

_STEPS = (0.05, 0.2, 0.5, 0.8, 0.95)
_SPREADS: dict[str, Callable[[float], Any]] = {
    "percentiles": lambda price: [{str(step): round(price * (0.97 + step * 0.06), 2) for step in _STEPS}],
    "probability_above": lambda price: {str(round(price * (0.9 + step / 5), 1)): round(1 - step, 2) for step in _STEPS},
    "probability_below": lambda price: {str(round(price * (0.9 + step / 5), 1)): step for step in _STEPS},
}
_WRAPPERS = ("data", "result", "results", "response", "payload")
_MODELS = ("example/llama-70b-instruct", "example/qwen-32b", "example/mistral-small")

Row = Callable[[Document], Any]
_ROW: dict[str, Row] = {
    name: make
    for names, make in (
        ("title headline subject name", lambda d: d.title),
        ("link url source_url href uri page_url tweet_url post_url", lambda d: d.url),
        ("snippet summary description excerpt rationale abstract", lambda d: d.snippet),
        ("text content body full_text markdown post", lambda d: d.text),
        ("author username screen_name user_name handle", lambda d: d.author),
        ("created_at date published published_at published_date datetime timestamp", lambda d: d.moment),
        ("label topic category", lambda d: d.topic),
        ("id post_id tweet_id", lambda d: d.post_id),
        ("source domain site host", lambda d: d.host),
        ("lang language", lambda d: "en"),
    )
    for name in names.split()
}


class AnswerGuide:
    """Proposes the parts of one answer."""

    def __init__(self, capabilities: Sequence[str], arguments: Mapping[str, Any], corpus: Corpus) -> None:
        self.arguments = _flat(arguments)
        self.searching = any(word in each for each in capabilities for word in _SEARCHES)
        self.chatting = any(word in each for each in capabilities for word in _CHATS)
        self.listing = "model_catalogue" in capabilities
        self.corpus = corpus
        self.asked = self._first_number(_COUNTS)
        self._rows: list[Document] | None = None

    @property
    def query(self) -> str:
        """What the arguments ask about."""
        if self.chatting:
            return ["", *_texts(self.arguments.get("messages") or self.arguments.get("contents"))][-1]
        named = [text for name in _QUERIES for text in _texts(self.arguments.get(name))]
        return " ".join(named) or " ".join(str(value) for value in self.arguments.values())

    @property
    def rows(self) -> list[Document]:
        """The documents of this answer, in order."""
        if self._rows is None:
            start = max(0, self._first_number(_STARTS) or 0)
            wanted = DEFAULT_ROWS if self.asked is None else max(0, self.asked)
            ranked = self.corpus.rank(self.query, least=5 if self.asked is None else start + wanted)
            self._rows = ranked[start : start + wanted]
        return self._rows

    def count(self, path: Path) -> int | None:
        """As many rows as were asked for, in the outermost array."""
        if (
            len(path) > 2
            or any(isinstance(step, int) for step in path)
            or (len(path) == 2 and path[0] not in _WRAPPERS)
        ):
            return None
        name = _name(path)
        if name.startswith(("failed", "error")):
            return 0
        if self.searching:
            return len(self.rows)
        return None if self.asked is None else max(0, min(self.asked, 3))

    def propose(self, path: Path, schema: Mapping[str, Any], random: Random) -> Iterable[Any]:
        """Values for a part of the answer, best first."""
        name = _name(path)
        if isinstance(value := self._echo(name, path), str | int | float):
            yield value
        if self.listing and name in ("id", "model", "model_name"):
            yield random.choice(_MODELS)
        if self.chatting:
            yield from self._reply(name)
        if self.searching:
            yield from self._result(name, path, schema)
        if name.endswith("current_price") and (asset := str(self.arguments.get("asset", "")).upper()):
            yield _PRICES.get(asset, 100.0)
        if name == "hourly" and path and isinstance(wanted := self.arguments.get("hourly"), str):
            yield _hourly(wanted, random)
        if name in ("page", "offset") and len(path) == 1:
            yield int(name == "page")
        if path and isinstance(path[-1], int) and _is_open(schema):
            yield {"id": f"{random.getrandbits(64):016x}", "name": slug(random), "status": "active"}
        if name in _SPREADS:
            price = _PRICES.get(str(self.arguments.get("asset", "")).upper(), 100.0)
            yield _SPREADS[name](price)
        if name == "volatility" and isinstance(path[-1], str):
            yield [round(random.uniform(0.2, 0.7), 4) for _ in range(4)]

    def summary(self) -> str:
        """A written answer with its sources."""
        points = "\n".join(f"- {d.snippet} [{n}]({d.url})" for n, d in enumerate(self.rows[:3], 1))
        return f"What the sandbox's documents say about “{self.query[:120]}”:\n{points}"

    def reply(self) -> str:
        """What the model of a stand-in says."""
        best = self.corpus.rank(self.query)[0]
        said = f"{best.snippet} ({best.url})"
        return f"This is the sandbox: no model ran. On “{self.query[:120]}”, its documents say: {said}"

    def _echo(self, name: str, path: Path) -> Any:
        last = path[-1] if path else None
        if not isinstance(last, str) or (name in _COMMON and len(path) > 1):
            return None
        return self.arguments.get(last, self.arguments.get(name))

    def _reply(self, name: str) -> Iterable[Any]:
        text = self.reply()
        count = len(text.split())
        match name:
            case "choices":
                message = {"role": "assistant", "content": text}
                yield [{"index": 0, "message": message, "finish_reason": "stop"}]
            case "content" | "text" | "completion":
                yield [{"type": "text", "text": text}]
                yield text
            case "candidates":
                yield [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}]
            case "usage":
                yield {"prompt_tokens": 24, "completion_tokens": count, "total_tokens": 24 + count}
            case "object":
                yield "chat.completion"
            case "stop_reason":
                yield "end_turn"

    def _result(self, name: str, path: Path, schema: Mapping[str, Any]) -> Iterable[Any]:
        if self._left_out(name, path):
            yield None
        if name == "completion" or (name == "text" and len(path) == 1 and "tools" in self.arguments):
            yield None if self.arguments.get("result_type") == "ONLY_LINKS" else self.summary()
        if name in ("total", "total_found", "total_results", "total_count", "num_results"):
            yield len(self.rows)
        index = next((step for step in path if isinstance(step, int)), None)
        if not self.rows or (index is None and "query" in self.arguments):
            return
        if name == "rank" and index is not None:
            yield index + 1
        document = self.rows[(index or 0) % len(self.rows)]
        if path and isinstance(path[-1], int):
            if _is_open(schema) and self.count(path[:-1]) is not None:
                yield _social(document) if _is_social(name) else _page(document)
        elif len(path) > 1 and path[-2] in ("user", "author", "users"):
            yield from self._person(name, document)
        elif name in _ROW:
            yield _ROW[name](document)
            if _ROW[name] is _ROW["date"]:
                yield document.date
                yield int(datetime.fromisoformat(document.moment).timestamp())

    def _person(self, name: str, document: Document) -> Iterable[Any]:
        given = self.arguments.get("user", self.arguments.get("username"))
        handle = given if isinstance(given, str) and given else document.author
        values = {
            "username": handle,
            "name": handle.replace("_", " ").title(),
            "url": f"https://social.example.com/{handle}",
            "id": str(1_400_000 + document.index * 977),
            "description": f"Writes about {document.topic}.",
        }
        if name in values:
            yield values[name]

    def _left_out(self, name: str, path: Path) -> bool:
        """Whether a list belongs to a source that was not asked for."""
        tools = self.arguments.get("tools")
        if len(path) != 1 or not isinstance(tools, list) or not tools:
            return False
        for source in ("web", "hackernews", "reddit", "wikipedia", "youtube", "twitter", "arxiv"):
            if any(name == mark or name.startswith(f"{mark}_search") for mark in _SOURCES.get(source, (source,))):
                return source not in tools
        return False

    def _first_number(self, names: Sequence[str]) -> int | None:
        found = (self.arguments.get(name) for name in names)
        return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)


def _name(path: Path) -> str:
    return snake_case(next((step for step in reversed(path) if isinstance(step, str)), ""))


def _flat(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments, with the members of a whole body beside the others."""
    body = arguments.get("body")
    return {**body, **arguments} if isinstance(body, dict) else dict(arguments)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, dict):
        return [text for name in ("content", "parts", "text") for text in _texts(value.get(name))]
    return []


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says no more than that there is an object, or nothing."""
    return not schema.get("properties") and schema.get("type", "object") == "object" and "enum" not in schema


def _is_social(name: str) -> bool:
    return any(word in name for word in ("tweet", "post", "data", "reddit"))


def _page(document: Document) -> dict[str, Any]:
    return {"title": document.title, "link": document.url, "snippet": document.snippet, "date": document.date}


def _social(document: Document) -> dict[str, Any]:
    return {
        "id": document.post_id,
        "uri": document.url,
        "url": document.url,
        "datetime": document.moment,
        "username": document.author,
        "label": document.topic,
        "content": document.snippet,
        "text": document.snippet,
    }


def _hourly(wanted: str, random: Random) -> dict[str, list[Any]]:
    """An hourly forecast of the variables that were asked for."""
    hours = [f"2026-06-01T{hour:02}:00" for hour in range(24)]
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    return {"time": list(hours)} | {name: [round(random.uniform(4, 24), 1) for _ in hours] for name in names}
