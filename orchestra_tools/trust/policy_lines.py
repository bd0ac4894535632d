"""The text of a trust policy (c2sp.org/tlog-policy), read into its parts and written from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from orchestra_tools.errors import ConfigurationError, NoteError
from orchestra_tools.trust.cosignatures import CosignatureKey
from orchestra_tools.trust.lines import decode_base64, encode_base64, parse_decimal, quote
from orchestra_tools.trust.notes import VerifierKey
from orchestra_tools.trust.quorums import REFUSED, Group, Quorum, WitnessKey, refuse
from orchestra_tools.trust.rotations import LogKey, Rotation

MAX_POLICY_BYTES = 1_000_000
SETTINGS = ("max-age", "max-manifest-age")
_OURS = "#orchestra"
_UNLIMITED = "none"
_SPACE = re.compile(r"[ \t]+")
_REFUSED_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MAX_SECONDS = 10 * 366 * 86_400


@dataclass(slots=True)
class PolicyLines:
    """What the lines of a policy say."""

    logs: list[LogKey] = field(default_factory=list)
    witnesses: list[WitnessKey] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    ages: dict[str, timedelta | None] = field(default_factory=dict)
    """By setting; None = no limit."""
    rotations: list[Rotation] = field(default_factory=list)

    def build_quorum(self) -> Quorum:
        """The witnesses, the groups and the quorum that were read."""
        return Quorum(tuple(self.witnesses), tuple(self.groups), self.quorum or "")


def read_policy_lines(data: bytes | str) -> PolicyLines:
    """Read a policy.

    Raises:
        ConfigurationError: A line cannot be read, or a name in it is not defined; `line` says which.
    """
    # The specification takes octets that are not ASCII as they come.
    text = data.decode("utf-8", "surrogateescape") if isinstance(data, bytes) else data
    if len(text) > MAX_POLICY_BYTES:
        raise refuse(f"it has more than {MAX_POLICY_BYTES:,} characters")
    lines = PolicyLines()
    for number, line in enumerate(text.split("\n"), start=1):
        if _REFUSED_CHARACTERS.search(line):
            raise refuse("it has a control character in it", line=number)
        words = [word for word in _SPACE.split(line) if word]
        if not words or (words[0].startswith("#") and words[0] != _OURS):
            continue
        try:
            _read_line(words, lines)
        except NoteError as error:
            raise refuse(error.problem, line=number) from error
        except ValueError as error:
            raise refuse(str(error), line=number) from error
        except ConfigurationError as error:
            raise refuse(error.problem.removeprefix(REFUSED), line=number) from error
    if lines.quorum is None:
        raise refuse("no line says what the quorum is")
    return lines


def write_policy_lines(
    logs: Sequence[LogKey], quorum: Quorum, rotations: Sequence[Rotation], ages: dict[str, timedelta | None]
) -> str:
    """The text of a policy."""
    lines = [_join("log", each.key, each.url) for each in logs]
    lines += [_join("witness", each.name, each.key, each.url) for each in quorum.witnesses]
    lines += [_join("group", each.name, each.threshold, *each.members) for each in quorum.groups]
    lines.append(_join("quorum", quorum.name))
    lines += [
        _join(_OURS, name, _UNLIMITED if age is None else round(age.total_seconds())) for name, age in ages.items()
    ]
    lines += [_join(_OURS, "rotation", encode_base64(each.note.encode())) for each in rotations]
    return "".join(f"{line}\n" for line in lines)


def _read_line(words: list[str], lines: PolicyLines) -> None:
    keyword, *rest = words
    if keyword == "log" and len(rest) in (1, 2):
        lines.logs.append(LogKey(VerifierKey.parse(rest[0]), url="".join(rest[1:]) or None))
    elif keyword == "witness" and len(rest) in (2, 3):
        lines.witnesses.append(WitnessKey(rest[0], CosignatureKey.parse(rest[1]), url="".join(rest[2:]) or None))
        Quorum(tuple(lines.witnesses))
    elif keyword == "group" and len(rest) >= 3:
        _read_group(rest, lines)
    elif keyword == "quorum" and len(rest) == 1:
        if lines.quorum is not None:
            raise ValueError("the quorum was defined before")
        lines.quorum = rest[0]
        lines.build_quorum()
    elif keyword == _OURS and len(rest) == 2:
        _read_setting(rest[0], rest[1], lines)
    else:
        raise ValueError(f"no line of {len(rest)} words begins with {quote(keyword)}")


def _read_group(words: list[str], lines: PolicyLines) -> None:
    name, threshold, *members = words
    count = {"any": 1, "all": len(members)}.get(threshold)
    lines.groups.append(Group(name, parse_decimal(threshold) if count is None else count, tuple(members)))
    Quorum(tuple(lines.witnesses), tuple(lines.groups))


def _read_setting(name: str, value: str, lines: PolicyLines) -> None:
    if name == "rotation":
        lines.rotations.append(Rotation.parse(decode_base64(value)))
    elif name not in SETTINGS:
        raise ValueError(f"{quote(name)} is no setting; those are {', '.join(SETTINGS)} and rotation")
    elif name in lines.ages:
        raise ValueError(f"{name} was set before")
    elif value == _UNLIMITED:
        lines.ages[name] = None
    elif 1 <= (seconds := parse_decimal(value)) <= _MAX_SECONDS:
        lines.ages[name] = timedelta(seconds=seconds)
    else:
        raise ValueError(f"{name} is from 1 to {_MAX_SECONDS:,} seconds")


def _join(*words: object) -> str:
    return " ".join(str(word) for word in words if word is not None)
