"""Entries become tools: names, text hygiene, digests, quarantine, pins. Pure; no I/O."""

from orchestra_tools.compile.catalogue import (
    Catalogue,
    CatalogueDiff,
    CompiledEntry,
    compile_entry,
    compile_ledger,
    diff_tools,
)
from orchestra_tools.compile.entry_texts import EntryTexts, Withheld, check_entry
from orchestra_tools.compile.operation import SANDBOX_NOTE, describe_cost
from orchestra_tools.compile.pins import (
    ABSENT,
    Absent,
    Difference,
    admits,
    compare_values,
    definition_of,
    differences,
    pin_tool,
    pins_in_force,
)
from orchestra_tools.compile.tool import Annotations, Quarantined, Tool

__all__ = [
    "ABSENT",
    "SANDBOX_NOTE",
    "Absent",
    "Annotations",
    "Catalogue",
    "CatalogueDiff",
    "CompiledEntry",
    "Difference",
    "EntryTexts",
    "Quarantined",
    "Tool",
    "Withheld",
    "admits",
    "check_entry",
    "compare_values",
    "compile_entry",
    "compile_ledger",
    "definition_of",
    "describe_cost",
    "diff_tools",
    "differences",
    "pin_tool",
    "pins_in_force",
]
