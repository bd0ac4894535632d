"""The Subnet Ledger's tools in Haystack.

toolset = OrchestraToolset(capabilities="web_search")
agent = Agent(chat_generator=OpenAIChatGenerator(), tools=toolset)
result = agent.run([ChatMessage.from_user("What is new in Bittensor?")])
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from haystack_orchestra.toolset import OrchestraToolset
except ImportError as error:
    raise missing_extra("haystack_orchestra", "haystack", error) from error

__all__ = ["OrchestraToolset"]
