"""An operation: one callable thing of a subnet.

It says what goes in and comes out (JSON Schema 2020-12), where to send it, how to authenticate, what it costs, and how
far to believe all that (`source`, `confidence`). It never says how reliable it is: that is measured.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from orchestra_tools.model.base import Value

Location = Literal["path", "query", "header", "cookie", "body"]
Audience = Literal["consumer", "compute", "operator"]
Style = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject"]
Schema = dict[str, Any]
_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
WRITING_METHODS = frozenset({"POST", "PUT", "PATCH"})


class ArgumentPlace(Value):
    """Where one argument travels in the request."""

    location: Location = Field(alias="in")
    name: str | None = None
    """Name on the wire, where it differs from the argument's."""
    whole: bool = False
    """The argument's value is the whole body."""
    style: Style | None = None
    """How a list or an object is written there (OpenAPI 3.1, 4.8.12.1); None = repeated in a query or form, with commas
    elsewhere."""
    explode: bool | None = None
    """Whether each item or member is written as a parameter of its own; None = as OpenAPI has it for the style."""
    allow_reserved: bool = False
    """Whether a query value keeps the characters that RFC 3986 reserves."""
    media_type: str | None = None
    """Media type the value is written in: `application/json` in a parameter, the type of a part in a multipart body."""
    omit_null: bool = False
    """Null is left out of a JSON body, where it is not written as null; everywhere else it always is."""


class HttpEndpoint(Value):
    """An operation reached over HTTP."""

    kind: Literal["http"] = "http"
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    base_url: str | None = None
    path: str = ""
    arguments: dict[str, ArgumentPlace] = Field(default_factory=dict)
    request_media_type: str | None = None
    response_media_type: str = "application/json"
    streaming: Literal["none", "optional", "sse"] = "none"

    def place_of(self, argument: str) -> ArgumentPlace:
        """Where `argument` travels; undeclared ones go where the method puts them."""
        if (place := self.arguments.get(argument)) is not None:
            return place
        if f"{{{argument}}}" in self.path:
            return _IN_PATH
        return _IN_BODY if self.method in WRITING_METHODS else _IN_QUERY

    @property
    def placeholders(self) -> frozenset[str]:
        """Names in braces in the path."""
        return frozenset(_PLACEHOLDER.findall(self.path))

    @property
    def address(self) -> str:
        """Method and URL template, for people."""
        return f"{self.method} {self.base_url or ''}{self.path}"


_IN_PATH = ArgumentPlace.model_validate({"in": "path"})
_IN_QUERY = ArgumentPlace.model_validate({"in": "query"})
_IN_BODY = ArgumentPlace.model_validate({"in": "body"})


class GrpcEndpoint(Value):
    """An operation of a gRPC service. Known to the ledger, without a transport so far."""

    kind: Literal["grpc"] = "grpc"
    host: str
    method: str

    @property
    def address(self) -> str:
        """Host and method, for people."""
        return f"gRPC {self.host}/{self.method}"


class SynapseEndpoint(Value):
    """The seed's `Synapse.Name`: a miner reached through the metagraph."""

    kind: Literal["synapse"] = "synapse"
    name: str

    @property
    def address(self) -> str:
        """The seed's form."""
        return f"Synapse.{self.name}"


Endpoint = Annotated[HttpEndpoint | GrpcEndpoint | SynapseEndpoint, Field(discriminator="kind")]


class ApiKeyAuth(Value):
    """A secret sent in one header or query parameter: `prefix` + key."""

    scheme: Literal["api_key"] = "api_key"
    location: Literal["header", "query"] = Field(default="header", alias="in")
    name: str = "Authorization"
    prefix: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    """Constant headers the API wants beside the key."""


class HotkeyAuth(Value):
    """`btauth/1`: the request is signed with the caller's Bittensor hotkey, for `receiver`."""

    scheme: Literal["btauth/1"] = "btauth/1"
    receiver: str | None = None
    """ss58 address of the hotkey the request is meant for."""


class UndocumentedAuth(Value):
    """Something is demanded, but nobody has published what."""

    scheme: Literal["undocumented"] = "undocumented"
    note: str = ""


Auth = Annotated[ApiKeyAuth | HotkeyAuth | UndocumentedAuth, Field(discriminator="scheme")]


class Cost(Value):
    """What one call costs. `amount` is None where the price is not known before the call."""

    # Bounded, so that it can be written out: 1e999999 would have a million digits.
    amount: Annotated[Decimal, Field(ge=0, max_digits=28, decimal_places=18)] | None = None
    currency: str = "USD"
    unit: str = "request"
    header: str | None = None
    """Response header that carries the amount charged."""
    note: str | None = None


class Operation(Value):
    """One callable thing of a subnet."""

    title: str = ""
    description: str = ""
    use_when: str = ""
    capabilities: tuple[str, ...] = ()
    audience: Audience = "consumer"
    input_form: Any = Field(default_factory=dict, alias="input_schema")
    """The input schema as written: JSON Schema or the seed's shorthand."""
    output_form: Any = Field(default=None, alias="output_schema")
    """The output schema as written; None = not documented."""
    endpoint: Endpoint
    auth: Auth | None = None
    cost: Cost | None = None
    read_only: bool = False
    idempotent: bool = False
    spends_money: bool = True
    unavailable: str | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=3600)
    source: dict[str, Any] | None = None
    confidence: str | None = None
    docs_url: str | None = None
    notes: str | None = None

    @field_validator("endpoint", mode="before")
    @classmethod
    def _read_synapse(cls, endpoint: Any) -> Any:
        return read_endpoint(endpoint)

    @cached_property
    def obstacle(self) -> str | None:
        """Why the operation cannot be called at all, or None."""
        if self.unavailable:
            return self.unavailable
        if isinstance(self.endpoint, GrpcEndpoint):
            return "no gRPC transport yet"
        if isinstance(self.endpoint, SynapseEndpoint):
            return "synapse endpoints need the metagraph of a running sync daemon"
        if self.endpoint.base_url is None:
            return "no public base URL is documented"
        if isinstance(self.auth, UndocumentedAuth):
            return "its authentication is not documented"
        return None

    @property
    def price(self) -> Decimal | None:
        """Amount one call costs, in `cost.currency`; 0 where it cannot cost money, None where nobody knows."""
        if self.cost is not None and self.cost.amount is not None and self.cost.unit == "request":
            return self.cost.amount
        return None if self.spends_money else Decimal(0)


def read_endpoint(endpoint: Any) -> Any:
    """Turn the seed's endpoint text (`Synapse.Desearch`, or a URL) into an endpoint document."""
    if not isinstance(endpoint, str):
        return endpoint
    if endpoint.startswith(("http://", "https://")):
        return {"kind": "http", "method": "POST", "base_url": endpoint, "path": ""}
    return {"kind": "synapse", "name": endpoint.removeprefix("Synapse.")}
