"""The second peer of `bench/mcp.py`: FastMCP, which makes tools of an OpenAPI document itself.

    python -P bench/fastmcp_server.py DOCUMENT.json [PORT]

Over stdio, or with a port over HTTP on loopback.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main() -> None:
    """Serve until the client goes, or until ended."""
    document = json.loads(Path(sys.argv[1]).read_bytes())
    client = httpx2.AsyncClient(base_url=document["servers"][0]["url"])
    server = FastMCP.from_openapi(document, client=client, name="bench")
    if len(sys.argv) > 2:
        server.run("http", show_banner=False, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
    else:
        server.run("stdio", show_banner=False, log_level="ERROR")


if __name__ == "__main__":
    main()
