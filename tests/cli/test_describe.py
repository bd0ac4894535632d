"""Facts in words."""

from __future__ import annotations

import pytest

from orchestra_tools.cli.describe import describe_auth, describe_source
from orchestra_tools.model import ApiKeyAuth, Auth, HotkeyAuth, UndocumentedAuth


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        (None, "none"),
        (ApiKeyAuth(name="X-Key", prefix="Bearer "), "header X-Key: Bearer <key of SN5, from ORCHESTRA_KEY_SN5"),
        (HotkeyAuth(), "signed by a Bittensor hotkey"),
        (UndocumentedAuth(note="in the body"), "not documented: in the body"),
    ],
)
def test_authentication_is_told_without_secrets(auth: Auth | None, words: str) -> None:
    assert words in describe_auth(auth, "SN5")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "not known (confidence: docs)"),
        (
            {"repo": "a/b", "path": "c.py", "line": 7, "commit": "f" * 40, "licence": "MIT"},
            "a/b c.py:7; commit ffffffffffff",
        ),
        ({"path": "https://example.com/docs", "licence": "none"}, "https://example.com/docs; licence none"),
        ({"package": "p", "host_from": "README"}, "p; host from README"),
    ],
)
def test_a_source_names_its_place_and_the_confidence(source: dict[str, object] | None, words: str) -> None:
    told = describe_source(source, "docs")
    assert words in told
    assert "confidence: docs" in told
