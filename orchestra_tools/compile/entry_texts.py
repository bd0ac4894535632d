"""What may be told of an entry. Pure.

An entry's name, description, links and the like are written by strangers and read by models. A text that breaks the
rules of `hygiene` is withheld, and said to be; it is never cleaned. What is wrong with it is said without quoting it.

    told = check_entry(entry)
    told.name, told.links["docs"], [(each.field, each.reason) for each in told.withheld]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestra_tools.compile.hygiene import MAX_DESCRIPTION, MAX_TERM, MAX_TITLE, printable, text_problems
from orchestra_tools.model import Entry

MAX_URL = 2_048  # characters
_LINK_KIND = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MAX_LINKS = 20  # of one entry
_MAX_WITHHELD = 50  # told of one entry


@dataclass(frozen=True, slots=True)
class Withheld:
    """A text of an entry that is not told.

    Attributes:
        field: Where it stands in the entry, as in `description` or `links/docs`.
        reason: What is wrong with it.
    """

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class EntryTexts:
    """The texts of an entry that may be told; None for one that is withheld."""

    name: str | None
    description: str | None
    status: str | None
    version: str | None
    last_verified: str | None
    capabilities: tuple[str, ...]
    links: Mapping[str, str | tuple[str, ...] | None]
    withheld: tuple[Withheld, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Reads the texts of one entry, and notes what it withholds."""

    withheld: list[Withheld] = field(default_factory=list)

    def text(self, where: str, text: str, limit: int) -> str | None:
        return text if self._passes(where, text_problems(text, limit=limit, quoting=False)) else None

    def url(self, where: str, url: Any) -> str | None:
        return url if self._passes(where, url_problems(url)) else None

    def terms(self, where: str, terms: tuple[str, ...]) -> tuple[str, ...]:
        told = [self.text(f"{where}/{place}", term, MAX_TERM) for place, term in enumerate(terms)]
        return tuple(term for term in told if term is not None)

    def links(self, where: str, links: Mapping[str, Any]) -> dict[str, str | tuple[str, ...] | None]:
        told: dict[str, str | tuple[str, ...] | None] = {}
        for number, (kind, link) in enumerate(links.items()):
            place = f"{where}/{kind}"
            if not _LINK_KIND.fullmatch(kind):
                self.withhold(f"{where}/{number}", "its kind is no plain word")
            elif number >= _MAX_LINKS:
                self.withhold(place, f"an entry has at most {_MAX_LINKS} links")
            elif isinstance(link, list | tuple):
                urls = (self.url(f"{place}/{each}", url) for each, url in enumerate(link[:_MAX_LINKS]))
                told[kind] = tuple(url for url in urls if url is not None)
                if len(link) > _MAX_LINKS:
                    self.withhold(f"{place}/{_MAX_LINKS}", f"and all after it: at most {_MAX_LINKS} are told")
            elif link is not None:
                told[kind] = self.url(place, link)
        return told

    def withhold(self, where: str, reason: str) -> None:
        if len(self.withheld) < _MAX_WITHHELD:
            self.withheld.append(Withheld(where, reason))
        else:
            self.withheld[-1] = Withheld("", "further texts, too many to be named")

    def _passes(self, where: str, problems: Iterator[str]) -> bool:
        if problem := "; ".join(problems):
            self.withhold(where, printable(problem))
        return not problem


def check_entry(entry: Entry) -> EntryTexts:
    """Hold the texts of an entry against the rules for what a model reads."""
    reader = _Reader()
    return EntryTexts(
        name=reader.text("name", entry.name, MAX_TITLE),
        description=reader.text("description", entry.description, MAX_DESCRIPTION),
        status=reader.text("status", entry.status, MAX_TERM),
        version=reader.text("version", entry.version, MAX_TERM),
        last_verified=entry.last_verified and reader.text("last_verified", entry.last_verified, MAX_TERM),
        capabilities=reader.terms("capabilities", entry.capabilities),
        links={} if entry.links is None else reader.links("links", entry.links.to_json()),
        withheld=tuple(reader.withheld),
    )


def url_problems(url: Any) -> Iterator[str]:
    """What keeps a link from being told; the first of it."""
    if not isinstance(url, str):
        yield "is no text"
        return
    # As it is and decoded: %20 between its words does not keep a model from reading them.
    for reading in dict.fromkeys((url, unquote(url))):
        for problem in text_problems(reading, limit=MAX_URL, quoting=False):
            yield problem
            return
    if any(each.isspace() for each in url):
        yield "has white space"
        return
    try:
        parts = urlsplit(url)
        host, odd = parts.hostname, parts.username is not None or parts.port == 0
    except ValueError:
        yield "is no URL"
        return
    if parts.scheme not in ("http", "https"):
        yield "is no http or https URL"
    elif not host or odd or "\\" in url:
        yield "has no plain host"
