"""One operation's stand-in: demands what the real API demands, and answers. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from orchestra_tools.model import ApiKeyAuth, HotkeyAuth, HttpEndpoint, Operation
from orchestra_tools.sandbox.answers import Answer, Answerer
from orchestra_tools.sandbox.auth import Refusal, check_key, check_signature, without_key
from orchestra_tools.sandbox.corpus import packaged_corpus
from orchestra_tools.sandbox.replies import MARKED
from orchestra_tools.sandbox.requests import ArgumentReader, RequestParts, UnreadableRequestError
from orchestra_tools.schema import Validator, expand

CHARGE = "0.0010"  # what a stand-in says it cost, where the API says so in a header


class Received(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    parts: RequestParts


@dataclass(frozen=True)
class StandIn:
    """Stands in for one operation. What it needs is prepared at its first call."""

    tool: str
    operation_id: str
    operation: Operation
    endpoint: HttpEndpoint
    key: str

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers of every answer."""
        cost = self.operation.cost
        return dict(MARKED) | ({cost.header: CHARGE} if cost is not None and cost.header else {})

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """What the arguments are checked against."""
        return expand(self.operation.input_form or {})

    @cached_property
    def _validator(self) -> Validator:
        return Validator(self.input_schema)

    @cached_property
    def _reader(self) -> ArgumentReader:
        return ArgumentReader(self.endpoint, self.input_schema)

    @cached_property
    def _answerer(self) -> Answerer:
        return Answerer(self.tool, self.operation_id, self.operation, self.endpoint, packaged_corpus())

    def authorise(self, received: Received) -> Refusal | None:
        """Refuse a request without the right credentials."""
        auth = self.operation.auth
        if isinstance(auth, ApiKeyAuth):
            return check_key(auth, self.key, received.parts.headers, received.parts.query)
        if isinstance(auth, HotkeyAuth):
            return check_signature(
                auth,
                received.parts.headers,
                received.parts.body,
                method=received.method,
                target=received.target,
            )
        return None

    def read(self, parts: RequestParts) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        """The arguments of a request, and what is wrong with them.

        Raises:
            UnreadableRequestError: It cannot be read at all.
        """
        query = without_key(self.operation.auth, parts.query)
        arguments = self._reader.read(replace(parts, query=query))
        return arguments, [asdict(fault) for fault in self._validator.faults(arguments)]

    def accepts(self, parts: RequestParts) -> bool:
        """Whether a request is one of this operation's."""
        try:
            return not self.read(parts)[1]
        except UnreadableRequestError:
            return False

    def answer(self, arguments: Mapping[str, Any], *, change: str = "") -> Answer:
        """The answer to arguments that fit."""
        return self._answerer.answer(arguments, change=change)
