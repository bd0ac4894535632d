"""docs/cli.md says what --help says."""

from __future__ import annotations

from pathlib import Path

from orchestra_tools.cli.docs import render_docs
from orchestra_tools.cli.listing import installed_commands, list_command

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text("utf-8") == render_docs(), "run: python -m orchestra_tools.cli.docs > docs/cli.md"


def test_every_available_command_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    for name, point in installed_commands().items():
        if list_command(point).missing is None:
            assert f"## `orchestra {name}`" in page
