"""A Pydantic AI agent that searches the web through a subnet, and asks before it spends money."""

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults

from orchestra_tools.toolsets import Reply
from pydantic_ai_orchestra import OrchestraToolset

replies: list[Reply] = []
toolset = OrchestraToolset(capabilities="web_search", callable_now=True, on_reply=replies.append)
agent = Agent("openai-chat:gpt-5", toolsets=[toolset], output_type=[str, DeferredToolRequests])

result = agent.run_sync("What is new on Bittensor?")
while isinstance(result.output, DeferredToolRequests):
    answers = DeferredToolResults()
    for call in result.output.approvals:
        facts = result.output.metadata[call.tool_call_id]
        agreed = input(f"{facts['tool']} {call.args}. Cost: {facts['cost']}. Go on? [y/N] ")
        answers.approvals[call.tool_call_id] = agreed == "y"
    result = agent.run_sync(message_history=result.all_messages(), deferred_tool_results=answers)

print(result.output)
for reply in replies:
    made = reply.artifact()
    print(made["tool"], made["outcome"], made["cost"], "receipt", made["receipt"] and made["receipt"]["id"])
