"""Schemas of a document become JSON Schema 2020-12, one component at a time.

A schema is read once for each direction: a request has no `readOnly` members, a response no `writeOnly` ones. What it
refers to stays a reference, to `#/$defs/` and a name that is the same in every operation; `bundle` puts the components
beside it. So a component that a thousand operations share is read once, and one that contains itself is no problem.

Where OpenAPI 3.0 and JSON Schema differ, the meaning is kept:

- `nullable` becomes the type `null`, also beside an enum or a `$ref` (3.0 ignores that; its authors mean it).
- `discriminator` only helps a reader to choose. Its `oneOf` becomes `anyOf`: branches often overlap but for the value
  it looks at, and `oneOf` would then refuse every value. In a request, a mapping that is written out ties each branch
  to its values.
- `format: byte` is base64; `format: binary` is told to whoever reads the body.
- Anchors and dynamic references are refused, since nothing behind them can be bundled by name.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from orchestra_tools.importers.openapi.keywords import (
    NAMED_SCHEMAS,
    ONE_SCHEMA,
    PLAIN,
    REFUSED,
    SEVERAL_SCHEMAS,
    BadKeyword,
)
from orchestra_tools.importers.openapi.parts import DEFINED, Part, TooLarge, check_part
from orchestra_tools.importers.openapi.references import (
    MAX_POINTER,
    MAX_SHOWN,
    Document,
    Unusable,
    expect_list,
    expect_object,
)
from orchestra_tools.importers.openapi.texts import Texts
from orchestra_tools.importers.openapi.values import is_example, is_plain
from orchestra_tools.schema import join
from orchestra_tools.schema.limits import MAX_NODES
from orchestra_tools.schema.pointer import split

Direction = Literal["request", "response"]
ANNOTATIONS = frozenset(("title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly"))
_MARKS: dict[str, str] = {"request": "readOnly", "response": "writeOnly"}
_HOIST_DEPTH = 15  # levels inside one component; deeper parts become components of their own
_MAX_NAME = 60  # characters
_MAX_EXAMPLES = 2
_MAX_MERGED = 16  # levels of `allOf`
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_NOT_IN_TITLE = re.compile(r"[\W_]+")
_FLAGS = frozenset(("uniqueItems", "deprecated", "readOnly", "writeOnly"))  # false is the same as absence
_IN_PLACE = frozenset(("$ref", "allOf", "anyOf", "oneOf", "not", "if", "const"))
_COMPONENTS = "/components/schemas/"
_Path = tuple["_Path", str | int] | None


class SchemaReader:
    """Reads the schemas of one document for one direction."""

    def __init__(self, document: Document, direction: Direction, texts: Texts) -> None:
        self.document = document
        self.direction = direction
        self.texts = texts
        self._pointers: dict[str, str] = {}
        self._parts: dict[str, Part | Unusable] = {}
        self._hidden: dict[int, frozenset[str]] = {}

    def read(self, value: Any, pointer: str, name: str = "") -> Part:
        """The schema at a place; `name` is that of the member or the parameter it describes.

        Raises:
            Unusable: It is no schema, or refers to what is not there.
        """
        return Part(_Reading(self, pointer).schema(value, None, 1, name))

    def component(self, name: str) -> Part:
        """What a name in `#/$defs/` stands for.

        Raises:
            Unusable: It is no schema, or refers to what is not there.
        """
        if (part := self._parts.get(name)) is None:
            pointer = self._pointers[name]
            try:
                part = self.read(self.document.at(pointer, pointer), pointer)
                check_part(part, pointer)
            except Unusable as unusable:
                part = unusable
            self._parts[name] = part
        if isinstance(part, Unusable):
            # A new one each time: raised again, an exception collects tracebacks.
            raise type(part)(part.pointer, part.problem)
        return part

    def define(self, pointer: str) -> str:
        """The name under which `#/$defs/` has what stands at a pointer."""
        last = split(pointer)[-1]
        plain = _NOT_IN_NAME.sub("_", last)[:_MAX_NAME]
        mark = hashlib.sha256(pointer.encode("utf-8", "surrogatepass")).hexdigest()
        name = plain if plain and pointer == _COMPONENTS + plain else f"{plain}_{mark[:8]}"
        if self._pointers.setdefault(name, pointer) != pointer:
            name = f"{plain}_{mark[:32]}"
            self._pointers[name] = pointer
        return name

    def hidden(self, value: dict[str, Any], pointer: str, depth: int = 0) -> frozenset[str]:
        """Members that do not travel in this direction: of an object, and of what it is made of by `allOf`."""
        if (known := self._hidden.get(id(value))) is not None:
            return known
        if depth > _MAX_MERGED:
            return frozenset()
        self._hidden[id(value)] = frozenset()  # where it contains itself
        properties = value.get("properties")
        found = {
            name
            for name, sub in (properties.items() if isinstance(properties, dict) else ())
            if self._is_marked(sub, pointer)
        }
        for each in value["allOf"] if isinstance(value.get("allOf"), list) else ():
            part, where = self._followed(each, pointer)
            if isinstance(part, dict):
                found |= self.hidden(part, where, depth + 1)
        self._hidden[id(value)] = frozenset(found)
        return self._hidden[id(value)]

    def _is_marked(self, schema: Any, pointer: str) -> bool:
        mark: str = _MARKS[self.direction]
        if not isinstance(schema, dict):
            return False
        if schema.get(mark) is True:
            return True
        target, _ = self._followed(schema, pointer)
        return isinstance(target, dict) and target.get(mark) is True

    def _followed(self, value: Any, pointer: str) -> tuple[Any, str]:
        try:
            return self.document.follow(value, pointer)
        except Unusable:
            # Told where the reference itself is read.
            return None, pointer


class _Reading:
    """One component while it is read."""

    def __init__(self, reader: SchemaReader, pointer: str) -> None:
        self.reader = reader
        self.pointer = pointer
        self.nodes = 0

    def schema(self, value: Any, path: _Path, depth: int, name: str = "", hidden: frozenset[str] = frozenset()) -> Any:
        """The schema at a path inside the component.

        `name` is that of the member it describes; `hidden` are members of the object it is a part of by `allOf`.
        """
        if isinstance(value, bool):
            return value
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Unusable(self._at(path), f"a schema is an object, this is {type(value).__name__}")
        if depth > _HOIST_DEPTH and any(isinstance(each, dict | list) for each in value.values()):
            return self._refer(self._hoistable(path))
        self.nodes += 1 + len(value)
        if self.nodes > MAX_NODES:
            raise TooLarge(self.pointer, f"a schema of more than {MAX_NODES:,} nodes")
        for keyword in REFUSED:
            if keyword in value:
                raise Unusable(self._at((path, keyword)), f"{keyword} is not supported")
        return self._converted(value, path, depth, name, hidden)

    def _converted(self, value: dict[str, Any], path: _Path, depth: int, name: str, hidden: frozenset[str]) -> Any:
        nullable = value.get("nullable") is True
        schema: dict[str, Any] = {}
        if value.get("$ref") is not None:
            if "$id" in value:
                raise Unusable(self._at((path, "$ref")), "a $ref beside an $id is not supported")
            target = self.reader.document.target(value["$ref"], self._at(path))
            self.reader.document.follow(value, self._at(path))
            schema = self._refer(target)
        if not schema or self.reader.document.keeps_siblings:
            hides = "properties" in value or "allOf" in value
            hidden = hidden | self.reader.hidden(value, self.pointer) if hides else hidden
            schema |= self._keywords(_modern(value), path, depth, hidden)
        schema = self._annotations(value, name) | schema
        return _with_null(schema) if nullable else schema

    def _keywords(self, value: dict[str, Any], path: _Path, depth: int, hidden: frozenset[str]) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        for keyword, stated in value.items():
            where: _Path = (path, keyword)
            if stated is None and keyword not in ("const", "enum"):
                continue  # an empty line in YAML
            if keyword in PLAIN:
                try:
                    schema[keyword] = PLAIN[keyword](stated)
                except BadKeyword as bad:
                    raise Unusable(self._at(where), f"{keyword} {bad}") from None
            elif keyword in ONE_SCHEMA:
                schema[keyword] = self.schema(stated, where, depth + 1)
            elif keyword in SEVERAL_SCHEMAS:
                branches = expect_list(stated, self._at(where), keyword)
                inherited = hidden if keyword == "allOf" else frozenset[str]()
                if branches:
                    schema[keyword] = [
                        self.schema(each, (where, index), depth + 2, "", inherited)
                        for index, each in enumerate(branches)
                    ]
            elif keyword in NAMED_SCHEMAS:
                schema[keyword] = self._named(stated, where, depth, hidden if keyword == "properties" else frozenset())
            elif keyword in ("enum", "const"):
                self._data(keyword, stated, where, schema)
        if hidden and "required" in schema:
            schema["required"] = [each for each in schema["required"] if each not in hidden]
        if isinstance(choice := value.get("discriminator"), dict):
            self._discriminate(choice, schema)
        return _mended(schema)

    def _named(self, stated: Any, where: _Path, depth: int, hidden: frozenset[str]) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for key, sub in expect_object(stated, self._at(where), "a group of schemas").items():
            if not isinstance(key, str):
                raise Unusable(self._at(where), f"a name is text, this is {type(key).__name__}")
            if key not in hidden:
                named[key] = self.schema(sub, (where, key), depth + 2, key)
        return named

    def _data(self, keyword: str, stated: Any, where: _Path, schema: dict[str, Any]) -> None:
        if isinstance(stated, list) and len(stated) > MAX_NODES:
            raise TooLarge(self._at(where), f"{keyword} lists {len(stated):,} values")
        if not is_plain(stated):
            raise Unusable(self._at(where), f"{keyword} is no JSON, or too much of it")
        if keyword == "const":
            schema["const"] = stated
        elif stated is not None and (options := expect_list(stated, self._at(where), "enum")):
            self.nodes += len(options)
            schema["enum"] = options

    def _annotations(self, value: dict[str, Any], name: str) -> dict[str, Any]:
        texts = self.reader.texts
        found: dict[str, Any] = {"title": texts.title(value.get("title"))}
        if _bare(found["title"]) == _bare(name):
            del found["title"]  # FastAPI gives each member its own name for a title
        found["description"] = texts.description(value.get("description"))
        examples = value["examples"] if isinstance(value.get("examples"), list) else [value.get("example")]
        found["examples"] = [each for each in examples if each is not None and is_example(each)][:_MAX_EXAMPLES]
        found = {keyword: each for keyword, each in found.items() if each}
        if (default := value.get("default")) is not None and is_plain(default):
            found["default"] = default
        return found

    def _discriminate(self, choice: dict[str, Any], schema: dict[str, Any]) -> None:
        if "oneOf" in schema and "anyOf" not in schema:
            schema["anyOf"] = schema.pop("oneOf")
        member, mapping = choice.get("propertyName"), choice.get("mapping")
        if self.reader.direction == "response" or not isinstance(member, str) or not isinstance(mapping, dict):
            return
        values: dict[str, list[str]] = {}
        for value, target in mapping.items():
            if isinstance(target, str) and isinstance(value, str):
                values.setdefault(self._mapped(target), []).append(value)
        schema["anyOf"] = [self._tied(branch, member, values) for branch in schema.get("anyOf", ())]
        if not schema["anyOf"]:
            del schema["anyOf"]

    def _mapped(self, target: str) -> str:
        """The name in `#/$defs/` that a mapping's target means: a reference, or the bare name of a schema."""
        if target.startswith("#/"):
            return self.reader.define(self.reader.document.target(target, self.pointer))
        return self.reader.define(_COMPONENTS + join([target])[1:])

    def _tied(self, branch: Any, member: str, values: dict[str, list[str]]) -> Any:
        reference = branch.get("$ref") if isinstance(branch, dict) and len(branch) == 1 else None
        options = values.get(reference.removeprefix(DEFINED)) if isinstance(reference, str) else None
        return branch if not options else {**branch, "properties": {member: {"enum": options}}, "required": [member]}

    def _refer(self, pointer: str) -> dict[str, Any]:
        return {"$ref": DEFINED + self.reader.define(pointer)}

    def _hoistable(self, path: _Path) -> str:
        pointer = self._at(path)
        if len(pointer) > MAX_POINTER:
            raise TooLarge(pointer, "nested too deeply")
        return pointer

    def _at(self, path: _Path) -> str:
        tokens: list[str | int] = []
        while path is not None:
            path, token = path
            tokens.append(token)
        return self.pointer + join(reversed(tokens))


