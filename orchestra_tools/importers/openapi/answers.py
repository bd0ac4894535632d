"""What an operation answers: the response of success, its media type and its schema.

The schema describes what a call returns: JSON as it is, text as a string, nothing as null. Other bytes come back in
base64 with their size; like the packaged ledger, we leave that undocumented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestra_tools.importers.openapi import media
from orchestra_tools.importers.openapi.parts import Part, TooLarge
from orchestra_tools.importers.openapi.references import Document, expect_object
from orchestra_tools.importers.openapi.schemas import SchemaReader
from orchestra_tools.schema import escape

_MAX_SHAPES = 4  # different answers of success that are told apart
_NULL = Part({"type": "null"})
_WITHOUT_BODY = ("204", "205")


@dataclass(frozen=True)
class Answer:
    """The answer of success.

    Attributes:
        part: Its schema; None where nothing is documented.
        media_type: What is asked for.
        streaming: As an endpoint states it.
    """

    part: Part | None = None
    media_type: str = media.JSON
    streaming: str = "none"
    notes: tuple[str, ...] = ()

    def endpoint(self) -> dict[str, str]:
        """How it is asked for."""
        return {"response_media_type": self.media_type, "streaming": self.streaming}


@dataclass(frozen=True)
class _Content:
    """One media type of one response."""

    kind: str
    holder: dict[str, Any]
    pointer: str


def read_answer(document: Document, reader: SchemaReader, stated: Any, pointer: str, method: str) -> Answer:
    """The answer an operation gives.

    Args:
        document: Where references lead.
        reader: For the schemas of responses.
        stated: Its `responses`.
        pointer: Where that stands.
        method: In capitals.

    Raises:
        Unusable: It cannot be read.
    """
    responses = expect_object(stated, pointer, "responses")
    codes = _successes(responses)
    if not codes:
        return Answer(notes=("no answer of success is documented",) if responses else ())
    if method == "HEAD":
        return Answer(_NULL)
    contents, empty = _collect(document, responses, codes, pointer)
    if not contents:
        return Answer(_NULL if empty else None)
    return _choose(reader, contents, empty=empty)


def _collect(
    document: Document, responses: dict[str, Any], codes: list[Any], pointer: str
) -> tuple[list[_Content], bool]:
    """What the responses of success hold, and whether one of them holds nothing on purpose."""
    contents: list[_Content] = []
    empty = False
    for code in codes:
        value, where = document.follow(responses[code], f"{pointer}/{escape(str(code))}")
        response = expect_object(value, where, "a response")
        found = list(_contents(document, response, where))
        contents += found
        empty = empty or (str(code) in _WITHOUT_BODY and not found)
    return contents, empty


def _successes(responses: dict[str, Any]) -> list[Any]:
    codes = [code for code in responses if str(code).upper().startswith("2") and len(str(code)) == 3]
    codes.sort(key=lambda code: (str(code).upper() == "2XX", str(code)))
    return codes[:20] or [code for code in responses if code == "default"]


def _contents(document: Document, response: dict[str, Any], pointer: str) -> Iterator[_Content]:
    content = expect_object(response.get("content"), f"{pointer}/content", "content")
    for name, stated in content.items():
        where = f"{pointer}/content/{escape(str(name))}"
        holder = expect_object(stated, where, "a media type")
        if "$ref" in holder:
            found, where = document.follow(holder, where)
            holder = expect_object(found, where, "a media type")
        yield _Content(media.plain(name), holder, where)


def _choose(reader: SchemaReader, contents: list[_Content], *, empty: bool) -> Answer:
    streams = [each for each in contents if each.kind == media.EVENT_STREAM]
    plain = [each for each in contents if each.kind != media.EVENT_STREAM]
    jsons = [each for each in plain if media.is_json(each.kind) or _means_json(each)]
    if jsons:
        kind = next((each.kind for each in jsons if each.kind == media.JSON), jsons[0].kind)
        kind = media.JSON if media.is_any(kind) or kind == "text/json" else kind
        part, notes = _shapes(reader, jsons, empty=empty)
        streaming = "optional" if streams else "none"
        return Answer(part, kind, streaming, notes + _others(plain, jsons))
    if streams:
        return Answer(_events(), media.EVENT_STREAM, "sse", _others(plain, []))
    chosen = min(plain, key=lambda each: (media.rank(each.kind), plain.index(each)))
    kind = media.BINARY if media.is_any(chosen.kind) else chosen.kind
    part = Part({"type": ["string", "null"] if empty else "string"}) if kind.startswith("text/") else None
    return Answer(part, kind, "none", _others(plain, [chosen]))


def _means_json(content: _Content) -> bool:
    """Whether a media type that is left open can only mean JSON, or says nothing else."""
    schema = content.holder.get("schema")
    return media.is_any(content.kind) and not (isinstance(schema, dict) and schema.get("format") == "binary")


def _shapes(reader: SchemaReader, jsons: list[_Content], *, empty: bool) -> tuple[Part | None, tuple[str, ...]]:
    parts: list[Part] = []
    for each in jsons:
        if each.holder.get("schema") is None:
            # Documented as JSON of any shape.
            return None, ()
        try:
            part = reader.read(each.holder["schema"], f"{each.pointer}/schema")
        except TooLarge as large:
            return None, (f"its output schema is left out: {large.problem}",)
        if all(part.schema != other.schema for other in parts):
            parts.append(part)
    notes = (f"answers in more than {_MAX_SHAPES} shapes; the output is not described",)
    if len(parts) > _MAX_SHAPES:
        return None, notes
    if empty:
        parts.append(_NULL)
    if len(parts) == 1:
        return parts[0], ()
    return Part({"anyOf": [part.schema for part in parts]}), ()


def _events() -> Part:
    """The list of the events' data. Only OpenAPI 3.2 can say what one looks like, and says it of the whole event."""
    return Part({"type": "array", "description": "The data of each event of the stream."})


def _others(contents: list[_Content], taken: list[_Content]) -> tuple[str, ...]:
    kinds = {each.kind for each in taken}
    others = sorted({each.kind for each in contents if each.kind not in kinds})
    return (f"also answers {', '.join(others)[:200]}",) if others and taken else ()
