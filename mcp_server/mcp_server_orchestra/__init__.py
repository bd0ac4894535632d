"""The Subnet Ledger over MCP: `build_server`, and the console script `mcp-server-orchestra`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from orchestra_tools.extras import missing_extra

if TYPE_CHECKING:
    from mcp_server_orchestra.server import build_server

__all__ = ["build_server"]


if find_spec("mcp") is None:
    raise missing_extra("mcp_server_orchestra", "mcp", ModuleNotFoundError("No module named 'mcp'", name="mcp"))


def __getattr__(name: str) -> Any:
    # On first use: the console script comes through here before it can get ready for what the SDK takes to import.
    if name != "build_server":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from mcp_server_orchestra.server import build_server
    except ImportError as error:
        raise missing_extra("mcp_server_orchestra", "mcp", error) from error
    return build_server