def _modern(value: dict[str, Any]) -> dict[str, Any]:
    """The schema with what older drafts wrote in another way written as 2020-12 has it."""
    modern = dict(value)
    if modern.get("type") == "file":  # a leftover of OpenAPI 2.0
        modern |= {"type": "string", "format": "binary"}
    if isinstance(modern.get("required"), bool):  # a leftover of draft 3
        del modern["required"]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(modern.get(exclusive), bool):
            strict = modern.pop(exclusive)
            if strict and modern.get(bound) is not None:
                modern[exclusive] = modern.pop(bound)
    if isinstance(modern.get("items"), list):
        modern["prefixItems"] = modern.pop("items")
        if "additionalItems" in modern:
            modern["items"] = modern["additionalItems"]
    if isinstance(rules := modern.pop("dependencies", None), dict):
        modern["dependentRequired"] = {key: rule for key, rule in rules.items() if isinstance(rule, list)}
        modern["dependentSchemas"] = {key: rule for key, rule in rules.items() if not isinstance(rule, list)}
    return modern


def _mended(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("format") == "byte":
        del schema["format"]
        schema.setdefault("contentEncoding", "base64")
    for keyword in ("required", "properties", "dependentRequired", "dependentSchemas", "patternProperties"):
        if keyword in schema and not schema[keyword]:
            del schema[keyword]
    return {keyword: each for keyword, each in schema.items() if each is not False or keyword not in _FLAGS}


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or null."""
    rules = {keyword: each for keyword, each in schema.items() if keyword not in ANNOTATIONS}
    if not rules:
        return schema
    around = {keyword: each for keyword, each in schema.items() if keyword in ANNOTATIONS}
    if "type" in rules and not _IN_PLACE & rules.keys():
        types = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
        rules["type"] = [*types, *(["null"] if "null" not in types else [])]
        if "enum" in rules and None not in rules["enum"]:
            rules["enum"] = [*rules["enum"], None]
        return around | rules
    return around | {"anyOf": [rules, {"type": "null"}]}


def _bare(text: str) -> str:
    return _NOT_IN_TITLE.sub("", text[:MAX_SHOWN]).casefold()
