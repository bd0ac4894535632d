"""Fixture resources and prompts: the suite reads some of a fixed name, and a ledger's are named after subnets."""

from __future__ import annotations

import base64
import json
import re

import mcp.types as mcp_types

from tests.conformance.asking import ask, form, told
from tests.conformance.backend import picture

SCHEME = "test://"
_ITEM = re.compile(r"test://template/([^/]+)/data")
_PICTURE = base64.b64encode(picture()).decode()
RESOURCES = mcp_types.ListResourcesResult.model_validate(
    {
        "resources": [
            {"uri": "test://static-text", "name": "static-text", "description": "A text.", "mimeType": "text/plain"},
            {
                "uri": "test://static-binary",
                "name": "static-binary",
                "description": "A picture.",
                "mimeType": "image/png",
            },
            {
                "uri": "test://watched-resource",
                "name": "watched-resource",
                "description": "A text.",
                "mimeType": "text/plain",
            },
        ]
    }
)
TEMPLATES = mcp_types.ListResourceTemplatesResult.model_validate(
    {
        "resourceTemplates": [
            {
                "uriTemplate": "test://template/{id}/data",
                "name": "item",
                "description": "An item.",
                "mimeType": "application/json",
            }
        ]
    }
)
PROMPTS = mcp_types.ListPromptsResult.model_validate(
    {
        "prompts": [
            {"name": "test_simple_prompt", "description": "Says one thing."},
            {
                "name": "test_prompt_with_arguments",
                "description": "Says what it is given.",
                "arguments": [{"name": "arg1", "required": True}, {"name": "arg2", "required": True}],
            },
            {
                "name": "test_prompt_with_embedded_resource",
                "description": "Shows a resource.",
                "arguments": [{"name": "resourceUri", "required": True}],
            },
            {"name": "test_prompt_with_image", "description": "Shows a picture."},
            {"name": "test_input_required_result_prompt", "description": "Asks the user first."},
        ]
    }
)


def read_resource(uri: str) -> mcp_types.ReadResourceResult | None:
    """What stands under a URI; None where nothing does."""
    contents: mcp_types.TextResourceContents | mcp_types.BlobResourceContents
    if (item := _ITEM.fullmatch(uri)) is not None:
        text = json.dumps({"id": item[1], "templateTest": True, "data": f"Data for ID: {item[1]}"})
        contents = mcp_types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
    elif uri == "test://static-binary":
        contents = mcp_types.BlobResourceContents(uri=uri, mime_type="image/png", blob=_PICTURE)
    elif uri in ("test://static-text", "test://watched-resource"):
        text = "This is the content of the static text resource."
        contents = mcp_types.TextResourceContents(uri=uri, mime_type="text/plain", text=text)
    else:
        return None
    return mcp_types.ReadResourceResult(contents=[contents])


def get_prompt(
    params: mcp_types.GetPromptRequestParams,
) -> mcp_types.GetPromptResult | mcp_types.InputRequiredResult | None:
    """A prompt of a fixed name; None where there is none."""
    given = params.arguments or {}
    match params.name:
        case "test_simple_prompt":
            return _messages(_text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            return _messages(_text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"))
        case "test_prompt_with_embedded_resource":
            contents = mcp_types.TextResourceContents(
                uri=given["resourceUri"], mime_type="text/plain", text="Embedded resource content for testing."
            )
            shown = mcp_types.EmbeddedResource(type="resource", resource=contents)
            return _messages(shown, _text("Please process the embedded resource above."))
        case "test_prompt_with_image":
            shown_picture = mcp_types.ImageContent(type="image", data=_PICTURE, mime_type="image/png")
            return _messages(shown_picture, _text("Please analyze the image above."))
        case "test_input_required_result_prompt":
            if (answers := told(params, "user_context")) is None:
                return ask({"user_context": form("What context should the prompt use?", context={"type": "string"})})
            return _messages(_text(f"The context is {answers}."))
    return None


def _text(text: str) -> mcp_types.ContentBlock:
    return mcp_types.TextContent(type="text", text=text)


def _messages(*blocks: mcp_types.ContentBlock) -> mcp_types.GetPromptResult:
    return mcp_types.GetPromptResult(messages=[mcp_types.PromptMessage(role="user", content=each) for each in blocks])
