"""What the text formats of C2SP have in common: base64 and decimals, each with one spelling, and what may be in a line.

A second spelling of one value would be a second document with one meaning: signatures and digests forbid that.
"""

from __future__ import annotations

import base64
import binascii
import re

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")  # 19 digits hold 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f]")
_QUOTED_CHARACTERS = 60


def encode_base64(data: bytes) -> str:
    """Standard Base 64, padded (RFC 4648, 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes that standard Base 64 stands for.

    Raises:
        ValueError: It is not spelled as `encode_base64` spells it: other characters, padding, stray bits at its end.
    """
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except ValueError:
        raise ValueError("not base64") from None
    if encode_base64(data) != text:
        raise ValueError("not the one spelling of its bytes in base64")
    return data


def parse_decimal(text: str) -> int:
    """A whole number from 0 to 2**63 - 1, in ASCII digits without leading zeros.

    Raises:
        ValueError: It is not.
    """
    if not _DECIMAL.fullmatch(text) or (number := int(text)) >= 2**63:
        raise ValueError("not a decimal number from 0 to 2^63 - 1 without leading zeros")
    return number


def has_control(text: str) -> bool:
    """Whether there is an ASCII control character in it, a newline among them."""
    return _CONTROL.search(text) is not None


def quote(text: str) -> str:
    """Text of a stranger, to be shown in an error: short, and with nothing in it that acts on a terminal."""
    return repr(text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…")
