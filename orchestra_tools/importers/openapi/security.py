"""Security schemes become the auth of an operation: one secret in one place, or what keeps us from it.

A parameter that carries a key is part of this too, declared as a security scheme or not: a secret is never an argument,
since a model would have to know it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from orchestra_tools.importers.openapi.references import (
    MAX_SHOWN,
    Document,
    Unusable,
    expect_list,
    expect_object,
    text_of,
)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_COOKIE_HEADER = "Cookie"
_KEY_HEADERS = frozenset(
    (
        *("authorization", "proxy-authorization", "x-authorization", "x-api-key", "api-key", "apikey", "x-apikey"),
        *("x-api-token", "api-token", "x-auth-token", "auth-token", "x-access-token", "access-token", "x-auth-key"),
        *("ocp-apim-subscription-key", "x-rapidapi-key", "x-goog-api-key", "x-subscription-token"),
    )
)
_KEY_QUERIES = frozenset(("api_key", "api-key", "apikey", "access_token", "auth_token"))
_BEARER = re.compile(r"\bbearer\b", re.IGNORECASE)
_MAX_ALTERNATIVES = 50
_TOO_ODD = "a key whose place cannot be sent"


@dataclass(frozen=True)
class Security:
    """How an operation is authenticated.

    Attributes:
        auth: As it stands in a ledger document; None = not at all.
        places: Where it sends something: (location, name in lower case).
        notes: What its user should know.
    """

    auth: dict[str, Any] | None
    places: frozenset[tuple[str, str]] = frozenset()
    notes: tuple[str, ...] = field(default=())


def read_security(document: Document, stated: Any, pointer: str) -> Security:
    """The auth of an operation from its `security`, or the document's.

    Where there are alternatives, the first that we can do is taken, and one without any secret before all others.

    Raises:
        Unusable: It is not as OpenAPI writes it.
    """
    alternatives = expect_list(stated, pointer, "security")[:_MAX_ALTERNATIVES]
    read = [
        _read_requirement(document, expect_object(each, f"{pointer}/{index}", "a security requirement"))
        for index, each in enumerate(alternatives)
    ]
    places = frozenset(place for each in read for place in each.places)
    if not read or any(each.auth is None for each in read):
        notes = ("a key may be given, and is not needed",) if len(read) > 1 else ()
        return Security(None, places, notes)
    # A key that is sent as it is comes before one that must be prepared.
    possible = min(read, key=lambda each: ((each.auth or {}).get("scheme") == "undocumented", bool(each.notes)))
    return Security(possible.auth, places, possible.notes)


def security_of_parameters(parameters: list[dict[str, Any]]) -> Security:
    """The auth that parameters stand for where no security scheme does."""
    for parameter in parameters:
        location, name = parameter["in"], parameter["name"]
        if not carries_key(location, name) or not _TOKEN.fullmatch(name):
            continue
        words = " ".join(text_of(parameter.get(key))[:MAX_SHOWN] for key in ("description", "example"))
        prefix = "Bearer " if name.lower() == "authorization" and _BEARER.search(words) else ""
        note = f"the key travels in the {location} parameter {name}, which is declared as a parameter only"
        auth = {"scheme": "api_key", "in": location, "name": name, "prefix": prefix}
        return Security(auth, frozenset({(location, name.lower())}), (note,))
    return Security(None)


def beside_cookies(security: Security) -> Security:
    """The same where other cookies are sent too: a header has room for one key, not for a key among cookies."""
    if security.auth is None or security.auth.get("name") != _COOKIE_HEADER:
        return security
    return Security(undocumented("A key in a cookie, beside other cookies."), security.places)


def carries_key(location: str, name: str) -> bool:
    """Whether a parameter of that name carries a key."""
    names = {"header": _KEY_HEADERS, "query": _KEY_QUERIES}.get(location, frozenset())
    return name.lower() in names


def _read_requirement(document: Document, requirement: dict[str, Any]) -> Security:
    read = [_read_scheme(document, str(name)) for name in list(requirement)[:_MAX_ALTERNATIVES]]
    needed = [each for each in read if each.auth is not None]
    places = frozenset(place for each in read for place in each.places)
    if not needed:
        return Security(None, places)
    first = needed[0].auth
    if all(each.auth == first for each in needed):
        return Security(first, places, needed[0].notes)
    listed = " and ".join(str(name)[:40] for name in list(requirement)[:5])
    return Security(undocumented(f"Several secrets at once: {listed}."), places)


def _read_scheme(document: Document, name: str) -> Security:
    schemes = document.root.get("components")
    schemes = schemes.get("securitySchemes") if isinstance(schemes, dict) else None
    pointer = "/components/securitySchemes"
    if not isinstance(schemes, dict) or name not in schemes:
        return Security(undocumented(f"The document names the security scheme {name[:60]!r} without describing it."))
    try:
        scheme, _ = document.follow(schemes[name], pointer)
    except Unusable as unusable:
        return Security(undocumented(f"The security scheme {name[:60]!r} cannot be read: {unusable.problem}."))
    scheme = scheme if isinstance(scheme, dict) else {}
    match text_of(scheme.get("type")).lower():
        case "apikey":
            return _api_key(scheme)
        case "http":
            return _http(text_of(scheme.get("scheme")).lower())
        case "oauth2":
            return _bearer("the key is an OAuth 2 access token")
        case "openidconnect":
            return _bearer("the key is an OpenID Connect access token")
        case other:
            return Security(undocumented(f"Authentication of the kind {other[:40] or 'unknown'!r}."))


def _api_key(scheme: dict[str, Any]) -> Security:
    location, name = scheme.get("in"), text_of(scheme.get("name"))
    if location not in ("header", "query", "cookie") or not _TOKEN.fullmatch(name):
        return Security(undocumented(f"An API key in {_TOO_ODD}."))
    places = frozenset({(str(location), name.lower())})
    if location == "cookie":
        auth = {"scheme": "api_key", "in": "header", "name": _COOKIE_HEADER, "prefix": f"{name}="}
        return Security(auth, places, (f"the key travels in the cookie {name}",))
    words = text_of(scheme.get("description"))[:MAX_SHOWN]
    prefix = "Bearer " if name.lower() == "authorization" and _BEARER.search(words) else ""
    return Security({"scheme": "api_key", "in": location, "name": name, "prefix": prefix}, places)


def _http(scheme: str) -> Security:
    if scheme == "bearer":
        return _bearer("")
    if scheme == "basic":
        auth = {"scheme": "api_key", "in": "header", "name": "Authorization", "prefix": "Basic "}
        note = "the key is `user:password` in base64"
        return Security(auth, frozenset({("header", "authorization")}), (note,))
    return Security(undocumented(f"HTTP authentication of the kind {scheme[:40] or 'unknown'!r}."))


def _bearer(note: str) -> Security:
    auth = {"scheme": "api_key", "in": "header", "name": "Authorization", "prefix": "Bearer "}
    return Security(auth, frozenset({("header", "authorization")}), (note,) if note else ())


def undocumented(note: str) -> dict[str, Any]:
    """An auth nobody can do, as it stands in a ledger document."""
    return {"scheme": "undocumented", "note": note}
