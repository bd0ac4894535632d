"""keys: stored, listed, removed, and never shown."""

from __future__ import annotations

import json

import keyring
import pytest
from keyring.backends import fail

KEY = "sk-live-0123456789"


def test_a_key_from_stdin_goes_into_the_keyring_and_nowhere_else(run, vault, home) -> None:
    done = run("keys", "set", "desearch", stdin=f"{KEY}\n")
    assert done.exit_code == 0, done.stderr
    assert vault.stored == {("orchestra-tools", "SN22"): KEY}
    assert "SN22" in done.stdout
    listed = run("keys", "list")
    row = next(line for line in listed.stdout.splitlines() if line.startswith("SN22 "))
    assert row.split() == ["SN22", "Desearch", "keyring", "ORCHESTRA_KEY_SN22"]
    written = "".join(file.read_text() for file in home.rglob("*.json"))
    assert KEY not in done.output + listed.output + written
    assert KEY[:6] not in done.output + listed.output + written


def test_a_key_is_taken_from_a_named_variable(run, vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESEARCH_KEY", KEY)
    done = run("keys", "set", "SN22", "--from-env", "DESEARCH_KEY", "--json")
    assert json.loads(done.stdout) == {"subnet": "SN22", "stored": "keyring", "source": "keyring"}
    assert vault.stored["orchestra-tools", "SN22"] == KEY
    assert run("keys", "set", "SN22", "--from-env", "NOWHERE").exit_code == 2


def test_the_environment_wins_and_is_listed(run, vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRA_KEY_SN22", "other")
    monkeypatch.setenv("ORCHESTRA_KEY_SN999", "of-no-subnet-in-the-ledger")
    assert "wins over the keyring" in run("keys", "set", "SN22", stdin=KEY).stderr
    rows = {row["subnet"]: row for row in json.loads(run("keys", "list", "--json").stdout)}
    assert rows["SN22"]["source"] == "environment"
    assert rows["SN999"]["source"] == "environment"
    assert rows["SN64"]["source"] is None


def test_a_key_is_removed_once(run, vault) -> None:
    run("keys", "set", "SN22", stdin=KEY)
    assert "is removed" in run("keys", "remove", "SN22").stdout
    assert vault.stored == {}
    again = run("keys", "remove", "SN22", "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["removed"] is False


@pytest.mark.parametrize("bad", ["", "  \n", "two words", "two\nlines", "sk-ü", "x" * 20_000])
def test_what_is_no_key_is_refused_without_being_repeated(run, vault, bad: str) -> None:
    done = run("keys", "set", "SN22", stdin=bad)
    assert done.exit_code == 2
    assert vault.stored == {}
    assert not bad.strip() or bad.strip() not in done.output


def test_a_key_in_the_wrong_place_is_not_repeated(run, vault) -> None:
    for args in (("SN22", KEY), ("SN22", "--from-env", KEY)):
        done = run("keys", "set", *args, stdin="")
        assert done.exit_code == 2
        assert KEY not in done.output
    assert vault.stored == {}


def test_a_subnet_without_keys_is_pointed_out(run, vault) -> None:
    assert "asks for a key" in run("keys", "set", "SN1", stdin=KEY).stderr
    assert run("keys", "set", "nonsense", stdin=KEY).exit_code == 2


def test_without_a_keyring_the_remedy_names_the_variable(run) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        done = run("keys", "set", "SN22", stdin=KEY)
    finally:
        keyring.set_keyring(before)
    assert done.exit_code == 2
    assert "ORCHESTRA_KEY_SN22" in done.stderr
    assert KEY not in done.output
