"""`orchestra pin`: tools pinned as they are, and what has changed since.

Whoever approves a change, or removes the pin of a changed tool, is shown the whole change first.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from orchestra_tools.cli.differences import lines_of
from orchestra_tools.cli.options import json_option, ledger_option
from orchestra_tools.cli.output import note, on_terminal, print_json, print_line, print_table
from orchestra_tools.client import Pinned, Session, open_session
from orchestra_tools.client.queries import subnet_key
from orchestra_tools.errors import InputError, PinnedError

_STATES = {
    "same": "as pinned",
    "changed": "changed, and held until it is approved",
    "gone": "not in this ledger",
    "quarantined": "in quarantine; see `orchestra tools --quarantined`",
}


@dataclass(frozen=True, slots=True)
class _Choice:
    names: tuple[str, ...]
    subnets: tuple[str, ...]
    everything: bool

    def __bool__(self) -> bool:
        return bool(self.names or self.subnets or self.everything)

    def of(self, session: Session, known: Sequence[str], what: str) -> list[str]:
        """The names given, and those of all known ones that were asked for together; each once.

        Raises:
            InputError: None is known of a subnet.
        """
        chosen = [*self.names, *(known if self.everything else ())]
        for subnet in self.subnets:
            key = subnet_key(session.live.catalogue, subnet)
            if not (inside := [name for name in known if name.startswith(f"{key.lower()}_")]):
                raise InputError(f"no tool of {key} is {what}", remedy=f"See `orchestra tools --subnet {key}`")
            chosen += inside
        return list(dict.fromkeys(chosen))


@dataclass(frozen=True, slots=True)
class _Answers:
    """How the user is told, and asked."""

    sure: bool
    as_json: bool

    def refused(self, changed: Sequence[Pinned], question: str) -> set[str]:
        """Show changes; gives the tools whose change the user does not approve.

        Raises:
            PinnedError: There is nobody to ask.
        """
        names = [each.pin.tool for each in changed]
        if names and not self.sure and not on_terminal(sys.stdin):
            raise PinnedError(
                f"changed since it was pinned: {', '.join(names)}",
                remedy=f"Look at `orchestra pin --diff {names[0]}`, then do this on a terminal, or with --yes",
                tools=names,
            )
        refused = set()
        for each in changed:
            if not (self.sure and self.as_json):
                # Beside the question, wherever the output goes.
                _tell(each, note)
            if not self.sure and not click.confirm(question.format(each.pin.tool), err=True):
                refused.add(each.pin.tool)
        return refused

    def print_done(self, done: dict[str, str]) -> None:
        """What was done with each tool."""
        if self.as_json:
            print_json([{"tool": name, "done": what} for name, what in done.items()])
            return
        for name, what in done.items():
            print_line(f"{name}: {what}")


@click.command()
@click.argument("names", nargs=-1, metavar="[TOOL]...")
@click.option("--subnet", "subnets", multiple=True, metavar="SUBNET", help="All tools of a subnet; repeatable.")
@click.option("--all", "everything", is_flag=True, help="All tools of the ledger.")
@click.option("--diff", is_flag=True, help="Show what changed since, field by field, and change nothing.")
@click.option("--remove", is_flag=True, help="Remove the pins.")
@click.option("--yes", "sure", is_flag=True, help="Approve what changed without being asked.")
@ledger_option
@json_option
def pin(
    names: tuple[str, ...],
    subnets: tuple[str, ...],
    everything: bool,
    diff: bool,
    remove: bool,
    sure: bool,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Pin tools as they are: one that changes is held until you approve it.

    A held tool is neither listed, found, described nor called. Pinning it again approves it as it is now, after showing
    what changed. Without a tool, lists the pins and what has become of each.
    """
    choice = _Choice(names, subnets, everything)
    if diff and remove:
        raise click.UsageError("--diff and --remove are two different things.")
    if remove and not choice:
        raise click.UsageError("Say which pins to remove: TOOL, --subnet or --all.")
    asyncio.run(_run(ledger, choice, _Answers(sure, as_json), diff=diff, remove=remove))


