"""API documents fetched from where they are published.

A URL in a ledger comes from strangers, so it is fetched from public addresses only, as calls are. A URL that the user
types himself may also be on loopback; the installation remembers it, so that the entry can be updated from there later.
Redirects are followed on the same host only.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

from orchestra_tools.calls import Limits
from orchestra_tools.calls.addresses import AddressPolicy, split_origin
from orchestra_tools.calls.request import USER_AGENT
from orchestra_tools.calls.transports import HttpTransport
from orchestra_tools.calls.wire import WireRequest, WireResponse
from orchestra_tools.compile.hygiene import printable
from orchestra_tools.errors import (
    AddressRefusedError,
    AnswerTooLargeError,
    CallError,
    CallTimeoutError,
    DocumentRefusedError,
    RejectedError,
    UnreadableAnswerError,
    UpstreamError,
)
from orchestra_tools.model import Outcome, SourceDocument
from orchestra_tools.registry.replacing import replace_file

DOCUMENT_LIMITS = Limits(timeout_s=60.0, max_wire_bytes=32 * 1024 * 1024, max_body_bytes=64 * 1024 * 1024)
_ACCEPT = "application/json, application/yaml;q=0.9, text/yaml;q=0.9, */*;q=0.1"
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')  # RFC 9110, 8.8.3
_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{1,60}")
_HTML = re.compile(
    rb"\s*(?:<\?xml.{0,200}?\?>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"""["']([^"'<>\s]{1,300})["']""")
_DOCUMENT_NAME = re.compile(r"(?:\.(?:json|ya?ml)|[-/](?:swagger|openapi|api)-(?:json|yaml))$", re.IGNORECASE)
_SECRET_NAME = re.compile(r"key|token|secret|sig|pass|auth|credential", re.IGNORECASE)
_MAX_NAMED = 5  # documents of a page that are told of
_MAX_REMEMBERED = 100
_TOO_LARGE = "Fetch it yourself, cut it down to what you need, and give the file"
_BY_HAND = "Fetch it yourself and give the file, or pipe it: curl … | orchestra import - --netuid N --url URL"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking for a document.

    Attributes:
        data: Its bytes; None where it has not changed since.
    """

    url: str
    data: bytes | None = field(repr=False)
    etag: str | None = None
    last_modified: str | None = None


