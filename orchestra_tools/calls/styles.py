"""How a list or an object stands in a path, a query, a header, a cookie or a form, and how it is read back. Pure.

    write_pairs(Notation("color", "form", explode=False), ["blue", "a,b"])    # [("color", "blue,a%2Cb")]
    write_text(Notation("id", "matrix", explode=True), {"R": 1, "G": 2})      # ";R=1;G=2"

The styles of OpenAPI 3.1 (4.8.12), by RFC 6570. Where these leave a choice:

- Null is absence: a null member is left out. A null item of a list is refused, as the items after it would move up.
- An empty list or object is absence, as in RFC 6570, 2.3.
- A delimiter within a value is percent-encoded; where a place knows no such encoding (headers, multipart forms), or
  where the delimiter itself is written encoded (`spaceDelimited`, `pipeDelimited`), the value is refused.
- Only `deepObject` nests: members in brackets, items of lists by their index (`a[b][0]=x`). Others refuse nesting.
- `spaceDelimited` and `pipeDelimited` are repeated when exploded, like `form`; a single value is written like `form`.
- An exploded list in cookies is one cookie for each item. A member of an exploded object that has the name of another
  parameter is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from orchestra_tools.model import ArgumentPlace, HttpEndpoint
from orchestra_tools.model.operation import Location, Style

Kind = Literal["text", "list", "object"]
"""What a schema asks for; the wire alone does not tell a list of one from its item."""
Medium = Literal["path", "query", "header", "cookie", "form", "multipart"]
"""What a value is written into."""
Pair = tuple[str, str]
"""A name and a value, both encoded."""
Path = tuple[str | int, ...]
"""Where in the arguments a value stands; the argument's name comes first."""

# What RFC 3986 reserves, without what would end the value (`&`, `#`), be read as a space (`+`), or stand for a bracket.
_RESERVED = "/:?@!$'()*,;="
_SEPARATORS = {"simple": ",", "label": ".", "matrix": ";", "form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_USUAL: Mapping[Location, Style] = {
    "path": "simple",
    "header": "simple",
    "query": "form",
    "cookie": "form",
    "body": "form",
}


