"""Listed output schemas in the validators of clients in JavaScript: taken, and not held against an answer that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server_orchestra.acceptable import acceptable_output
from orchestra_tools.schema import Validator
from tests.mcp_server.test_acceptable import of_the_suite
from tests.npm_packages import run_script

pytestmark = pytest.mark.slow
_SCRIPT = Path(__file__).with_name("validators.mjs")
ENGINES = ("draft-07", "2020-12")
# Ajv reads seconds as a float, and takes these for sixty.
ROUNDED = "1985-04-12T00:59:59.999999999999999Z"


def test_every_schema_of_the_suite_is_taken_with_every_value_that_fits(test_data: Path) -> None:
    """Ours (issue 4): for documents nobody has seen, in the words of those who wrote JSON Schema's own tests."""
    cases = []
    for schema, values in of_the_suite(test_data):
        accepts = Validator(schema).accepts
        fitting = [value for value in values if accepts(value) and value != ROUNDED]
        cases.append({"schema": acceptable_output(schema), "values": fitting})
    assert len(cases) > 300
    refused = [
        (engine, case, judged)
        for case, judgements in zip(cases, run_script(_SCRIPT, cases), strict=True)
        for engine, judged in zip(ENGINES, judgements, strict=True)
        if isinstance(judged, str) or not all(judged)
    ]
    assert refused == []
