"""SN28 gm speaks Gemini's interface as well: Google's own client, `google-genai`."""

from __future__ import annotations

from typing import Any

from google import genai

from tests.parity.harness import Call, Vendor

TEXT = "naïve – 東京 🦄"


def connect(url: str, key: str) -> genai.Client:
    """The version is no part of its base URL."""
    return genai.Client(api_key=key, http_options={"base_url": url, "api_version": "v1beta"})


def generate(contents: list[dict[str, Any]], **sides: dict[str, Any]) -> Call:
    """One answer of a model."""
    return Call(
        "sn28_generate_content", "models.generate_content", {"model": "gemini-2.5-pro", "contents": contents}, **sides
    )


GENAI = Vendor(
    "google-genai",
    connect,
    ignored={
        "x-goog-api-client": "names the client library and its language",
        "x-server-timeout": "its own time limit",
    },
    calls=(
        generate([{"role": "user", "parts": [{"text": TEXT}]}]),
        generate(
            [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}],
            theirs={"config": {"max_output_tokens": 7, "system_instruction": {"parts": [{"text": "c"}]}}},
            ours={"generationConfig": {"maxOutputTokens": 7}, "systemInstruction": {"parts": [{"text": "c"}]}},
        ),
    ),
)
VENDORS = (GENAI,)
