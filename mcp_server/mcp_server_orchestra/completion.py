"""Completing what a user types: a subnet, an operation of it, a capability. Pure.

Best first: what was typed whole, what it begins, what it is a word's beginning of, what it is somewhere in. At most 100
values, as the protocol has it, with the number of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from orchestra_tools.compile import Catalogue, CompiledEntry
from orchestra_tools.errors import UnknownSubnetError

MAX_VALUES = 100
_MAX_TYPED = 200  # characters; nothing that is looked for is longer
_CLOSE = 3


def complete(values: Sequence[str]) -> dict[str, Any]:
    """A completion in wire form."""
    return {
        "values": list(values[:MAX_VALUES]),
        "total": len(values),
        "hasMore": len(values) > MAX_VALUES,
    }


def subnets(catalogue: Catalogue, typed: str) -> list[str]:
    """Keys of the subnets that a beginning of a key, a netuid or a name may mean; those with tools first."""
    wanted = _fold(typed)
    found = [(rank, compiled) for compiled in catalogue.compiled if (rank := _rank_of(compiled, wanted)) is not None]
    found.sort(key=lambda each: (each[0], not each[1].tools, each[1].entry.netuid))
    return [compiled.entry.key for _, compiled in found]


def operations(catalogue: Catalogue, subnet: str | None, typed: str) -> list[str]:
    """Ids of a subnet's operations; none where nobody has said which subnet, or it is unknown."""
    if not subnet:
        return []
    try:
        compiled = catalogue.by_netuid[catalogue.ledger.find_entry(subnet).netuid]
    except UnknownSubnetError:
        return []
    return _matching([tool.operation_id for tool in compiled.tools], typed)


def capabilities(vocabulary: Iterable[str], typed: str) -> list[str]:
    """Terms of the vocabulary."""
    return _matching(vocabulary, typed)


def close_subnets(catalogue: Catalogue, wanted: str) -> list[str]:
    """Keys of a few subnets that somebody may have meant who named one that there is not."""
    if found := subnets(catalogue, wanted)[:_CLOSE]:
        return found
    names = {_fold(each.entry.name): each.entry.key for each in catalogue.compiled if each.entry.name}
    return [names[name] for name in get_close_matches(_fold(wanted), names, n=_CLOSE)]


def close_operations(compiled: CompiledEntry, wanted: str) -> list[str]:
    """Ids of a few operations of a subnet that somebody may have meant who named one that there is not."""
    ids = [tool.operation_id for tool in compiled.tools]
    return _matching(ids, wanted)[:_CLOSE] or get_close_matches(wanted[:_MAX_TYPED], ids, n=_CLOSE)


def _rank_of(compiled: CompiledEntry, wanted: str) -> int | None:
    key, netuid, name = compiled.entry.key.lower(), str(compiled.entry.netuid), _fold(compiled.entry.name)
    if wanted in (key, netuid, name) or not wanted:
        return 0
    if key.startswith(wanted) or netuid.startswith(wanted):
        return 1
    rank = _rank(name, wanted)
    return None if rank is None else rank + 1


def _matching(values: Iterable[str], typed: str) -> list[str]:
    wanted = _fold(typed)
    found = [(rank, value) for value in values if (rank := _rank(_fold(value), wanted)) is not None]
    return [value for _, value in sorted(found, key=lambda each: each[0])]


def _rank(text: str, wanted: str) -> int | None:
    if text == wanted:
        return 0
    if text.startswith(wanted):
        return 1
    if any(word.startswith(wanted) for word in text.replace("_", " ").split()):
        return 2
    return 3 if wanted in text else None


def _fold(text: str) -> str:
    return text[:_MAX_TYPED].strip().casefold()
