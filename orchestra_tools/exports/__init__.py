"""Tools as model APIs and hosts take them. Pure: no dependency, no I/O."""

from orchestra_tools.exports.definition import Definition, define

__all__ = ["Definition", "define"]