class OwnAddresses:
    """Documents on loopback that the user of this installation has named himself, in one file.

    A file that cannot be read names none: then the user is asked to type the URL again.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "own-documents.json"

    def known(self) -> list[str]:
        """All of them, the latest last."""
        try:
            listed = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return [url for url in listed if isinstance(url, str)] if isinstance(listed, list) else []

    def add(self, url: str) -> None:
        """Remember one. Where nothing can be written, it has to be typed again next time."""
        before = self.known()
        if url in before:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._path, (json.dumps([*before, url][-_MAX_REMEMBERED:]) + "\n").encode())


async def fetch_document(
    url: str,
    *,
    typed: bool,
    own: OwnAddresses,
    earlier: SourceDocument | None = None,
    limits: Limits = DOCUMENT_LIMITS,
    on_bytes: Callable[[int], None] | None = None,
) -> Fetched:
    """Ask for a document.

    Args:
        url: Where it is.
        typed: The user has typed the URL; else a ledger says it.
        own: The loopback documents of this installation.
        earlier: The document as it was; a server that knows it has not changed since says so.
        limits: Time and sizes.
        on_bytes: Called with the number of bytes read so far.

    Raises:
        AddressRefusedError: Nothing was sent.
        CallError: There is no answer, or it is an error.
        DocumentRefusedError: It is a web page.
    """
    url = url.partition("#")[0]
    shown = url.partition("?")[0]
    headers = {"accept": _ACCEPT, "user-agent": USER_AGENT} | _conditions(earlier)
    transport = HttpTransport()

    async def count(size: int) -> None:
        if on_bytes is not None:
            on_bytes(size)

    try:
        policy = _policy_for(url, typed=typed, own=own)
        request = WireRequest("GET", url, headers)
        response = await transport.send(request, policy=policy, limits=limits, secret=False, on_bytes=count)
    except AddressRefusedError as error:
        remedy = _BY_HAND if typed else f"If you trust it, name it yourself: orchestra import {printable(shown)}"
        raise AddressRefusedError(error.problem, remedy=remedy, **error.facts) from error
    except CallError as error:
        raise _worded(error, shown, limits) from error
    finally:
        await transport.close()
    known = response.status == 304 and earlier is not None
    if response.status != 200 and not known:
        raise _refusal(response, shown)
    if not known:
        refuse_page(response.body, source=shown, url=url)
    if typed and policy.sandbox is not None:
        own.add(url)
    if known:
        return Fetched(url, None)
    return Fetched(
        url,
        response.body,
        _fit(_ETAG, response.headers.get("etag")),
        _fit(_DATE, response.headers.get("last-modified")),
    )


def refuse_page(data: bytes, *, source: str, url: str | None = None) -> None:
    """Refuse a web page in place of a document.

    Args:
        data: What was read.
        source: What to call it.
        url: Where it came from; then the documents that the page names on the same host are told.

    Raises:
        DocumentRefusedError: It is a web page.
    """
    if not _HTML.match(data.removeprefix(b"\xef\xbb\xbf")[:4096]):
        return
    named = [] if url is None else _documents_named(data.decode("utf-8", "replace"), url)
    if named:
        remedy = f"It names {' and '.join(named)}: import that"
    else:
        remedy = "Look for the document behind it, as in /openapi.json, and import that"
    facts = {"documents": named} if named else {}
    problem = f"{printable(source)} is a web page, no OpenAPI document"
    raise DocumentRefusedError(problem, (), remedy=remedy, source=source, **facts)


def may_be_remembered(url: str) -> bool:
    """Whether a URL can stand in a ledger: it has no name of a secret in its query."""
    return not any(_SECRET_NAME.search(name) for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))


def _policy_for(url: str, *, typed: bool, own: OwnAddresses) -> AddressPolicy:
    try:
        loopback = AddressPolicy.for_sandbox(url)
    except AddressRefusedError:
        return AddressPolicy()
    return loopback if typed or url in own.known() else AddressPolicy()


def _conditions(earlier: SourceDocument | None) -> dict[str, str]:
    if earlier is None:
        return {}
    asked = {
        "if-none-match": _fit(_ETAG, earlier.etag),
        "if-modified-since": _fit(_DATE, earlier.last_modified),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _fit(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value is not None and pattern.fullmatch(value) else None


def _worded(error: CallError, shown: str, limits: Limits) -> CallError:
    """The error in words about a document: those of a call advise on arguments."""
    source = printable(shown)
    if isinstance(error, AnswerTooLargeError):
        size = error.facts.get("limit", limits.max_body_bytes)
        return AnswerTooLargeError(
            f"the document {source} is larger than {size:,} bytes",
            remedy=_TOO_LARGE,
            outcome=error.outcome,
            status=error.status,
            limit=size,
        )
    if isinstance(error, UnreadableAnswerError):
        problem = error.problem.replace("the answer", f"the document {source}", 1)
        return UnreadableAnswerError(problem, remedy=_BY_HAND, outcome=error.outcome, status=error.status)
    if isinstance(error, CallTimeoutError):
        return CallTimeoutError(
            f"the document {source} did not come within {limits.timeout_s:g} seconds",
            remedy=_BY_HAND,
            outcome=error.outcome,
            timeout_s=limits.timeout_s,
        )
    return type(error)(error.problem, remedy="Check the URL and the network", outcome=error.outcome, url=shown)


def _refusal(response: WireResponse, shown: str) -> CallError:
    status, source = response.status, printable(shown)
    if location := response.headers.get("location") if 300 <= status < 400 else None:
        leads = printable(urljoin(shown, location).partition("?")[0])
        return RejectedError(
            f"{source} leads to another place: {leads}",
            remedy="Redirects to another host are not followed; if you trust it, import that URL",
            outcome=Outcome.REJECTED,
            status=status,
        )
    if status >= 500 or status == 429:
        return UpstreamError(
            f"{source} answered {status}", remedy="Try again later", outcome=Outcome.SERVER_ERROR, status=status
        )
    remedy = _BY_HAND if status in (401, 403) else "Check the URL; the document is often at /openapi.json"
    return RejectedError(f"{source} answered {status}", remedy=remedy, outcome=Outcome.REJECTED, status=status)


def _documents_named(page: str, url: str) -> list[str]:
    """The documents on the same host that a page names in quotes, as documentation pages do."""
    found: dict[str, None] = {}
    for match in _QUOTED.finditer(page):
        named = match[1].replace("\\/", "/")
        if not _DOCUMENT_NAME.search(named.partition("?")[0]):
            continue
        try:
            there = urljoin(url, named)
            if split_origin(there) == split_origin(url):
                found[there] = None
        except (AddressRefusedError, ValueError):
            continue
    return list(found)[:_MAX_NAMED]
