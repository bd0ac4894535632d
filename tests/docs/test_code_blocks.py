"""Every code block of the docs runs, and every example."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra_tools.client.settings import VARIABLES
from orchestra_tools.testing import Sandbox
from tests.docs.model_server import model_server

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(language, body, id=f"{page.relative_to(REPOSITORY)}:{number}")
    for page in PAGES
    for number, (language, body) in enumerate(BLOCK.findall(page.read_text("utf-8")), start=1)
    if language != "text"  # commands for another machine, and output
]
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def models() -> Iterator[dict[str, str]]:
    """Where the clients of model providers find a model."""
    with model_server() as environment:
        yield environment


def run(command: list[str], folder: Path, sandbox: Sandbox, models: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **models,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ORCHESTRA_LEDGER": str(sandbox.ledger_path),
        "HOME": str(folder),
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize(("language", "body"), BLOCKS)
def test_the_block_runs(language: str, body: str, tmp_path: Path, sandbox: Sandbox, models: dict[str, str]) -> None:
    """Against the sandbox, in a fresh process, in an empty folder."""
    match language:
        case "json":
            json.loads(body)
            return
        case "python":
            result = run([sys.executable, "-c", body], tmp_path, sandbox, models)
        case "bash":
            result = run(["bash", "-euo", "pipefail", "-c", body], tmp_path, sandbox, models)
        case _:
            raise AssertionError(f"nobody runs {language!r} blocks: mark it as text")
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(example: Path, tmp_path: Path, sandbox: Sandbox, models: dict[str, str]) -> None:
    """As a user would run it."""
    result = run([sys.executable, str(example)], tmp_path, sandbox, models)
    assert result.returncode == 0, result.stderr
    assert result.stdout


def test_every_setting_stands_in_the_readme() -> None:
    """A variable nobody can find is no setting."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    for name in VARIABLES:
        stem = name.replace("SN<netuid>", "SN22").replace("_PER_SESSION", "").replace("_PER_DAY", "")
        assert stem.removesuffix("_PER_CALL") in readme, name


def test_links_between_pages_lead_somewhere() -> None:
    """No dead link inside the repository."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
