"""A streamed answer, cut into server-sent events the way the API it stands in for cuts it. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestra_tools.sandbox.hints import AnswerGuide

DONE = "[DONE]"
_PIECES = 6


def stream_events(value: Any, guide: AnswerGuide) -> Iterator[str]:
    """The data of each event; the last one is `[DONE]`."""
    events = _chat(value, guide) if isinstance(value, dict) and "choices" in value else _whole(value, guide)
    for event in events:
        yield json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    yield DONE


def _chat(value: dict[str, Any], guide: AnswerGuide) -> Iterator[dict[str, Any]]:
    head: dict[str, Any] = {name: value[name] for name in ("id", "created", "model") if name in value}
    head["object"] = "chat.completion.chunk"
    for number, piece in enumerate(_pieces(guide.reply())):
        delta = {"role": "assistant", "content": piece} if number == 0 else {"content": piece}
        yield head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    last = head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield last | ({"usage": value["usage"]} if "usage" in value else {})


def _whole(value: Any, guide: AnswerGuide) -> Iterator[Any]:
    """Progress in words, then the answer."""
    text = guide.summary() if guide.searching else guide.reply()
    for piece in _pieces(text):
        yield {"type": "text", "content": piece}
    yield value


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    size = max(1, -(-len(words) // _PIECES))
    chunks = [" ".join(words[index : index + size]) for index in range(0, len(words), size)]
    return [chunk + " " for chunk in chunks[:-1]] + chunks[-1:]
