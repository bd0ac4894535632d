"""Bytes become the value of a document: strict JSON, or YAML of which only the JSON part is taken."""

from __future__ import annotations

import re
from typing import Any

from orchestra_tools.errors import DocumentRefusedError, Fault, LedgerFormatError
from orchestra_tools.importers.documents import MAX_DOCUMENT_BYTES, parse_json
from orchestra_tools.importers.openapi.yaml_values import BadYaml, parse_yaml

_MARKUP = re.compile(r"<[!?a-zA-Z]")
MAX_YAML_BYTES = 16 * 1024 * 1024


def read_openapi_document(data: bytes | str, *, source: str) -> Any:
    """Parse a document: JSON if it starts like JSON, else YAML.

    YAML is read as YAML 1.2 reads it: `on` and `yes` are text, so are dates, and so is every key. Aliases are followed
    as long as what they stand for stays small.

    Args:
        data: The document; UTF-8 if bytes.
        source: What to call it in errors.

    Raises:
        DocumentRefusedError: It cannot be parsed, or not safely; the fault has the line.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _refuse(source, f"{len(data):,} bytes, the limit is {MAX_DOCUMENT_BYTES:,}")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise _refuse(source, f"not UTF-8 at byte {error.start}") from error
    text = text.removeprefix("\ufeff")
    start = text[:1_000].lstrip()
    if start.startswith(("{", "[")):
        try:
            return parse_json(text, source=source)
        except LedgerFormatError as error:
            raise DocumentRefusedError(f"{source} cannot be read", error.faults, source=source) from error
    if _MARKUP.match(start):
        raise _refuse(source, "this is a web page, not a document", "give the address of the JSON or YAML itself")
    if len(text) > MAX_YAML_BYTES:
        raise _refuse(source, f"{len(text):,} characters of YAML, the limit is {MAX_YAML_BYTES:,}", "give it as JSON")
    try:
        return parse_yaml(text)
    except BadYaml as bad:
        raise _refuse(source, f"{bad.problem} at line {bad.line}") from None


def _refuse(source: str, problem: str, remedy: str = "") -> DocumentRefusedError:
    return DocumentRefusedError(f"{source} cannot be read", [Fault("", problem, remedy)], source=source)
