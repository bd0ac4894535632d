"""The whole document: which version it is, and each of its operations in turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestra_tools.errors import DocumentRefusedError, Fault
from orchestra_tools.importers.openapi.identifiers import assign_ids
from orchestra_tools.importers.openapi.imported import ImportedOperation, OpenApiImport, Skipped
from orchestra_tools.importers.openapi.operations import OperationReader
from orchestra_tools.importers.openapi.paths import list_operations
from orchestra_tools.importers.openapi.references import MAX_SHOWN, Document, Unusable
from orchestra_tools.importers.openapi.selection import Select
from orchestra_tools.importers.openapi.texts import Texts

_VERSION = re.compile(r"(3\.[012])(\.\d{1,3})?(-[\w.]{1,20})?")
_CONVERT = "convert it to OpenAPI 3 first, for instance with swagger2openapi or editor.swagger.io"
NOT_SELECTED = "not selected"


def import_openapi(
    document: Any,
    *,
    source: str,
    url: str | None = None,
    select: Select | None = None,
    known: Mapping[str, str] | None = None,
    suspicious: Callable[[str], bool] = lambda _: False,
) -> OpenApiImport:
    """The operations of an OpenAPI document (3.0, 3.1, and 3.2 where it says what 3.1 can say).

    Args:
        document: The parsed document, as `read_openapi_document` gives it.
        source: What to call it in errors, and in the `source` of each operation.
        url: Where it was read from; relative server addresses start there.
        select: Which operations are wanted; None = all. The others are told as skipped.
        known: Ids of an earlier import, by method and path as in "GET /search"; they are kept.
        suspicious: Whether a text is left whole where it would be shortened, so that compiling it shows all of it to
            the rules of hygiene.

    Raises:
        DocumentRefusedError: It is no OpenAPI document of a version we read.
    """
    root, version = _recognise(document, source)
    read = Document(root, version)
    paths = root.get("paths")
    if not isinstance(paths, dict | None):
        raise _refuse(source, "/paths", f"paths are an object, this is {type(paths).__name__}")
    listing = list_operations(read, paths or {})
    ids = assign_ids([each.listed for each in listing.operations], known or {})
    texts = Texts(suspicious)
    reader = OperationReader(read, source=source, url=url, texts=texts)
    imported: list[ImportedOperation] = []
    skipped, notes = list(listing.skipped), list(listing.notes)
    for found, operation_id in zip(listing.operations, ids, strict=True):
        pointer = found.listed.pointer
        if select is not None and not select(found.listed):
            skipped.append(Skipped(pointer, NOT_SELECTED))
            continue
        try:
            operation, told = reader.read(found, operation_id)
        except Unusable as unusable:
            skipped.append(Skipped(pointer, unusable.reason))
            continue
        imported.append(ImportedOperation(pointer, operation_id, operation))
        notes += told
    info = root.get("info")
    info = info if isinstance(info, dict) else {}
    stated = info.get("version")
    return OpenApiImport(
        title=_sound(texts.title(info.get("title"))),
        description=_sound(texts.description(info.get("description"))),
        version=str(stated)[:MAX_SHOWN] if isinstance(stated, str | int | float) else "",
        imported=tuple(imported),
        skipped=tuple(skipped),
        notes=tuple(dict.fromkeys(notes)),
    )


def _sound(text: str) -> str:
    """The text without halves of surrogate pairs, which only a document made in Python has."""
    return text.encode("utf-8", "ignore").decode()


def _recognise(document: Any, source: str) -> tuple[dict[str, Any], str]:
    if not isinstance(document, dict):
        raise _refuse(source, "", f"an OpenAPI document is an object, this is {type(document).__name__}")
    stated = document.get("openapi")
    if isinstance(stated, int | float) and not isinstance(stated, bool):
        stated = f"{stated:.1f}" if -100 < stated < 100 else ""  # 3.0 without quotes is a number in YAML
    if isinstance(stated, str) and (match := _VERSION.fullmatch(stated.strip())):
        return document, match[1]
    if "swagger" in document:
        raise _refuse(source, "/swagger", f"this is Swagger {str(document['swagger'])[:20]}", _CONVERT)
    if stated is None:
        raise _refuse(source, "", "it does not say which version of OpenAPI it is", 'add "openapi": "3.1.0"')
    shown = stated[:40] if isinstance(stated, str) else type(document["openapi"]).__name__
    raise _refuse(source, "/openapi", f"unknown version {shown!r}", "OpenAPI 3.0, 3.1 and 3.2 are read")


def _refuse(source: str, pointer: str, problem: str, remedy: str = "") -> DocumentRefusedError:
    return DocumentRefusedError(f"{source} cannot be imported", [Fault(pointer, problem, remedy)], source=source)
