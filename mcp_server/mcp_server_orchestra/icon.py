"""The server's icon: a hub and the subnets around it.

Small, since the protocol of 2026-07-28 repeats it in each result.
"""

from __future__ import annotations

import base64

import mcp.types as mcp_types

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" stroke="#27c" stroke-linecap="round">'
    '<path d="M8 8 3 3m5 5 5-5M8 8v5"/><path d="M8 8h0M3 3h0m10 0h0M8 13h0" stroke-width="5"/></svg>'
)
ICON = mcp_types.Icon(
    src=f"data:image/svg+xml;base64,{base64.b64encode(_SVG.encode()).decode()}",
    mime_type="image/svg+xml",
    sizes=["any"],
)
