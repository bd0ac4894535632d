"""OpenAPI documents for tests: builders of small ones, and generators of large, odd and hostile ones."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from orchestra_tools.importers.openapi import import_openapi

REF = "#/components/schemas/"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
OK = {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}}
REF = "#/components/schemas/"
FORM = "application/x-www-form-urlencoded"


def document(paths: Any, *, version: str = "3.1.0", **rest: Any) -> dict[str, Any]:
    """A document with these paths."""
    return {"openapi": version, "info": {"title": "Test API", "version": "1.2.3"}, "paths": paths, **rest}


def with_operation(operation: Any, *, path: str = "/things", method: str = "get", **rest: Any) -> dict[str, Any]:
    """A document with one operation, which answers with an object unless it says otherwise."""
    stated = {"responses": OK, **operation} if isinstance(operation, dict) else operation
    return document({path: {method: stated}}, **rest)


def with_body(schema: Any, *, media_type: str = "application/json", **rest: Any) -> dict[str, Any]:
    """A document with one operation that takes a required body."""
    body = {"required": True, "content": {media_type: {"schema": schema}}}
    return with_operation({"requestBody": body}, method="post", **rest)


def with_output(schema: Any, *, media_type: str = "application/json", **rest: Any) -> dict[str, Any]:
    """A document with one operation that answers by a schema."""
    responses = {"200": {"description": "Done.", "content": {media_type: {"schema": schema}}}}
    return with_operation({"responses": responses}, **rest)


def import_one(opened: Any, **options: Any) -> dict[str, Any]:
    """The one operation a document holds, imported."""
    done = import_openapi(opened, **{"source": "test.json", "url": "https://api.example.com/openapi.json", **options})
    assert not done.skipped
    (imported,) = done.imported
    return dict(imported.document)


def read_output(schema: Any, *, version: str = "3.1.0", **components: Any) -> Any:
    """The output schema an answer's schema becomes."""
    opened = with_output(schema, version=version, components={"schemas": components})
    return import_one(opened)["output_schema"]


def read_input(schema: Any, *, version: str = "3.1.0", **components: Any) -> Any:
    """The input schema a required body's schema becomes."""
    opened = with_body(schema, version=version, components={"schemas": components})
    return import_one(opened)["input_schema"]


def with_parameters(*parameters: Any, path: str = "/things", **rest: Any) -> dict[str, Any]:
    return with_operation({"parameters": list(parameters)}, path=path, **rest)


def places(opened: dict[str, Any]) -> dict[str, Any]:
    """Where each argument of the one operation goes."""
    endpoint = import_one(opened)["endpoint"]
    assert isinstance(endpoint["arguments"], dict)
    return endpoint["arguments"]


def skip_one(opened: Any, **options: Any) -> str:
    """The reason the one operation of a document is skipped for."""
    done = import_openapi(opened, source="test.json", **options)
    assert not done.imported
    (skipped,) = done.skipped
    return skipped.reason


def notes_of(opened: Any, **options: Any) -> list[str]:
    """What an import notes."""
    return [note.reason for note in import_openapi(opened, source="test.json", **options).notes]


def pointers_of(opened: dict[str, Any]) -> list[str]:
    """The pointer of every operation under `paths`, found without the importer; path items by reference included."""
    found = []
    for path, item in opened["paths"].items():
        while isinstance(item, dict) and "$ref" in item:
            siblings = {name: each for name, each in item.items() if name != "$ref"}
            target: Any = opened
            for name in item["$ref"].split("/")[1:]:
                target = target[name.replace("~1", "/").replace("~0", "~")]
            item = {**target, **siblings}
        escaped = path.replace("~", "~0").replace("/", "~1")
        found += [f"/paths/{escaped}/{method}" for method in METHODS if method in item]
    return found


def large_document(operations: int = 1_000, *, components: int = 40, links: int = 1) -> dict[str, Any]:
    """Operations that share components, each of which reaches all others and itself."""
    schemas: dict[str, Any] = {}
    for number in range(components):
        links_out = {
            f"link_{index}": _component((number * (index + 2) + index + 1) % components) for index in range(links - 1)
        }
        schemas[f"Part{number}"] = {
            "type": "object",
            "description": f"Part number {number} of the model.",
            "properties": {
                "name": {"type": "string", "description": "What it is called."},
                "size": {"type": "integer", "minimum": 0},
                "parts": {"type": "array", "items": _component((number + 1) % components)},
                **links_out,
            },
            "required": ["name"],
        }
    paths = {f"/v1/parts{number}/{{id}}": _large_item(number, components) for number in range(operations // 2)}
    return document(paths, components={"schemas": schemas}, servers=[{"url": "https://parts.example.com"}])


def _large_item(number: int, components: int) -> dict[str, Any]:
    answer = {
        "200": {"description": "Done.", "content": {"application/json": {"schema": _component(number % components)}}}
    }
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"reason": {"type": "string"}, "part": _component(number % components)},
                    "required": ["reason"],
                }
            }
        },
    }
    return {
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
        "get": {"operationId": f"getPart{number}", "summary": f"Get part {number}", "responses": answer},
        "put": {
            "operationId": f"replacePart{number}",
            "summary": f"Replace part {number}",
            "requestBody": body,
            "responses": answer,
        },
    }


