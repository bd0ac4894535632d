"""The wheel with one extra and nothing else, as a user of one framework has it; and beside other people's packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments import UV, import_error, make_environment, run

pytestmark = pytest.mark.slow  # each has an environment of its own


@dataclass(frozen=True)
class Host:
    """A package of ours, its extra, and a program that uses it."""

    package: str
    extra: str
    program: str


HOSTS = [
    Host("mcp_server_orchestra", "mcp", "from mcp_server_orchestra import build_server; print(build_server().name)"),
    Host(
        "orchestra_tools.discovery.semantic",
        "semantic",
        "from orchestra_tools.discovery.semantic import open_embedder;"
        "print(open_embedder('minilm').embed(['a']).shape)",
    ),
    Host(
        "orchestra_tools.registry.sql",
        "server",
        "from orchestra_tools.registry.opening import open_store; print(open_store('sqlite:///ledger.sqlite').name)",
    ),
    Host(
        "langchain_orchestra",
        "langchain",
        "from langchain_orchestra import OrchestraToolkit, OrchestraMiddleware;"
        "print(OrchestraToolkit(subnets=['SN22']).get_tools()[0].name)",
    ),
    Host(
        "llama_index_orchestra",
        "llama-index",
        "from llama_index_orchestra import OrchestraToolSpec;"
        "print(OrchestraToolSpec(subnets=['SN22']).to_tool_list()[0].metadata.name)",
    ),
    Host(
        "pydantic_ai_orchestra",
        "pydantic-ai",
        "from pydantic_ai_orchestra import OrchestraToolset; print(OrchestraToolset(subnets=['SN22']).id)",
    ),
    Host(
        "openai_agents_orchestra",
        "openai-agents",
        "from openai_agents_orchestra import OrchestraTools; print(OrchestraTools(subnets=['SN22']).tools()[0].name)",
    ),
    Host(
        "google_adk_orchestra",
        "google-adk",
        "import asyncio; from google_adk_orchestra import OrchestraToolset;"
        "print(asyncio.run(OrchestraToolset(subnets=['SN22']).get_tools())[0].name)",
    ),
    Host(
        "haystack_orchestra",
        "haystack",
        "from haystack_orchestra import OrchestraToolset; print(list(OrchestraToolset(subnets=['SN22']))[0].name)",
    ),
    Host(
        "smolagents_orchestra",
        "smolagents",
        "from smolagents_orchestra import OrchestraTools; print(OrchestraTools(subnets=['SN22']).tools()[0].name)",
    ),
]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.extra)
def test_a_package_works_with_just_its_extra(host: Host, wheel: Path, tmp_path: Path) -> None:
    """And every other one says which extra it needs."""
    python = make_environment(tmp_path / "venv", f"{wheel}[{host.extra}]")
    assert run([str(python), "-W", "error::ResourceWarning", "-c", host.program], tmp_path).strip()
    # What another framework brings along may be enough for it, as google-adk brings the MCP SDK.
    for other in HOSTS:
        if other is not host and (told := import_error(python, f"import {other.package}", tmp_path)):
            assert f'pip install "orchestra-tools[{other.extra}]"' in told


def test_without_an_extra_every_package_names_the_command(wheel: Path, tmp_path: Path) -> None:
    """The core works all the same."""
    python = make_environment(tmp_path / "venv", str(wheel))
    for host in HOSTS:
        assert f'pip install "orchestra-tools[{host.extra}]"' in import_error(
            python, f"import {host.package}", tmp_path
        )
    program = "from orchestra import LedgerClient; print(LedgerClient().find(capability='web_search')[0].key)"
    assert run([str(python), "-c", program], tmp_path).strip() == "SN22"


@pytest.mark.parametrize("ours_first", [False, True])
def test_packages_with_generic_names_stay_intact_beside_ours(wheel: Path, tmp_path: Path, ours_first: bool) -> None:
    """AdapterHub's `adapters` and PyPI's `mcp-server`: every file of theirs is as they shipped it (PEP 376, RECORD)."""
    theirs = ["adapters", "mcp-server"]
    python = make_environment(tmp_path / "venv", *([str(wheel)] if ours_first else theirs), options=("--no-deps",))
    rest = theirs if ours_first else [str(wheel)]
    run([str(UV), "pip", "install", "--quiet", "--no-deps", "--python", str(python), *rest], tmp_path)
    script = """
import base64, hashlib, importlib.metadata as metadata, pathlib
for name in ("adapters", "mcp-server", "orchestra-tools"):
    files = [file for file in metadata.files(name) if file.hash]
    assert len(files) > 5, name
    for file in files:
        digest = hashlib.new(file.hash.mode, file.locate().read_bytes()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value, file
    print(name, len(files))
import importlib.util
assert "langchain_orchestra" not in importlib.util.find_spec("adapters").origin
"""
    assert len(run([str(python), "-c", script], tmp_path).splitlines()) == 3
