"""Who may call an operation and what it costs: authentication and price, from facts to ledger form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_KEY_PREFIXES = ("Bearer ", "Apikey ")
_COST_HEADER = re.compile(r"response header (\S+)")


def translate_auth(auth: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The ledger's form of recorded authentication; None = none is needed as far as the source says."""
    if auth is None:
        return None
    if auth["type"] == "signature" or auth["name"] is None:
        return {"scheme": "undocumented", "note": auth.get("note") or _what_is_missing(auth)}
    translated: dict[str, Any] = {
        "scheme": "api_key",
        "in": "query" if auth["in"] == "query" else "header",
        "name": auth["name"],
        "prefix": _key_prefix(auth),
    }
    if header := auth.get("extra_header"):
        name, _, value = header.partition(":")
        translated["headers"] = {name: value.strip()}
    return translated


def notes_of_auth(auth: Mapping[str, Any] | None) -> list[str]:
    """What the source says about the authentication beside its form."""
    if auth is None:
        return []
    notes = []
    if auth["in"] == "metadata":
        notes.append("The key travels in the gRPC metadata")
    if auth.get("note") and auth["name"] is not None:
        notes.append(f"Of the authentication: {auth['note']}")
    if auth.get("alternative"):
        notes.append(f"Can be paid per call instead of using a key: {auth['alternative']}")
    return notes


def _what_is_missing(auth: Mapping[str, Any]) -> str:
    if auth["in"] == "body":
        return "A signature inside the request body."
    return "A header whose name is not published."


def _key_prefix(auth: Mapping[str, Any]) -> str:
    if "bearer" in (auth["type"], auth.get("scheme")):
        return "Bearer "
    form = auth.get("format", "")
    return next((prefix for prefix in _KEY_PREFIXES if form.startswith(prefix)), "")


def translate_price(price: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The ledger's form of a recorded price; None = nobody has published one."""
    if price is None:
        return None
    note = price.get("note")
    cost = {"amount": None, "currency": "USD", "unit": price.get("unit", "request"), "header": None, "note": note}
    if "usd" in price:
        cost["amount"] = str(Decimal(str(price["usd"])))
    elif "credits" in price:
        cost |= {"amount": str(price["credits"]), "currency": "credits"}
    elif header := _COST_HEADER.search(note or ""):
        cost |= {"header": header[1], "note": None}
    elif note and note.startswith("per token"):
        cost["unit"] = "token"
    return cost


def is_free(cost: Mapping[str, Any] | None) -> bool:
    """Whether the price is known to be nothing."""
    return cost is not None and cost["amount"] is not None and Decimal(cost["amount"]) == 0
