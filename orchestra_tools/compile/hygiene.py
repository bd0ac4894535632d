"""Text from strangers, before a model reads it.

Whatever a subnet, an identity or a document says about itself ends in a model's context. Text that is too long, carries
characters nobody sees, or talks to the model instead of about the operation is reported, never silently cleaned: its
operation goes to quarantine with the reason.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from orchestra_tools.schema import join

MAX_TITLE = 120  # characters
MAX_DESCRIPTION = 1024  # characters; OpenAI and LlamaIndex refuse longer ones
MAX_ARGUMENT_NAME = 128  # characters
MAX_TERM = 80  # characters of a capability, a version, a status
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_PLAIN_CONTROLS = frozenset("\n\t\r")
# What shows nothing: fillers, a blank Braille cell, variation selectors other than the emoji ones, tags.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BLANK_RANGES = (range(0xFE00, 0xFE0E), range(0xE0000, 0xE1000))
# Letters of other scripts that pass for Latin ones (UTS 39), so that a disguised phrase is still read.
_DISGUISES = str.maketrans(
    "аеорсухіјѕԁһӏԛԝ" + "οανρτικεχυ" + "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ" + "ɑɡıօսհոℓ" + "’ʼ",
    "aeopcyxijsdhlqw" + "oavptikexu" + "abcdeghijklmnoprstuvwyz" + "agiouhnl" + "''",
)
_WORD_EDGE = re.compile(r"(?<=[a-z])(?=[A-Z])")
# What it belongs to, its path there (the innermost token last; None = itself), the text, and how long it may be.
Text = tuple[str, Any, str, int]
_CONTAINERS = (dict, list)  # as a constant, since every node of a ledger is held against it
_SHORT_NAME = 10  # characters; no phrase fits into a shorter name
# What talks to a model, in plain form. A pattern is slow to search for, a word is not: a text without any of a rule's
# words cannot match its pattern.
_INJECTIONS = (
    (
        ("ignore", "disregard", "forget", "override", "bypass"),
        r"""
            \b(?:ignore|disregard|forget|override|bypass)\b .{0,30}
            \b(?:previous|prior|above|earlier|all|any|other|your|these|the)\b .{0,30}
            \b(?:instruction|prompt|rule|message|direction|guideline|context)
            | \b(?:disregard|forget)\b .{0,20} \b(?:previous|prior|above|earlier|everything)\b
            """,
    ),
    (
        ("system ", "developer ", "hidden "),
        r"""
            \b(?:reveal|print|repeat|output|show|leak)\b .{0,30}
            \b(?:system|developer|hidden)\s(?:prompt|message|instruction)
            """,
    ),
    (
        ("you are now", "you act now", "pretend", "from now on"),
        r"\byou\s(?:are|act)\snow\b | \bpretend\s(?:to\sbe|you\sare)\b | \bfrom\snow\son,?\syou\b",
    ),
    (
        ("do not", "don't", "never", "without"),
        r"""
            \b(?:do\snot|don't|never|without)\b .{0,20}
            \b(?:tell|mention|inform|reveal|show|notify|ask)(?:ing)?\b .{0,20}
            (?: \b(?:the|this|your|any|to)\s(?:user|human)s?\b | \b(?:user|human)s?(?:[^\w\s]|$) | \banyone\b )
            """,
    ),
    (
        ("tool",),
        r"""
            \b(?:always|must|should|first|instead)\b .{0,40} \b(?:call|use|invoke|run)\b .{0,20}
            \b(?:this|another|other)\stool
            | \bbefore\s(?:using|calling|invoking|running)\s(?:any|this|other|another)\b .{0,20} \btools?\b
            """,
    ),
    (
        ("<",),
        r"""
            <\s?/?\s?(?:system|important|instructions?|assistant|secret|tool\scall|function\scalls?)\b
            | <\s?(?:img|script|iframe)\b
            """,
    ),
    (("![", "javascript:", "data:text/html"), r"!\[[^\]]*\]\s?\( | \bjavascript:[a-z/] | \bdata:text/html"),
    (
        ("key", "password", "secret", "credential", "conversation", "chat history", "ssh"),
        r"""
            # Of somebody's own, or to some address: services that send a password link or post to a conversation exist.
            \b(?:send|upload|forward|exfiltrate|leak)\s(?:the|this)\s(?:\w+\s)?(?:conversation|chat\shistory)\b
            | \b(?:send|post|upload|forward|exfiltrate|leak|include|append)\b .{0,40}
            (?: \b(?:your|my|our|his|her|their|all|any|every|user's|users'|system)\b .{0,20}
                \b(?:api[\s-]?keys?|passwords?|secrets?|credentials?|private\skeys?|conversation|chat\shistory|ssh)\b
              | \b(?:api[\s-]?keys?|passwords?|secrets?|credentials?|private\skeys?|conversation|chat\shistory|ssh)\b
                .{0,40} (?: https?:// | \w@\w | \bto\s(?:me|us|this|our)\b ) )
            """,
    ),
    (("~/.", "/etc/", ".ssh", ".env", "id rsa"), r"\bread\b .{0,40} (?:~/\.|/etc/|\.ssh|\.env\b|id\srsa)"),
)


def text_problems(text: str, *, limit: int = MAX_DESCRIPTION, quoting: bool = True) -> Iterator[str]:
    """Everything about a text that keeps it from a model.

    Args:
        text: Words of a stranger.
        limit: Characters it may have.
        quoting: Whether a problem may repeat a few of the words.
    """
    if len(text) > limit:
        yield f"{len(text):,} characters long, the limit is {limit:,}"
        text = text[: limit * 4]
    hidden = set() if text.isascii() and text.isprintable() else {each for each in set(text) if _is_hidden(each)}
    if hidden:
        listed = ", ".join(f"U+{ord(character):04X}" for character in sorted(hidden)[:5])
        yield f"has characters nobody sees: {listed}"
    # A hidden character may join two words or split one: both readings are searched.
    for stand_in in ("", " ") if hidden else ("",):
        seen = "".join(stand_in if character in hidden else character for character in text) if hidden else text
        if found := _find_injection(_plain(seen)):
            quoted = f" of about the operation: {found[:80]!r}" if quoting else ""
            yield f"talks to the model instead{quoted}"
            return


def find_problems(texts: Sequence[Text]) -> Iterator[str]:
    """Everything about some texts that keeps them from a model, with where it was found."""
    # Nearly all texts are clean, and one search through them together shows it. What that finds across the seam of two
    # texts is dropped by the second look, which takes each by itself.
    whole = " ".join([text for _, _, text, _ in texts])
    if any(text_problems(whole, limit=sys.maxsize)) or any(len(text) > limit for _, _, text, limit in texts):
        for what, path, text, limit in texts:
            where = f"{what} at {_pointer(path)}:" if path else what
            yield from (f"{where} {problem}" for problem in text_problems(text, limit=limit))


def printable(text: str, *, limit: int = 300) -> str:
    """A text of ours that quotes strangers: short, and hidden characters written out."""
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return "".join(f"\\u{ord(each):04x}" if _is_hidden(each) or each == "\n" else each for each in cut)


def texts_of(schema: Any, what: str) -> Iterator[Text]:
    """Every text inside a schema that a model would read: names, descriptions, values."""
    stack: list[tuple[Any, Any]] = [(schema, None)]
    while stack:
        node, path = stack.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, str):
                yield what, (path, key), value, MAX_DESCRIPTION
            elif isinstance(value, _CONTAINERS):
                stack.append((value, (path, key)))
            if isinstance(key, str) and not (len(key) <= _SHORT_NAME and key.isascii() and key.isidentifier()):
                yield what, (path, "…"), _WORD_EDGE.sub(" ", key), MAX_ARGUMENT_NAME


def _pointer(path: Any) -> str:
    tokens: list[str | int] = []
    while path is not None:
        path, token = path
        tokens.append(token)
    return join(reversed(tokens))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # When a text first has one of its words: most never do, and hosts wait for this module.
    return re.compile(pattern, re.VERBOSE)


def _find_injection(plain: str) -> str:
    for words, pattern in _INJECTIONS:
        for word in words:
            if word in plain:
                if found := _compiled(pattern).search(plain):
                    return found[0]
                break
    return ""


def _plain(text: str) -> str:
    """The text as a reader takes it: case, accents, widths, look-alikes and line breaks do not matter."""
    if not text.isascii():
        text = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
        text = text.casefold().translate(_DISGUISES)
    return " ".join(text.lower().replace("_", " ").split())


def _is_hidden(character: str) -> bool:
    if character < "\x7f":
        return character < " " and character not in _PLAIN_CONTROLS
    return (
        unicodedata.category(character) in _HIDDEN_CATEGORIES
        or character in _BLANKS
        or any(ord(character) in blanks for blanks in _BLANK_RANGES)
    )
