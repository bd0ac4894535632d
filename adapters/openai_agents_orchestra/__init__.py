"""The Subnet Ledger in the OpenAI Agents SDK: `OrchestraTools`.

offered = OrchestraTools(capabilities="web_search", callable_now=True)
agent = Agent(name="Researcher", tools=offered.tools())
print(Runner.run_sync(agent, "What is new on Bittensor?").final_output)
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from openai_agents_orchestra.tools import OrchestraTools
except ImportError as error:
    raise missing_extra("openai_agents_orchestra", "openai-agents", error) from error

__all__ = ["OrchestraTools"]
