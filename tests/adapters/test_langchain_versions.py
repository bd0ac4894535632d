"""LangChain's own tests on the oldest langchain-core we say we work with, and on the newest line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments import REPOSITORY, import_error, make_environment, run

pytestmark = pytest.mark.slow  # each has an environment of its own


@pytest.mark.parametrize("version", ["==1.3.0", ">=1.8,<2"])
def test_the_standard_tests_pass_on_another_langchain_core(version: str, wheel: Path, tmp_path: Path) -> None:
    """From the wheel, with langchain-core only: `langchain` is not installed, and just the middleware needs it."""
    overrides = tmp_path / "overrides.txt"
    # Some releases want a certifi that not every index has; any will do for tests on loopback.
    overrides.write_text("certifi\n", "utf-8")
    python = make_environment(
        tmp_path / "venv",
        str(wheel),
        f"langchain-core{version}",
        "langchain-tests",
        "pytest-asyncio",
        options=("--override", str(overrides)),
    )
    # Not `python -m pytest`: that would put the checkout on the path, and the wheel is what is tested.
    pytest_command = [str(python.with_name("pytest")), "-q", "-p", "no:cacheprovider", "--rootdir", str(REPOSITORY)]
    told = run([*pytest_command, str(REPOSITORY / "tests/adapters/test_langchain_standard.py")], tmp_path)
    assert " passed" in told
    assert " failed" not in told
    told = import_error(python, "from langchain_orchestra import OrchestraMiddleware", tmp_path)
    assert 'pip install "orchestra-tools[langchain]"' in told
