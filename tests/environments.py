"""Virtual environments with just some packages in them, as users have them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
PINNED = ("--constraint", str(REPOSITORY / "constraints.txt"))


def make_environment(folder: Path, *requirements: str, options: Iterable[str] = PINNED) -> Path:
    """A virtual environment with some packages; gives its Python.

    Args:
        folder: Where to make it.
        requirements: What to install.
        options: Of `uv pip install`; by default the versions this project pins.
    """
    run([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
    python = folder / "bin" / "python"
    run([str(UV), "pip", "install", "--quiet", "--python", str(python), *options, *requirements], folder)
    return python


def run(command: list[str], folder: Path) -> str:
    """What a command prints; it must succeed."""
    # Lines run from the wheel are not lines of the checkout: coverage must not count them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def import_error(python: Path, statement: str, folder: Path) -> str:
    """What a program sees whose import fails; "" where it does not."""
    program = f"try:\n    {statement}\nexcept ImportError as error:\n    print(error)"
    return run([str(python), "-c", program], folder)