def _component(number: int) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/Part{number}"}


# Values that stand where something else is expected.
_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(), st.text(max_size=8), st.just([]), st.just({})
)


def _mostly(sound: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from((True,) * 19 + (False,)).flatmap(lambda is_sound: sound if is_sound else _ODD)


_NAMES = st.sampled_from(("a", "b", "id", "ids[]", "$filter", "X-Trace-Id", "__proto__", "größe", "名前", "", "a/b~c"))
_REFERENCES = st.sampled_from(
    (
        *("#/components/schemas/A", "#/components/schemas/B", "#/components/schemas/Missing", "#/components/schemas/C"),
        *(
            "https://example.com/schema.json",
            "other.yaml#/A",
            "#",
            "#anchor",
            "#/paths",
            "#/components/schemas/A/properties/a",
        ),
        *("#/components/schemas/%41", "#/components/schemas"),
    )
)


def _schemas() -> st.SearchStrategy[Any]:
    leaves = st.one_of(
        st.fixed_dictionaries({"$ref": _REFERENCES}),
        st.fixed_dictionaries(
            {"type": st.sampled_from(("string", "integer", "number", "boolean", "null", "object", "array"))},
            optional={
                "nullable": st.booleans(),
                "format": st.sampled_from(("binary", "byte", "date-time", "int64", "strange")),
                "enum": st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
                "default": _ODD,
                "example": _ODD,
                "title": st.text(max_size=9),
                "pattern": st.sampled_from(("^a", "(a+)+$", "\\d{2}", "^[a-z]", ".", "", "(")),
                "minimum": _mostly(st.integers()),
                "exclusiveMinimum": st.one_of(st.booleans(), st.integers()),
                "readOnly": st.booleans(),
                "writeOnly": st.booleans(),
                "description": st.text(max_size=20),
            },
        ),
    )
    return st.recursive(
        _mostly(leaves),
        lambda inner: st.one_of(
            st.fixed_dictionaries(
                {"type": st.just("object"), "properties": st.dictionaries(_NAMES, inner, max_size=3)},
                optional={
                    "required": st.lists(_NAMES, max_size=2),
                    "additionalProperties": st.one_of(st.booleans(), inner),
                    "nullable": st.booleans(),
                },
            ),
            st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
            st.fixed_dictionaries({"allOf": st.lists(inner, max_size=3)}, optional={"nullable": st.booleans()}),
            st.fixed_dictionaries(
                {"oneOf": st.lists(inner, max_size=3)},
                optional={"discriminator": st.one_of(_ODD, st.just({"propertyName": "a", "mapping": {"x": "A"}}))},
            ),
            st.fixed_dictionaries({"$ref": _REFERENCES, "properties": st.dictionaries(_NAMES, inner, max_size=1)}),
        ),
        max_leaves=6,
    )


def _content(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    kinds = (
        *("application/json", "application/json; charset=utf-8", "multipart/form-data", "text/plain", "*/*"),
        *("application/x-www-form-urlencoded", "text/event-stream", "application/octet-stream", "image/png"),
        *("application/vnd.api+json", "nonsense"),
    )
    holders = _mostly(
        st.fixed_dictionaries(
            {}, optional={"schema": schemas, "example": _ODD, "encoding": st.dictionaries(_NAMES, _ODD, max_size=2)}
        )
    )
    return st.dictionaries(st.sampled_from(kinds), holders, max_size=2)


def _parameters(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parameter = st.fixed_dictionaries(
        {"name": _mostly(_NAMES), "in": _mostly(st.sampled_from(("path", "query", "header", "cookie")))},
        optional={
            "required": st.booleans(),
            "schema": schemas,
            "style": _mostly(st.sampled_from(("form", "simple"))),
            "explode": st.booleans(),
            "content": _content(schemas),
            "example": _ODD,
        },
    )
    return _mostly(st.lists(_mostly(parameter), max_size=3))


def operations() -> st.SearchStrategy[Any]:
    """Operations, sound and unsound."""
    schemas = _schemas()
    response = _mostly(st.fixed_dictionaries({}, optional={"content": _mostly(_content(schemas))}))
    codes = st.sampled_from(("200", "201", "204", "2XX", "default", "404"))
    body = st.fixed_dictionaries({"content": _content(schemas)}, optional={"required": st.booleans()})
    return _mostly(
        st.fixed_dictionaries(
            {},
            optional={
                "operationId": _mostly(_NAMES),
                "summary": _mostly(st.text(max_size=80)),
                "description": _mostly(st.text(max_size=200)),
                "deprecated": _mostly(st.booleans()),
                "parameters": _parameters(schemas),
                "requestBody": _mostly(body),
                "responses": _mostly(st.dictionaries(codes, response, max_size=3)),
                "security": _mostly(st.lists(st.dictionaries(_NAMES, st.just([]), max_size=2), max_size=2)),
                "servers": st.lists(st.fixed_dictionaries({"url": _mostly(st.just("/v1"))}), max_size=1),
            },
        ),
    )


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents with a handful of operations, sound and unsound."""
    paths = draw(
        st.dictionaries(
            st.sampled_from(
                ("/a", "/a/{id}", "/{x}-{y}", "/a:run", "/b/{id}.json", "b", "/{", "/ä?q=1", "/a/{a/b}", "/#f")
            ),
            st.dictionaries(st.sampled_from((*METHODS, "x-odd", "GET")), operations(), max_size=3),
            max_size=4,
        )
    )
    schemas = _schemas()
    components = {"schemas": {name: draw(schemas) for name in ("A", "B", "C")}, "securitySchemes": draw(_ODD)}
    stated = document(paths, version=draw(st.sampled_from(("3.0.3", "3.1.0", "3.2.0"))), components=components)
    return stated | draw(
        st.fixed_dictionaries(
            {}, optional={"servers": _mostly(st.just([{"url": "/"}])), "security": _mostly(st.just([])), "info": _ODD}
        )
    )


def hostile_documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """(What is wrong, document) where `/good` is a sound operation beside `/bad`, which is not."""
    for name, schema, components in _hostile_schemas():
        for place, stated in (("input", _in_body(schema)), ("output", _in_answer(schema))):
            paths = {"/bad": {"post": stated}, "/good": {"get": {"responses": OK}}}
            yield f"{name}, {place}", copy.copy(document(paths, components={"schemas": components}))


def _in_body(schema: Any) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}, "responses": OK}


def _in_answer(schema: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}}}


def nested(levels: int, keyword: str = "items") -> dict[str, Any]:
    """A schema so many levels deep."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", keyword: schema} if keyword == "items" else {keyword: [schema]}
    return schema


def _hostile_schemas() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    a = {"$ref": "#/components/schemas/A"}
    yield "a reference to itself", a, {"A": a}
    yield "references in a circle", a, {"A": {"$ref": "#/components/schemas/B"}, "B": a}
    yield "a remote reference", {"$ref": "https://example.com/schema.json"}, {}
    yield "a file reference", {"$ref": "file:///etc/passwd"}, {}
    yield "a reference to nothing", {"$ref": "#/components/schemas/Nothing"}, {}
    yield "a reference to text", {"$ref": "#/info/title"}, {}
    yield (
        "a doubling chain",
        {"$ref": "#/components/schemas/D0"},
        {
            f"D{number}": {
                "type": "object",
                "properties": {side: {"$ref": f"#/components/schemas/D{number + 1}"} for side in ("left", "right")},
            }
            for number in range(40)
        }
        | {"D40": {"type": "string"}},
    )
    yield "100,000 levels of items", nested(100_000), {}
    yield "100,000 levels of allOf", nested(100_000, "allOf"), {}
    yield "100,000 levels in a component", a, {"A": nested(100_000)}
    yield "100,000 options", {"enum": [f"option {number}" for number in range(100_000)]}, {}
    yield "100,000 members", {"type": "object", "properties": {f"m{n}": {} for n in range(100_000)}}, {}
    yield "a key of a megabyte", {"type": "object", "properties": {"k" * 1_000_000: {"type": "string"}}}, {}
    yield "an unclosed pattern", {"type": "string", "pattern": "(("}, {}
    yield "a type that is none", {"type": "strange"}, {}
    yield "a type that is a tree", {"type": nested(1_000)}, {}
    yield "a list for an object", {"type": "object", "properties": ["a"]}, {}
    yield "text for a schema", "string", {}
    yield "a dynamic reference", {"$dynamicRef": "#node"}, {}
    yield "a default as deep as a well", {"type": "object", "default": nested(100_000)}, {}
    yield "an enum as deep as a well", {"enum": [nested(100_000)]}, {}
