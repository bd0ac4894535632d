"""The Subnet Ledger in LangChain: a toolkit, and a middleware that finds the right tools at each step.

    from langchain_orchestra import OrchestraMiddleware, OrchestraToolkit

    agent = create_agent("openai:gpt-5", OrchestraToolkit(subnets=["SN22"]).get_tools())
    agent = create_agent("openai:gpt-5", middleware=[OrchestraMiddleware(audience="consumer")])

Tools and toolkit need langchain-core only; the middleware needs langchain.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from orchestra_tools.extras import missing_extra

try:
    from langchain_orchestra.tool import OrchestraTool
    from langchain_orchestra.toolkit import OrchestraToolkit
except ImportError as error:
    raise missing_extra("langchain_orchestra", "langchain", error) from error

if TYPE_CHECKING:
    from langchain_orchestra.middleware import OrchestraMiddleware

__all__ = ["OrchestraMiddleware", "OrchestraTool", "OrchestraToolkit"]


def __getattr__(name: str) -> Any:
    if name != "OrchestraMiddleware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("langchain_orchestra.middleware").OrchestraMiddleware


def __dir__() -> list[str]:
    return [*globals(), "OrchestraMiddleware"]
