"""Which operation a request is for: method and path template within a stand-in. No I/O.

Literal segments beat placeholders, and a placeholder may share its segment with literal text, as in
`/v1beta/models/{model}:generateContent`. Segments are compared after percent-decoding, so `%2F` is part of a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

Target = TypeVar("Target")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Match(NamedTuple, Generic[Target]):
    """Targets of one method and path, and the values of the placeholders."""

    targets: list[Target]
    values: dict[str, str]


@dataclass
class _Node(Generic[Target]):
    literals: dict[str, _Node[Target]] = field(default_factory=dict)
    templates: dict[str, tuple[re.Pattern[str], tuple[str, ...], _Node[Target]]] = field(default_factory=dict)
    targets: dict[str, list[Target]] = field(default_factory=dict)


class Routes(Generic[Target]):
    """A table of routes. Several targets may share one method and path."""

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()

    def add(self, method: str, template: str, target: Target) -> None:
        """Add a route; a query string in the template is ignored."""
        node = self._root
        for segment in template.partition("?")[0].split("/")[1:]:
            node = self._child(node, segment)
        node.targets.setdefault(method, []).append(target)

    def find(self, method: str, path: str) -> Match[Target] | set[str]:
        """The match of a raw path, or the methods it has where this is none of them (empty: no such path)."""
        segments = [unquote(segment) for segment in path.split("/")[1:]]
        methods: set[str] = set()
        for node, values in _walk(self._root, segments, 0):
            if method in node.targets:
                return Match(node.targets[method], values)
            methods |= node.targets.keys()
        return methods

    @staticmethod
    def _child(node: _Node[Target], segment: str) -> _Node[Target]:
        names = tuple(_PLACEHOLDER.findall(segment))
        if not names:
            return node.literals.setdefault(unquote(segment), _Node())
        # The shape is what is compared: `{id}` and `{name}` are the same place, under the names of each route.
        if segment not in node.templates:
            literal = [re.escape(unquote(piece)) for piece in _PLACEHOLDER.split(segment)[::2]]
            node.templates[segment] = (re.compile("(.+?)".join(literal), re.DOTALL), names, _Node())
            # More literal text first.
            node.templates = dict(sorted(node.templates.items(), key=lambda item: -len(_PLACEHOLDER.sub("", item[0]))))
        return node.templates[segment][2]


def _walk(node: _Node[Target], segments: list[str], index: int) -> Iterator[tuple[_Node[Target], dict[str, str]]]:
    """Nodes that fit, the most literal first, with the values on the way."""
    if index == len(segments):
        if node.targets:
            yield node, {}
        return
    if (child := node.literals.get(segments[index])) is not None:
        yield from _walk(child, segments, index + 1)
    for shape, names, child in node.templates.values():
        if found := shape.fullmatch(segments[index]):
            for end, values in _walk(child, segments, index + 1):
                yield end, dict(zip(names, found.groups(), strict=True)) | values
