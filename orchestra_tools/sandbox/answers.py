"""What an operation answers: the same to the same arguments, and always what its output schema allows. No I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from random import Random
from typing import Any

from orchestra_tools.model import HttpEndpoint, Operation
from orchestra_tools.sandbox.corpus import Corpus
from orchestra_tools.sandbox.drift import break_value, with_new_field
from orchestra_tools.sandbox.hints import AnswerGuide
from orchestra_tools.sandbox.streams import stream_events
from orchestra_tools.schema import expand
from orchestra_tools.schema.generate import Generator

_MAX_KNOWN = 128  # answers kept for when the same is asked again
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        media_type: Of the body.
        body: What is sent at once.
        events: What is sent piece by piece instead; None where nothing is streamed.
    """

    media_type: str
    body: bytes = b""
    events: tuple[str, ...] | None = None


class Answerer:
    """Answers for one operation."""

    def __init__(
        self, tool: str, operation_id: str, operation: Operation, endpoint: HttpEndpoint, corpus: Corpus
    ) -> None:
        self.tool = tool
        self.operation_id = operation_id
        self.operation = operation
        self.endpoint = endpoint
        self.corpus = corpus
        self._known: dict[str, Answer] = {}
        self.generator = None if operation.output_form is None else Generator(expand(operation.output_form))

    def answer(self, arguments: Mapping[str, Any], *, change: str = "") -> Answer:
        """The answer to arguments; `change` is "drift" or "new_field" where it shall differ from what is promised."""
        key = f"{change}:{_canonical(arguments)}"
        if (known := self._known.get(key)) is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[key] = self._make(arguments, change)
        return known

    def _make(self, arguments: Mapping[str, Any], change: str) -> Answer:
        guide = AnswerGuide(self.operation.capabilities, arguments, self.corpus)
        media_type = self.endpoint.response_media_type
        if not (_is_json(media_type) or media_type == EVENT_STREAM):
            if change:
                # Any text is what a text answer promises: only another type differs.
                return Answer("application/json", _encode({"sandbox_new_field": True}))
            return Answer(media_type, self._text(media_type, guide))
        value = self.value(arguments, guide)
        if change == "drift":
            value = break_value(value, self.generator)
        elif change == "new_field":
            value = with_new_field(value)
        if self._streams(arguments, media_type):
            return Answer(EVENT_STREAM, events=tuple(stream_events(value, guide)))
        return Answer(media_type, _encode(value))

    def value(self, arguments: Mapping[str, Any], guide: AnswerGuide) -> Any:
        """The JSON value of the answer."""
        if self.generator is None:
            return {"ok": True, "operation": self.operation_id, "echo": dict.fromkeys(sorted(arguments), True)}
        return self.generator.generate(f"{self.tool}:{_canonical(arguments)}", guide=guide)

    def _streams(self, arguments: Mapping[str, Any], media_type: str) -> bool:
        if self.endpoint.streaming == "sse" or media_type == EVENT_STREAM:
            return True
        return self.endpoint.streaming == "optional" and arguments.get("stream") is True

    def _text(self, media_type: str, guide: AnswerGuide) -> bytes:
        document = guide.corpus.at(guide.query)
        if media_type == "text/html" and guide.arguments.get("format") != "text":
            head = f"<title>{escape(document.title)}</title><link rel='canonical' href='{escape(document.url)}'>"
            body = f"<h1>{escape(document.title)}</h1>\n<p>{escape(document.text)}</p>"
            return f"<!doctype html>\n<html lang='en'><head>{head}</head>\n<body>{body}</body></html>\n".encode()
        if media_type == "image/svg+xml":
            text = f"<text x='8' y='24'>{escape(self.operation.title or self.operation_id)} (sandbox)</text>"
            return f"<svg xmlns='http://www.w3.org/2000/svg' width='320' height='40'>{text}</svg>\n".encode()
        if media_type.startswith("text/"):
            return f"{document.title}\n\n{document.text}\n".encode()
        seed = f"{self.tool}:{_canonical(guide.arguments)}"
        return Random(seed).randbytes(512)  # noqa: S311 - repeatable on purpose


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _encode(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # A lone surrogate can only travel escaped.
        return json.dumps(value, separators=(",", ":")).encode()


def _canonical(arguments: Mapping[str, Any]) -> str:
    text = json.dumps(arguments, sort_keys=True, default=str)
    return text if len(text) < 4096 else hashlib.sha256(text.encode()).hexdigest()
