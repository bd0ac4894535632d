"""What is printed, and what a terminal never gets to see."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra_tools.cli.output import print_table, to_json_text, visible


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    encoding = "utf-8"  # type: ignore[assignment]  # a plain value is enough

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("bad", ["\x1b[31m", "\x9b31m", "\x07", "\r", "\u202e", "\u200b", "\U000e0041", "\ufeff"])
def test_what_a_terminal_would_act_on_is_shown_as_an_escape(bad: str) -> None:
    shown = visible(f"a{bad}b")
    assert bad[0] not in shown
    assert "\\u" in shown


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_text_means_the_same_after_escaping(value: object) -> None:
    assert json.loads(to_json_text(value)) == value


def test_json_text_fits_the_encoding() -> None:
    assert json.loads(to_json_text({"a": "τ"}, encoding="ascii").encode("ascii")) == {"a": "τ"}
    assert json.loads(to_json_text("\ud800").encode()) == "\ud800"


def test_in_a_pipe_a_table_is_neither_wrapped_nor_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "text"), [("a", "x" * 300), ("bcdefg", "two\nlines")])
    assert capsys.readouterr().out == f"NAME    TEXT\na       {'x' * 300}\nbcdefg  two lines\n"


def test_on_a_terminal_a_wide_table_becomes_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "dumb")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    print_table(("tool", "what", "why"), [("t" * 30, "w" * 30, "-")])
    assert screen.getvalue().split() == ["t" * 30, "what", "w" * 30]


def test_no_color_is_respected_and_markup_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    print_table(("tool", "what"), [("[red]t[/red]", "\x1b[31mw")])
    assert "[red]t[/red]" in screen.getvalue()
    assert "\x1b[3" not in screen.getvalue()