async def _run(ledger: str | None, choice: _Choice, answers: _Answers, *, diff: bool, remove: bool) -> None:
    session = open_session(ledger)
    try:
        if diff:
            _print_differences(session, choice, as_json=answers.as_json)
        elif remove:
            answers.print_done(_remove(session, choice, answers))
        elif choice:
            answers.print_done(_pin(session, choice, answers))
        else:
            _print_pins(session, as_json=answers.as_json)
    finally:
        await session.close()


def _pin(session: Session, choice: _Choice, answers: _Answers) -> dict[str, str]:
    catalogue = session.live.catalogue
    pins = {each.pin.tool: each for each in session.pins.listed()}
    names = choice.of(session, [tool.name for each in catalogue.compiled for tool in each.compiled], "in this ledger")
    for name in names:
        if name not in catalogue.held:
            catalogue.find_tool(name)
    changed = [pins[name] for name in names if name in catalogue.held]
    refused = answers.refused(changed, "Approve {} as it is now?")
    done = {}
    for name in names:
        if name in catalogue.held:
            done[name] = "still held" if name in refused else "approved"
        else:
            done[name] = "was pinned already" if name in pins else "pinned"
    if new := [name for name, what in done.items() if what in ("approved", "pinned")]:
        session.pins.add(*new)
    return done


def _remove(session: Session, choice: _Choice, answers: _Answers) -> dict[str, str]:
    sandbox = session.live.catalogue.ledger.sandbox is not None
    own = [each.pin.tool for each in session.pins.listed() if each.pin.sandbox == sandbox]
    chosen = session.pins.removable(*choice.of(session, own, "pinned"))
    changed = [each for each in chosen if each.state == "changed"]
    refused = answers.refused(changed, "Remove the pin of {}, and offer it as it is now?")
    done = {each.pin.tool: "still held" if each.pin.tool in refused else "no longer pinned" for each in chosen}
    if gone := [name for name in done if name not in refused]:
        session.pins.remove(*gone)
    return done


def _print_pins(session: Session, *, as_json: bool) -> None:
    listed = session.pins.listed()
    catalogue = session.live.catalogue
    if as_json:
        print_json([_line(each) for each in listed])
    elif listed:
        rows = [(each.pin.tool, each.pin.pinned_at, _state(session, each)) for each in listed]
        print_table(("tool", "pinned", "state"), rows)
    else:
        print_line("Nothing is pinned.")
    others = len(catalogue.pins) - len(listed)
    if others and catalogue.ledger.sandbox is None:
        note(f"{others} pins of stand-ins in a sandbox do not count here.")


def _print_differences(session: Session, choice: _Choice, *, as_json: bool) -> None:
    listed = session.pins.listed()
    if choice:
        names = choice.of(session, [each.pin.tool for each in listed], "pinned")
        chosen = session.pins.find(*names)
    else:
        chosen = [each for each in listed if each.state != "same"]
    if as_json:
        print_json([_line(each) | {"differences": [found.to_json() for found in each.differences]} for each in chosen])
    elif chosen:
        for each in chosen:
            _tell(each, print_line)
    else:
        print_line("Nothing has changed since it was pinned.")


def _state(session: Session, each: Pinned) -> str:
    of_real_tool = session.live.catalogue.ledger.sandbox is not None and not each.pin.sandbox
    return _STATES[each.state] + ("; pinned as a real tool" if of_real_tool else "")


def _tell(each: Pinned, say: Callable[[str], None]) -> None:
    say(f"{each.pin.tool}, pinned {each.pin.pinned_at}: {_STATES[each.state]}")
    for found in each.differences:
        for line in lines_of(found):
            say(f"  {line}")


def _line(each: Pinned) -> dict[str, Any]:
    return {
        "tool": each.pin.tool,
        "state": each.state,
        "pinned_at": each.pin.pinned_at,
        "digest": each.pin.digest,
        "digest_now": None if each.tool is None else each.tool.digest,
        "sandbox": each.pin.sandbox,
    }
