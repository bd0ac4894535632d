"""The Subnet Ledger's tools in Google's Agent Development Kit.

toolset = OrchestraToolset(capabilities="web_search")
agent = LlmAgent(name="researcher", model="gemini-2.5-flash", tools=[toolset])
runner = InMemoryRunner(agent)
"""

from __future__ import annotations

from orchestra_tools.extras import missing_extra

try:
    from google_adk_orchestra.toolset import ARTIFACT_KEY, OrchestraToolset
except ImportError as error:
    raise missing_extra("google_adk_orchestra", "google-adk", error) from error

__all__ = ["ARTIFACT_KEY", "OrchestraToolset"]
