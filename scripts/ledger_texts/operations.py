"""One recorded operation and its text, made into an operation of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ledger_texts.access import is_free, notes_of_auth, translate_auth, translate_price
from ledger_texts.inputs import Inputs, describe_arguments, read_inputs
from ledger_texts.schemas import clean_schema
from ledger_texts.sources import GRPC, Correction, Text

SAFE_METHODS = frozenset({"GET", "HEAD"})
IDEMPOTENT_METHODS = SAFE_METHODS | {"PUT", "DELETE"}  # RFC 9110, 9.2.2
AUDIENCES = {
    "consumer": "consumer",
    "compute rental": "compute",
    "subnet operator (miner/validator/leaderboard)": "operator",
}
PAYING_AUDIENCES = frozenset({"consumer", "compute"})


def translate_operation(
    fact: Mapping[str, Any], text: Text, shared_arguments: Mapping[str, str], corrections: Iterable[Correction]
) -> dict[str, Any]:
    """The ledger's form of one operation.

    Raises:
        ValueError: The text describes an argument the operation does not have.
    """
    corrections = list(corrections)
    recorded_auth = next((correction.auth for correction in corrections if correction.auth), fact["auth"])
    inputs = read_inputs(fact, corrections)
    describe_arguments(inputs, text.arguments, shared_arguments)
    auth = translate_auth(recorded_auth)
    cost = translate_price(fact["price_per_call"])
    notes = [fact["notes"], *inputs.notes, *notes_of_auth(recorded_auth), *(each.why for each in corrections)]
    operation: dict[str, Any] = {
        "title": text.title,
        "description": text.description,
        "use_when": text.use_when,
        "capabilities": text.capabilities,
        "audience": AUDIENCES[fact["audience"]],
        "input_schema": inputs.to_schema(),
        "output_schema": fact["output_schema"] and clean_schema(fact["output_schema"]),
        "endpoint": _endpoint_of(fact, inputs, corrections),
        "auth": auth,
        "cost": cost,
        **_effects_of(fact, text, needs_key=auth is not None, free=is_free(cost)),
        "unavailable": _obstacle_of(fact, auth),
    }
    if timeout_s := next((correction.timeout_s for correction in corrections if correction.timeout_s), None):
        operation["timeout_s"] = timeout_s
    return operation | _provenance_of(fact, notes)


def _endpoint_of(fact: Mapping[str, Any], inputs: Inputs, corrections: list[Correction]) -> dict[str, Any]:
    if fact["method"] == GRPC:
        return {"kind": "grpc", "host": fact["base_url"], "method": fact["path"].removeprefix("/")}
    return {
        "kind": "http",
        "method": fact["method"],
        "base_url": fact["base_url"],
        "path": fact["path"],
        "arguments": inputs.places,
        "request_media_type": _request_media_type(inputs),
        "response_media_type": next(
            (correction.response_media_type for correction in corrections if correction.response_media_type),
            "application/json",
        ),
        "streaming": "optional" if "stream" in inputs.properties else "none",
    }


def _request_media_type(inputs: Inputs) -> str | None:
    if not inputs.body_arguments:
        return None
    return "multipart/form-data" if inputs.has_file else "application/json"


def _effects_of(fact: Mapping[str, Any], text: Text, *, needs_key: bool, free: bool) -> dict[str, bool]:
    """What a call does to the world. A price nobody knows counts as money spent."""
    read_only = fact["method"] in SAFE_METHODS if text.read_only is None else text.read_only
    idempotent = read_only or fact["method"] in IDEMPOTENT_METHODS
    spends_money = AUDIENCES[fact["audience"]] in PAYING_AUDIENCES and needs_key and not free
    return {
        "read_only": read_only,
        "idempotent": idempotent if text.idempotent is None else text.idempotent,
        "spends_money": spends_money if text.spends_money is None else text.spends_money,
    }


def _obstacle_of(fact: Mapping[str, Any], auth: Mapping[str, Any] | None) -> str | None:
    if fact["method"] == GRPC:
        return "no gRPC transport yet"
    if fact["base_url"] is None:
        return "no public base URL is documented"
    if auth is not None and auth["scheme"] == "undocumented":
        return "its authentication is not documented"
    return None


def _provenance_of(fact: Mapping[str, Any], notes: list[str | None]) -> dict[str, Any]:
    sentences = [note.strip().rstrip(".") + "." for note in notes if note]
    provenance: dict[str, Any] = {
        "source": _public_source(fact["source"]),
        "confidence": fact["confidence"],
        "docs_url": fact["docs_url"],
        "notes": " ".join(sentences) or None,
    }
    status, _, remark = fact["status"].partition(" (")
    if status != "current":
        raise ValueError(f"{fact['id']} is {status!r}: the packaged ledger holds what is current")
    if remark:
        provenance["status_note"] = fact["status"]
    return provenance


def _public_source(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source without the numbers and tools of the search that found it: they mean nothing to a reader."""
    kept = {name: value for name, value in source.items() if name not in ("text_id", "text_ids", "via")}
    if isinstance(path := kept.get("path"), str):
        kept["path"] = path.partition(" found with ")[0]
    return kept
