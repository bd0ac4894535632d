"""`server.json`, by which the MCP registry tells hosts how to start the server.

No package ships the schema of the registry, so `RULES` states what revision 2025-12-11 says of the fields used here,
and refuses all others. What hosts make of the file is the last test.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from orchestra_tools.client.settings import VARIABLES
from tests.environments import PINNED, REPOSITORY

REVISION = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
TEXT = {"type": "string"}
ARGUMENT = {
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {"type": {"enum": ["positional", "named"]}, "name": TEXT, "value": TEXT, "description": TEXT},
    "if": {"properties": {"type": {"const": "named"}}},
    "then": {"required": ["name"]},
    "else": {"required": ["value"]},
}
VARIABLE = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "description": TEXT,
        "format": {"enum": ["string", "number", "boolean", "filepath"]},
        "default": TEXT,
        "isSecret": {"type": "boolean"},
        "isRequired": {"type": "boolean"},
    },
}
PACKAGE = {
    "type": "object",
    "required": ["registryType", "identifier", "version", "transport"],
    "additionalProperties": False,
    "properties": {
        "registryType": {"const": "pypi"},
        "identifier": TEXT,
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "runtimeHint": {"const": "uvx"},
        "runtimeArguments": {"type": "array", "items": ARGUMENT},
        "packageArguments": {"type": "array", "items": ARGUMENT},
        "environmentVariables": {"type": "array", "items": VARIABLE},
        "transport": {"const": {"type": "stdio"}},
    },
}
RULES = {
    "type": "object",
    "required": ["$schema", "name", "description", "version"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": REVISION},
        "name": {"type": "string", "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "minLength": 3, "maxLength": 200},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255},
        "packages": {"type": "array", "items": PACKAGE},
    },
}


@pytest.fixture
def document() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((REPOSITORY / "server.json").read_text("utf-8"))
    return read


def test_it_keeps_the_rules_of_its_schema(document: dict[str, Any]) -> None:
    assert [str(error) for error in jsonschema_rs.Draft202012Validator(RULES).iter_errors(document)] == []


@pytest.mark.parametrize(
    "broken",
    [
        {"name": "orchestra"},
        {"description": "x" * 101},
        {"version": None},
        {"packages": [{"registryType": "pypi"}]},
        {"registryBaseUrl": "https://pypi.org"},
    ],
)
def test_the_rules_can_be_broken(document: dict[str, Any], broken: dict[str, Any]) -> None:
    assert not jsonschema_rs.Draft202012Validator(RULES).is_valid(document | broken)


def test_its_versions_and_names_are_the_projects(document: dict[str, Any]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    (package,) = document["packages"]
    assert {document["version"], package["version"]} == {project["version"]}
    assert package["identifier"] == project["name"]
    assert f"=={project['version']}" in package["runtimeArguments"][0]["value"]


def test_the_readme_proves_who_owns_the_name(document: dict[str, Any]) -> None:
    """The registry looks for it in the description on PyPI, which is the README."""
    assert f"<!-- mcp-name: {document['name']} -->" in (REPOSITORY / "README.md").read_text("utf-8")


def test_its_variables_are_settings_and_only_keys_are_secret(document: dict[str, Any]) -> None:
    for variable in document["packages"][0]["environmentVariables"]:
        name = re.sub(r"SN\d+$", "SN<netuid>", variable["name"])
        assert name in VARIABLES
        assert variable.get("isSecret", False) is ("_KEY_" in name)
        assert variable["isRequired"] is False


@pytest.mark.slow
@pytest.mark.parametrize("at", ["==", "@"])
async def test_what_hosts_make_of_it_starts_the_server(
    document: dict[str, Any], wheel: Path, tmp_path: Path, at: str
) -> None:
    """A host runs `uvx`, the runtime's arguments, the identifier with its version, the package's arguments.

    The identifier is a word of its own, so the package needs a program of its own name (microsoft/vscode,
    mcpManagementService.ts).
    """
    (package,) = document["packages"]
    words = [word for each in package["runtimeArguments"] for word in (each["name"], each["value"])]
    words.append(f"{package['identifier']}{at}{package['version']}")
    words += [each["value"] for each in package["packageArguments"]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment |= {"ORCHESTRA_HOME": str(tmp_path), "UV_CONSTRAINT": PINNED[1], "UV_FIND_LINKS": str(wheel.parent)}
    # A wheel built anew has the version of the one that uv may have kept.
    uvx = [str(Path(sys.executable).with_name("uvx")), "--refresh-package", package["identifier"]]
    server = StdioServerParameters(command=uvx[0], args=[*uvx[1:], *words], env=environment, cwd=str(tmp_path))
    async with Client(server) as client:
        assert "find_tools" in {tool.name for tool in (await client.list_tools()).tools}


def test_the_package_has_a_program_of_its_own_name(document: dict[str, Any], wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith("entry_points.txt")]
        assert f"\n{document['packages'][0]['identifier']} = " in archive.read(name).decode()
