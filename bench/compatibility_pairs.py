"""Random schemas, random edits of them, and values to refute verdicts with. Everything comes from a seed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import islice, product
from random import Random
from typing import Any

import jsonschema_rs

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.schema.generate import Generator
from orchestra_tools.schema.limits import DIALECT

NAMES = ("a", "b", "c", "x1", "ab")
PATTERNS = ("^a", "b$", "^[a-c]+$", "^x", "[0-9]", "^.{2,3}$", "^(a|b)c?$")
FORMATS = ("date", "ipv4", "int32", "uuid", "email")
SCALARS = (None, True, False, 0, 1, 2, 3, 4, 6, -1, 0.5, 1.5, 2.0, 10, 1e3, "", "a", "b", "ab", "abc", "x1", "a1")
TEXTS = ("2024-01-31", "127.0.0.1", "a@b.co", "00000000-0000-0000-0000-000000000000", "ac", "\n", "é", "1")
VALUES: tuple[Any, ...] = (*SCALARS, *TEXTS, [], [0], ["a"], [1, 1], ["a", 1], {}, {"a": 1}, {"a": "a"}, {"x1": None})
TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")


def random_schema(random: Random, depth: int = 3, defs: tuple[str, ...] = ()) -> Any:
    """A schema over all keywords that can refuse a value."""
    roll = random.random()
    if roll < 0.05:
        return random.random() < 0.8
    if defs and roll < 0.15:
        return {"$ref": random.choice(defs)}
    if depth > 0 and roll < 0.4:
        return _combined(random, depth, defs)
    return _typed(random, random.choice(TYPES), depth, defs)


def random_document(random: Random) -> Any:
    """A schema that may refer to itself and to definitions."""
    if random.random() < 0.75:
        return random_schema(random)
    defs = ("#", "#/$defs/p", "#/$defs/q")
    document = random_schema(random, 3, defs)
    if not isinstance(document, dict):
        document = {"type": "object", "properties": {"a": document}}
    return document | {"$defs": {name: random_schema(random, 2, defs) for name in ("p", "q")}}


def _combined(random: Random, depth: int, defs: tuple[str, ...]) -> dict[str, Any]:
    def below() -> Any:
        return random_schema(random, depth - 1, defs)

    keyword = random.choice(("anyOf", "anyOf", "oneOf", "oneOf", "allOf", "not", "if", "enum", "const", "types"))
    match keyword:
        case "not":
            made: dict[str, Any] = {"not": below()}
        case "if":
            made = {"if": below(), random.choice(("then", "else")): below()}
            if random.random() < 0.5:
                made |= {"then": below(), "else": below()}
        case "enum":
            made = {"enum": _distinct(random.choices(VALUES, k=random.randint(1, 4)))}
        case "const":
            made = {"const": random.choice(VALUES)}
        case "types":
            made = {"type": random.sample(TYPES, random.randint(1, 3))}
        case _:
            made = {keyword: [below() for _ in range(random.randint(1, 3))]}
    if random.random() < 0.3:
        made = _typed(random, random.choice(TYPES), depth - 1, defs) | made
    return made


def _distinct(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if not jsonschema_rs.is_valid({"enum": kept}, value):
            kept.append(value)
    return kept


def _typed(random: Random, kind: str, depth: int, defs: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind} if random.random() < 0.85 else {}

    def maybe(keyword: str, value: Any, chance: float = 0.3) -> None:
        if random.random() < chance:
            made[keyword] = value

    match kind:
        case "string":
            maybe("minLength", random.randint(0, 3))
            maybe("maxLength", random.randint(0, 4))
            maybe("pattern", random.choice(PATTERNS))
            maybe("format", random.choice(FORMATS), 0.15)
        case "integer" | "number":
            for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                maybe(keyword, random.choice((-1, 0, 1, 2, 3, 10, 0.5, 1.5, 2.0)), 0.25)
            maybe("multipleOf", random.choice((1, 2, 3, 4, 0.5, 1.5, 0.1, 0.25)), 0.25)
        case "array":
            _array(random, made, depth, defs)
        case "object":
            _object(random, made, depth, defs)
    maybe("title", random.choice(NAMES), 0.1)
    return made


def _array(random: Random, made: dict[str, Any], depth: int, defs: tuple[str, ...]) -> None:
    if depth > 0:
        if random.random() < 0.6:
            made["items"] = random_schema(random, depth - 1, defs)
        if random.random() < 0.3:
            made["prefixItems"] = [random_schema(random, depth - 1, defs) for _ in range(random.randint(1, 2))]
        if random.random() < 0.2:
            made["contains"] = random_schema(random, depth - 1, defs)
            if random.random() < 0.5:
                made[random.choice(("minContains", "maxContains"))] = random.randint(0, 2)
        if random.random() < 0.05:
            made["unevaluatedItems"] = random_schema(random, depth - 1, defs)
    for keyword, most in (("minItems", 2), ("maxItems", 3)):
        if random.random() < 0.3:
            made[keyword] = random.randint(0, most)
    if random.random() < 0.2:
        made["uniqueItems"] = random.random() < 0.9


def _object(random: Random, made: dict[str, Any], depth: int, defs: tuple[str, ...]) -> None:
    names = random.sample(NAMES, random.randint(0, 3))
    if depth > 0:
        made["properties"] = {name: random_schema(random, depth - 1, defs) for name in names}
        if random.random() < 0.2:
            made["patternProperties"] = {random.choice(PATTERNS): random_schema(random, depth - 1, defs)}
        if random.random() < 0.5:
            open_or_not = random.choice((False, False, True, None))
            made["additionalProperties"] = (
                random_schema(random, depth - 1, defs) if open_or_not is None else open_or_not
            )
        if random.random() < 0.08:
            made["propertyNames"] = _typed(random, "string", 0, ())
        if random.random() < 0.08:
            made[random.choice(("dependentSchemas", "dependencies"))] = {
                random.choice(NAMES): random_schema(random, depth - 1, defs)
            }
        if random.random() < 0.05:
            made["unevaluatedProperties"] = random_schema(random, depth - 1, defs)
    if random.random() < 0.5:
        made["required"] = random.sample(NAMES, random.randint(0, 2))
    if random.random() < 0.1:
        made["dependentRequired"] = {random.choice(NAMES): random.sample(NAMES, random.randint(0, 2))}
    for keyword, most in (("minProperties", 2), ("maxProperties", 3)):
        if random.random() < 0.15:
            made[keyword] = random.randint(0, most)


def edited(schema: Any, random: Random) -> Any:
    """The schema with one to three small changes, anywhere in it."""
    changed = copy.deepcopy(schema)
    for _ in range(random.choice((1, 1, 2, 3))):
        changed = _edit(changed, random)
    return changed


def _edit(schema: Any, random: Random) -> Any:
    places = list(_schemas(schema))
    if not isinstance(schema, dict) or not places:
        return random_schema(random, 2)
    node = random.choice(places)
    keywords = [keyword for keyword in node if keyword != "$defs"]
    match random.choice(("drop", "add", "number", "number", "list", "list", "replace", "wrap")):
        case "drop" if keywords:
            del node[random.choice(keywords)]
        case "add":
            node.update(random.choice(tuple(random_schema_items(random))))
        case "number":
            _edit_number(node, random)
        case "list":
            _edit_list(node, random)
        case "replace" if inner := [each for each in ("items", "additionalProperties", "not") if each in node]:
            node[random.choice(inner)] = random_schema(random, 1)
        case "wrap":
            kept = {key: node.pop(key) for key in keywords}
            node[random.choice(("anyOf", "oneOf", "allOf"))] = [kept, random_schema(random, 1)]
    return schema


def random_schema_items(random: Random) -> Iterator[dict[str, Any]]:
    """Single keywords of a random schema, to be added to another."""
    made = _typed(random, random.choice(TYPES), 1, ())
    yield from ({keyword: value} for keyword, value in made.items())
    yield {}


def _edit_number(node: dict[str, Any], random: Random) -> None:
    numbers = [key for key, value in node.items() if type(value) in (int, float) and key != "const"]
    if numbers:
        keyword = random.choice(numbers)
        least = (
            0 if keyword[3:] in ("Length", "Items", "Properties", "Contains") else 1 if keyword == "multipleOf" else -5
        )
        node[keyword] = max(least, node[keyword] + random.choice((-1, 1, 1, 2)))


def _edit_list(node: dict[str, Any], random: Random) -> None:
    lists = [key for key in ("required", "enum", "anyOf", "oneOf", "allOf", "prefixItems") if node.get(key)]
    if not lists:
        if "properties" in node:
            node["properties"][random.choice(NAMES)] = random_schema(random, 1)
        return
    keyword = random.choice(lists)
    if random.random() < 0.5 and len(node[keyword]) > 1:
        node[keyword].pop(random.randrange(len(node[keyword])))
    elif keyword == "required":
        node[keyword] = sorted({*node[keyword], random.choice(NAMES)})
    elif keyword == "enum":
        node[keyword] = _distinct([*node[keyword], random.choice(VALUES)])
    else:
        node[keyword] = [*node[keyword], random_schema(random, 1)]


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in ("properties", "patternProperties", "$defs", "dependentSchemas", "dependencies"):
            for sub in value.values():
                yield from _schemas(sub)
        elif keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for sub in value:
                yield from _schemas(sub)
        elif keyword not in ("enum", "const"):
            yield from _schemas(value)


def small_values() -> tuple[Any, ...]:
    """Values of every kind, and small arrays and objects of them."""
    few = (None, True, 0, 1, 2, 1.5, "a", "ab", "", [], {}, {"a": 1}, ["a"])
    arrays = [[one, two] for one, two in product(few, few)] + [[one] for one in VALUES]
    arrays += [[1, 1, 1], ["a", "a", "a"], [0, 1, 2, 3], ["a", "b", "ab", "abc"]]
    objects = [{name: value} for name in (*NAMES, "z", "x", "b1") for value in (*few, "2024-01-31", 10, 3)]
    objects += [{"a": one, "b": two} for one, two in product(few, few)]
    objects += [{"a": one, "b": two, "c": 1, "x1": two} for one, two in product(few, few)]
    objects += [{"x1": one, "ab": two, "z": one} for one, two in product(few, few)]
    return (*VALUES, 5, 7, 8, 9, 11, 12, 100, -0.5, 0.1, 0.25, 0.3, 2.5, "abcd", "abcde", "x", "bc", *arrays, *objects)


SMALL_VALUES = small_values()


def aimed_values(schemas: tuple[Any, ...], random: Random) -> Iterator[Any]:
    """Values that fit one of the schemas, and such values with one part changed."""
    for schema in schemas:
        try:
            generator = Generator(schema)
            for number, extent in enumerate(("all", "required", "smallest", "documented", "all")):
                value = generator.generate(str(number), extent=extent)  # type: ignore[arg-type]  # from the tuple above
                yield value
                yield from (mutated(copy.deepcopy(value), random) for _ in range(20))
        except SchemaRefusedError:
            continue


def mutated(value: Any, random: Random) -> Any:
    """The value with one part changed, added or taken away."""
    places = [value, *islice(_containers(value), 50)]
    place = random.choice(places)
    if isinstance(place, dict):
        name = random.choice((*NAMES, *place, "z"))
        if name in place and random.random() < 0.4:
            del place[name]
        else:
            place[name] = random.choice(VALUES)
    elif isinstance(place, list):
        if place and random.random() < 0.4:
            place[random.randrange(len(place))] = random.choice((*VALUES, *place))
        elif place and random.random() < 0.4:
            place.pop()
        else:
            place.append(random.choice((*VALUES, *place)))
    else:
        return random.choice(VALUES)
    return copy.deepcopy(value)


def _containers(value: Any) -> Iterator[Any]:
    for sub in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(sub, dict | list):
            yield sub
            yield from _containers(sub)


def signed(schema: Any) -> Any:
    """The schema with its dialect named, so that it cannot be read as shorthand."""
    return {"$schema": DIALECT} | schema if isinstance(schema, dict) else schema


def refutation(sub: Any, whole: Any, random: Random) -> list[Any]:
    """A value that fits `sub` and not `whole`, in a list; empty where none was found."""
    fits, misfits = jsonschema_rs.Draft202012Validator, jsonschema_rs.Draft202012Validator
    one, other = fits(sub, validate_formats=True), misfits(whole, validate_formats=True)
    for value in (*SMALL_VALUES, *aimed_values((sub, whole), random)):
        if one.is_valid(value) and not other.is_valid(value):
            return [value]
    return []


def ask_jsoncompat(ask: Callable[[], Any]) -> Any:
    """What jsoncompat answers.

    Raises:
        ValueError: It has no answer; sometimes it panics, with an exception that is no `Exception`.
    """
    try:
        return ask()
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise ValueError(f"jsoncompat panicked: {error}") from error
        raise
