"""Options that many commands share, and the session behind `--ledger`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from orchestra_tools.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])
AUDIENCES = ("consumer", "compute", "operator")


def read_amount(text: str | Decimal) -> Decimal:
    """A finite amount of at least 0; a type for options."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise click.BadParameter(f"{str(text)[:40]!r} is no amount; give a number of at least 0, as in 0.50.")
    return amount


def json_option(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")(command)


def ledger_option(command: F) -> F:
    """Add `--ledger`."""
    return click.option(
        "--ledger",
        metavar="PATH|URL",
        callback=_not_empty,
        help="The ledger; default: ORCHESTRA_LEDGER, else the packaged one.",
    )(command)


def trust_option(command: F) -> F:
    """Add `--trust`."""
    return click.option(
        "--trust",
        metavar="FILE",
        callback=_not_empty,
        help="Keys that a published log is held against; default: ORCHESTRA_TRUST.",
    )(command)


def split_pair(text: str, *, option: str) -> tuple[str, str]:
    """Name and value of `NAME=VALUE`.

    Raises:
        ConfigurationError: There is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise ConfigurationError(f"{option} wants NAME=VALUE", remedy="Put a name and = before the value")
    return name, value


def _not_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    # An empty value would silently mean the packaged ledger, as from an unset variable in a script.
    if value is not None and not value.strip():
        raise click.BadParameter("a path or URL cannot be empty.", context, parameter)
    return value
