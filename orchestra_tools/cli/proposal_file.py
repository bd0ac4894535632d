"""A proposal that a command is given, as a file or on stdin."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from orchestra_tools.cli.arguments import read_text
from orchestra_tools.errors import ProposalRefusedError
from orchestra_tools.importers import parse_json
from orchestra_tools.model import faults_of
from orchestra_tools.model.proposal import Proposal


def read_proposal(place: str) -> tuple[Proposal, Any]:
    """A proposal in the seed's form, and the document that it was read from.

    Raises:
        LedgerFormatError: The file has no JSON.
        ProposalRefusedError: It is no proposal; `reason` is format.
    """
    document = parse_json(read_text(place), source=place)
    try:
        return Proposal.model_validate(document), document
    except ValidationError as error:
        raise ProposalRefusedError(
            "the proposal cannot be read", faults_of(error), remedy="See docs/governance.md", reason="format"
        ) from error
