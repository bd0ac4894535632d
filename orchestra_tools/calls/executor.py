"""The one way to call a subnet.

Validate the arguments and apply defaults; ask the policy (circuit, credential, budget, address); send, again only where
that is safe; read the answer; hold it against the output schema; write receipt and observation. Whoever calls a subnet,
an adapter, a server or the CLI, comes through here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from orchestra_tools.calls.addresses import AddressPolicy
from orchestra_tools.calls.answer import read_answer
from orchestra_tools.calls.budgets import Budget, Purse, Reservation
from orchestra_tools.calls.circuit import Circuits, Passage
from orchestra_tools.calls.credentials import Credentials
from orchestra_tools.calls.exchange import Exchange
from orchestra_tools.calls.journal import Journal
from orchestra_tools.calls.progress import Progress
from orchestra_tools.calls.request import build_request
from orchestra_tools.calls.result import CallResult
from orchestra_tools.calls.retries import MAX_ATTEMPTS, MAX_WAIT_S, PASSING_STATUSES, wait_before_retry
from orchestra_tools.calls.transports import HotkeyTransport, HttpTransport, Transport
from orchestra_tools.calls.wire import Limits, ProgressReporter, WireResponse
from orchestra_tools.compile import Tool
from orchestra_tools.errors import CallError, CredentialMissingError, NotCallableError, RefusedError
from orchestra_tools.model import ApiKeyAuth, HotkeyAuth, Outcome, SandboxMark
from orchestra_tools.trust import Signer


@dataclass(slots=True)
class Executor:
    """Calls tools. One for each session; calls may run at the same time.

    Attributes:
        clock: Seconds since the Unix epoch.
        monotonic: Monotonic seconds, for latencies and circuits.
        load_hotkey: Gives the wallet that signs `btauth/1` requests; None = there is none.
    """

    credentials: Credentials
    journal: Journal
    signer: Signer
    budget: Budget = field(default_factory=Budget)
    limits: Limits = field(default_factory=Limits)
    transport: Transport = field(default_factory=HttpTransport)
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.perf_counter
    load_hotkey: Callable[[], Any] | None = None
    purse: Purse = field(init=False)
    circuits: Circuits = field(init=False)

    def __post_init__(self) -> None:
        self.circuits = Circuits(self.monotonic)
        self.purse = Purse(self.budget, spent_today=self._spent_today)

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        *,
        sandbox: SandboxMark | None = None,
        max_cost: Decimal | None = None,
        on_progress: ProgressReporter | None = None,
    ) -> CallResult:
        """Call a tool.

        Args:
            tool: What to call.
            arguments: A JSON object.
            sandbox: The mark of the ledger the tool was compiled from.
            max_cost: Most this call may cost, in the budget's currency.
            on_progress: Told of each step.

        Raises:
            InvalidArgumentsError: The arguments do not fit; nothing was sent.
            RefusedError: Policy said no; nothing was sent.
            CallError: The call was made and failed; has receipt and observation.
        """
        checked = tool.input_validator.check(arguments, tool=tool.name)
        if obstacle := tool.operation.obstacle:
            raise NotCallableError(
                f"{tool.name} cannot be called: {obstacle}", remedy="Use another tool", tool=tool.name
            )
        key = self._key(tool, sandbox)
        transport = self._transport_for(tool)
        policy = AddressPolicy.for_sandbox(sandbox.url) if sandbox else AddressPolicy()
        request = build_request(tool, checked, key=key)
        progress = Progress(on_progress)
        # The key of a sandbox is no secret, and may be an ordinary word.
        exchange = Exchange(
            tool, checked, request, self.clock, self.monotonic, secret=None if sandbox else key, keyed=key is not None
        )
        with self.purse.reserve(tool, max_cost=max_cost) as reservation, self.circuits.admit(tool) as passage:
            try:
                response = await self._send(exchange, transport, policy, progress)
                data = exchange.keep(self._read(exchange, response))
            except RefusedError:
                # Found out at the moment of connecting; nothing was sent, so there was no call.
                raise
            except BaseException as error:
                exchange.outcome = _outcome_of(error)
                failed = self._finish(exchange, reservation, passage, None)
                if isinstance(error, CallError):
                    error.receipt, error.observation = failed.receipt, failed.observation
                raise
            self._hold_against_schema(exchange, data)
            result = self._finish(exchange, reservation, passage, data)
        await progress.checked()
        return result

    async def close(self) -> None:
        """Close connections. The journal stays open: whoever opened it closes it."""
        await self.transport.close()

    def obstacle_to(self, tool: Tool) -> str | None:
        """Why a tool cannot be called now, or None. Opens no keyring and sends nothing."""
        if obstacle := tool.operation.obstacle:
            return obstacle
        auth = tool.operation.auth
        if auth is None or (tool.sandbox and isinstance(auth, ApiKeyAuth)):
            return None
        if isinstance(auth, HotkeyAuth):
            return None if self.load_hotkey else "no hotkey is configured"
        return None if self.credentials.source(tool.subnet) else f"no key for {tool.subnet}"

    def _key(self, tool: Tool, sandbox: SandboxMark | None) -> str | None:
        if not isinstance(tool.operation.auth, ApiKeyAuth):
            return None
        if sandbox is not None:
            # A sandbox never sees a real key.
            return sandbox.key
        if (found := self.credentials.find(tool.subnet)) is None:
            raise CredentialMissingError(
                f"{tool.name} needs a key for {tool.subnet}, and there is none",
                remedy=f"Run `orchestra keys set {tool.subnet}`, or set ORCHESTRA_KEY_{tool.subnet}",
                subnet=tool.subnet,
            )
        return found.get_secret_value()

    def _transport_for(self, tool: Tool) -> Transport:
        if not isinstance(auth := tool.operation.auth, HotkeyAuth):
            return self.transport
        if self.load_hotkey is None:
            raise CredentialMissingError(
                f"{tool.name} wants requests signed by a hotkey, and none is configured",
                remedy="Set ORCHESTRA_WALLET and ORCHESTRA_HOTKEY to a bittensor wallet and hotkey",
                subnet=tool.subnet,
            )
        return HotkeyTransport(self.transport, hotkey=self.load_hotkey(), receiver=auth.receiver)

    async def _send(
        self, exchange: Exchange, transport: Transport, policy: AddressPolicy, progress: Progress
    ) -> WireResponse:
        tool = exchange.tool
        limits = self.limits
        if (timeout_s := tool.operation.timeout_s) is not None:
            limits = replace(limits, timeout_s=timeout_s)

        async def attempt() -> WireResponse:
            exchange.begin_attempt()
            await progress.asking(tool.subnet, exchange.attempts)
            response = await transport.send(
                exchange.request,
                policy=policy,
                limits=limits,
                secret=exchange.keyed,
                on_bytes=progress.received if progress.wanted else None,
            )
            kept = exchange.take(response)
            if response.status in PASSING_STATUSES:
                # Raised here, so that the retry rule sees it.
                self._read(exchange, kept)
            return kept

        try:
            return await attempt()
        except CallError as error:
            if wait_before_retry(tool, error) is False:
                raise
            return await _try_again(tool, attempt, error, limits)

    def _read(self, exchange: Exchange, response: WireResponse) -> Any:
        now = datetime.fromtimestamp(self.clock(), UTC)
        return read_answer(exchange.tool, response, now=now, clean=exchange.clean)

    def _hold_against_schema(self, exchange: Exchange, data: Any) -> None:
        validator = exchange.tool.output_validator
        exchange.drift = tuple(validator.faults(data)) if validator is not None else ()
        exchange.outcome = Outcome.DRIFT if exchange.drift else Outcome.OK
        exchange.verdict = "undocumented" if validator is None else "drift" if exchange.drift else "valid"

    def _finish(self, exchange: Exchange, reservation: Reservation, passage: Passage, data: Any) -> CallResult:
        passage.outcome = exchange.outcome
        exchange.settle()
        if exchange.cost is not None and exchange.currency == self.budget.currency and not exchange.tool.sandbox:
            reservation.spent = exchange.cost
        receipt, observation = exchange.receipt(self.signer), exchange.observation()
        self.journal.record_soon(observation, receipt)
        return CallResult(exchange.tool, data, receipt, observation, exchange.drift)

    def _spent_today(self, currency: str) -> Decimal:
        return self.journal.spent_today(currency, now_ms=int(self.clock() * 1000))


async def _try_again(
    tool: Tool, attempt: Callable[[], Awaitable[WireResponse]], failed: CallError, limits: Limits
) -> WireResponse:
    # Most calls succeed at once, and go without stamina's machinery; here it first sees the failure there was.
    import stamina  # with the first retry: hosts wait for this module

    failures = [failed]

    async def next_attempt() -> WireResponse:
        if failures:
            raise failures.pop()
        return await attempt()

    retrying = stamina.AsyncRetryingCaller(
        attempts=MAX_ATTEMPTS, timeout=limits.timeout_s, wait_initial=0.2, wait_max=MAX_WAIT_S, wait_jitter=0.2
    )
    return await retrying.on(lambda error: wait_before_retry(tool, error))(next_attempt)


def _outcome_of(error: BaseException) -> Outcome:
    if isinstance(error, CallError):
        return error.outcome
    return Outcome.CANCELLED if isinstance(error, asyncio.CancelledError) else Outcome.INTERNAL
