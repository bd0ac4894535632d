"""How many witnesses are enough (c2sp.org/tlog-policy): witnesses, groups of them, and the one that has to be met."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from orchestra_tools.errors import ConfigurationError
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.lines import quote

NONE = "none"
"""The quorum that asks for nobody."""
REFUSED = "the trust policy cannot be used: "
MAX_NAMES = 1_000  # of witnesses and groups


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness: its name in the policy, its key, and where it is reached, for those who have to."""

    name: str
    key: CosignatureKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Some witnesses or groups, and how many of them make it one that has witnessed."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quorum:
    """Who has to cosign: `name` is a witness, a group, or `none`. Groups come after their members.

    Raises:
        ConfigurationError: A name is missing or used twice, a member counts twice, a threshold cannot be met, or two
            witnesses have one key.
    """

    witnesses: tuple[WitnessKey, ...] = ()
    groups: tuple[Group, ...] = ()
    name: str = NONE

    def __post_init__(self) -> None:
        defined: set[str] = set()
        grouped: set[str] = set()
        keys: set[bytes] = set()
        if len(self.witnesses) + len(self.groups) > MAX_NAMES:
            raise refuse(f"it has more than {MAX_NAMES:,} witnesses and groups")
        for witness in self.witnesses:
            _define(witness.name, defined)
            if witness.key.public_key in keys:
                raise refuse(f"the witness {quote(witness.name)} has the key of another, and would count twice")
            keys.add(witness.key.public_key)
        for group in self.groups:
            _check_group(group, defined, grouped)
            _define(group.name, defined)
        if self.name != NONE and self.name not in defined:
            raise refuse(f"the quorum names {quote(self.name)}, which is neither a witness nor a group before it")

    @classmethod
    def of(cls, keys: Iterable[CosignatureKey], threshold: int) -> Self:
        """At least `threshold` of these witnesses; 0 asks for nobody."""
        witnesses = tuple(WitnessKey(key.name, key) for key in keys)
        if threshold == 0:
            return cls(witnesses)
        group = Group("(witnesses)", threshold, tuple(each.name for each in witnesses))
        return cls(witnesses, (group,), group.name)

    @property
    def keys(self) -> tuple[CosignatureKey, ...]:
        """The keys of all witnesses."""
        return tuple(each.key for each in self.witnesses)

    def is_met_by(self, names: Collection[str]) -> bool:
        """Whether cosignatures of these witnesses are enough."""
        if self.name == NONE:
            return True
        witnessed = set(names)
        for group in self.groups:
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.name in witnessed

    def describe(self) -> str:
        """What it asks for, in words."""
        group = next((each for each in self.groups if each.name == self.name), None)
        return quote(self.name) if group is None else f"{group.threshold} of {', '.join(map(quote, group.members))}"


def refuse(problem: str, *, line: int | None = None) -> ConfigurationError:
    """The error of a policy that cannot be used."""
    where = {} if line is None else {"line": line}
    at = "" if line is None else f"line {line}: "
    return ConfigurationError(f"{REFUSED}{at}{problem}", remedy="See c2sp.org/tlog-policy and docs/trust.md", **where)


def _define(name: str, defined: set[str]) -> None:
    if not name or name == NONE:
        raise refuse(f"{quote(name)} is no name for a witness or a group")
    if name in defined:
        raise refuse(f"the name {quote(name)} is used twice")
    defined.add(name)


def _check_group(group: Group, defined: set[str], grouped: set[str]) -> None:
    for member in group.members:
        if member not in defined:
            raise refuse(f"the group {quote(group.name)} names {quote(member)}, which is not defined before it")
        if member in grouped:
            raise refuse(f"{quote(member)} is a member twice, and would count twice")
        grouped.add(member)
    if not 1 <= group.threshold <= len(group.members):
        raise refuse(
            f"the group {quote(group.name)} asks for {group.threshold} of {len(group.members)}, and must for 1 or more"
        )