class Refused(Exception):  # noqa: N818  # never leaves this package: the request builder makes the error of it
    """A value cannot travel in its place."""

    def __init__(self, path: Path, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.path, self.problem, self.remedy = path, problem, remedy


def as_text(value: Any) -> str:
    """A value as it stands in a path, a query, a header or a form field.

    Raises:
        ValueError: It is NaN or infinite.
    """
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def checked_text(value: Any, path: Path) -> str:
    """The same, for sending.

    Raises:
        Refused: It is a number or has a character that no request can carry.
    """
    try:
        text = as_text(value)
        text.encode()
    except ValueError:
        raise Refused(path, "holds a number or character that cannot be sent") from None
    return text


def percent_encode(text: str) -> str:
    """A text in which nothing is taken for a delimiter."""
    return quote(text, safe="")


def _verbatim(text: str) -> str:
    return text


_CODECS: Mapping[Medium, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "path": (percent_encode, unquote),
    "query": (percent_encode, unquote_plus),
    "cookie": (percent_encode, unquote),
    "form": (quote_plus, unquote_plus),
    "header": (_verbatim, _verbatim),
    "multipart": (_verbatim, _verbatim),
}


@dataclass(frozen=True, slots=True)
class Notation:
    """How one argument is written.

    Attributes:
        name: On the wire.
        argument: The argument's own name, for faults.
        encode: Makes text safe in the place.
        decode: Undoes it.
        allow_reserved: Whether values keep what RFC 3986 reserves, as far as they can still be told apart.
        others: Names that other parameters have in the same place; they are no members of an exploded object.
    """

    name: str
    style: Style
    explode: bool
    argument: str = ""
    encode: Callable[[str], str] = percent_encode
    decode: Callable[[str], str] = unquote
    allow_reserved: bool = False
    others: frozenset[str] = frozenset()

    @property
    def separator(self) -> str:
        """What stands between items, encoded."""
        if self.style in ("label", "matrix") and not self.explode:
            return ","
        separator = _SEPARATORS.get(self.style, ",")
        return separator if separator != " " and separator != "|" else self.encode(separator)

    @property
    def path(self) -> Path:
        """Where faults point."""
        return (self.argument or self.name,)

    def encode_value(self, value: Any, path: Path) -> str:
        """One scalar, encoded."""
        if isinstance(value, (list, dict)):
            what = "a list" if isinstance(value, list) else "an object"
            raise Refused(path, f"is {what} within another, which the style {self.style} cannot carry")
        if value is None:
            raise Refused(path, f"is null, which a list in the style {self.style} cannot carry", "leave the item out")
        text = checked_text(value, path)
        if not self.allow_reserved:
            return self.encode(text)
        spared = _RESERVED.replace(",", "") if self.separator == "," and not self.explode else _RESERVED
        return "".join(each if each in spared else self.encode(each) for each in text)


def names_in(endpoint: HttpEndpoint, schema: Mapping[str, Any], location: Location) -> dict[str, str]:
    """Names on the wire of the arguments that travel in one place, by the arguments' names."""
    places = {name: endpoint.place_of(name) for name in {**schema.get("properties", {}), **endpoint.arguments}}
    return {
        name: place.name or name for name, place in places.items() if place.location == location and not place.whole
    }


def notation_of(
    place: ArgumentPlace, medium: Medium, name: str, *, argument: str = "", others: Iterable[str] = ()
) -> Notation | None:
    """How a place wants its value written; None = it states no style, and the value is written the plain way.

    Args:
        place: Where the argument travels. A media type there wins over a style.
        medium: What it is written into.
        name: The name on the wire.
        argument: The argument's own name.
        others: Names that parameters have in the same place.
    """
    stated = place.style is not None or place.explode is not None or place.allow_reserved
    if not stated or place.media_type is not None or place.whole:
        return None
    style: Style = place.style or _USUAL[place.location]
    encode, decode = _CODECS[medium]
    return Notation(
        name=name,
        style=style,
        explode=style == "form" if place.explode is None else place.explode,
        argument=argument,
        encode=encode,
        decode=decode,
        allow_reserved=place.allow_reserved and medium in ("query", "form"),
        others=frozenset(others) - {name},
    )


def write_text(notation: Notation, value: Any) -> str | None:
    """A value in the style `simple`, `label` or `matrix`; None where it is absent.

    Raises:
        Refused: The style cannot carry it.
    """
    pieces = _pieces(notation, value)
    if pieces is None:
        return None
    match notation.style:
        case "label":
            return "." + notation.separator.join(pieces)
        case "matrix" if notation.explode and isinstance(value, dict):
            return "".join(f";{piece.removesuffix('=')}" for piece in pieces)
        case "matrix":
            name = f";{notation.encode(notation.name)}"
            joined = pieces if notation.explode else [",".join(pieces)]
            return "".join(f"{name}={piece}" if piece else name for piece in joined)
    return ",".join(pieces)


def read_text(notation: Notation, text: str, kind: Kind) -> Any:
    """Undo `write_text`: texts, still without types. What is not in the style comes back as one text."""
    plain = notation.decode(text)
    prefix = {"label": ".", "matrix": ";"}.get(notation.style, "")
    if not text.startswith(prefix):
        return plain
    body = text.removeprefix(prefix)
    if notation.style == "matrix" and not (notation.explode and kind == "object"):
        named = [piece.partition("=") for piece in body.split(";")]
        if any(notation.decode(name) != notation.name for name, _, _ in named):
            return plain
        if notation.explode and kind == "list":
            return [notation.decode(piece) for _, _, piece in named]
        body = named[0][2]
    return _split(notation, body, kind)


def write_pairs(notation: Notation, value: Any) -> list[Pair]:
    """A value in the style `form`, `spaceDelimited`, `pipeDelimited` or `deepObject`.

    Raises:
        Refused: The style cannot carry it.
    """
    name = notation.encode(notation.name)
    nested = isinstance(value, (list, dict))
    if notation.style == "deepObject" and nested:
        return _write_deep(notation, name, value, notation.path)
    if not nested:
        return [(name, notation.encode_value(value, notation.path))]
    if notation.explode and isinstance(value, dict):
        return [(each, text) for each, text in _members(notation, value, within=notation.others)]
    if notation.explode:
        return [(name, notation.encode_value(item, (*notation.path, at))) for at, item in enumerate(value)]
    pieces = _pieces(notation, value)
    return [] if pieces is None else [(name, notation.separator.join(pieces))]


def read_pairs(notation: Notation, pairs: Sequence[Pair], kind: Kind, members: frozenset[str] | None = None) -> Any:
    """Undo `write_pairs`: texts, still without types; None = absent.

    Args:
        notation: How it was written.
        pairs: Everything in that place, encoded.
        kind: What the schema asks for.
        members: Names that an exploded object may have; None = any that is not another parameter's.
    """
    decoded = [(notation.decode(name), value) for name, value in pairs]
    if notation.style == "deepObject":
        return _read_deep(notation, decoded)
    if notation.explode and kind == "object":
        found = {
            name: notation.decode(value)
            for name, value in decoded
            if name not in notation.others and (members is None or name in members)
        }
        return found or None
    values = [value for name, value in decoded if name == notation.name]
    if not values:
        return None
    if len(values) > 1 or (notation.explode and kind == "list"):
        return [notation.decode(value) for value in values]
    return _split(notation, values[0], kind)


def claims(notation: Notation, encoded: str, texts: Any) -> bool:
    """Whether a name of the wire belongs to an argument of which `read_pairs` read `texts`."""
    name = notation.decode(encoded)
    if notation.style == "deepObject":
        return name == notation.name or name.startswith(f"{notation.name}[")
    return name in texts if notation.explode and isinstance(texts, dict) else name == notation.name


def _pieces(notation: Notation, value: Any) -> list[str] | None:
    """The encoded pieces that stand between separators; None where there are none."""
    path = notation.path
    if isinstance(value, list):
        pieces = [notation.encode_value(item, (*path, at)) for at, item in enumerate(value)]
    elif isinstance(value, dict):
        members = _members(notation, value)
        pieces = (
            [f"{name}={text}" for name, text in members]
            if notation.explode
            else [each for member in members for each in member]
        )
        if notation.explode and any("=" in name for name, _ in members):
            raise Refused(path, "has a member whose name holds '=', which cannot be told from its value")
    else:
        return [notation.encode_value(value, path)]
    if any(notation.separator in piece for piece in pieces):
        separator = notation.decode(notation.separator)
        raise Refused(path, f"holds {separator!r}, which separates values in the style {notation.style} there")
    return pieces or None


def _members(notation: Notation, value: Mapping[str, Any], within: frozenset[str] = frozenset()) -> list[Pair]:
    """The members of an object that are not null, encoded."""
    members = []
    for name, each in value.items():
        path = (*notation.path, name)
        if each is None:
            continue
        if name in within:
            raise Refused(path, "has the name of another parameter, from which it could not be told")
        members.append((notation.encode(checked_text(name, path)), notation.encode_value(each, path)))
    return members


def _split(notation: Notation, body: str, kind: Kind) -> Any:
    if kind == "text":
        return notation.decode(body)
    pieces = _split_pieces(notation, body)
    if kind == "list":
        return [notation.decode(piece) for piece in pieces]
    if notation.explode:
        named = [piece.partition("=") for piece in pieces]
        return {notation.decode(name): notation.decode(each) for name, _, each in named}
    if len(pieces) % 2:
        return notation.decode(body)
    texts = [notation.decode(piece) for piece in pieces]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _split_pieces(notation: Notation, body: str) -> list[str]:
    if (separator := _SEPARATORS[notation.style]) in " |":
        # Written as `%20`, `+`, `%7C` or `|`; no value holds one.
        return [notation.encode(piece) for piece in notation.decode(body).split(separator)]
    return body.split(notation.separator)


def _write_deep(notation: Notation, prefix: str, value: Any, path: Path) -> list[Pair]:
    if not isinstance(value, (list, dict)):
        return [(prefix, notation.encode_value(value, path))]
    pairs: list[Pair] = []
    left, right = notation.encode("["), notation.encode("]")
    for key, each in enumerate(value) if isinstance(value, list) else value.items():
        inner = (*path, key)
        if each is None and isinstance(value, dict):
            continue
        text = checked_text(key, inner)
        if not text or "[" in text or "]" in text:
            raise Refused(inner, "has a name that is empty or holds brackets, which cannot stand in brackets")
        written = _write_deep(notation, f"{prefix}{left}{notation.encode(text)}{right}", each, inner)
        if not written:
            raise Refused(inner, "is empty, which no list of names and values can say", "leave it out")
        pairs += written
    return pairs


def _read_deep(notation: Notation, decoded: Sequence[Pair]) -> Any:
    found: dict[str, Any] = {}
    for name, value in decoded:
        if name == notation.name:
            return notation.decode(value)
        keys = _BRACKETED.findall(name.removeprefix(notation.name))
        if not keys or name != notation.name + "".join(f"[{key}]" for key in keys):
            continue
        inner = found
        for key in keys[:-1]:
            below = inner.setdefault(key, {})
            inner = below if isinstance(below, dict) else inner
        inner[keys[-1]] = notation.decode(value)
    return found or None
