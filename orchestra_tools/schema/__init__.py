"""JSON Schema as the ledger uses it: intake limits, validation, the seed's shorthand. No I/O."""

from orchestra_tools.schema.limits import check_schema
from orchestra_tools.schema.pointer import escape, join, resolve
from orchestra_tools.schema.shorthand import contract, expand, is_json_schema
from orchestra_tools.schema.validator import Validator, apply_defaults

__all__ = [
    "Validator",
    "apply_defaults",
    "check_schema",
    "contract",
    "escape",
    "expand",
    "is_json_schema",
    "join",
    "resolve",
]
