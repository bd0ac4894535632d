"""An OpenAI Agents SDK agent that searches the web through a subnet, and asks before it spends money."""

from agents import Agent, Runner
from agents.items import ToolCallOutputItem

from openai_agents_orchestra import OrchestraTools

offered = OrchestraTools(capabilities="web_search", callable_now=True)
agent = Agent(name="Researcher", model="gpt-5", tools=offered.tools())

result = Runner.run_sync(agent, "What is new on Bittensor?")
while result.interruptions:
    state = result.to_state()
    for call in result.interruptions:
        cost = offered.offer.facts(call.name or "")["cost"]
        if input(f"{call.name} {call.arguments}. Cost: {cost}. Go on? [y/N] ") == "y":
            state.approve(call)
        else:
            state.reject(call)
    result = Runner.run_sync(agent, state)

print(result.final_output)
for item in result.new_items:
    if isinstance(item, ToolCallOutputItem) and (made := item.custom_data):
        print(made["tool"], made["outcome"], made["cost"], "receipt", made["receipt"] and made["receipt"]["id"])
