"""The record of calls: complete, shared, and summed up rightly."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestra_tools.calls import Executor, Journal
from orchestra_tools.calls import journal as journal_module
from orchestra_tools.errors import ConfigurationError, UpstreamError
from orchestra_tools.model import Observation, Outcome, Receipt, RequestDigest, summarise
from orchestra_tools.trust import ReceiptReport, digest_request, sha256_hex, verify_receipt
from tests.calls.recording import Bench, Rerouted, Server, compile_tool, json_answer, ledger_of

DAY_MS = 86_400_000
WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from orchestra_tools.calls import Journal
from tests.calls.test_journal import record_of
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    journal.record(*record_of(f"other-{number}", cost="0.01"))
    print(number, flush=True)
journal.close()
"""


def record_of(
    name: str,
    *,
    tool: str = "sn22_ask",
    outcome: Outcome = Outcome.OK,
    latency_ms: float = 1.0,
    at_ms: int = 0,
    cost: str | None = None,
    currency: str = "USD",
    sandbox: bool = False,
) -> tuple[Observation, Receipt]:
    amount = None if cost is None else Decimal(cost)
    shared = {"tool": tool, "slot": "SN22@?", "operation": "ask", "entry_version": "1", "outcome": outcome}
    money = {"cost": amount, "currency": currency if cost else None, "sandbox": sandbox}
    observation = Observation(id=name, at_ms=at_ms, latency_ms=latency_ms, **shared, **money)
    receipt = Receipt(
        id=name,
        tool_digest="",
        request=RequestDigest(method="GET", url="https://api.example", form="jcs", sha256=""),
        response=None,
        schema_verdict="not_checked",
        started_at_ms=at_ms,
        ended_at_ms=at_ms,
        attempts=1,
        public_key="",
        **shared,
        **money,
    )
    return observation, receipt


def test_recording_twice_is_recording_once() -> None:
    """By the observation's id; also when statistics were asked for between."""
    journal = Journal()
    for _ in range(3):
        journal.record(*record_of("a", cost="1"))
        statistics = journal.statistics("sn22_ask")
        assert statistics is not None
        assert statistics.calls == 1
        assert journal.spent_today("USD", now_ms=0) == 1
    assert len(journal.observations("sn22_ask")) == 1
    journal.close()


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    """Newest first, also by another process later; receipts by id and the latest."""
    path = tmp_path / "new" / "journal.sqlite"
    journal = Journal(path)
    assert journal.statistics("sn22_ask") is None
    assert (journal.latest_receipt(), journal.receipt("a")) == (None, None)
    records = [record_of(name, at_ms=5 - number) for number, name in enumerate("abc")]
    for record in records:
        journal.record(*record)
    journal.close()
    again = Journal(path)
    assert again.observations("sn22_ask") == [observation for observation, _ in reversed(records)]
    assert again.receipt("b") == records[1][1].model_dump(mode="json")
    latest = again.latest_receipt()
    assert latest is not None
    assert latest["id"] == "c"
    again.close()


def test_sandbox_and_real_calls_are_kept_apart() -> None:
    """What a stand-in does says nothing of the subnet."""
    journal = Journal()
    journal.record(*record_of("a", sandbox=True, outcome=Outcome.SERVER_ERROR))
    journal.record(*record_of("b"))
    sandbox, real = journal.statistics("sn22_ask", sandbox=True), journal.statistics("sn22_ask")
    assert sandbox is not None
    assert real is not None
    assert (sandbox.succeeded, sandbox.sandbox) == (0, True)
    assert (real.succeeded, real.sandbox) == (1, False)
    journal.close()


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["t1", "t2"]),
        st.sampled_from(list(Outcome)),
        st.floats(0, 1e4),
        st.integers(0, 3 * DAY_MS),
        st.sampled_from([None, "0.1", "0.2", "3"]),
        st.sampled_from(["USD", "credits"]),
        st.booleans(),
        st.sampled_from(["nothing", "statistics", "spent", "other"]),
    ),
    max_size=30,
)


