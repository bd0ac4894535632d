"""What users install: the built wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ADAPTERS = sorted(path.name for path in (REPOSITORY / "adapters").iterdir())


def test_it_has_our_packages_and_nothing_with_a_generic_name(wheel: Path) -> None:
    """A top-level `adapters` or `mcp_server` would overwrite other people's packages (DESIGN 3)."""
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == {"orchestra", "orchestra_tools", "ledger_sync", "mcp_server_orchestra", *ADAPTERS}
    for needed in ("ledger.json", "capabilities.json", "corpus.json"):
        assert f"orchestra_tools/data/{needed}" in names
    assert all(f"{package}/py.typed" in names for package in top)


def test_it_works_from_the_archive_alone(wheel: Path, tmp_path: Path) -> None:
    """No file of the checkout is needed: data and entry points come with the wheel."""
    program = "from orchestra import LedgerClient; print(LedgerClient().find(capability='web_search')[0].key)"
    # Lines run from the archive are not lines of the checkout: coverage must not count them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    result = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {json.dumps(str(wheel))}); {program}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "SN22"


def test_its_console_scripts_are_those_of_the_docs(wheel: Path) -> None:
    """`orchestra` and `mcp-server-orchestra`, with every command."""
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    text = archive.read(entry_points).decode()
    for name in ("orchestra =", "mcp-server-orchestra ="):
        assert name in text
    for command in (
        "demo",
        "find",
        "show",
        "call",
        "tools",
        "keys",
        "sandbox",
        "verify",
        "attach",
        "pin",
        "import",
        "history",
        "ledger",
        "propose",
        "review",
        "verdict",
        "mcp",
    ):
        assert f"\n{command} = " in text
