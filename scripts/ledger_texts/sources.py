"""What the packaged ledger is made of: recorded facts, our texts, and corrections of the facts.

Texts are one file a subnet, keyed by the id the facts give an operation. A correction says what the facts got wrong and
why we know; its reason ends up in the operation's notes, so nothing is changed in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TEXTS = Path(__file__).resolve().parent
GRPC = "gRPC"  # what the facts give as the method of an operation that is not HTTP


@dataclass(frozen=True, kw_only=True)
class Text:
    """Our words for one operation, and what its facts cannot say: the effect of a call.

    The effects are None where the HTTP method tells them.
    """

    operation_id: str
    title: str
    description: str
    use_when: str
    capabilities: list[str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    read_only: bool | None = None
    idempotent: bool | None = None
    spends_money: bool | None = None


@dataclass(frozen=True, kw_only=True)
class SubnetTexts:
    """The texts of one subnet. `arguments` describes those that mean the same in each of its operations."""

    arguments: Mapping[str, str]
    operations: Mapping[str, Text]


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A change to recorded facts, with the reason."""

    why: str
    operations: list[str]
    param_in: Mapping[str, str] = field(default_factory=dict)
    wire_names: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Arguments the facts lack, with their schemas."""
    omit_null: list[str] = field(default_factory=list)
    """Arguments that the vendor's own client leaves out of the body where they are null."""
    drop: list[str] = field(default_factory=list)
    """Arguments that are none, such as a credential that `auth` covers."""
    auth: Mapping[str, Any] | None = None
    body: Literal["undocumented", "none"] | None = None
    response_media_type: str | None = None
    timeout_s: float | None = None


def read_json(path: Path) -> Any:
    """Parse one JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_texts(path: Path) -> SubnetTexts:
    """Read the texts of one subnet."""
    document = read_json(path)
    operations = {fact_id: Text(**text) for fact_id, text in document["operations"].items()}
    return SubnetTexts(arguments=document.get("arguments", {}), operations=operations)


def read_corrections(path: Path) -> list[Correction]:
    """Read all corrections, in the order they are applied."""
    return [Correction(**correction) for correction in read_json(path)]
