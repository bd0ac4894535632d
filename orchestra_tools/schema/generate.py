"""Values that fit a JSON Schema, made from a seed. No I/O.

    generate(schema, seed="sn22_web_search")                   # everything the schema mentions
    generate(schema, seed="sn22_web_search", full=False)       # only what it requires

The same schema and seed make the same value, in every process. Values are built from the schema, then checked against
it. If one does not fit, other strategies are tried; after a bounded number of steps the generator gives up with an
error that says where. Recursive schemas end: a reference that comes back to itself takes the smallest way out.
"""

from __future__ import annotations

from random import Random
from typing import Any

from orchestra_tools.errors import Fault, SchemaRefusedError
from orchestra_tools.schema.building import Attempt, ExhaustedError, Extent, Plan, StuckError
from orchestra_tools.schema.choices import Node
from orchestra_tools.schema.guides import Guide, Hint, HintGuide
from orchestra_tools.schema.prepared import PreparedSchema

__all__ = ["Extent", "Generator", "Guide", "Hint", "generate"]


def generate(schema: Node, *, seed: str = "", full: bool = True, hint: Hint | None = None) -> Any:
    """Make a value that fits a schema.

    Args:
        schema: JSON Schema 2020-12.
        seed: Decides between equally good values.
        full: Make optional properties too.
        hint: Proposes a value for a named property; used where the proposal fits.

    Raises:
        SchemaRefusedError: Nothing fits, or nothing was found in a bounded number of steps; the fault says where.
    """
    guide = HintGuide(hint) if hint else None
    return Generator(schema).generate(seed, extent="all" if full else "required", guide=guide)


class Generator:
    """A schema prepared for making many values."""

    def __init__(self, schema: Node) -> None:
        """Compile a schema.

        Raises:
            SchemaRefusedError: It cannot be compiled.
        """
        self._prepared = PreparedSchema(schema)
        self.validator = self._prepared.validator

    def generate(self, seed: str = "", *, extent: Extent = "all", guide: Guide | None = None, also: Node = True) -> Any:
        """Make a value.

        Args:
            seed: Decides between equally good values.
            extent: Which optional properties are made.
            guide: Proposes values and lengths.
            also: A further schema the value must fit.

        Raises:
            SchemaRefusedError: Nothing fits, or nothing was found in a bounded number of steps.
        """
        deepest: tuple[int, str] = (-1, "")
        for number, plan in enumerate(_plans(extent)):
            attempt = Attempt(self._prepared, plan, Random(f"{number}:{seed}"), guide)  # noqa: S311 - repeatable on purpose
            try:
                value = attempt.value([self._prepared.schema, also], ())
            except (StuckError, ExhaustedError, RecursionError):
                deepest = max(deepest, attempt.deepest, key=lambda found: found[0])
                continue
            if self.validator.accepts(value):
                return value
        raise SchemaRefusedError(
            "no value was found that fits the schema",
            [Fault(deepest[1], "nothing that was tried fits here", "look for a contradiction")],
        )


def _plans(extent: Extent) -> tuple[Plan, ...]:
    return (
        Plan(extent, defaults_first=extent == "documented"),
        Plan(extent, shuffled=True),
        Plan("required"),
        Plan("required", shuffled=True, defaults_first=True),
        Plan("all", shuffled=True),
        Plan("smallest"),
    )