@given(CALLS)
@settings(max_examples=60, deadline=None)
def test_figures_are_those_of_a_naive_model(
    calls: list[tuple[str, Outcome, float, int, str | None, str, bool, str]],
) -> None:
    """Law: whatever is asked between, and whoever writes, figures are summed over the latest calls of a tool."""
    kept: list[Observation] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_module, "WINDOW", 7)
        journal = Journal()
        for number, (tool, outcome, latency, at, cost, currency, sandbox, ask) in enumerate(calls):
            record = record_of(
                f"n{number}",
                tool=tool,
                outcome=outcome,
                latency_ms=latency,
                at_ms=at,
                cost=cost,
                currency=currency,
                sandbox=sandbox,
            )
            kept.append(record[0])
            journal.record(*record)
            if ask == "other":
                journal._seen_version = -1  # as if another process had written
            if ask in ("statistics", "other"):
                mine = [seen for seen in reversed(kept) if (seen.tool, seen.sandbox) == (tool, sandbox)][:7]
                assert journal.statistics(tool, sandbox=sandbox) == summarise(mine)
                assert journal.observations(tool, sandbox=sandbox) == mine
            if ask == "spent":
                day = at - at % DAY_MS
                spent = [seen for seen in kept if seen.currency == currency and seen.at_ms >= day and not seen.sandbox]
                expected = sum((seen.cost for seen in spent if seen.cost is not None), Decimal(0))
                assert journal.spent_today(currency, now_ms=at) == expected
        journal.close()


def test_the_latest_calls_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more calls than the window holds the oldest are let go, whatever they were."""
    monkeypatch.setattr(journal_module, "WINDOW", 4)
    journal, kept = Journal(), []
    for number, outcome in enumerate([*Outcome, *reversed(Outcome), *[Outcome.OK, Outcome.DRIFT] * 3]):
        record = record_of(str(number), outcome=outcome, latency_ms=float(number * 7 % 5), at_ms=number % 3)
        kept.insert(0, record[0])
        journal.record(*record)
        assert journal.statistics("sn22_ask") == summarise(kept[:4])
    journal.close()


def test_two_processes_share_it(tmp_path: Path) -> None:
    """One writes while the other reads, and each sees what the other did."""
    path, root = tmp_path / "journal.sqlite", Path(__file__).resolve().parents[2]
    journal = Journal(path)
    command = [sys.executable, "-c", WRITER, str(path), "20", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for number, line in enumerate(writer.stdout):
            assert int(line) == number
            journal.record(*record_of(f"mine-{number}", cost="0.01"))
            statistics = journal.statistics("sn22_ask")
            assert statistics is not None
            assert statistics.calls >= 2 * (number + 1)
            assert journal.spent_today("USD", now_ms=0) >= Decimal("0.02") * (number + 1)
    assert writer.returncode == 0
    statistics = journal.statistics("sn22_ask")
    assert statistics is not None
    assert statistics.calls == 40
    journal.close()


def test_opening_at_once_makes_one_file(tmp_path: Path) -> None:
    """Several hosts start together."""
    path = tmp_path / "journal.sqlite"
    with ThreadPoolExecutor(8) as pool:
        journals = list(pool.map(lambda _: Journal(path), range(8)))
    for number, journal in enumerate(journals):
        journal.record(*record_of(str(number)))
        journal.close()
    again = Journal(path)
    assert len(again.observations("sn22_ask")) == 8
    again.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """Rather than misread."""
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer version"):
        Journal(path)


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 2000])
def test_a_broken_file_is_told(content: bytes, tmp_path: Path) -> None:
    """With the remedy; and never overwritten."""
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="repair the file"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """As `ORCHESTRA_HOME`."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="ORCHESTRA_HOME"):
        Journal(tmp_path / "file" / "journal.sqlite")
    with pytest.raises(ConfigurationError):
        Journal(tmp_path)


def test_a_closed_journal_says_so() -> None:
    """In our own words."""
    journal = Journal()
    journal.close()
    for use in (
        lambda: journal.statistics("x"),
        lambda: journal.observations("x"),
        lambda: journal.receipt("x"),
        lambda: journal.record(*record_of("a")),
    ):
        with pytest.raises(ConfigurationError, match="journal in memory cannot be used"):
            use()


async def test_calls_are_written_when_the_loop_comes_round(bench: Bench, tmp_path: Path) -> None:
    """Statistics know a call at once; the file does a moment later, several calls in one go."""
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    other = Journal(path)
    record = record_of("a")
    assert journal.statistics("sn22_ask") is None
    journal.record_soon(*record)
    journal.record_soon(*record_of("b"))
    known = journal.statistics("sn22_ask")
    assert known is not None
    assert known.calls == 2
    assert other.receipt("a") is None
    assert journal.receipt("a") is not None
    assert other.receipt("b") is not None
    journal.record_soon(*record_of("c"))
    journal.close()
    assert other.receipt("c") is not None
    other.close()


