"""The Subnet Ledger's tools in smolagents.

tools = OrchestraTools(capabilities="web_search").tools()
agent = CodeAgent(tools=tools, model=OpenAIModel("gpt-5"))
agent.run("What is new in Bittensor?")
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from smolagents_orchestra.tools import OrchestraToolError, OrchestraTools
except ImportError as error:
    raise missing_extra("smolagents_orchestra", "smolagents", error) from error

__all__ = ["OrchestraToolError", "OrchestraTools"]
