"""Entries become tools: names, text hygiene, digests, quarantine. Pure; no I/O."""

from orchestra_tools.compile.catalogue import (
    Catalogue,
    CatalogueDiff,
    CompiledEntry,
    compile_entry,
    compile_ledger,
    diff_tools,
)
from orchestra_tools.compile.operation import SANDBOX_NOTE, describe_cost
from orchestra_tools.compile.tool import Annotations, Quarantined, Tool

__all__ = [
    "SANDBOX_NOTE",
    "Annotations",
    "Catalogue",
    "CatalogueDiff",
    "CompiledEntry",
    "Quarantined",
    "Tool",
    "compile_entry",
    "compile_ledger",
    "describe_cost",
    "diff_tools",
]
