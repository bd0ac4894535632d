"""An own agent loop over the chat completions wire format, with nothing but httpx: strict tools, errors told back."""

import os

import httpx

from orchestra_tools.client import Offer
from orchestra_tools.exports import restore_arguments, to_openai_tools
from orchestra_tools.toolsets import Reply

MAX_TURNS = 10


def keep_receipt(reply: Reply) -> None:
    """What the program wants to know of a call, beside what the model reads."""
    made = reply.artifact()
    print(f"{made['tool']}: {reply.code or 'ok'}, cost {made['cost']}, receipt {(made['receipt'] or {}).get('id')}")


offer = Offer(capabilities="web_search", callable_now=True, on_reply=keep_receipt)
definitions = {each.name: each for each in offer.definitions()}
tools = to_openai_tools(definitions.values())
print(f"{len(tools)} tools, {sum(each['function']['strict'] for each in tools)} of them strict")

api = httpx.Client(
    base_url=os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
    timeout=120,
)
messages: list[dict[str, object]] = [{"role": "user", "content": "What is new on Bittensor?"}]
for _ in range(MAX_TURNS):
    answer = api.post("/chat/completions", json={"model": "gpt-5", "messages": messages, "tools": tools})
    message = answer.raise_for_status().json()["choices"][0]["message"]
    messages.append(message)
    if not message.get("tool_calls"):
        print(message["content"])
        break
    for call in message["tool_calls"]:
        function = call["function"]
        arguments = restore_arguments(definitions.get(function["name"]), function["arguments"])
        reply = offer.answer_blocking(function["name"], arguments)
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": reply.text})
offer.close()
