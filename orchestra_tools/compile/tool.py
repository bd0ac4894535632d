"""A tool: an operation compiled for a host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from orchestra_tools.model import Operation, Slot
from orchestra_tools.schema import Validator


@dataclass(frozen=True, slots=True)
class Annotations:
    """Hints a host may show or act on; named as in MCP."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool = True

    def to_json(self) -> dict[str, bool]:
        """Those that differ from tool to tool; every tool of a subnet is of an open world."""
        return {"read_only": self.read_only, "destructive": self.destructive, "idempotent": self.idempotent}


@dataclass(frozen=True)
class Tool:
    """An operation compiled for a host.

    Attributes:
        digest: SHA-256 (hex) over name, title, description, schemas and annotations: all that a model sees. Statistics
            are not part of it; they would change it with every call.
        sandbox: Its address is a loopback stand-in.
    """

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    annotations: Annotations
    operation: Operation = field(repr=False)
    operation_id: str
    slot: Slot
    entry_name: str
    entry_version: str
    last_verified: str | None
    sandbox: bool = False

    @property
    def subnet(self) -> str:
        """The subnet's key: SN and the netuid."""
        return f"SN{self.slot.netuid}"

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it can do, in terms of the vocabulary; the main one first."""
        return self.operation.capabilities

    @property
    def audience(self) -> str:
        """Whom it is for: consumer, compute or operator."""
        return self.operation.audience

    @cached_property
    def digest(self) -> str:
        """See the class."""
        seen = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": [self.annotations.read_only, self.annotations.destructive, self.annotations.idempotent],
        }
        text = json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @cached_property
    def input_validator(self) -> Validator:
        """Validates arguments. Compiled on first use."""
        return Validator(dict(self.input_schema))

    @cached_property
    def output_validator(self) -> Validator | None:
        """Validates answers; None where the output is not documented."""
        return None if self.output_schema is None else Validator(dict(self.output_schema))


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An operation that did not become a tool, and why."""

    name: str
    slot: Slot
    operation_id: str
    reasons: tuple[str, ...]
