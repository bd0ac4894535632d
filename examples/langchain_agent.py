"""A LangChain agent that searches the web through a subnet, and asks before it spends money."""

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_orchestra import OrchestraToolkit

tools = OrchestraToolkit(capabilities="web_search", callable_now=True).get_tools()
costs = {tool.name: facts["cost"] for tool in tools if (facts := tool.metadata) and facts["spends_money"]}
approval = HumanInTheLoopMiddleware(interrupt_on=dict.fromkeys(costs, True))
agent = create_agent("openai:gpt-5", tools, middleware=[approval], checkpointer=InMemorySaver())

thread: RunnableConfig = {"configurable": {"thread_id": "1"}}
state = agent.invoke({"messages": [HumanMessage("What is new on Bittensor?")]}, thread)
while interrupts := state.get("__interrupt__"):
    decisions = []
    for action in interrupts[0].value["action_requests"]:
        name = action["name"]
        agreed = input(f"{name} {action['args']}. Cost: {costs[name]}. Go on? [y/N] ")
        decisions.append({"type": "approve" if agreed == "y" else "reject"})
    state = agent.invoke(Command(resume={"decisions": decisions}), thread)

print(state["messages"][-1].text)
for message in state["messages"]:
    if isinstance(message, ToolMessage) and (made := message.artifact):
        print(made["tool"], made["outcome"], made["cost"], "receipt", made["receipt"] and made["receipt"]["id"])
