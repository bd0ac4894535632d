"""What looks like somebody's secret is cut out of evidence, which everybody can read. No I/O.

The caller's own key is cut out of an answer before anybody sees it, in every form it may come back in; see
`calls.redaction`. Here goes what is left: keys of a known shape, and values whose names say that they are secret.
"""

from __future__ import annotations

import re
from typing import Any

REDACTED = "[redacted]"
_NAMES = re.compile(
    r"(^|[_-])(api[_-]?key|apikey|authorization|cookie|credentials?|mnemonic|passphrase|passw(or)?d|private[_-]?key"
    r"|secret([_-]key)?|seed[_-]phrase|(access|auth|bearer|refresh|session)[_-]?token)$",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Each alternative either takes in what it looked at or gives up after a few characters, so that text which is made to
# be slow is not: only the last two look further, and start where no token can have begun before.
_SECRETS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|cpk_[A-Za-z0-9._-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|(?:Bearer|Basic)\s{1,4}[A-Za-z0-9._~+/=-]{16,})"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
)
_PARAMETERS = re.compile(
    r"([?&](?:api[_-]?key|key|(?:access[_-]|auth[_-])?token|secret|password|sig|signature)=)[^&#\s\"'<>]+",
    re.IGNORECASE,
)


def redact(value: Any, name: str = "") -> Any:
    """A JSON value without what looks like a secret.

    Args:
        value: The value.
        name: What it is called where it stands.
    """
    return _without_secrets(value, is_secret=_is_secret(name))


def redact_text(text: str) -> str:
    """A text without what looks like a secret."""
    return _PARAMETERS.sub(rf"\1{REDACTED}", _SECRETS.sub(REDACTED, text))


def _without_secrets(value: Any, *, is_secret: bool) -> Any:
    if isinstance(value, dict):
        return {
            redact_text(key): _without_secrets(each, is_secret=is_secret or _is_secret(key))
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(each, is_secret=is_secret) for each in value]
    if isinstance(value, bool) or value is None or value == "":
        return value
    if is_secret:
        return REDACTED
    return redact_text(value) if isinstance(value, str) else value


def _is_secret(name: str) -> bool:
    return _NAMES.search(_HUMP.sub("_", name)) is not None
