"""Errors: one tree, facts as attributes, one JSON form, an exit code for each kind of blame."""

from __future__ import annotations

import json

import pytest

from orchestra_tools import errors
from orchestra_tools.errors import (
    CallError,
    CredentialMissingError,
    Fault,
    InputError,
    InvalidArgumentsError,
    OrchestraError,
    RateLimitedError,
    RefusedError,
    TrustError,
)
from orchestra_tools.model import Outcome


def _tree(root: type[OrchestraError] = OrchestraError) -> list[type[OrchestraError]]:
    return [root, *(below for child in root.__subclasses__() for below in _tree(child))]


def _ours() -> list[type[OrchestraError]]:
    return [each for each in _tree() if each.__module__ == errors.__name__]


@pytest.mark.parametrize("error", [each for each in _ours() if not each.__name__.startswith("_")])
def test_every_error_stands_in_the_printed_tree_under_its_parent(error: type[OrchestraError]) -> None:
    lines = (errors.__doc__ or "").splitlines()
    (line,) = [line for line in lines if f" {error.__name__} " in f"{line} "]
    assert error.__name__.endswith("Error")
    depth = next(index for index, character in enumerate(line) if character.isalpha())
    bases = [
        base for base in error.__mro__[1:] if issubclass(base, OrchestraError) and not base.__name__.startswith("_")
    ]
    assert depth == 4 + 4 * len(bases)


def test_each_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in _ours() if not error.__name__.startswith("_")]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(("branch", "exit_code"), [(InputError, 2), (RefusedError, 3), (CallError, 4), (TrustError, 5)])
def test_each_branch_has_its_exit_code(branch: type[OrchestraError], exit_code: int) -> None:
    assert {error.exit_code for error in _tree(branch)} == {exit_code}


def test_the_message_ends_with_the_remedy_and_the_facts_are_kept() -> None:
    error = CredentialMissingError("no key for SN22", remedy="Run `orchestra keys set SN22`", subnet="SN22")
    assert str(error) == "no key for SN22. Run `orchestra keys set SN22`"
    assert error.to_dict() == {
        "error": "credential_missing",
        "message": "no key for SN22",
        "remedy": "Run `orchestra keys set SN22`",
        "subnet": "SN22",
    }
    assert OrchestraError("plain").to_dict() == {"error": "error", "message": "plain"}


def test_faults_are_in_the_message_and_in_the_json() -> None:
    error = InvalidArgumentsError("bad", [Fault("/a", "is wrong", "mend it"), Fault("", "is odd")], tool="x")
    assert str(error) == "bad: /a: is wrong (mend it); (root): is odd"
    body = error.to_dict()
    assert body["faults"] == [
        {"pointer": "/a", "problem": "is wrong", "remedy": "mend it"},
        {"pointer": "", "problem": "is odd", "remedy": ""},
    ]
    assert json.loads(json.dumps(body)) == body
    assert str(InvalidArgumentsError("bad", [])) == "bad"


def test_a_failed_call_says_by_whose_fault() -> None:
    error = RateLimitedError("slow down", outcome=Outcome.RATE_LIMITED, status=429, retry_after_s=3.0, tool="x")
    assert error.to_dict() == {
        "error": "rate_limited",
        "message": "slow down",
        "outcome": "rate_limited",
        "fault": "caller",
        "status": 429,
        "retry_after_s": 3.0,
        "tool": "x",
    }
    assert error.receipt is None
    assert error.observation is None
