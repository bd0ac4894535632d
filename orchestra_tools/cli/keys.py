"""`orchestra keys`: the user's keys for subnets. No key is ever printed, not even a part of one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import click
from pydantic import SecretStr

from orchestra_tools.calls import Credentials
from orchestra_tools.calls.credentials import ENVIRONMENT_PREFIX
from orchestra_tools.cli.options import json_option, ledger_option
from orchestra_tools.cli.output import note, print_json, print_line, print_table
from orchestra_tools.client import Settings
from orchestra_tools.client.queries import subnet_key
from orchestra_tools.compile import Catalogue, compile_ledger
from orchestra_tools.errors import ConfigurationError
from orchestra_tools.model import ApiKeyAuth

_VARIABLE = re.compile(rf"{ENVIRONMENT_PREFIX}SN(0|[1-9]\d{{0,4}})")
MAX_KEY = 16_384  # characters; a longer one is a file given by mistake


@click.group(no_args_is_help=True)
def keys() -> None:
    """Keep the keys of subnets in the system keyring.

    A key in the environment (ORCHESTRA_KEY_SN22) wins over the keyring.
    """


@keys.command("set")
@click.argument("subnet")
@click.argument("surplus", nargs=-1, metavar="", type=click.UNPROCESSED)
@click.option("--from-env", metavar="NAME", help="Take the key from this environment variable.")
@ledger_option
@json_option
def set_key(subnet: str, surplus: tuple[str, ...], from_env: str | None, ledger: str | None, as_json: bool) -> None:
    """Store the key of SUBNET in the keyring.

    It is read from --from-env, from stdin where that is no terminal, or typed without being shown.
    """
    if surplus:
        # click's own complaint would repeat it.
        raise ConfigurationError(
            "a key is not given as an argument: the shell's history would keep it",
            remedy="Give it with --from-env, on stdin, or at the prompt",
        )
    settings = Settings.from_environment()
    catalogue = _open_catalogue(settings, ledger)
    name = subnet_key(catalogue, subnet)
    credentials = Credentials(home=settings.home)
    credentials.store(name, _check_key(_read_key(name, from_env)))
    if as_json:
        print_json({"subnet": name, "stored": "keyring", "source": credentials.source(name)})
    else:
        print_line(f"The key of {name} is in the keyring.")
    if credentials.source(name) == "environment":
        note(f"{ENVIRONMENT_PREFIX}{name} is set too, and wins over the keyring.")
    if name not in _subnets_with_keys(catalogue):
        note(f"No tool of {name} in this ledger asks for a key.")


@keys.command("list")
@ledger_option
@json_option
def list_keys(ledger: str | None, as_json: bool) -> None:
    """List the subnets that take a key, and where each key comes from."""
    settings = Settings.from_environment()
    rows = list(_rows(_open_catalogue(settings, ledger), Credentials(home=settings.home)))
    if as_json:
        print_json(rows)
    else:
        table = [(row["subnet"], row["name"], row["source"] or "none", row["variable"]) for row in rows]
        print_table(("subnet", "name", "key", "environment variable"), table)


@keys.command("remove")
@click.argument("subnet")
@ledger_option
@json_option
def remove_key(subnet: str, ledger: str | None, as_json: bool) -> None:
    """Remove the key of SUBNET from the keyring."""
    settings = Settings.from_environment()
    name = subnet_key(_open_catalogue(settings, ledger), subnet)
    credentials = Credentials(home=settings.home)
    removed = credentials.remove(name)
    if as_json:
        print_json({"subnet": name, "removed": removed, "source": credentials.source(name)})
    else:
        print_line(f"The key of {name} is removed." if removed else f"The keyring has no key of {name}.")
    if credentials.source(name) == "environment":
        note(f"{ENVIRONMENT_PREFIX}{name} is still set in the environment.")


def _open_catalogue(settings: Settings, ledger: str | None) -> Catalogue:
    return compile_ledger(settings.open_ledger(ledger).load())


def _read_key(subnet: str, from_env: str | None) -> str:
    if from_env is not None:
        if from_env not in os.environ:
            # Not repeated: it may be the key itself, given by mistake.
            raise ConfigurationError(
                "the variable that --from-env names is not set", remedy="Give its name, not the key"
            )
        return os.environ[from_env]
    if sys.stdin.isatty():
        typed: str = click.prompt(f"Key of {subnet}", hide_input=True, err=True)
        return typed
    return sys.stdin.read(MAX_KEY + 2)


def _check_key(text: str) -> SecretStr:
    """The key without space around it. Its value must never be part of a message."""
    key = text.strip()
    if not key:
        raise ConfigurationError("the key is empty", remedy="Give it with --from-env, on stdin, or at the prompt")
    if len(key) > MAX_KEY:
        raise ConfigurationError(f"the key has more than {MAX_KEY:,} characters", remedy="Give just the key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            "the key has spaces, line breaks or characters beyond ASCII in it", remedy="Give just the key, in one line"
        )
    return SecretStr(key)


def _rows(catalogue: Catalogue, credentials: Credentials) -> Iterator[dict[str, Any]]:
    wanted = _subnets_with_keys(catalogue)
    given = {int(match[1]) for name in os.environ if (match := _VARIABLE.fullmatch(name))}
    for netuid in sorted({*catalogue.ledger.current, *given}):
        key, entry = f"SN{netuid}", catalogue.ledger.current.get(netuid)
        source = credentials.source(key)
        if source is not None or key in wanted:
            name = entry.name if entry else ""
            yield {"subnet": key, "name": name, "source": source, "variable": f"{ENVIRONMENT_PREFIX}{key}"}


def _subnets_with_keys(catalogue: Catalogue) -> set[str]:
    return {tool.subnet for tool in catalogue.tools.values() if isinstance(tool.operation.auth, ApiKeyAuth)}
