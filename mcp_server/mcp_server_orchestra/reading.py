"""What clients read beside tools: resources, prompts and completions, translated into results in wire form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mcp.types as mcp_types
from mcp import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_server_orchestra import completion
from mcp_server_orchestra.caching import keep_for_nobody, keep_while_running, keep_with_ledger
from mcp_server_orchestra.callers import LastReceipts, current_caller
from mcp_server_orchestra.pages import Listing
from mcp_server_orchestra.prompts import PROMPTS, USE_THE_LEDGER, write_prompt
from mcp_server_orchestra.resources import TEMPLATES, NoSuchResourceError, Resources
from mcp_server_orchestra.uris import ENTRY_TEMPLATE, SCHEMAS_TEMPLATE
from orchestra_tools.errors import InputError
from orchestra_tools.toolsets import LedgerToolset
from orchestra_tools.toolsets.entries import vocabulary_of

RESOURCE_NOT_FOUND = -32002  # up to 2025-11-25; from 2026-07-28 on it is invalid params
_TEMPLATES = Listing("resource templates", TEMPLATES, [row["uriTemplate"] for row in TEMPLATES])
_PROMPTS = Listing("prompts", PROMPTS, [row["name"] for row in PROMPTS])


class Reader:
    """Answers what is asked about a ledger, without calling anybody."""

    def __init__(self, toolset: LedgerToolset, receipts: LastReceipts) -> None:
        self._toolset = toolset
        self._resources = Resources(toolset, receipts)

    def list_resources(self, cursor: str | None) -> dict[str, Any]:
        """A page of `resources/list`."""
        return _page("resources", self._resources.listing(), cursor) | keep_with_ledger(self._toolset.live.source)

    def list_templates(self, cursor: str | None) -> dict[str, Any]:
        """A page of `resources/templates/list`."""
        return _page("resourceTemplates", _TEMPLATES, cursor) | keep_while_running()

    def list_prompts(self, cursor: str | None) -> dict[str, Any]:
        """A page of `prompts/list`."""
        return _page("prompts", _PROMPTS, cursor) | keep_while_running()

    def read_resource(self, uri: str, protocol_version: str) -> dict[str, Any]:
        """The result of `resources/read`.

        Raises:
            MCPError: There is no such resource.
        """
        try:
            contents, source = self._resources.read(uri, current_caller())
        except NoSuchResourceError as error:
            raise _not_found(error, uri, protocol_version) from None
        kept = {
            "caller": keep_for_nobody,
            "ledger": lambda: keep_with_ledger(self._toolset.live.source),
            "server": keep_while_running,
        }[source]
        return {"resultType": "complete", "contents": [contents]} | kept()

    def check_resource(self, uri: str, protocol_version: str) -> None:
        """See that there is such a resource.

        Raises:
            MCPError: There is none.
        """
        try:
            self._resources.check(uri)
        except NoSuchResourceError as error:
            raise _not_found(error, uri, protocol_version) from None

    def get_prompt(self, name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """The result of `prompts/get`.

        Raises:
            MCPError: There is no such prompt, or its arguments do not fit.
        """
        _check_prompt(name)
        try:
            written = write_prompt(arguments, vocabulary_of(self._toolset.catalogue))
        except InputError as error:
            raise MCPError(mcp_types.INVALID_PARAMS, str(error)) from None
        return {"resultType": "complete"} | written

    def complete(self, params: mcp_types.CompleteRequestParams) -> dict[str, Any]:
        """The result of `completion/complete`.

        Raises:
            MCPError: The prompt, the template or the argument is unknown.
        """
        known = dict((params.context.arguments if params.context else None) or {})
        values = self._values(params.ref, params.argument.name, params.argument.value, known)
        return {"resultType": "complete", "completion": completion.complete(values)}

    def _values(
        self,
        reference: mcp_types.ResourceTemplateReference | mcp_types.PromptReference,
        argument: str,
        typed: str,
        known: Mapping[str, str],
    ) -> Sequence[str]:
        catalogue = self._toolset.catalogue
        if isinstance(reference, mcp_types.PromptReference):
            _check_prompt(reference.name)
            match argument:
                case "capability":
                    return completion.capabilities(vocabulary_of(catalogue), typed)
                case "objective":
                    return ()
        elif reference.uri not in (ENTRY_TEMPLATE, SCHEMAS_TEMPLATE):
            raise MCPError(mcp_types.INVALID_PARAMS, f"Unknown resource template: {reference.uri[:120]!r}")
        elif argument == "subnet":
            return completion.subnets(catalogue, typed)
        elif argument == "operation" and reference.uri == SCHEMAS_TEMPLATE:
            return completion.operations(catalogue, known.get("subnet"), typed)
        raise MCPError(mcp_types.INVALID_PARAMS, f"Unknown argument: {argument[:80]!r}")


def _page(name: str, listing: Listing[Any], cursor: str | None) -> dict[str, Any]:
    items, following = listing.page(cursor)
    return {"resultType": "complete", name: list(items)} | ({"nextCursor": following} if following else {})


def _check_prompt(name: str) -> None:
    if name != USE_THE_LEDGER:
        raise MCPError(mcp_types.INVALID_PARAMS, f"Unknown prompt: {name[:80]!r}. There is {USE_THE_LEDGER}")


def _not_found(error: NoSuchResourceError, uri: str, protocol_version: str) -> MCPError:
    modern = protocol_version in MODERN_PROTOCOL_VERSIONS
    return MCPError(mcp_types.INVALID_PARAMS if modern else RESOURCE_NOT_FOUND, str(error), {"uri": uri[:4_000]})
