"""What is imported compiles, and can be called: documents in the manner of real APIs, through the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from fastapi import Body, FastAPI, File, Form, Header, Query, Security, UploadFile
from fastapi import Path as PathParameter
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field

from orchestra_tools.client import LedgerClient
from orchestra_tools.compile import compile_entry, compile_ledger
from orchestra_tools.importers import ledger_from_document
from orchestra_tools.importers.openapi import import_openapi, read_openapi_document
from orchestra_tools.model import Entry, Ledger
from orchestra_tools.testing import Sandbox, example_arguments
from tests.importers.openapi_documents import large_document

KEY = APIKeyHeader(name="X-API-Key")
DOCUMENTS = Path(__file__).parents[1] / "documents" / "openapi"


class Source(BaseModel):
    """Where something was found."""

    url: str
    title: str | None = None


class Comment(BaseModel):
    """A comment with its answers."""

    text: str = Field(min_length=1, description="What it says.", examples=["Well said."])
    score: float | None = Field(None, ge=0, le=1)
    answers: list[Comment] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


class Found(BaseModel):
    total: int
    sources: list[Source]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    by_day: dict[str, int] = {}


def fastapi_document() -> dict[str, Any]:
    """What FastAPI writes for the kinds of routes people write."""
    app = FastAPI(title="Pets and comments", version="0.3.1", servers=[{"url": "https://pets.example.com"}])

    @app.get("/v1/search", tags=["search"])
    async def search_web(
        query: Annotated[str, Query(min_length=1, description="What to look for.")],
        kinds: Annotated[list[Literal["web", "news"]] | None, Query(alias="kinds[]")] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
        x_trace_id: Annotated[str | None, Header()] = None,
        _: Annotated[str, Security(KEY)] = "",
    ) -> Found:
        """Searches the web.

        The answer names its sources.
        """
        raise NotImplementedError

    @app.post("/v1/comments/{thread_id}")
    async def add_comment(thread_id: Annotated[int, PathParameter(ge=1)], comment: Comment) -> Comment:
        raise NotImplementedError

    @app.post("/v1/pets")
    async def add_pet(
        pet: Annotated[Cat | Dog, Body(discriminator="kind")], note: Annotated[str, Body()] = ""
    ) -> list[Cat | Dog]:
        raise NotImplementedError

    @app.post("/v1/pictures", status_code=201)
    async def upload_picture(
        picture: UploadFile,
        further: Annotated[list[UploadFile], File()],
        mask: UploadFile | None = None,
        caption: Annotated[str, Form(max_length=100)] = "",
    ) -> dict[str, int]:
        raise NotImplementedError

    @app.post("/v1/login")
    async def log_in(name: Annotated[str, Form()], age: Annotated[int | None, Form()] = None) -> dict[str, str]:
        raise NotImplementedError

    @app.delete("/v1/comments/{thread_id}", status_code=204)
    async def delete_comments(thread_id: int) -> None:
        raise NotImplementedError

    @app.get("/v1/anything")
    async def anything():  # type: ignore[no-untyped-def]  # what FastAPI writes without a return type
        raise NotImplementedError

    return app.openapi()


def documents() -> dict[str, dict[str, Any]]:
    """Every document by name."""
    read = {
        path.stem: read_openapi_document(path.read_bytes(), source=path.name) for path in sorted(DOCUMENTS.iterdir())
    }
    return {**read, "fastapi": fastapi_document()}


def ledger_of_documents() -> Ledger:
    entries = {}
    for number, (name, document) in enumerate(documents().items(), 1):
        done = import_openapi(document, source=name)
        assert not done.skipped
        entries[f"SN{number}"] = {"name": done.title, "version": "1.0.0", "operations": dict(done.operations)}
    return ledger_from_document({"format": "orchestra-ledger/1", "entries": entries}, source="test")


CATALOGUE = compile_ledger(ledger_of_documents())


@pytest.fixture(scope="module")
def client() -> Iterator[LedgerClient]:
    with Sandbox(ledger_of_documents()) as sandbox:
        yield sandbox.ledger


def test_no_honest_operation_is_quarantined() -> None:
    assert not CATALOGUE.quarantined
    assert len(CATALOGUE.tools) == 30


@pytest.mark.parametrize("name", sorted(CATALOGUE.tools))
def test_each_operation_is_called_and_its_answer_validated(client: LedgerClient, name: str) -> None:
    tool = client.session.live.catalogue.tools[name]
    result = client.call(name, example_arguments(dict(tool.input_schema)))
    assert result.receipt.schema_verdict == ("undocumented" if tool.output_schema is None else "valid")


def test_fastapi_names_are_the_names_of_the_functions() -> None:
    """Ours: `search_web_v1_search_get` is called `search_web`."""
    done = import_openapi(fastapi_document(), source="fastapi")
    assert set(done.operations) == {
        *("search_web", "add_comment", "add_pet", "upload_picture", "log_in", "delete_comments", "anything")
    }


def test_a_file_of_fastapi_is_base64_for_the_caller_and_bytes_for_the_server() -> None:
    done = import_openapi(fastapi_document(), source="fastapi")
    properties = done.operations["upload_picture"]["input_schema"]["properties"]
    assert properties["picture"]["contentEncoding"] == "base64"
    assert properties["further"]["items"]["contentEncoding"] == "base64"
    assert properties["mask"]["contentEncoding"] == "base64"
    assert properties["mask"]["type"] == ["string", "null"]
    assert "contentEncoding" not in properties["caption"]


@pytest.mark.slow
def test_a_thousand_operations_with_components_that_contain_themselves_are_imported_and_compiled() -> None:
    """Issue 4, Must show."""
    done = import_openapi(large_document(1_000), source="large.json")
    assert len(done.imported) == 1_000
    assert not done.skipped
    entry = Entry.from_document("SN22", {"name": "Large", "operations": dict(done.operations)})
    compiled = compile_entry(entry)
    assert not entry.unreadable
    assert not compiled.quarantined
    assert len(compiled.tools) == 1_000


@pytest.mark.slow
def test_a_sample_of_a_hundred_is_called_and_every_answer_validates() -> None:
    """Issue 4, Must show."""
    done = import_openapi(large_document(400), source="large.json")
    entry = {"name": "Large", "version": "1.0.0", "operations": dict(done.operations)}
    ledger = ledger_from_document({"format": "orchestra-ledger/1", "entries": {"SN22": entry}}, source="test")
    with Sandbox(ledger) as sandbox:
        tools = sandbox.ledger.session.live.catalogue.tools
        for name in list(tools)[::4]:
            result = sandbox.ledger.call(name, example_arguments(dict(tools[name].input_schema)))
            assert result.receipt.schema_verdict == "valid"


def test_where_everything_contains_everything_schemas_are_cut_and_the_operations_kept() -> None:
    """Ours: an input is cut where it repeats itself without end, an output wherever it is too large."""
    done = import_openapi(large_document(20, components=60, links=4), source="dense.json")
    assert not done.skipped
    compiled = compile_entry(Entry.from_document("SN22", {"name": "Dense", "operations": dict(done.operations)}))
    assert not compiled.quarantined
    assert {note.reason.partition(":")[0] for note in done.notes} == {
        *("Its input schema is cut where it repeats itself", "Its output schema is cut")
    }
