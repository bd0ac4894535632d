"""The bundle for MCP hosts: accepted by the bundler, started from its own folder as a host would start it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.environments import REPOSITORY, UV
from tests.npm_packages import run_node, run_script

BUNDLER = "@anthropic-ai/mcpb/dist/cli/cli.js"
COMMAND = Path(__file__).parent / "npm" / "mcpb_command.mjs"
OUR_SCRIPT = REPOSITORY / "packaging" / "mcpb" / "server.py"

pytestmark = pytest.mark.slow


def build(folder: Path, checkout: Path = REPOSITORY) -> Path:
    """Build the bundle as the docs say; gives the archive, beside the folder it was made from."""
    out = folder / "orchestra.mcpb"
    command = [sys.executable, "scripts/build_mcpb.py", "--folder", str(folder / "files"), "--out", str(out)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def installed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as the official bundler packs and unpacks it, in a folder with nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    packed = folder / "packed.mcpb"
    done = run_node(BUNDLER, "pack", str(bundle.parent / "files"), str(packed))
    assert done.returncode == 0, done.stdout + done.stderr
    done = run_node(BUNDLER, "unpack", str(packed), str(folder / "extension"))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "extension"


def started_with(folder: Path, settings: Mapping[str, Any], home: Path) -> StdioServerParameters:
    """What a host starts, with nothing of this environment's Python."""
    command = run_script(COMMAND, {"folder": str(folder), "settings": settings})
    assert command["command"] == "uv"
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "VIRTUAL_ENV", "PYTHON"))
    }
    environment = outside | {"ORCHESTRA_HOME": str(home)} | command["env"]
    return StdioServerParameters(command=str(UV), args=command["args"], env=environment, cwd=str(home))


def test_the_bundler_accepts_it(bundle: Path) -> None:
    """Issue 4, part 5."""
    checked = run_node(BUNDLER, "validate", str(bundle.parent / "files" / "manifest.json"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "ERROR" not in checked.stdout
    assert run_node(BUNDLER, "info", str(bundle)).returncode == 0


def test_the_same_sources_make_the_same_bytes_wherever_they_are(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns(".*", "build", "dist", "tests", "bench", "docs", "__pycache__")
    checkouts = [tmp_path / "a" / "orchestra", tmp_path / "b" / "elsewhere"]
    shutil.copytree(REPOSITORY, checkouts[0], ignore=left_out)
    shutil.copytree(checkouts[0], checkouts[1])
    first, second = (build(checkout.parent, checkout) for checkout in checkouts)
    assert first.read_bytes() == second.read_bytes()


def test_it_holds_what_it_needs_and_nothing_of_this_machine(bundle: Path, installed: Path) -> None:
    names = zipfile.ZipFile(bundle).namelist()
    assert sorted(names) == sorted(p.relative_to(installed).as_posix() for p in installed.rglob("*") if p.is_file())
    (wheel,) = [name for name in names if name.endswith(".whl")]
    with zipfile.ZipFile(installed / wheel) as archive:
        assert "mcp_server_orchestra/card.html" in archive.namelist()
    for name in ("manifest.json", "pyproject.toml", "server.py"):
        text = (installed / name).read_text("utf-8")
        assert str(Path.home()) not in text
        assert str(REPOSITORY) not in text
        assert not re.search(r"https?://(?!\S*anthropic)\S*(simple|pypi|index)", text)


def test_the_manifest_says_what_can_run_and_keeps_keys_secret(installed: Path) -> None:
    manifest = json.loads((installed / "manifest.json").read_text("utf-8"))
    project = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    assert f'version = "{manifest["version"]}"' in project
    assert manifest["server"]["type"] == "uv"
    assert manifest["tools_generated"] is True
    environment, fields = manifest["server"]["mcp_config"]["env"], manifest["user_config"]
    assert "ORCHESTRA_KEY_SN22" in environment
    for name, value in environment.items():
        field = fields[value.removeprefix("${user_config.").removesuffix("}")]
        assert field.get("sensitive", False) is name.startswith("ORCHESTRA_KEY_")
        # Claude Desktop passes a placeholder on as it stands where a field is empty and has no default.
        assert "default" in field
        assert not field.get("required")


async def test_it_starts_from_its_own_folder_and_answers_a_call(installed: Path, tmp_path: Path) -> None:
    """Issue 4, part 5: with the sandbox on, nothing else set."""
    async with Client(started_with(installed, {"sandbox": True}, tmp_path)) as client:
        # Claude Desktop loses calls where the name in the manifest is not the server's (anthropics/claude-code#70397).
        assert client.server_info is not None
        assert client.server_info.name == json.loads((installed / "manifest.json").read_text())["name"]
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools[:4] == ["find_tools", "describe_tool", "call_tool", "ledger_status"]
        called = await client.call_tool("call_tool", {"name": "sn22_web_search", "arguments": {"query": "gpu"}})
        assert not called.is_error
        assert called.meta is not None
        assert called.meta["orchestra/sandbox"] is True


async def test_a_key_that_the_host_passes_brings_its_tools(installed: Path, tmp_path: Path) -> None:
    server = started_with(installed, {"key_sn22": "canary", "allow_unknown_price": "SN22"}, tmp_path)
    async with Client(server) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
    assert "sn22_web_search" in listed


class TestSettings:
    """What hosts do to settings before the server sees them."""

    @pytest.fixture
    def say(self, tmp_path: Path) -> Any:
        """Run the bundle's script with a stand-in for the server that prints what it was started with."""
        package = tmp_path / "mcp_server_orchestra"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "main.py").write_text(
            "import json, os, sys\n"
            "def main():\n"
            "    ours = {k: v for k, v in os.environ.items() if k.startswith(('ORCHESTRA_', 'OTHER'))}\n"
            "    print(json.dumps([ours, sys.argv[1:]]))\n"
        )
        shutil.copy(OUR_SCRIPT, tmp_path / "server.py")

        def run(**environment: str) -> tuple[dict[str, str], list[str], str]:
            done = subprocess.run(
                [sys.executable, str(tmp_path / "server.py")],
                env={"PATH": os.environ["PATH"], **environment},
                capture_output=True,
                text=True,
                check=True,
            )
            settings, options = json.loads(done.stdout)
            return settings, options, done.stderr

        return run

    def test_empty_fields_and_placeholders_count_as_unset(self, say: Any) -> None:
        settings, options, told = say(
            ORCHESTRA_KEY_SN22="", ORCHESTRA_LEDGER="${user_config.ledger}", ORCHESTRA_MAX_COST_PER_DAY="5", OTHER=""
        )
        assert settings == {"ORCHESTRA_MAX_COST_PER_DAY": "5", "OTHER": ""}
        assert options == []
        assert told == ""

    @pytest.mark.parametrize(("value", "options"), [("true", ["--sandbox"]), ("false", []), ("", [])])
    def test_the_switch_becomes_an_option(self, say: Any, value: str, options: list[str]) -> None:
        assert say(ORCHESTRA_BUNDLE_SANDBOX=value)[:2] == ({}, options)

    def test_a_secret_that_stayed_encrypted_is_not_sent_to_a_subnet(self, say: Any) -> None:
        settings, _, told = say(ORCHESTRA_KEY_SN22="__encrypted__:djEwCANARY")
        assert settings == {}
        assert "ORCHESTRA_KEY_SN22 came from the host encrypted" in told
        assert "CANARY" not in told
