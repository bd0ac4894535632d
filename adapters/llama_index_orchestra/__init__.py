"""The Subnet Ledger's tools in LlamaIndex.

spec = OrchestraToolSpec(capabilities="web_search")
agent = FunctionAgent(tools=spec.to_tool_list(), llm=llm)
answer = await agent.run("What is new in Bittensor?")
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from llama_index_orchestra.retriever import OrchestraToolRetriever
    from llama_index_orchestra.tool import OrchestraTool
    from llama_index_orchestra.tool_spec import OrchestraToolSpec
except ImportError as error:
    raise missing_extra("llama_index_orchestra", "llama-index", error) from error

__all__ = ["OrchestraTool", "OrchestraToolRetriever", "OrchestraToolSpec"]
