"""The caller's key is cut out of whatever comes back, should a subnet echo it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from orchestra_tools.calls.wire import WireResponse

REDACTED = "[redacted]"
MIN_LENGTH = 8  # characters; a shorter key is no secret, and cutting it out would maim ordinary words


class Redactor:
    """Cuts one key out, in the forms it may come back in."""

    def __init__(self, key: str) -> None:
        self._key = key
        quoted = json.dumps(key)[1:-1]
        encoded = base64.b64encode(key.encode()).decode()
        forms = {key, quoted, quoted.replace("/", "\\/"), quote(key, safe=""), encoded}
        # The longest first: a short form may be part of a long one.
        self._forms = [form.encode() for form in sorted(forms, key=len, reverse=True)]

    def clean_response(self, response: WireResponse) -> WireResponse:
        """The response without the key in its headers and body."""
        body = response.body
        for form in self._forms:
            if form in body:
                body = body.replace(form, REDACTED.encode())
        headers = {name: self._clean_text(value) for name, value in response.headers.items()}
        return replace(response, headers=headers, body=body)

    def clean_data(self, data: Any) -> Any:
        """The data without the key: escapes and charsets may have hidden it from the bytes."""
        if isinstance(data, str):
            return self._clean_text(data)
        if isinstance(data, list):
            return [self.clean_data(each) for each in data]
        if isinstance(data, dict):
            return {self.clean_data(name): self.clean_data(value) for name, value in data.items()}
        return data

    def _clean_text(self, text: str) -> str:
        for form in self._forms:
            if (seen := form.decode()) in text:
                text = text.replace(seen, REDACTED)
        return text
