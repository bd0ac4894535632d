"""A subnet of one operation on loopback, the ledger's entry of it, a miner and validators who call it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ledger_sync.governance.caller import Probe, Probed, find_tool, probe, session_for
from ledger_sync.governance.evidence import Call, pack, unpack
from ledger_sync.governance.verification import Review, verify
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.model import Entry, SandboxMark
from orchestra_tools.model.proposal import ProposalStatement
from orchestra_tools.trust import sha256_hex
from tests.calls.recording import SANDBOX_KEY, Server, ledger_of

SLOT = "SN22@1000"
OUTPUT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "score": {"type": "number"}},
    "required": ["answer"],
}
INPUT = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}


class Pauses(list[float]):
    """Time that passes when it is told to: how long was waited is written down."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def statement_of(update_type: str, field: str, old: Any, new: Any, *, slot: str = SLOT) -> ProposalStatement:
    """A signed proposal, as the desk hands it on; nobody here looks at the signature."""
    proposal = {
        "subnet": slot.partition("@")[0],
        "update_type": update_type,
        "field": field,
        "old_value": old,
        "new_value": new,
        "evidence_hash": "0x7a3f...",
        "proposed_by": "miner_uid_42",
    }
    return ProposalStatement.model_validate(
        {
            "proposal": proposal,
            "slot": slot,
            "evidence_sha256": "0" * 64,
            "salt": "0" * 64,
            "network": "finney",
            "ledger": "ledger.example/log",
            "hotkey": "5Miner",
            "nonce": "0" * 32,
            "issued_at_ms": 0,
            "expires_at_ms": 1,
            "signature": "",
        }
    )


def codes(review: Review) -> set[str]:
    """Why a review rejects."""
    assert (review.decision == "reject") is bool(review.reasons)
    return {reason.code for reason in review.reasons}


def answering(make: Callable[[dict[str, str]], Any], *, status: int = 200, **headers: str) -> Any:
    """An answer of the subnet that depends on what it was asked."""

    async def handle(request: web.Request) -> web.StreamResponse:
        asked = dict(request.query)
        if request.can_read_body:
            asked |= json.loads(await request.read())
        return web.json_response(make(asked), status=status, headers=headers)

    return handle


@dataclass
class Stage:
    """A subnet on loopback, and the ledger's entry of it."""

    server: Server
    operation: dict[str, Any] = field(default_factory=dict)
    key: str = SANDBOX_KEY
    pauses: Pauses = field(default_factory=Pauses)

    @property
    def mark(self) -> SandboxMark:
        return SandboxMark(url=self.server.url, key=self.key)

    def entry(self, **fields: Any) -> Entry:
        """What the ledger says."""
        operation = {"input_schema": INPUT, "output_schema": OUTPUT, **self.operation}
        document = ledger_of(operation, url=self.server.url)
        document["entries"]["SN22"] |= {"registered_at_block": 1000, "capabilities": ["web_search"], **fields}
        return ledger_from_document(document, source="test").find_entry("SN22")

    def asked(self) -> list[str]:
        """What the subnet was asked so far."""
        return [each.target for each in self.server.requests]

    async def call(self, entry: Entry, seed: str = "miner", operation: str = "ask", calls: int = 3) -> Probed:
        """Somebody's own calls."""
        async with session_for(entry, self.mark) as session:
            tool = find_tool(session, operation)
            assert tool is not None
            return await probe(session, tool, Probe(calls, 0.0, seed), sleep=self.pauses)

    async def gather(self, entry: Entry, **call: Any) -> Sequence[Call]:
        """A miner's evidence, as validators read it."""
        evidence = pack((await self.call(entry, **call)).calls)
        return unpack(evidence.bundle, blobs_of(evidence.blobs), slot=str(entry.slot))

    async def review(
        self, statement: ProposalStatement, entry: Entry | None, *, seed: str = "validator", calls: int = 3, **how: Any
    ) -> Review:
        """What a validator finds; the miner made its calls just before, unless it is told otherwise."""
        if "evidence" not in how:
            how["evidence"] = [] if entry is None else await self.gather(entry)
        how = {"sandbox": self.mark, "sleep": self.pauses, **how}
        return await verify(statement, entry, plan=how.pop("plan", Probe(calls, 0.0, seed)), **how)


def blobs_of(blobs: Sequence[bytes]) -> Callable[[str], bytes | None]:
    """Documents by their digest."""
    return {sha256_hex(data): data for data in blobs}.get


class Chain(dict[str, Mapping[str, Any]]):
    """What a chain says of slots."""

    def identity(self, slot: str) -> Mapping[str, Any] | None:
        return self.get(slot)
