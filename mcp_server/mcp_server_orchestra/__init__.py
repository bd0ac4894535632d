"""The Subnet Ledger over MCP: `build_server`, and the console script `mcp-server-orchestra`."""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from mcp_server_orchestra.server import build_server
except ImportError as error:
    raise missing_extra("mcp_server_orchestra", "mcp", error) from error

__all__ = ["build_server"]
