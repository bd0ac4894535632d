"""Server-sent events (WHATWG HTML, 9.2.6): the data of each."""

from __future__ import annotations

import re
from collections.abc import Iterator

EVENT_STREAM = "text/event-stream"
_LINE_END = re.compile(r"\r\n|\n|\r")


def read_event_data(body: bytes) -> Iterator[str]:
    """The `data` of each event in a stream that has ended.

    The last event counts without the empty line that should follow it: many servers leave that out.
    """
    data: list[str] = []
    for line in [*_LINE_END.split(body.decode("utf-8", "replace").removeprefix("\ufeff")), ""]:
        if not line:
            if data:
                yield "\n".join(data)
                data = []
            continue
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
