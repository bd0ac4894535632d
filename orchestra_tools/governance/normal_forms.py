"""One form for everything that means the same: schemas, addresses, texts, operations, entries.

What only describes a schema is left out; references are written out; what order does not matter in is sorted. Two
schemas with one normal form take the same values. The other way round it is not promised: for that see
`schema.compare`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from orchestra_tools.errors import SchemaRefusedError
from orchestra_tools.governance.schema_fields import plain_formats
from orchestra_tools.model import Entry, HttpEndpoint, Operation
from orchestra_tools.schema import expand, resolve
from orchestra_tools.schema.inclusion.vocabulary import LISTS_OF_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA, says
from orchestra_tools.trust import canonicalise_any

NOTHING_SAID: Mapping[str, Any] = {}
"""The normal form of a schema that takes everything."""
_IDLE = {"minItems": 0, "minLength": 0, "minProperties": 0}  # they say nothing
_UNORDERED = frozenset({"required", "enum", "type"})
_PORTS = {"http": 80, "https": 443}
_TEXTS = ("title", "description", "use_when", "notes", "docs_url")
_FACTS = ("audience", "timeout_s", "read_only", "idempotent", "spends_money", "unavailable")
_ENCODED = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")
_MAX_OPEN = 64  # references inside references


def normal_schema(form: Any, *, defaults: bool = False) -> Any:
    """The normal form of a schema; None where there is none.

    Args:
        form: JSON Schema, or the seed's shorthand.
        defaults: Whether defaults say something: they do for what goes in, where they are filled in.
    """
    if form is None:
        return None
    try:
        root = plain_formats(expand(form))
    except SchemaRefusedError:
        return form
    return _Normaliser(root, defaults=defaults).normal(root, ())


def normal_text(text: str) -> str:
    """A text without what nobody sees: its white space, and which of several equal characters it is written with."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def normal_url(url: str) -> str:
    """An http(s) URL or template in one spelling: host, port, percent-encoding, slash at the end."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return normal_text(url)
    if not host:
        return normal_text(url)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS.get(parts.scheme):
        netloc = f"{netloc}:{port}"
    path = quote(_ENCODED.sub(_plain_character, parts.path), safe="%/{}:@!$&'()*+,;=~-._").rstrip("/")
    return urlunsplit((parts.scheme.lower(), netloc, path, parts.query, ""))


def _plain_character(encoded: re.Match[str]) -> str:
    # Of what may be encoded, only this means the same when it is not (RFC 3986, 6.2.2.2): %2F is no slash.
    character = chr(int(encoded[1], 16))
    return character if _UNRESERVED.fullmatch(character) else encoded[0].upper()


def normal_operation(operation: Operation) -> dict[str, Any]:
    """The normal form of an operation, what only describes it included."""
    told: dict[str, Any] = {name: normal_text(getattr(operation, name) or "") for name in _TEXTS}
    told |= {name: getattr(operation, name) for name in _FACTS}
    cost = operation.cost
    priced = None if cost is None else cost.model_dump(mode="json") | {"amount": _plain_amount(cost.amount)}
    extra = operation.model_extra or {}
    return {
        **told,
        **normal_contract(operation),
        "capabilities": list(operation.capabilities),
        "auth": None if operation.auth is None else operation.auth.model_dump(mode="json", by_alias=True),
        "cost": priced,
        "deprecated": bool(extra.get("deprecated", False)),
    }


def normal_contract(operation: Operation) -> dict[str, Any]:
    """What makes an operation the one it is: its address and its schemas, whatever it is called."""
    return {
        "endpoint": _normal_endpoint(operation),
        "input_schema": normal_schema(operation.input_form, defaults=True),
        "output_schema": normal_schema(operation.output_form),
    }


def normal_entry(entry: Entry) -> dict[str, Any]:
    """The normal form of an entry, without its version and what is measured; a flat entry is as any other."""
    extra = entry.model_extra or {}
    links = {} if entry.links is None else entry.links.to_json()
    return {
        "name": normal_text(entry.name),
        "description": normal_text(entry.description),
        "symbol": normal_text(str(extra.get("symbol", ""))),
        "categories": extra.get("categories"),
        "status": normal_text(entry.status),
        "links": {kind: _normal_link(link) for kind, link in links.items() if link not in (None, [])},
        "capabilities": list(entry.capabilities),
        "cost_per_query": entry.cost_per_query,
        "operations": {
            name: normal_operation(each) if isinstance(each, Operation) else each.document
            for name, each in entry.stated.items()
        },
    }


def _normal_link(link: Any) -> Any:
    return [_normal_link(each) for each in link] if isinstance(link, list | tuple) else normal_url(str(link))


def _normal_endpoint(operation: Operation) -> dict[str, Any]:
    endpoint = operation.endpoint
    document = endpoint.model_dump(mode="json", by_alias=True)
    if isinstance(endpoint, HttpEndpoint):
        # Where the base ends and the path begins is a matter of taste.
        whole = f"{(endpoint.base_url or '').rstrip('/')}/{endpoint.path.lstrip('/')}"
        document |= {"base_url": None, "path": normal_url(whole)}
    return document


def _plain_amount(amount: Any) -> str | None:
    return None if amount is None else format(amount.normalize(), "f")


class _Normaliser:
    """Makes the normal form of the schemas of one document."""

    def __init__(self, root: Any, *, defaults: bool) -> None:
        self._root = root
        self._defaults = defaults

    def normal(self, node: Any, open_targets: tuple[str, ...]) -> Any:
        """The normal form of a schema.

        Args:
            node: The schema.
            open_targets: References that are being written out, the outermost first.
        """
        if not isinstance(node, dict):
            return {"not": {}} if node is False else {}
        made = {
            keyword: value
            for keyword, value in ((keyword, self._value(keyword, node[keyword], open_targets)) for keyword in node)
            if self._counts(node, keyword, value)
        }
        if "$ref" in made:
            made = _joined([made.pop("$ref"), made])
        return _merged(made)

    def _counts(self, node: dict[str, Any], keyword: str, value: Any) -> bool:
        if keyword == "default":
            return self._defaults
        if not says(node, keyword) or (keyword in _IDLE and value == _IDLE[keyword]):
            return False
        if keyword in ("properties", "patternProperties", "required"):
            return bool(value)
        return not (keyword in ("items", "additionalProperties", "unevaluatedProperties") and value == {})

    def _value(self, keyword: str, value: Any, open_targets: tuple[str, ...]) -> Any:
        if keyword == "$ref":
            return self._written_out(value, open_targets)
        if keyword in ONE_SCHEMA and not isinstance(value, list):
            return self.normal(value, open_targets)
        if keyword in NAMED_SCHEMAS and isinstance(value, dict):
            return {
                unicodedata.normalize("NFC", name): self.normal(each, open_targets)
                if not isinstance(each, list)
                else each
                for name, each in value.items()
            }
        if keyword in LISTS_OF_SCHEMAS and isinstance(value, list):
            listed = [self.normal(each, open_targets) for each in value]
            return listed if keyword == "prefixItems" else _sorted(listed)
        if keyword in _UNORDERED and isinstance(value, list):
            return _sorted(value)
        return value

    def _written_out(self, reference: Any, open_targets: tuple[str, ...]) -> Any:
        if reference in open_targets:
            # By how far out the schema is that it leads back to, not by what that is called.
            return {"$ref": len(open_targets) - open_targets.index(reference)}
        try:
            target = resolve(self._root, str(reference).removeprefix("#"))
        except LookupError:
            return {"$ref": reference}
        if len(open_targets) >= _MAX_OPEN:
            return {"$ref": reference}
        return self.normal(target, (*open_targets, reference))


def _sorted(values: list[Any]) -> list[Any]:
    """Each of some JSON values once, in an order that depends on nothing but them."""
    written = {canonicalise_any(each)[1]: each for each in values}
    return [written[key] for key in sorted(written)]


def _joined(schemas: list[Any]) -> dict[str, Any]:
    """One schema that says what all say."""
    joined: dict[str, Any] = {}
    for schema in schemas:
        if any(key in joined and joined[key] != each for key, each in schema.items()):
            return {"allOf": _sorted([each for each in schemas if each])}
        joined |= schema
    return joined


def _merged(made: dict[str, Any]) -> dict[str, Any]:
    """Spellings of one thing brought together: a constant, a list of one, types as alternatives."""
    if "const" in made and "enum" not in made:
        made["enum"] = [made.pop("const")]
    for keyword, merge in _MERGES.items():
        if isinstance(made.get(keyword), list) and (single := merge(made[keyword])) is not None:
            rest = {key: each for key, each in made.items() if key != keyword}
            if not rest or not single.keys() & rest.keys():
                made = {**rest, **single}
    stated = made.get("type")
    if isinstance(stated, list):
        stated = [each for each in stated if not (each == "integer" and "number" in stated)]
        made["type"] = stated[0] if len(stated) == 1 else stated
    return made


def _one(branches: list[Any]) -> dict[str, Any] | None:
    return branches[0] if len(branches) == 1 else None


def _types(branches: list[Any]) -> dict[str, Any] | None:
    """Alternatives that only differ in their type, such as one and null, as one list of types."""
    if len(branches) < 2 or any(set(each) != {"type"} for each in branches):
        return _one(branches)
    named = [each["type"] for each in branches]
    return {"type": _sorted([name for each in named for name in (each if isinstance(each, list) else [each])])}


_MERGES: Mapping[str, Callable[[list[Any]], dict[str, Any] | None]] = {"anyOf": _types, "oneOf": _one, "allOf": _one}
