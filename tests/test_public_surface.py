"""The public surface: said once, complete, and light to import."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import orchestra_tools

pytestmark = pytest.mark.slow  # fresh interpreters

ADAPTERS = sorted(path.name for path in (Path(__file__).resolve().parent.parent / "adapters").iterdir())
PACKAGES = ["orchestra", "mcp_server_orchestra", *ADAPTERS] + [
    f"orchestra_tools.{found.name}"
    for found in pkgutil.iter_modules(orchestra_tools.__path__)
    if found.ispkg and found.name not in ("cli", "data")
]
CORE = [f"orchestra_tools.{name}" for name in ("model", "schema", "importers", "compile", "trust")]
HEAVY = {
    "mcp", "starlette", "fastapi", "uvicorn", "langchain", "langchain_core", "llama_index", "bittensor", "aiohttp.web",
}  # fmt: skip
EDGES = {"httpx", "aiohttp", "sqlite3", "keyring", "click", "rich"}


def _imported_by(statement: str) -> set[str]:
    """The modules a statement brings into a fresh interpreter."""
    script = f"import json, sys\nfound = set(sys.modules)\n{statement}\nprint(json.dumps([*set(sys.modules) - found]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def _defined_in(package: ModuleType) -> set[str]:
    """What a package's `__init__` takes from the project, or defines."""
    return {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and str(getattr(value, "__module__", package.__name__)).split(".")[0] == package.__name__.split(".")[0]
        and name not in ("annotations", "TYPE_CHECKING")
    }


@pytest.mark.parametrize("name", PACKAGES)
def test_what_a_package_offers_is_listed_completely_and_in_order(name: str) -> None:
    package = importlib.import_module(name)
    offered = getattr(package, "__all__", [])
    assert all(hasattr(package, each) for each in offered)
    assert len(set(offered)) == len(offered)
    assert _defined_in(package) <= set(offered)


@pytest.mark.parametrize("name", CORE)
def test_the_core_offers_something(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__
    assert package.__doc__


@pytest.mark.parametrize("name", ["orchestra_tools", "orchestra", *CORE])
def test_importing_it_brings_no_framework(name: str) -> None:
    assert not _imported_by(f"import {name}") & HEAVY


@pytest.mark.parametrize("name", CORE)
def test_the_core_needs_no_network_disk_or_terminal(name: str) -> None:
    assert not _imported_by(f"import {name}") & EDGES


@pytest.mark.parametrize("name", CORE)
def test_each_part_of_the_core_can_be_imported_first(name: str) -> None:
    """No import cycles: no part needs another to have been imported before."""
    package = importlib.import_module(name)
    modules = [f"{name}.{found.name}" for found in pkgutil.iter_modules(package.__path__)]
    for module in modules:
        assert module in _imported_by(f"import {module}")
