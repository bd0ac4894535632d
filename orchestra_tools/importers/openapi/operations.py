"""One operation of a document becomes one operation of an entry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestra_tools.importers.openapi.answers import read_answer
from orchestra_tools.importers.openapi.arguments import Argument, collect_parameters, read_arguments
from orchestra_tools.importers.openapi.bodies import Body, read_body
from orchestra_tools.importers.openapi.bundles import Bundle, Bundler
from orchestra_tools.importers.openapi.imported import Skipped
from orchestra_tools.importers.openapi.parts import Part
from orchestra_tools.importers.openapi.paths import Found
from orchestra_tools.importers.openapi.references import MAX_SHOWN, Document, Unusable, expect_object
from orchestra_tools.importers.openapi.schemas import SchemaReader
from orchestra_tools.importers.openapi.security import Security, beside_cookies, read_security, security_of_parameters
from orchestra_tools.importers.openapi.servers import Server, choose_server
from orchestra_tools.importers.openapi.texts import Texts

CONFIDENCE = "openapi"
_CALLABLE = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_IDEMPOTENT = _SAFE | {"PUT", "DELETE"}
_UNFIT_IN_PATH = re.compile(r"[\x00-\x20\x7f#\\]")
_BRACES = re.compile(r"\{[^{}/?#]+\}")
_MAX_PATH = 2_000  # characters
_MAX_NOTES = 800  # characters


@dataclass(frozen=True)
class _Request:
    """What an operation takes."""

    path: str
    arguments: tuple[Argument, ...]
    body: Body
    security: Security
    notes: tuple[str, ...]

    @property
    def schema(self) -> Part:
        """The input schema, before it is bundled."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {each.name: each.part.schema for each in self.arguments},
        }
        if required := [each.name for each in self.arguments if each.required]:
            schema["required"] = required
        if not self.body.open:
            schema["additionalProperties"] = False
        return Part(schema)

    def endpoint(self, method: str, server: Server) -> dict[str, Any]:
        """Where and how it is sent."""
        return {
            "kind": "http",
            "method": method,
            "base_url": server.base_url,
            "path": self.path,
            "arguments": {each.name: _place(each) for each in self.arguments},
            "request_media_type": self.body.media_type,
        }


