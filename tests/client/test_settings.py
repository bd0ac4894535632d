"""Settings from the environment: each variable, good and bad, and none that is not listed."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import platformdirs
import pytest

import mcp_server_orchestra
import orchestra_tools
from orchestra_tools.calls import Budget
from orchestra_tools.client import Settings
from orchestra_tools.client.settings import VARIABLES
from orchestra_tools.errors import ConfigurationError

SOURCES = [Path(package.__file__ or "").parent for package in (orchestra_tools, mcp_server_orchestra)]


def test_every_variable_in_the_source_is_listed() -> None:
    """What is read is documented, and what is documented is read."""
    named: set[str] = set()
    for folder in SOURCES:
        for path in folder.rglob("*.py"):
            found = re.findall(r"\bORCHESTRA_[A-Z][A-Z_]*[A-Z]", path.read_text("utf-8"))
            named |= {name.removesuffix("_SN") for name in found}
    listed = {name.partition("_SN<")[0] for name in VARIABLES}
    assert named == listed
    assert all(text and text[0].islower() for text in VARIABLES.values())


def test_without_any_variable_there_are_defaults() -> None:
    """A home of the platform's, the packaged ledger, careful limits."""
    settings = Settings.from_environment({})
    assert settings == Settings(home=Path(platformdirs.user_data_dir("orchestra", appauthor=False)))
    assert settings.budget == Budget(per_call=Decimal(1), per_day=Decimal(10))


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read once."""
    monkeypatch.setenv("ORCHESTRA_HOME", str(tmp_path))
    assert Settings.from_environment().home == tmp_path


@pytest.mark.parametrize(
    ("name", "text", "attribute", "value"),
    [
        ("ORCHESTRA_LEDGER", "https://ledger.example", "ledger", "https://ledger.example"),
        ("ORCHESTRA_LEDGER", "", "ledger", None),
        ("ORCHESTRA_WALLET", "me", "wallet", "me"),
        ("ORCHESTRA_WALLET", "", "wallet", None),
        ("ORCHESTRA_API_KEY", "", "api_key", None),
        ("ORCHESTRA_HOME", "relative/folder", "home", Path("relative/folder")),
        ("ORCHESTRA_MAX_COST_PER_CALL", "0.50", "budget.per_call", Decimal("0.50")),
        ("ORCHESTRA_MAX_COST_PER_CALL", " ", "budget.per_call", Decimal(1)),
        ("ORCHESTRA_MAX_COST_PER_SESSION", "0", "budget.per_session", Decimal(0)),
        ("ORCHESTRA_MAX_COST_PER_SESSION", "", "budget.per_session", None),
        ("ORCHESTRA_MAX_COST_PER_DAY", "1e2", "budget.per_day", Decimal(100)),
        ("ORCHESTRA_MAX_CALLS", " 7 ", "budget.calls", 7),
        ("ORCHESTRA_MAX_CALLS", "", "budget.calls", None),
        ("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "1", "budget.allow_unknown_price", True),
        ("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "All", "budget.allow_unknown_price", True),
        ("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "0", "budget.allow_unknown_price", False),
        ("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "no", "budget.allow_unknown_price", False),
        ("ORCHESTRA_ALLOW_UNKNOWN_PRICE", "sn22, SN13,", "budget.allow_unknown_price", frozenset({"SN22", "SN13"})),
    ],
)
def test_good_values_are_taken(name: str, text: str, attribute: str, value: Any) -> None:
    """An empty variable is none."""
    found: Any = Settings.from_environment({name: text})
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value) or isinstance(found, Path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[(f"ORCHESTRA_MAX_COST_PER_{of}", "x") for of in ("CALL", "SESSION", "DAY")],
        *[("ORCHESTRA_MAX_COST_PER_DAY", bad) for bad in ("-1", "nan", "inf", "1,5")],
        *[("ORCHESTRA_MAX_CALLS", bad) for bad in ("many", "-1", "1.5", "9" * 30)],
        *[("ORCHESTRA_ALLOW_UNKNOWN_PRICE", bad) for bad in ("desearch", "SN", "SN22 SN13", "22")],
        ("ORCHESTRA_HOME", "~nobody-of-that-name/x"),
    ],
)
def test_bad_values_are_told_by_name(name: str, text: str) -> None:
    """Not guessed around."""
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({name: text})


def test_a_home_may_be_written_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As shells do it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.from_environment({"ORCHESTRA_HOME": "~/o"}).home == tmp_path / "o"


def test_the_api_key_stays_wrapped() -> None:
    """Printing settings shows none."""
    settings = Settings.from_environment({"ORCHESTRA_API_KEY": "canary"})
    assert settings.api_key is not None
    assert settings.api_key.get_secret_value() == "canary"
    assert "canary" not in repr(settings)
