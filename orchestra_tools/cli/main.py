"""The console script `orchestra`: finds the commands, runs one, and turns every error into a line and an exit code.

Exit codes: 0 done; 1 unexpected; 2 wrong input or usage; 3 refused by policy, nothing was sent; 4 the call was made and
failed; 5 something signed does not hold; 130 interrupted; 141 whoever read the output went away.

Commands are the entry points of the group `orchestra.commands`, imported when they run.
"""

from __future__ import annotations

import difflib
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint
from typing import Any, NoReturn

import click

from orchestra_tools.cli.listing import INSTALL_ALL, installed_commands, list_command, load_command
from orchestra_tools.cli.output import note, to_json_text
from orchestra_tools.errors import CallError, ConfigurationError, OrchestraError

DEBUG = "ORCHESTRA_DEBUG"
UNEXPECTED = 1
INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE


class OrchestraGroup(click.Group):
    """A group whose commands are entry points."""

    @cached_property
    def points(self) -> Mapping[str, EntryPoint]:
        """The entry points by name. Kept: reading the metadata of all installed packages takes time."""
        return installed_commands()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted(self.points)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; one that cannot be imported says why when it runs."""
        point = self.points.get(cmd_name)
        if point is None:
            return None
        try:
            return load_command(point)
        except ImportError as error:
            return _unavailable(cmd_name, str(error))
        except Exception as error:  # a broken command must not break the others
            if os.environ.get(DEBUG):
                raise
            return _unavailable(cmd_name, f"it cannot be loaded ({type(error).__name__})")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named first in `args`."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # click looks for near names among commands that are loaded already.
            if not (close := difflib.get_close_matches(args[0], self.points)):
                raise
            raise click.UsageError(f"{error.message} Did you mean {' or '.join(close)}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        rows = [(name, _line(point)) for name, point in sorted(self.points.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes stdout once more on its way out; that must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run with arguments, and exit with a documented code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        given = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in given
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
        except OrchestraError as error:
            sys.exit(tell_error(error, as_json=as_json))
        except click.ClickException as error:
            sys.exit(_tell_usage(error, as_json=as_json))
        except (click.Abort, KeyboardInterrupt):
            note("interrupted")
            sys.exit(INTERRUPTED)
        except ImportError as error:
            # An extra that is not installed: the message names the command that mends it.
            sys.exit(tell_error(ConfigurationError(str(error)), as_json=as_json))
        except Exception as error:  # noqa: BLE001  # no traceback at a user
            sys.exit(_tell_unexpected(error, as_json=as_json))
        sys.exit(code if isinstance(code, int) else 0)


def tell_error(error: OrchestraError, *, as_json: bool) -> int:
    """Say an error on stderr; returns its exit code."""
    if as_json:
        note(to_json_text(error.to_dict(), indent=None))
        return error.exit_code
    note(f"error: {error.problem}")
    if error.remedy:
        note(error.remedy)
    if isinstance(error, CallError) and error.receipt is not None:
        note(f"receipt {error.receipt.id}")
    return error.exit_code


def _tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        note(error.format_message())
        return 2
    context = error.ctx if isinstance(error, click.UsageError) else None
    remedy = f"Try: {context.command_path} --help" if context else ""
    if as_json:
        body = {"error": "usage", "message": error.format_message()} | ({"remedy": remedy} if remedy else {})
        note(to_json_text(body, indent=None))
        return 2
    if context:
        note(context.get_usage())
    note(f"error: {error.format_message()}")
    if remedy:
        note(remedy)
    return 2


def _tell_unexpected(error: Exception, *, as_json: bool) -> int:
    if os.environ.get(DEBUG):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        return UNEXPECTED
    problem, remedy = f"internal error ({type(error).__name__})", f"Run it again with {DEBUG}=1 to see where"
    if as_json:
        note(to_json_text({"error": "internal", "message": problem, "remedy": remedy}, indent=None))
    else:
        note(f"error: {problem}")
        note(remedy)
    return UNEXPECTED


def _line(point: EntryPoint) -> str:
    listed = list_command(point)
    if listed.missing is None:
        return listed.summary
    try:
        load_command(point)
    except ImportError as error:
        reason = str(error)
    else:
        return listed.summary
    return f"{listed.summary} Unavailable: {reason}".strip()


def _unavailable(name: str, reason: str) -> click.Command:
    def refuse(rest: tuple[str, ...]) -> NoReturn:
        remedy = "" if "pip install" in reason else f"Install everything: {INSTALL_ALL}"
        raise ConfigurationError(f"the command {name} is unavailable: {reason.rstrip('.')}", remedy=remedy)

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        short_help=f"Unavailable: {reason}",
    )


@click.group(cls=OrchestraGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="orchestra-tools", prog_name="orchestra", message="%(prog)s %(version)s")
def orchestra() -> None:
    """Find and call Bittensor subnets through the Subnet Ledger.

    With --json a command prints JSON. Errors go to stderr; the exit code says what kind of error it was.
    """


def main() -> None:
    """The console script."""
    # Nobody reads logs here: what matters is in the output or in the error.
    if not os.environ.get(DEBUG):
        logging.lastResort = logging.NullHandler()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its escape instead.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # real streams are TextIOWrapper
    orchestra(prog_name="orchestra")


if __name__ == "__main__":
    main()
