"""Starts the MCP server from its bundle, with what the user has set in the host.

Hosts pass a setting that was left empty as its placeholder (modelcontextprotocol/mcpb#250), and some pass a secret as
they stored it (anthropics/claude-code#78296). Neither may be taken for a value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

SANDBOX = "ORCHESTRA_BUNDLE_SANDBOX"
PREFIX = "ORCHESTRA_"
_UNSET = "${user_config."
_ENCRYPTED = "__encrypted__:"


def settle(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str], list[str]]:
    """What the server is started with.

    Args:
        environment: As the host set it.

    Returns:
        The environment without settings that have no value, the options, and what to tell the user.
    """
    kept: dict[str, str] = {}
    complaints: list[str] = []
    for name, value in environment.items():
        if name.startswith(PREFIX) and (not value.strip() or value.startswith(_UNSET)):
            continue
        if name.startswith(PREFIX) and value.startswith(_ENCRYPTED):
            complaints.append(
                f"{name} came from the host encrypted and is not used; store it with `orchestra keys set`"
            )
            continue
        kept[name] = value
    sandbox = kept.pop(SANDBOX, "").lower() == "true"
    return kept, ["--sandbox"] if sandbox else [], complaints


def main() -> None:
    """Start the server."""
    environment, options, complaints = settle(os.environ)
    for complaint in complaints:
        sys.stderr.write(f"warning: {complaint}\n")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [sys.argv[0], *options]
    from mcp_server_orchestra.main import main as serve

    serve()


if __name__ == "__main__":
    main()
