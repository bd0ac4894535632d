"""Tools as model APIs and hosts take them. Pure: no dependency, no I/O."""

from orchestra_tools.exports.anthropic import to_anthropic_tools
from orchestra_tools.exports.definition import Definition, define
from orchestra_tools.exports.gemini import to_gemini_declarations
from orchestra_tools.exports.openai import restore_arguments, to_openai_tools
from orchestra_tools.exports.strict import Strict, to_strict

__all__ = [
    "Definition",
    "Strict",
    "define",
    "restore_arguments",
    "to_anthropic_tools",
    "to_gemini_declarations",
    "to_openai_tools",
    "to_strict",
]
