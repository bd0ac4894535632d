"""The Subnet Ledger in Pydantic AI: `OrchestraToolset`.

toolset = OrchestraToolset(capabilities="web_search", callable_now=True)
agent = Agent("openai-chat:gpt-5", toolsets=[toolset], output_type=[str, DeferredToolRequests])
print(agent.run_sync("What is new on Bittensor?").output)
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from pydantic_ai_orchestra.toolset import OrchestraToolset
except ImportError as error:
    raise missing_extra("pydantic_ai_orchestra", "pydantic-ai", error) from error

__all__ = ["OrchestraToolset"]
