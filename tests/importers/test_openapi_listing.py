"""Every operation once: imported or skipped, under an id that stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestra_tools.compile import compile_entry
from orchestra_tools.errors import DocumentRefusedError
from orchestra_tools.importers.openapi import import_openapi, select_by
from orchestra_tools.model import Entry
from orchestra_tools.schema import check_schema
from tests.importers.openapi_documents import (
    METHODS,
    OK,
    document,
    documents,
    import_one,
    notes_of,
    pointers_of,
    skip_one,
    with_operation,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(documents())
def test_whatever_the_document_each_operation_stands_in_one_list_and_what_is_taken_can_be_used(
    opened: dict[str, Any],
) -> None:
    """Ours: nothing is dropped, nothing but the typed error is raised, no schema breaks the limits."""
    done = import_openapi(opened, source="generated.json", url="https://api.example.com/openapi.json")
    told = [each.pointer for each in (*done.imported, *done.skipped)]
    assert sorted(told) == sorted(pointers_of(opened))
    assert len(done.operations) == len(done.imported)
    for operation in done.operations.values():
        check_schema(operation["input_schema"])
        if operation["output_schema"] is not None:
            check_schema(operation["output_schema"])
    entry = Entry.from_document("SN22", {"name": "Generated", "operations": dict(done.operations)})
    assert not entry.unreadable
    compiled = compile_entry(entry)
    assert len(compiled.tools) + len(compiled.quarantined) == len(done.imported)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text()), lambda inner: st.lists(inner)))
def test_what_is_no_object_is_refused_with_the_typed_error(value: Any) -> None:
    with pytest.raises(DocumentRefusedError):
        import_openapi(value, source="x.json")


@pytest.mark.parametrize(
    ("opened", "pointer", "told"),
    [
        ({}, "", "does not say which version"),
        ({"swagger": "2.0", "paths": {}}, "/swagger", "Swagger 2.0"),
        ({"openapi": "2.0"}, "/openapi", "unknown version '2.0'"),
        ({"openapi": "4.0.0"}, "/openapi", "unknown version '4.0.0'"),
        ({"openapi": "3.9.1"}, "/openapi", "unknown version '3.9.1'"),
        ({"openapi": {"a": 1}}, "/openapi", "unknown version 'dict'"),
        ({"openapi": True}, "/openapi", "unknown version 'bool'"),
        ({"openapi": 1e300}, "/openapi", "unknown version"),
        ({"openapi": "3.1.0", "paths": []}, "/paths", "paths are an object"),
    ],
)
def test_a_document_that_cannot_be_imported_is_refused_with_place_and_problem(
    opened: Any, pointer: str, told: str
) -> None:
    with pytest.raises(DocumentRefusedError) as caught:
        import_openapi(opened, source="odd.json")
    (fault,) = caught.value.faults
    assert fault.pointer == pointer
    assert told in fault.problem
    assert caught.value.facts["source"] == "odd.json"


def test_the_refusal_of_swagger_2_names_what_to_do() -> None:
    with pytest.raises(DocumentRefusedError, match="convert it to OpenAPI 3"):
        import_openapi({"swagger": "2.0"}, source="old.json")


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.1.0", "3.1.1", "3.2.0", "3.1.0-rc1", 3.0, 3.1])
def test_versions_3_0_to_3_2_are_read(version: Any) -> None:
    assert import_one({**with_operation({}), "openapi": version})


@pytest.mark.parametrize("paths", [None, {}])
def test_a_document_without_paths_has_no_operations(paths: Any) -> None:
    done = import_openapi(document(paths), source="x")
    assert done.imported == done.skipped == ()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_listed_and_all_but_trace_are_imported(method: str) -> None:
    opened = with_operation({}, method=method)
    if method == "trace":
        assert "TRACE cannot be called" in skip_one(opened)
    else:
        operation = import_one(opened)
        assert operation["endpoint"]["method"] == method.upper()
        assert operation["read_only"] is (method in ("get", "head", "options"))
        assert operation["idempotent"] is (method in ("get", "head", "options", "put", "delete"))
        assert operation["spends_money"] is True


def test_methods_of_3_2_are_listed_there_only() -> None:
    item = {"query": {"responses": OK}, "additionalOperations": {"COPY": {"responses": OK}}}
    done = import_openapi(document({"/a": item}, version="3.2.0"), source="x")
    assert [each.pointer for each in done.skipped] == ["/paths/~1a/query", "/paths/~1a/additionalOperations/COPY"]
    done = import_openapi(document({"/a": item}, version="3.1.0"), source="x")
    assert done.skipped == ()
    assert [each.pointer for each in done.notes] == ["/paths/~1a/query"]


def test_a_path_item_by_reference_is_read_where_it_stands_and_its_siblings_win() -> None:
    opened = document(
        {
            "/a": {"$ref": "#/components/pathItems/Shared", "post": {"summary": "Mine", "responses": OK}},
            "/b": {"$ref": "#/paths/~1a"},
        },
        components={"pathItems": {"Shared": {"get": {"responses": OK}, "post": {"summary": "Theirs"}}}},
    )
    done = import_openapi(opened, source="x")
    titles = {each.pointer: each.document["title"] for each in done.imported}
    assert titles["/paths/~1a/post"] == "Mine"
    assert set(titles) == {"/paths/~1a/get", "/paths/~1a/post", "/paths/~1b/post", "/paths/~1b/get"}


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ([], "is an object, this is list"),
        ({"$ref": "#/components/pathItems/None"}, "leads nowhere"),
        ({"$ref": "other.json"}, "outside the document"),
    ],
)
def test_a_path_item_that_cannot_be_read_is_skipped_as_a_whole(item: Any, told: str) -> None:
    done = import_openapi(document({"/a": item, "/b": {"get": {"responses": OK}}}), source="x")
    assert [each.pointer for each in done.skipped] == ["/paths/~1a"]
    assert told in done.skipped[0].reason
    assert len(done.imported) == 1


def test_webhooks_and_callbacks_are_noted_and_counted_nowhere() -> None:
    callback = {"{$request.body#/url}": {"post": {"responses": OK}}}
    opened = with_operation({"callbacks": {"done": callback}}, webhooks={"finished": {"post": {"responses": OK}}})
    done = import_openapi(opened, source="x")
    assert len(done.imported) + len(done.skipped) == 1
    assert {note.pointer for note in done.notes if "nobody else can" in note.reason} == {
        *("/paths/~1things/get/callbacks/done", "/webhooks/finished")
    }


def test_notes_of_what_is_called_by_the_api_have_an_end() -> None:
    webhooks = {f"w{number}": {} for number in range(3_000)}
    assert len(notes_of(document({}, webhooks=webhooks))) == 1_000


def test_extensions_and_keys_that_are_no_text_are_no_paths() -> None:
    done = import_openapi(document({"x-draft": {"get": {}}, 5: {"get": {}}}), source="x")
    assert done.imported == done.skipped == ()


def test_text_that_no_json_can_carry_skips_its_operation() -> None:
    """A parser lets no half of a surrogate pair through; a document made in Python may have one."""
    assert "JSON cannot carry" in skip_one(with_operation({"description": "\ud800"}))
    assert "JSON cannot carry" in skip_one(with_operation({}, path="/\ud800"))
    done = import_openapi({**with_operation({}), "info": {"title": "A\ud800"}}, source="x")
    assert len(done.imported) == 1
    assert done.title == "A"


def test_nothing_said_of_an_operation_is_no_operation() -> None:
    assert "nothing is said" in skip_one(with_operation(None))


def test_fields_that_look_like_methods_are_told() -> None:
    assert any("lower case" in each for each in notes_of(document({"/a": {"GET": {"responses": OK}, "x-GET": {}}})))


def test_a_deprecated_operation_says_so() -> None:
    opened = with_operation({"deprecated": True, "summary": "Old"})
    operation = import_one(opened)
    assert operation["deprecated"] is True
    assert operation["description"] == "Deprecated. Old"
    assert operation["notes"].startswith("Deprecated")
    assert "Deprecated" in notes_of(opened)


def test_an_operation_says_where_it_comes_from() -> None:
    opened = with_operation({"operationId": "listThings", "externalDocs": {"url": "https://docs.example.com/things"}})
    operation = import_one(opened)
    assert operation["source"] == {
        "document": "test.json",
        "url": "https://api.example.com/openapi.json",
        "pointer": "/paths/~1things/get",
        "openapi": "3.1.0",
        "version": "1.2.3",
        "operation_id": "listThings",
    }
    assert operation["docs_url"] == "https://docs.example.com/things"
    assert operation["confidence"] == "openapi"


@pytest.mark.parametrize("url", ["javascript:alert(1)", 5, "https://" + "a" * 1_000])
def test_documentation_is_linked_by_a_plain_url_only(url: Any) -> None:
    assert import_one(with_operation({"externalDocs": {"url": url}}))["docs_url"] is None


def test_the_document_says_what_the_api_is() -> None:
    info = {"title": "Things <b>and</b> more", "description": "All of them.", "version": 2}
    done = import_openapi({**document({}), "info": info}, source="x")
    assert (done.title, done.description, done.version) == ("Things and more", "All of them.", "2")
    assert import_openapi({**document({}), "info": [1]}, source="x").title == ""


class TestIds:
    """Readable, unique, and independent of order."""

    def ids(self, *operations: tuple[str, str, str | None], known: dict[str, str] | None = None) -> list[str]:
        paths: dict[str, Any] = {}
        for method, path, operation_id in operations:
            stated = {} if operation_id is None else {"operationId": operation_id}
            paths.setdefault(path, {})[method] = {**stated, "responses": OK}
        done = import_openapi(document(paths), source="x", known=known)
        by_pointer = {each.pointer: each.operation_id for each in done.imported}
        return [by_pointer[f"/paths/{path.replace('/', '~1')}/{method}"] for method, path, _ in operations]

    @pytest.mark.parametrize(
        ("method", "path", "stated", "expected"),
        [
            ("post", "/web/v1/search", "search_web_web_v1_search_post", "search_web"),
            ("get", "/items/{item_id}", "read_item_items__item_id__get", "read_item"),
            ("get", "/items/{item_id}", "items__item_id__get", "items_item_id_get"),
            ("get", "/a", "getHTTPStatus", "get_http_status"),
            ("get", "/a", "Pets.listAll", "pets_list_all"),
            ("get", "/v1/search/{id}", None, "get_v1_search_id"),
            ("get", "/", None, "get"),
            ("post", "/v1/secrets", None, "v1_secrets_post"),
            ("post", "/", None, "post"),
            ("get", "/a", "!!!", "get_a"),
            ("get", "/größe", None, "get_groe"),
            ("get", "/a", "名前", "get_a"),
        ],
    )
    def test_an_id_is_snake_case_without_what_fastapi_adds(
        self, method: str, path: str, stated: str | None, expected: str
    ) -> None:
        assert self.ids((method, path, stated)) == [expected]

    def test_ids_that_would_be_the_same_keep_what_tells_them_apart(self) -> None:
        twice = [("get", "/a/run", "run_a_run_get"), ("get", "/b/run", "run_b_run_get")]
        assert self.ids(*twice) == ["run_a_run_get", "run_b_run_get"]
        doubled = [("get", "/a", "run"), ("get", "/b", "run")]
        first, second = self.ids(*doubled)
        assert first.startswith("run_")
        assert second.startswith("run_")
        assert first != second
        assert self.ids(*reversed(doubled)) == [second, first]

    def test_ids_without_a_latin_letter_are_told_apart(self) -> None:
        first, second = self.ids(("get", "/名前", None), ("get", "/住所", None))
        assert first != second

    def test_a_long_id_is_cut_at_a_word_and_stays_unique(self) -> None:
        first, second = self.ids(("get", "/a", "word_" * 40 + "a"), ("get", "/b", "word_" * 40 + "b"))
        assert first != second
        assert len(first) <= 56
        assert first.startswith("word_word_")

    def test_known_ids_stay_and_are_given_to_nobody_else(self) -> None:
        known = {"GET /a": "search"}
        assert self.ids(("get", "/a", "renamed"), ("get", "/b", "search"), known=known)[0] == "search"
        assert self.ids(("get", "/a", "renamed"), ("get", "/b", "search"), known=known)[1].startswith("search_")

    def test_an_id_that_a_mapping_gives_twice_counts_for_nobody(self) -> None:
        known = {"GET /a": "same", "GET /b": "same"}
        assert self.ids(("get", "/a", "one"), ("get", "/b", "two"), known=known) == ["one", "two"]

    def test_ids_stay_unique_where_a_known_one_takes_every_form(self) -> None:
        (plain,) = self.ids(("get", "/b", "run"))
        marked = self.ids(("get", "/a", "run"), ("get", "/b", "run"))[1]
        ids = self.ids(
            ("get", "/a", "x"), ("get", "/c", "y"), ("get", "/b", "run"), known={"GET /a": plain, "GET /c": marked}
        )
        assert len(set(ids)) == 3
        taken = {"GET /a": plain, "GET /c": marked, "GET /d": ids[2]}
        every = (("get", "/a", "x"), ("get", "/c", "y"), ("get", "/d", "z"), ("get", "/b", "run"))
        assert len(set(self.ids(*every, known=taken))) == 4


class TestSelection:
    """What is not selected is skipped, and told."""

    PATHS = {  # noqa: RUF012  # read only
        "/v1/search": {"get": {"operationId": "searchWeb", "tags": ["search"], "responses": OK}},
        "/v1/admin/users": {"get": {"tags": ["admin"], "responses": OK}, "post": {"responses": OK}},
    }

    @pytest.mark.parametrize(
        ("patterns", "expected"),
        [
            ([], 3),
            (["/v1/search"], 1),
            (["GET /v1/*"], 2),
            (["get /v1/*"], 2),
            (["tag:admin"], 1),
            (["searchWeb"], 1),
            (["search*", "tag:adm*"], 2),
            (["-/v1/admin*"], 1),
            (["/v1/*", "-POST *"], 2),
            (["nothing"], 0),
        ],
    )
    def test_patterns_select_by_path_method_tag_and_id(self, patterns: list[str], expected: int) -> None:
        done = import_openapi(document(self.PATHS), source="x", select=select_by(patterns))
        assert len(done.imported) == expected
        assert {each.reason for each in done.skipped} <= {"not selected"}
        assert len(done.imported) + len(done.skipped) == 3

    def test_a_selection_does_not_change_ids(self) -> None:
        everything = import_openapi(document(self.PATHS), source="x").operations
        some = import_openapi(document(self.PATHS), source="x", select=select_by(["GET *"])).operations
        assert set(some) < set(everything)
