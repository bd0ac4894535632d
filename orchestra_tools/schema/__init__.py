"""JSON Schema as the ledger uses it: limits, validation, comparison, the seed's shorthand. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestra_tools.schema.limits import check_schema
from orchestra_tools.schema.pointer import escape, join, resolve
from orchestra_tools.schema.shorthand import contract, expand, is_json_schema
from orchestra_tools.schema.validator import Validator, apply_defaults

if TYPE_CHECKING:
    from orchestra_tools.schema.comparison import Change, Comparison, Verdict, compare

__all__ = [
    "Change",
    "Comparison",
    "Validator",
    "Verdict",
    "apply_defaults",
    "check_schema",
    "compare",
    "contract",
    "escape",
    "expand",
    "is_json_schema",
    "join",
    "resolve",
]
_COMPARISON = frozenset({"Change", "Comparison", "Verdict", "compare"})


def __getattr__(name: str) -> Any:
    # On first use: whoever only validates does not wait for the prover to be imported.
    if name not in _COMPARISON:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestra_tools.schema import comparison

    return getattr(comparison, name)
