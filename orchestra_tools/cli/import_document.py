"""`orchestra import`: an API document becomes an entry of a ledger, or updates one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from orchestra_tools.cli.arguments import read_text
from orchestra_tools.cli.import_report import print_changes, print_outcome, print_report
from orchestra_tools.cli.ledger_file import LedgerFile
from orchestra_tools.cli.options import json_option, ledger_option
from orchestra_tools.cli.output import console_on, on_terminal, visible
from orchestra_tools.client import Settings
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.errors import ConfigurationError, InputError, UnknownSubnetError
from orchestra_tools.importers.documents import MAX_DOCUMENT_BYTES
from orchestra_tools.model import Entry, SourceDocument
from orchestra_tools.model.entry import MAX_NETUID
from orchestra_tools.updates.documents import Fetched, OwnAddresses, fetch_document
from orchestra_tools.updates.former import addresses_of, fresh_base
from orchestra_tools.updates.importing import Import, import_document, sha256_of, unchanged

STDIN = "-"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line asks for."""

    place: str | None
    netuid: int
    url: str | None
    select: tuple[str, ...]
    diff: bool
    as_json: bool


@dataclass(frozen=True, slots=True)
class _Bases:
    """Entries of the netuid: in the file that is written to, and in the ledger in use."""

    file: LedgerFile | None
    written: Entry | None
    in_use: Entry | None
    sandbox: bool

    def for_update(self) -> Entry | None:
        return self.written or self.in_use

    def for_document(self) -> Entry | None:
        """What a document given by the user goes into: where nothing is written yet, an entry that is made anew."""
        return self.written or (None if self.in_use is None else fresh_base(self.in_use))


@click.command("import")
@click.argument("place", metavar="[FILE|URL|-]", required=False)
@click.option("--netuid", type=click.IntRange(0, MAX_NETUID), required=True, help="The subnet whose API it is.")
@click.option(
    "--select",
    multiple=True,
    metavar="PATTERN",
    help="Only an operationId, tag:NAME, a path as in '/v1/*', or 'GET /x'; with - before it, not that. Repeatable.",
)
@click.option("--url", metavar="URL", help="Where FILE is published; without FILE, which remembered document to take.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="LEDGER.json", help="Write the entry there."
)
@click.option("--diff", is_flag=True, help="Show what the document changes, and write nothing.")
@ledger_option
@json_option
def import_command(
    place: str | None,
    netuid: int,
    select: tuple[str, ...],
    url: str | None,
    out: Path | None,
    diff: bool,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Import an OpenAPI document (3.0 or 3.1, JSON or YAML) into an entry.

    Reports what became of each operation: imported, skipped or in quarantine, with the reason. Without --out nothing
    is written. With it the entry is put into that ledger: as a new one, or into the one that is there, of which what
    people wrote is kept. Without FILE or URL, the document that the entry remembers is asked for again.
    """
    wish = _Wish(place, netuid, url, select, diff, as_json)
    bases = _read_bases(netuid, out, ledger)
    found = bases.for_update() if diff or place is None else bases.for_document()
    done = _import(wish, found, bases)
    if diff:
        print_changes(done, as_json=as_json)
        return
    changed = bases.file is not None and bases.file.put(done.entry)
    print_report(done, as_json=as_json)
    if not as_json:
        print_outcome(done, out, changed=changed)


def _read_bases(netuid: int, out: Path | None, ledger: str | None) -> _Bases:
    file = None if out is None else LedgerFile.read(out)
    written = None if file is None else file.entry(netuid)
    if written is not None:
        return _Bases(file, written, None, sandbox=False)
    settings = Settings.from_environment()
    in_use = settings.open_ledger(ledger).load()
    return _Bases(file, None, in_use.current.get(netuid), sandbox=in_use.sandbox is not None)


def _import(wish: _Wish, base: Entry | None, bases: _Bases) -> Import:
    """Get hold of the document, and import it."""
    data, source, url, earlier = None, wish.place or "", wish.url, None
    fetched: Fetched | None = None
    with _busy(wish) as tell:
        if wish.place is not None and "://" not in wish.place:
            # One byte beyond the limit tells that there is more.
            data = read_text(wish.place, at_most=MAX_DOCUMENT_BYTES + 1)
            source = "stdin" if wish.place == STDIN else wish.place
        else:
            url, earlier = _address(wish, base, bases)
            source = url.partition("?")[0]
            fetched = asyncio.run(
                fetch_document(
                    url,
                    typed=wish.place is not None or wish.url is not None,
                    own=OwnAddresses(Settings.from_environment().home),
                    earlier=earlier,
                    on_bytes=lambda size: tell(f"{size:,} bytes of {source}"),
                )
            )
            data = fetched.data
        if base is not None and earlier is not None and (data is None or sha256_of(data) == earlier.sha256):
            return unchanged(base)
        tell(f"importing {source}")
        return import_document(
            data or b"",
            netuid=wish.netuid,
            source=source,
            url=url,
            base=base,
            select=wish.select or None,
            etag=None if fetched is None else fetched.etag,
            last_modified=None if fetched is None else fetched.last_modified,
        )


def _address(wish: _Wish, base: Entry | None, bases: _Bases) -> tuple[str, SourceDocument | None]:
    """The URL to ask, and the document as it was remembered, if it is enough to know that it has not changed."""
    if wish.place is not None:
        if wish.url is not None:
            raise click.UsageError("--url says where a FILE is published; a URL says so itself.")
        return wish.place.partition("#")[0], None
    if base is None:
        raise UnknownSubnetError(
            f"the ledger has no SN{wish.netuid}, so no document of it is known",
            remedy="Give a FILE or a URL",
            subnet=f"SN{wish.netuid}",
        )
    if bases.sandbox and not wish.diff:
        raise ConfigurationError(
            "the ledger in use is a sandbox: its addresses are stand-ins", remedy="Give the real ledger with --ledger"
        )
    url = wish.url or _only(addresses_of(base), base)
    earlier = next((each for each in base.documents if each.url == url), None)
    return url, earlier if not wish.select or (earlier and earlier.select == wish.select) else None


def _only(urls: list[str], base: Entry) -> str:
    if len(urls) == 1:
        return urls[0]
    if urls:
        named = ", ".join(map(printable, urls))
        raise InputError(f"{base.key} has several documents: {named}", remedy="Choose one with --url", urls=urls)
    raise InputError(f"{base.key} knows no document of its API", remedy="Give a FILE or a URL")


@contextmanager
def _busy(wish: _Wish) -> Iterator[Callable[[str], None]]:
    """Says on a terminal what is going on."""
    if wish.as_json or not on_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich.text import Text

    with console_on(sys.stderr).status("") as status:
        # As plain text: an address in brackets is no markup.
        yield lambda text: status.update(Text(visible(text)))