class OperationReader:
    """Reads the operations of one document."""

    def __init__(self, document: Document, *, source: str, url: str | None, texts: Texts) -> None:
        self.document = document
        self.source = source
        self.url = url
        self.texts = texts
        self.requests = SchemaReader(document, "request", texts)
        self.responses = SchemaReader(document, "response", texts)
        self.inputs = Bundler(self.requests)
        self.outputs = Bundler(self.responses)

    def read(self, found: Found, operation_id: str) -> tuple[dict[str, Any], tuple[Skipped, ...]]:
        """The operation as it stands in a ledger document, and what was left out of it.

        Raises:
            Unusable: It cannot be taken.
        """
        method, pointer = found.listed.method, found.listed.pointer
        if found.operation is None:
            raise Unusable(pointer, "nothing is said of this operation")
        operation = expect_object(found.operation, pointer, "an operation")
        if method not in _CALLABLE:
            raise Unusable(pointer, f"the method {method[:40]} cannot be called")
        server = self._server(found, operation)
        request = self._request(found, operation)
        answer = read_answer(self.document, self.responses, operation.get("responses"), f"{pointer}/responses", method)
        taken = self.inputs.bundle_input(request.schema, pointer)
        given = Bundle(None) if answer.part is None else self.outputs.bundle_output(answer.part, pointer)
        deprecated = operation.get("deprecated") is True
        flag = ["deprecated"] if deprecated else []
        told = _sentences([*flag, *request.notes, *answer.notes, taken.note, given.note])
        where = _sentences([server.note])
        document: dict[str, Any] = {
            "title": self._title(operation, found, operation_id),
            "description": self._description(operation, found, deprecated),
            "capabilities": [],
            "audience": "consumer",
            "input_schema": taken.schema,
            "output_schema": given.schema,
            "endpoint": request.endpoint(method, server) | answer.endpoint(),
            "auth": request.security.auth,
            "cost": None,
            "read_only": method in _SAFE,
            "idempotent": method in _IDEMPOTENT,
            "spends_money": True,
            "unavailable": None,
            "deprecated": deprecated,
            "source": self._origin(found),
            "confidence": CONFIDENCE,
            "docs_url": self._docs(operation),
            "notes": ". ".join((*told, *where))[:_MAX_NOTES] or None,
        }
        _check(document, pointer)
        notes = [Skipped(pointer, each) for each in told] + [Skipped(server.pointer, each) for each in where]
        return document, tuple(notes)

    def _request(self, found: Found, operation: dict[str, Any]) -> _Request:
        pointer = found.listed.pointer
        path, notes = _read_path(found.listed.path, pointer)
        levels = [
            (found.item.get("parameters"), f"{found.item_pointer}/parameters"),
            (operation.get("parameters"), f"{pointer}/parameters"),
        ]
        parameters = collect_parameters(self.document, levels)
        security = self._security(operation, pointer)
        if security.auth is None and not security.places:
            security = security_of_parameters(parameters.stated)
        arguments, argument_notes = read_arguments(self.requests, parameters, path, security.places)
        if any(each.place["in"] == "cookie" for each in arguments):
            security = beside_cookies(security)
        names = [each.name for each in arguments]
        stated = operation.get("requestBody")
        body = read_body(self.document, self.requests, stated, f"{pointer}/requestBody", names)
        every = (*security.notes, *notes, *argument_notes, *body.notes)
        return _Request(path, (*arguments, *body.arguments), body, security, every)

    def _server(self, found: Found, operation: dict[str, Any]) -> Server:
        levels = [
            (operation.get("servers"), f"{found.listed.pointer}/servers"),
            (found.item.get("servers"), f"{found.item_pointer}/servers"),
            (self.document.root.get("servers"), "/servers"),
        ]
        return choose_server(levels, self.url)

    def _security(self, operation: dict[str, Any], pointer: str) -> Security:
        if operation.get("security") is not None:
            return read_security(self.document, operation["security"], f"{pointer}/security")
        return read_security(self.document, self.document.root.get("security"), "/security")

    def _title(self, operation: dict[str, Any], found: Found, operation_id: str) -> str:
        stated = self.texts.title(operation.get("summary")) or self.texts.title(found.item.get("summary"))
        return stated or self.texts.title(operation_id.replace("_", " ").capitalize())

    def _description(self, operation: dict[str, Any], found: Found, deprecated: bool) -> str:
        texts = [operation.get("description"), operation.get("summary"), found.item.get("description")]
        chosen = next((text for each in texts if (text := self.texts.description(each))), "")
        return f"Deprecated. {chosen}".strip() if deprecated else chosen

    def _origin(self, found: Found) -> dict[str, Any]:
        info = self.document.root.get("info")
        version = info.get("version") if isinstance(info, dict) else None
        stated = {
            "document": self.source,
            "url": self.url,
            "pointer": found.listed.pointer,
            "openapi": str(self.document.root.get("openapi"))[:20],
            "version": str(version)[:MAX_SHOWN] if isinstance(version, str | int | float) else None,
            "operation_id": found.listed.operation_id[:MAX_SHOWN] or None,
        }
        return {name: value for name, value in stated.items() if value is not None}

    def _docs(self, operation: dict[str, Any]) -> str | None:
        for holder in (operation, self.document.root):
            docs = holder.get("externalDocs")
            url = docs.get("url") if isinstance(docs, dict) else None
            if isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= MAX_SHOWN * 2:
                return url
        return None


def _read_path(path: str, pointer: str) -> tuple[str, list[str]]:
    """The path template, and notes. A template in its query is left out: query parameters say the same.

    Raises:
        Unusable: No request can be made of it.
    """
    if len(path) > _MAX_PATH:
        raise Unusable(pointer, f"its path is longer than {_MAX_PATH:,} characters")
    if _UNFIT_IN_PATH.search(path):
        raise Unusable(pointer, "its path has a blank, a fragment or another character that no path has")
    if set("{}") & set(_BRACES.sub("", path)):
        raise Unusable(pointer, "the braces in its path are not in pairs around names")
    if any(part in (".", "..") for part in path.partition("?")[0].split("/")):
        raise Unusable(pointer, "its path leads elsewhere")
    plain, mark, query = path.partition("?")
    pairs = query.split("&")
    kept = [pair for pair in pairs if "{" not in pair]
    notes = ["the templates in the query of its path are left out"] if len(kept) < len(pairs) else []
    plain = plain if plain.startswith("/") else f"/{plain}"
    return plain + (f"{mark}{'&'.join(kept)}" if mark and kept else ""), notes


def _place(argument: Argument) -> dict[str, Any]:
    place = argument.place
    return {name: value for name, value in place.items() if name != "name" or value != argument.name}


def _sentences(notes: Iterable[str]) -> list[str]:
    return [f"{each[:1].upper()}{each[1:]}" for each in dict.fromkeys(notes) if each]


def _check(document: dict[str, Any], pointer: str) -> None:
    """Refuse what no ledger document can hold: half of a surrogate pair, a number that is none.

    Raises:
        Unusable: It holds such a thing.
    """
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError):
        raise Unusable(pointer, "holds a number or a character that JSON cannot carry") from None
