"""A ledger store that has begun, a subnet that has changed, and people with wallets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestra_tools.cli.main import orchestra
from orchestra_tools.governance.applying import apply_proposal
from orchestra_tools.importers import ledger_document
from orchestra_tools.model import Ledger
from orchestra_tools.model.proposal import Proposal
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.sandbox import sandbox_ledger
from orchestra_tools.testing import Sandbox
from tests.governance.examples import SEED_PROPOSAL

Run = Callable[..., Result]
ORIGIN = "ledger.example/subnets"
PEOPLE = ("miner", "validator-1", "validator-2", "validator-3")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `orchestra` with arguments, in this process, as one of the people."""

    def invoke(*args: str, who: str = "operator", stdin: str | None = None) -> Result:
        monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path / "home" / who))
        monkeypatch.setenv("ORCHESTRA_WALLET", who)
        return CliRunner().invoke(orchestra, list(args), input=stdin)

    return invoke


@pytest.fixture(scope="session")
def wallets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wallet for each of the people."""
    from bittensor import Wallet

    folder = tmp_path_factory.mktemp("wallets")
    for name in PEOPLE:
        wallet = Wallet(name=name, path=str(folder))
        wallet.create_new_coldkey(use_password=False, suppress=True)
        wallet.create_new_hotkey(use_password=False, suppress=True)
    return folder


@pytest.fixture
def people(wallets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Who takes part, as a file; their wallets are at hand."""
    from bittensor import Wallet

    monkeypatch.setenv("ORCHESTRA_WALLET_PATH", str(wallets))
    listed = []
    for number, name in enumerate(PEOPLE):
        wallet = Wallet(name=name, path=str(wallets))
        listed.append(
            {
                "hotkey": wallet.hotkey.ss58_address,
                "coldkey": wallet.coldkeypub.ss58_address,
                "uid": 42 if name == "miner" else number,
                "validator": name != "miner",
            }
        )
    path = tmp_path / "participants.json"
    path.write_text(json.dumps(listed))
    return path


@pytest.fixture(scope="session")
def changed_subnet() -> Iterator[Ledger]:
    """A ledger of SN13 that does not know yet how the subnet, which answers on loopback, has changed."""
    entry = packaged_ledger().find_entry("SN13")
    after = apply_proposal(Proposal.model_validate(SEED_PROPOSAL), entry, slot=str(entry.slot)).entry
    assert after is not None
    with Sandbox(Ledger([after])) as sandbox:
        yield sandbox_ledger(Ledger([entry]), sandbox.url)


@pytest.fixture
def begun(run: Run, people: Path, changed_subnet: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store that has begun, and a file of the proposal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRA_LEDGER", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    (tmp_path / "before.json").write_text(json.dumps(ledger_document(changed_subnet)))
    (tmp_path / "proposal.json").write_text(json.dumps(SEED_PROPOSAL))
    done = run("ledger", "init", "--origin", ORIGIN, "--from", "before.json")
    assert done.exit_code == 0, done.output
    (tmp_path / "trust.policy").write_text(done.stdout)
    assert run("ledger", "participants", str(people)).exit_code == 0
    return tmp_path
