"""Build the bundle that MCP hosts install with a click (`.mcpb`): the wheel, a manifest, and a project for uv.

    python scripts/build_mcpb.py [--folder DIR] [--out FILE]

The host's uv makes the environment on the user's machine, with the versions of `constraints.txt`, so one bundle serves
macOS, Windows and Linux. The same checkout always makes the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

from orchestra_tools.calls.credentials import ENVIRONMENT_PREFIX
from orchestra_tools.compile import CompiledEntry, check_entry, compile_ledger
from orchestra_tools.model import ApiKeyAuth
from orchestra_tools.registry import packaged_ledger

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "packaging" / "mcpb"
STAGED = ("server.py", "icon.png")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a ZIP archive knows
MODE = 0o644


def stage(folder: Path) -> None:
    """Put everything that goes into the bundle into an empty folder."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    folder.mkdir(parents=True)
    for name in STAGED:
        shutil.copyfile(SOURCE / name, folder / name)
    shutil.copyfile(REPOSITORY / "LICENSE", folder / "LICENSE")
    wheel = _build_wheel(folder / "wheels")
    (folder / "pyproject.toml").write_text(_project(project, wheel.name), "utf-8", newline="\n")
    manifest = json.dumps(_manifest(project["version"]), indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(manifest + "\n", "utf-8", newline="\n")


def pack(folder: Path, out: Path) -> None:
    """Write a folder as an archive whose bytes depend on nothing but the files in it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    # Stored, not deflated: compressors differ, and nearly all of it is the wheel, which is compressed.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            member.create_system = 3  # Unix, whatever this runs on
            member.external_attr = MODE << 16
            archive.writestr(member, path.read_bytes())


def _build_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def _project(project: dict[str, Any], wheel: str) -> str:
    lines = (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith(("#", " "))]
    return "\n".join(
        [
            "[project]",
            'name = "orchestra-bundle"',
            f"version = {json.dumps(project['version'])}",
            f"requires-python = {json.dumps(project['requires-python'])}",
            f"dependencies = [{json.dumps(project['name'] + '[mcp]')}]",
            "",
            "[tool.uv]",
            "package = false",
            "constraint-dependencies = [",
            *(f"    {json.dumps(pin)}," for pin in pins),
            "]",
            "",
            "[tool.uv.sources]",
            f"{project['name']} = {{ path = {json.dumps('wheels/' + wheel)} }}",
            "",
        ]
    )


def _manifest(version: str) -> dict[str, Any]:
    """The manifest, with a field for the key of each subnet whose tools an agent would use."""
    manifest: dict[str, Any] = json.loads((SOURCE / "manifest.json").read_text("utf-8"))
    # Behind the fields it depends on, a host shows the version; the order of the file is the order of the form.
    manifest = {"manifest_version": manifest.pop("manifest_version"), "version": version} | manifest
    for compiled in compile_ledger(packaged_ledger()).compiled:
        if not _takes_key(compiled):
            continue
        subnet, name = compiled.entry.key, check_entry(compiled.entry).name
        field = f"key_{subnet.lower()}"
        title = f"Key for {subnet} {name}" if name else f"Key for {subnet}"
        manifest["user_config"][field] = {
            "type": "string",
            "title": title,
            "description": f"The host keeps it as a secret. Leave it empty to do without the paid tools of {subnet}.",
            "sensitive": True,
            "default": "",
        }
        manifest["server"]["mcp_config"]["env"][f"{ENVIRONMENT_PREFIX}{subnet}"] = f"${{user_config.{field}}}"
    return manifest


def _takes_key(compiled: CompiledEntry) -> bool:
    operations = compiled.entry.operations
    return any(
        isinstance(operations[tool.operation_id].auth, ApiKeyAuth)
        for tool in compiled.tools
        if tool.audience == "consumer"
    )


def main() -> None:
    """Build the bundle and say where it is."""
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    parser = argparse.ArgumentParser(description="Build the .mcpb bundle.")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build" / "mcpb", help="where to gather its files")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "build" / f"orchestra-{version}.mcpb")
    given = parser.parse_args()
    if given.folder.exists():
        shutil.rmtree(given.folder)
    stage(given.folder)
    pack(given.folder, given.out)
    print(f"{given.out} ({given.out.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