async def test_equal_calls_in_one_moment_are_counted_each(
    server: Server, make_executor: Callable[..., Executor]
) -> None:
    """Their receipts are equal; what they cost is not spent once."""
    bench = Bench(server, make_executor(clock=lambda: 5.0))
    for _ in range(3):
        await bench.call()
    statistics = bench.executor.journal.statistics("sn22_ask", sandbox=True)
    assert statistics is not None
    assert statistics.calls == 3


async def test_what_cannot_be_written_is_logged(
    server: Server, make_executor: Callable[..., Executor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk costs the record, not the answer."""
    path = tmp_path / "journal.sqlite"
    bench = Bench(server, make_executor(journal=Journal(path)))
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE call")
    connection.close()
    assert (await bench.call()).data == {"ok": True}
    with pytest.raises(ConfigurationError):
        bench.executor.journal.latest_receipt()
    assert "not recorded" in caplog.text


async def test_a_receipt_holds(server: Server, make_executor: Callable[..., Executor]) -> None:
    """Offline: signer, body and arguments; and not for another body or other arguments."""
    executor = make_executor(transport=Rerouted(server.url), clock=lambda: 1_795_435_200.5)
    schema = {"type": "object", "properties": {"q": {"type": "string"}, "n": {"type": "integer", "default": 10}}}
    cost = {"amount": "0.01", "currency": "USD"}
    document = ledger_of(
        {"input_schema": schema, "spends_money": True, "cost": cost}, url="https://api.example", sandbox=False
    )
    tool, _ = compile_tool(document)
    body = b'{ "b": 1.50, "a": "\xc3\xbc" }'
    server.answer(json_answer(body.decode()))
    result = await executor.call(tool, {"q": "secret question"})
    receipt = result.receipt
    stored = executor.journal.receipt(receipt.id)
    assert stored == receipt.model_dump(mode="json", by_alias=True) == executor.journal.latest_receipt()
    assert stored is not None
    report: ReceiptReport = verify_receipt(
        stored,
        trusted_keys=frozenset({executor.signer.public_key}),
        body=body,
        arguments={"q": "secret question", "n": 10},
    )
    assert len(report.proven) == 4
    assert receipt.response is not None
    assert (receipt.response.bytes, receipt.response.media_type) == (len(body), "application/json")
    assert receipt.response.body_sha256 == sha256_hex(body)
    assert receipt.response.jcs_sha256 == sha256_hex('{"a":"ü","b":1.5}'.encode())
    assert (
        receipt.request.sha256
        == digest_request(
            tool=tool.name, tool_digest=tool.digest, entry_version="1.0.0", arguments={"q": "secret question", "n": 10}
        )[1]
    )
    assert (receipt.request.method, receipt.request.url) == ("GET", "https://api.example/ask")
    assert (receipt.cost, receipt.started_at_ms, receipt.kind) == (
        Decimal("0.01"),
        1_795_435_200_500,
        "caller-attested",
    )
    assert "secret question" not in receipt.model_dump_json()
    for wrong in ({"body": body + b" "}, {"arguments": {"q": "secret question"}}, {"trusted_keys": frozenset({"00"})}):
        with pytest.raises(Exception, match="does not hold"):
            verify_receipt(stored, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [str(2**60), "[1e-7]", '{"a":' + "9" * 400 + "}", '"x"'])
async def test_odd_numbers_still_make_a_receipt(bench: Bench, body: str) -> None:
    """The digest of the canonical form is left out where there is none."""
    bench.server.answer(json_answer(body))
    receipt = (await bench.call({"n": 2**60})).receipt
    assert receipt.response is not None
    assert (receipt.response.jcs_sha256 is None) == (len(body) > 10)
    assert receipt.request.form == "json"
    verify_receipt(receipt.model_dump(mode="json"), body=body.encode(), arguments={"n": 2**60})


async def test_a_failure_has_a_receipt_too(bench: Bench) -> None:
    """With the body that came."""
    bench.server.answer(json_answer('{"detail":"no"}', 500))
    with pytest.raises(UpstreamError) as caught:
        await bench.call()
    assert caught.value.receipt is not None
    assert caught.value.observation is not None
    verify_receipt(caught.value.receipt.model_dump(mode="json"), body=b'{"detail":"no"}', arguments={})
