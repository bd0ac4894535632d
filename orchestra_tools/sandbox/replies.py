"""JSON responses of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

Headers = Mapping[str, str]
MARK = "X-Orchestra-Sandbox"
MARKED: Headers = {MARK: "1"}


def reply(body: Any, status: int = 200, headers: Headers = MARKED) -> web.Response:
    """A JSON response; statuses that have no body get none."""
    if status in (204, 304):
        return web.Response(status=status, headers=headers)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")
