"""A ledger in a file of the user: one entry is put into it, everything else stays as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from orchestra_tools.cli.config_file import ConfigFile
from orchestra_tools.cli.json_edit import set_member
from orchestra_tools.errors import ConfigurationError, Fault, LedgerFormatError
from orchestra_tools.importers import ledger_document, read_ledger
from orchestra_tools.importers.documents import MAX_DOCUMENT_BYTES
from orchestra_tools.model import Entry, Ledger
from orchestra_tools.schema import join


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """The file as it was read, and the ledger in it; None where there is no file yet."""

    file: ConfigFile
    ledger: Ledger | None

    @classmethod
    def read(cls, path: Path) -> LedgerFile:
        """Read the file, if there is one.

        Raises:
            ConfigurationError: It cannot be read, or is the ledger of a sandbox.
            LedgerFormatError: It holds no ledger.
        """
        file = ConfigFile.read(path)
        if file.data is None:
            return cls(file, None)
        ledger = read_ledger(file.text, source=str(path))
        if ledger.sandbox is not None:
            raise ConfigurationError(
                f"{path} is the ledger of a sandbox: all its addresses are stand-ins",
                remedy="Write into another file, then run `orchestra sandbox --ledger` on it",
            )
        return cls(file, ledger)

    def entry(self, netuid: int) -> Entry | None:
        """The entry of a netuid.

        Raises:
            LedgerFormatError: It is there, and cannot be read: it would be lost.
        """
        if self.ledger is None:
            return None
        if (entry := self.ledger.current.get(netuid)) is None:
            _check_nothing_is_lost(self.ledger, f"SN{netuid}", str(self.file.path))
        return entry

    def put(self, entry: Entry) -> bool:
        """Write the entry into the file; says whether that changed anything.

        Raises:
            ConfigurationError: It cannot be written, or somebody changed it meanwhile.
        """
        if self.ledger is None:
            text = json.dumps(ledger_document(Ledger([entry])), ensure_ascii=False, indent=1) + "\n"
        else:
            document = json.loads(self.file.text)
            section = "entries" if "entries" in document else None
            text = self.file.edited(lambda before: set_member(before, section, entry.document_key, entry.to_json()))
        if text == self.file.text:
            return False
        if (size := len(text.encode())) > MAX_DOCUMENT_BYTES:
            raise ConfigurationError(
                f"{self.file.path} would have {size:,} bytes, a ledger has {MAX_DOCUMENT_BYTES:,} at most",
                remedy="Import less with --select, or into another file",
            )
        self.file.write(text, now=None)
        return True


def _check_nothing_is_lost(ledger: Ledger, key: str, source: str) -> None:
    for name, bad in ledger.unreadable.items():
        if name == key or name.startswith(f"{key}@"):
            faults = [Fault(f"{join([name])}{fault.pointer}", fault.problem, fault.remedy) for fault in bad.faults]
            problem = f"{source} has an entry {name[:40]} that cannot be read"
            raise LedgerFormatError(problem, faults, remedy="Mend or remove it", source=source)
