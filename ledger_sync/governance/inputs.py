"""What a validator asks an operation: inputs that fit its schema, made from a seed that nobody else knows. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from orchestra_tools.compile import Tool
from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema.generate import Extent, Generator
from orchestra_tools.schema.guides import HintGuide
from orchestra_tools.schema.words import string_for, words

Wanted = Callable[[Mapping[str, Any]], bool]
_EXTENTS: tuple[Extent, ...] = ("documented", "all", "required")
_SEEDS = 20  # that arguments are looked for with, in each extent
_OTHERS = 6  # that tell whether anything is left open
_QUESTIONS = frozenset({"query", "q", "prompt", "question", "text", "search", "keyword", "content", "input"})


def arguments_for(
    tool: Tool, seed: str, *, wanted: Wanted | None = None, example: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Valid arguments that depend on the seed, as far as the input schema leaves anything open.

    Args:
        tool: What they are for.
        seed: Decides between equally good values.
        wanted: Tells arguments that show something; such are looked for, others given where none are found.
        example: Wanted arguments that are known, for where none are found.

    Raises:
        SchemaRefusedError: Nothing fits the input schema.
    """
    generator = Generator(dict(tool.input_schema))
    made: dict[str, Any] | None = None
    for extent in _EXTENTS:
        try:
            found = _make(generator, f"{seed}:0", extent)
            varies = any(found != _make(generator, f"{seed}:{other}", extent) for other in range(1, _OTHERS))
            made = found if made is None else made
            if wanted is None and varies:
                return found
            for number in range(_SEEDS if wanted is not None else 0):
                if wanted is not None and wanted(found := _make(generator, f"{seed}:{number}", extent)):
                    return found
        except SchemaRefusedError:
            continue
    if wanted is not None and example is not None and generator.validator.accepts(dict(example)):
        return dict(example)
    if made is None:
        raise SchemaRefusedError("no arguments fit the input schema", [])
    return made


def _make(generator: Generator, seed: str, extent: Extent) -> dict[str, Any]:
    made: dict[str, Any] = generator.generate(seed, extent=extent, guide=_GUIDE, also={"type": "object"})
    return made


def _text(name: str, schema: dict[str, Any], random: Random) -> Any:
    """What a person could write, for texts without a form."""
    if schema.get("type") != "string" or any(each in schema for each in ("enum", "const", "pattern", "format")):
        return None
    return words(random, 3) if name.lower() in _QUESTIONS else string_for(name, random) or words(random, 2)


_GUIDE = HintGuide(_text)
