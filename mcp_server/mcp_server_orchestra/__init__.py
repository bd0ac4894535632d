"""The Subnet Ledger over MCP: `build_server`, and the console script `mcp-server-orchestra`."""

from __future__ import annotations

try:
    import mcp as _mcp
except ImportError as error:
    raise ImportError('The MCP server needs the extra "mcp". Install it: pip install "orchestra-tools[mcp]"') from error
else:
    del _mcp

from mcp_server_orchestra.server import build_server

__all__ = ["build_server"]
