"""The seed's worked example by commands: SN13 gains a field, a miner proposes, three validators call and approve."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import Result

from tests.governance.examples import SEED_PROPOSAL
from tests.sync.commands.conftest import Run


def output(done: Result) -> str:
    assert done.exit_code == 0, done.output
    return done.stdout


def propose(run: Run) -> str:
    case_id: str = json.loads(output(run("propose", "proposal.json", "--json", who="miner")))["id"]
    return case_id


def test_a_proposal_becomes_a_version_that_everybody_can_verify(run: Run, begun: Path) -> None:
    """The seed: "Validator calls SN13 directly, confirms new field exists, approves Ledger update"."""
    assert "SN13@1907637 would become 1.1.0 (minor)" in output(run("propose", "proposal.json", "--dry-run"))
    case_id = propose(run)
    assert json.loads(output(run("review", "--json")))[0]["id"] == case_id
    for name in ("validator-1", "validator-2", "validator-3"):
        assert "nothing can be decided yet" in output(run("ledger", "settle"))
        assert "the review says: approve" in output(run("review", case_id[:12], who=name))
        assert "approve" in output(run("verdict", case_id, who=name))
    settled = json.loads(output(run("ledger", "settle", "--publish", "public", "--json")))
    assert settled[0]["case"]["state"] == "accepted"
    assert "everything is as the log says" in output(run("ledger", "fsck", "--published", "public"))
    told = json.loads(output(run("history", "SN13", "--ledger", "public", "--trust", "trust.policy", "--json")))
    assert [each["version"] for each in told] == ["1.0.0", "1.1.0"]
    assert told[1]["proposal"] == SEED_PROPOSAL
    assert len(told[1]["approved_by"]) == 3
    assert "scrape_timestamp" in output(run("show", "sn13_query_data"))
    assert output(run("review", "--state", "open")) == "no proposals\n"
    again = run("propose", "proposal.json", who="miner")
    assert again.exit_code == 2
    assert "what stands there now" in again.output


def test_a_field_that_is_not_there_is_rejected_with_the_reason(run: Run, begun: Path) -> None:
    """Each validator finds out by itself."""
    wish = SEED_PROPOSAL | {"field": "output_schema.metadata.author"}
    Path("proposal.json").write_text(json.dumps(wish))
    case_id = propose(run)
    done = json.loads(output(run("review", case_id, "--json", who="validator-1")))
    assert done["decision"] == "reject"
    assert {each["code"] for each in done["reasons"]} >= {"false"}
    assert output(run("verdict", case_id, who="validator-1")).startswith("reject")
    assert "rejected" in output(run("ledger", "settle"))


def test_nobody_approves_what_they_have_not_reviewed_or_have_proposed(run: Run, begun: Path) -> None:
    """Nor twice, nor as a miner."""
    case_id = propose(run)
    assert "you have not reviewed" in run("verdict", case_id, who="validator-1").output
    output(run("review", case_id, who="miner"))
    refused = run("verdict", case_id, who="miner").output
    assert "no registered validator" in refused
    output(run("review", case_id, who="validator-1"))
    output(run("verdict", case_id, who="validator-1"))
    assert "has spoken" in run("verdict", case_id, who="validator-1").output
    assert "is not known" in run("review", "ffffffffffff").output
    assert "cannot be attested" in run("verdict", case_id, "--attest", "live", who="validator-1").output


def test_a_validator_may_reject_by_hand(run: Run, begun: Path) -> None:
    """With a reason of its own, whatever its calls showed."""
    case_id = propose(run)
    output(run("review", case_id, who="validator-2"))
    told = json.loads(output(run("verdict", case_id, "--reject", "not wanted", "--json", who="validator-2")))
    assert told["verdicts"][0]["decision"] == "reject"
