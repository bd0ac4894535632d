"""Every HTTP operation of the packaged ledger, called once through the executor and validated."""

from __future__ import annotations

import pytest

from orchestra_tools.client import LedgerClient
from orchestra_tools.compile import compile_ledger
from orchestra_tools.model import HttpEndpoint, Outcome
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox, example_arguments
from orchestra_tools.trust import verify_receipt

TOOLS = compile_ledger(packaged_ledger()).tools
HTTP_TOOLS = sorted(name for name, tool in TOOLS.items() if isinstance(tool.operation.endpoint, HttpEndpoint))


@pytest.fixture(scope="module")
def ledger(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> object:
    environment = {"ORCHESTRA_HOME": str(tmp_path_factory.mktemp("home"))}
    with LedgerClient(sandbox.ledger_path, environment=environment) as client:
        yield client


def test_none_is_missing_and_none_is_quarantined() -> None:
    """260 HTTP operations (issue 2, Must show); the quarantine is empty."""
    catalogue = compile_ledger(packaged_ledger())
    assert len(HTTP_TOOLS) == 260
    assert not catalogue.quarantined


@pytest.mark.parametrize("name", HTTP_TOOLS)
def test_the_operation_is_called_and_its_answer_validated(ledger: LedgerClient, name: str) -> None:
    """Request, auth form, answer and schema fit each other, and the receipt holds."""
    tool = ledger.session.live.catalogue.tools[name]
    result = ledger.call(name, example_arguments(dict(tool.input_schema)))
    assert result.observation.outcome is Outcome.OK
    assert result.receipt.schema_verdict == ("undocumented" if tool.output_schema is None else "valid")
    assert result.receipt.sandbox
    verify_receipt(result.receipt.to_json())
