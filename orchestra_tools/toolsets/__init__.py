"""Toolsets: tools and the way to call them, and the features that wrap them."""

from orchestra_tools.toolsets.filtered import FilteredToolset
from orchestra_tools.toolsets.ledger import FindFilters, LedgerToolset
from orchestra_tools.toolsets.rendering import (
    error_meta,
    error_text,
    result_meta,
    result_text,
    to_text,
    tool_meta,
)
from orchestra_tools.toolsets.searchable import META_TOOLS, MetaTool, SearchableToolset
from orchestra_tools.toolsets.toolset import Toolset, WrappedToolset

__all__ = [
    "META_TOOLS",
    "FilteredToolset",
    "FindFilters",
    "LedgerToolset",
    "MetaTool",
    "SearchableToolset",
    "Toolset",
    "WrappedToolset",
    "error_meta",
    "error_text",
    "result_meta",
    "result_text",
    "to_text",
    "tool_meta",
]
