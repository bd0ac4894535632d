"""The values of the ledger, frozen. No I/O."""

from orchestra_tools.model.base import Timestamp, Value
from orchestra_tools.model.entry import Entry, Links, Slot, SourceDocument, Unreadable, faults_of
from orchestra_tools.model.ledger import LEDGER_FORMAT, Ledger, SandboxMark
from orchestra_tools.model.observation import Observation
from orchestra_tools.model.operation import (
    ApiKeyAuth,
    ArgumentPlace,
    Auth,
    Cost,
    Endpoint,
    GrpcEndpoint,
    HotkeyAuth,
    HttpEndpoint,
    Operation,
    Schema,
    SynapseEndpoint,
    UndocumentedAuth,
)
from orchestra_tools.model.outcome import Blame, Outcome
from orchestra_tools.model.pin import Pin
from orchestra_tools.model.receipt import Receipt, RequestDigest, ResponseDigest, SchemaVerdict
from orchestra_tools.model.statistics import Statistics, quantile, summarise, wilson_lower_bound

__all__ = [
    "LEDGER_FORMAT",
    "ApiKeyAuth",
    "ArgumentPlace",
    "Auth",
    "Blame",
    "Cost",
    "Endpoint",
    "Entry",
    "GrpcEndpoint",
    "HotkeyAuth",
    "HttpEndpoint",
    "Ledger",
    "Links",
    "Observation",
    "Operation",
    "Outcome",
    "Pin",
    "Receipt",
    "RequestDigest",
    "ResponseDigest",
    "SandboxMark",
    "Schema",
    "SchemaVerdict",
    "Slot",
    "SourceDocument",
    "Statistics",
    "SynapseEndpoint",
    "Timestamp",
    "UndocumentedAuth",
    "Unreadable",
    "Value",
    "faults_of",
    "quantile",
    "summarise",
    "wilson_lower_bound",
]
