"""Words of a text, the same for what is indexed and what is asked.

    split_words("getWebPage, sn22_web_search")     # ["get", "web", "page", "getwebpage", "sn22", "web", "search"]
    query_words("search the web with SN22")        # ["search", "web", "sn22"]

Words are whole: "me" is no part of "comment". A name written in one (`YouTube`) is kept beside its parts. Stemming is
left to FTS5.
"""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[^\W_]+")
_CAMEL_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAMES_SUBNET = re.compile(r"\b(?:sn|subnet|netuid)[\s#_-]{0,3}(\d{1,5})\b", re.IGNORECASE)

STOP_WORDS = frozenset(
    """
    a an and any are as at be been being but by can could did do does doing for from had has have having he her here
    him his how i if in into is it its just me might must my no not of on or our out please shall she should so some
    such than that the their them then there these they this those to too up us very was we were what when where which
    while who whom whose why will with would you your
    """.split()  # noqa: SIM905  # a paragraph reads better than eighty quoted words
)

# They carry a wish, not its subject: a tool that has all of them and nothing else is no answer.
FILLER_WORDS = frozenset(
    """
    about ahead all also current currently during find get give good help know last latest let like look looking
    made make many me more most much need new next now one online over past people per ready really recent recently
    right see show something tell thing things today two upcoming use used using via want way
    """.split()  # noqa: SIM905  # see above
)


def split_words(text: str) -> list[str]:
    """All words of a text, lower case, in order, stop words left out."""
    words: list[str] = []
    for run in _RUN.findall(text if text.isascii() else unicodedata.normalize("NFKC", text)):
        if not (run.islower() or run.isdigit()) and len(parts := _CAMEL_EDGE.split(run)) > 1:
            words += [part for part in map(str.lower, parts) if part not in STOP_WORDS]
        if (word := run.lower()) not in STOP_WORDS:
            words.append(word)
    return words


def separate_words(name: str) -> str:
    """A name as words, for who reads language: "getWebPage" as "get Web Page"."""
    return " ".join(" ".join(_CAMEL_EDGE.split(run)) for run in _RUN.findall(name))


def query_words(text: str) -> list[str]:
    """The different words of a query. A subnet is one word however it is written: SN22, `subnet 22`."""
    return list(dict.fromkeys(split_words(_NAMES_SUBNET.sub(r"sn\1", text))))
