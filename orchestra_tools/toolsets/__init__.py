"""Toolsets: tools and the way to call them, and the features that wrap them."""

from orchestra_tools.toolsets.filtered import FilteredToolset
from orchestra_tools.toolsets.ledger import FindFilters, LedgerToolset
from orchestra_tools.toolsets.rendering import (
    as_meta,
    error_facts,
    error_text,
    result_facts,
    result_text,
    to_text,
    tool_facts,
)
from orchestra_tools.toolsets.reply import Reply, answer
from orchestra_tools.toolsets.searchable import META_TOOLS, MetaTool, SearchableToolset
from orchestra_tools.toolsets.selected import Conditions, SelectedToolset
from orchestra_tools.toolsets.toolset import Toolset, WrappedToolset

__all__ = [
    "META_TOOLS",
    "Conditions",
    "FilteredToolset",
    "FindFilters",
    "LedgerToolset",
    "MetaTool",
    "Reply",
    "SearchableToolset",
    "SelectedToolset",
    "Toolset",
    "WrappedToolset",
    "answer",
    "as_meta",
    "error_facts",
    "error_text",
    "result_facts",
    "result_text",
    "to_text",
    "tool_facts",
]
