"""import: a document from a file, a pipe or a URL; what is written, what stays, what changes, what is refused."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestra_tools.importers import read_ledger
from orchestra_tools.registry import packaged_ledger
from orchestra_tools.testing import Sandbox, example_arguments
from tests.api_documents import ALL, DOCUMENT, DocumentSite, as_bytes, document, document_site

LEDGER = {
    "format": "orchestra-ledger/1",
    "note": "ours é",
    "entries": {
        "SN1": {"name": "Apex", "reliability": 1.50e-1, "operations": {"bad": {"endpoint": 5}}},
        "broken": [],
    },
}


@pytest.fixture
def site() -> Iterator[DocumentSite]:
    with document_site() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(as_bytes(DOCUMENT))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "ledger.json"


def entry_of(path: Path, key: str = "SN22") -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))["entries"][key]


def without_search() -> dict[str, Any]:
    changed = document()
    del changed["paths"]["/search"]
    return changed


def test_a_file_is_reported_on_and_nothing_is_written(run, file: Path, tmp_path: Path) -> None:
    """For people, with the way to write it."""
    before = sorted(tmp_path.iterdir())
    done = run("import", str(file), "--netuid", "22")
    assert done.exit_code == 0
    assert "sn22_get_ship" in done.stdout
    assert "Nowhere" in done.stdout
    assert "talks to the model" in done.stdout
    assert "3 imported, 1 skipped, 1 in quarantine" in done.stderr
    assert "--out" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_the_report_for_machines_names_every_operation_once(run, file: Path) -> None:
    report = json.loads(run("import", str(file), "--netuid", "22", "--json").stdout)
    assert list(report) == ["imported", "skipped", "quarantined"]
    assert sorted(line["pointer"] for lines in report.values() for line in lines) == sorted(ALL)
    assert {tuple(line) for line in report["imported"]} == {("pointer", "operation", "tool")}
    assert {tuple(line) for line in [*report["skipped"], *report["quarantined"]]} == {("pointer", "reason")}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_yaml_is_read_from_a_pipe(run, version: str) -> None:
    text = yaml.safe_dump(document(openapi=version), sort_keys=False)
    report = json.loads(run("import", "-", "--netuid", "7", "--json", stdin=text).stdout)
    assert [line["tool"] for line in report["imported"]] == ["sn7_search", "sn7_get_ship", "sn7_sink_ship"]


def test_what_is_written_works_at_once(run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the ledger of every command, and of a sandbox."""
    assert run("import", str(file), "--netuid", "22", "--out", str(out)).exit_code == 0
    tools = json.loads(run("tools", "--ledger", str(out), "--json").stdout)
    assert [tool["name"] for tool in tools] == ["sn22_search", "sn22_get_ship", "sn22_sink_ship"]
    assert tools[0]["slot"] == str(packaged_ledger().find_entry(22).slot)
    with Sandbox(str(out)) as sandbox:
        arguments = json.dumps(example_arguments(tools[0]["input_schema"]))
        called = run("call", "sn22_search", "--arguments", arguments, "--ledger", str(sandbox.ledger_path), "--json")
    assert called.exit_code == 0, called.stderr
    monkeypatch.setenv("ORCHESTRA_LEDGER", str(out))
    assert "sn22_get_ship" in run("find", "get a ship").stdout


def test_a_second_run_changes_no_byte(run, file: Path, out: Path) -> None:
    run("import", str(file), "--netuid", "22", "--out", str(out))
    before = (out.read_bytes(), out.stat().st_ino)
    again = run("import", str(file), "--netuid", "22", "--out", str(out))
    assert (out.read_bytes(), out.stat().st_ino) == before
    assert "Nothing has changed" in again.stderr
    assert [path.name for path in out.parent.iterdir() if "ledger" in path.name] == ["ledger.json"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ours", [True, False], ids=["our form", "the seed's form"])
def test_everything_else_in_the_file_stays_as_it_is(run, file: Path, out: Path, indent: Any, ours: bool) -> None:
    """To the byte: spelling of numbers and escapes, unknown fields, entries that cannot be read."""
    known = LEDGER if ours else LEDGER["entries"]
    text = json.dumps(known, indent=indent).replace("0.15", "1.50e-1")
    out.write_text(text, "utf-8")
    assert run("import", str(file), "--netuid", "22", "--out", str(out)).exit_code == 0
    written = out.read_text("utf-8")
    start = text[: text.rindex("[")]
    assert written.startswith(start)
    entry = read_ledger(written, source="x").find_entry(22)
    assert list(entry.operations) == ["search", "get_ship", "sink_ship", "write_log"]
    file.write_bytes(as_bytes(without_search()))
    assert run("import", str(file), "--netuid", "22", "--out", str(out)).exit_code == 0
    assert out.read_text("utf-8").startswith(start)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", "a ledger is an object"),
        (b"\xff", "not UTF-8"),
        (b'{"SN22": 5, "SN1": {}}', "cannot be read"),
        (b'{"SN22@7": [], "SN1": {}}', "SN22@7"),
        (b'{"format": "other/1", "entries": {}}', "unknown format"),
        (b'{"format": "orchestra-ledger/1", "sandbox": {"url": "http://127.0.0.1:9"}, "entries": {}}', "sandbox"),
    ],
)
def test_a_file_that_is_no_usable_ledger_is_refused_and_stays(
    run, file: Path, out: Path, content: bytes, told: str
) -> None:
    out.write_bytes(content)
    done = run("import", str(file), "--netuid", "22", "--out", str(out), "--json")
    assert done.exit_code == 2
    assert told in json.loads(done.stderr)["message"]
    assert out.read_bytes() == content


def test_a_place_that_cannot_be_written_is_an_error(run, file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = run("import", str(file), "--netuid", "22", "--out", str(tmp_path / "taken" / "ledger.json"))
    assert done.exit_code == 2
    assert "error:" in done.stderr


def test_a_ledger_that_nobody_could_read_again_is_not_written(
    run, file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestra_tools.cli.ledger_file.MAX_DOCUMENT_BYTES", 1_000)
    done = run("import", str(file), "--netuid", "22", "--out", str(out))
    assert done.exit_code == 2
    assert "--select" in done.stderr
    assert not out.exists()


def test_a_difference_is_shown_and_nothing_is_written(run, file: Path, out: Path, tmp_path: Path) -> None:
    """For people and for machines; against the file, and against the ledger in use."""
    run("import", str(file), "--netuid", "22", "--out", str(out))
    before = out.read_bytes()
    newer = document()
    newer["paths"]["/new"] = {"post": newer["paths"].pop("/search")["get"]}
    newer["paths"]["/ships/{id}"]["get"]["summary"] = "Find a ship"
    newer["paths"]["/ships/{id}"]["get"]["parameters"][0]["schema"] = {"type": "string", "maxLength": 9}
    other = tmp_path / "newer.json"
    other.write_bytes(as_bytes(newer))
    for place in ("--out", "--ledger"):
        done = json.loads(run("import", str(other), "--netuid", "22", place, str(out), "--diff", "--json").stdout)
        assert [line["operation"] for line in done["added"]] == ["search"]
        assert [(line["tool"], line["reason"]) for line in done["removed"]] == [
            ("sn22_search", "gone from the document")
        ]
        (changed,) = done["changed"]
        assert changed["breaking"] is True
        assert [(each["path"], each["breaking"]) for each in changed["differences"]] == [
            ("/title", False),
            ("/input_schema/properties/id/maxLength", True),
        ]
        assert done["version"] == {"from": "1.0.0", "to": "2.0.0"}
    shown = run("import", str(other), "--netuid", "22", "--out", str(out), "--diff").stdout
    assert "+ sn22_search: POST https://api.harbour.example/v1/new" in shown
    assert "- sn22_search: GET https://api.harbour.example/v1/search (gone from the document)" in shown
    assert "~ sn22_get_ship: GET https://api.harbour.example/v1/ships/{id}, breaks callers" in shown
    assert "version 1.0.0 -> 2.0.0" in shown
    assert out.read_bytes() == before
    same = run("import", str(file), "--netuid", "22", "--out", str(out), "--diff")
    assert same.stdout == "The document changes nothing in SN22.\n"


def test_a_removed_operation_is_named_whatever_people_made_of_it(run, file: Path, out: Path) -> None:
    run("import", str(file), "--netuid", "22", "--out", str(out))
    ledger = json.loads(out.read_text("utf-8"))
    ledger["entries"]["SN22"]["operations"]["search"]["endpoint"] = "Synapse.Ships"
    out.write_text(json.dumps(ledger), "utf-8")
    file.write_bytes(as_bytes(without_search()))
    shown = run("import", str(file), "--netuid", "22", "--out", str(out), "--diff").stdout
    assert "- sn22_search: Synapse.Ships (gone from the document)" in shown


def test_a_subnet_nobody_knows_gets_everything_added(run, file: Path, out: Path) -> None:
    done = json.loads(run("import", str(file), "--netuid", "9999", "--diff", "--json").stdout)
    assert len(done["added"]) == 4
    assert done["version"] == {"from": None, "to": "1.0.0"}
    run("import", str(file), "--netuid", "9999", "--out", str(out))
    assert entry_of(out, "SN9999")["name"] == "Harbour API"


def test_a_selection_is_imported_remembered_and_checked(run, file: Path, out: Path) -> None:
    done = run("import", str(file), "--netuid", "22", "--select", "tag:ships", "--out", str(out), "--json")
    report = json.loads(done.stdout)
    assert [line["operation"] for line in report["imported"]] == ["get_ship", "sink_ship"]
    assert {line["reason"] for line in report["skipped"]} == {"not selected"}
    again = run("import", str(file), "--netuid", "22", "--out", str(out))
    assert "Nothing has changed" in again.stderr
    others = run("import", str(file), "--netuid", "22", "--select", "-tag:ships", "--select", "-broken", "--json")
    assert [line["operation"] for line in json.loads(others.stdout)["imported"]] == ["search"]
    wrong = run("import", str(file), "--netuid", "22", "--select", "/shps/*", "--json")
    assert wrong.exit_code == 2
    assert "/ships/{id}" in json.loads(wrong.stderr)["close"]


def test_an_entry_remembers_its_document_and_is_updated_from_it(run, site: DocumentSite, out: Path) -> None:
    """304 and the same bytes change nothing; a changed document brings changes."""
    assert run("import", site.url, "--netuid", "22", "--out", str(out)).exit_code == 0
    (record,) = entry_of(out)["documents"]
    assert (record["url"], len(record["sha256"])) == (site.url, 64)
    assert record["etag"]
    before = out.read_bytes()
    again = run("import", "--netuid", "22", "--out", str(out))
    assert (again.exit_code, out.read_bytes()) == (0, before)
    assert site.asked[-1][1]["if-none-match"] == record["etag"]
    assert "Nothing has changed" in again.stderr
    site.tagged = False
    assert "as it was" in run("import", "--netuid", "22", "--ledger", str(out), "--json").stdout
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 0
    assert out.read_bytes() == before
    site.publish(without_search())
    shown = json.loads(run("import", "--netuid", "22", "--ledger", str(out), "--diff", "--json").stdout)
    assert [line["operation"] for line in shown["removed"]] == ["search"]
    assert out.read_bytes() == before
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 0
    assert (entry_of(out)["version"], "search" in entry_of(out)["operations"]) == ("2.0.0", False)


def test_a_date_serves_where_there_is_no_tag(run, site: DocumentSite, out: Path) -> None:
    site.tagged = False
    site.headers["Last-Modified"] = "Wed, 25 Nov 2026 03:00:00 GMT"
    run("import", site.url, "--netuid", "22", "--out", str(out))
    run("import", "--netuid", "22", "--out", str(out))
    assert site.asked[-1][1]["if-modified-since"] == site.headers["Last-Modified"]
    assert "if-none-match" not in site.asked[-1][1]


def test_another_selection_asks_for_the_document_again(run, site: DocumentSite, out: Path) -> None:
    run("import", site.url, "--netuid", "22", "--out", str(out))
    run("import", "--netuid", "22", "--select", "search", "--out", str(out))
    assert "if-none-match" not in site.asked[-1][1]
    assert list(entry_of(out)["operations"]) == ["search"]


def test_an_unchanged_entry_of_the_ledger_in_use_is_written_where_it_is_not_yet(
    run, site: DocumentSite, out: Path, tmp_path: Path
) -> None:
    run("import", site.url, "--netuid", "22", "--out", str(out))
    other = tmp_path / "other.json"
    assert run("import", "--netuid", "22", "--ledger", str(out), "--out", str(other)).exit_code == 0
    assert entry_of(other) == entry_of(out)


def test_a_loopback_address_that_a_ledger_brings_along_is_not_asked(
    run, site: DocumentSite, out: Path, home: Path
) -> None:
    """Only one that the user of this installation typed himself."""
    run("import", site.url, "--netuid", "22", "--out", str(out))
    (home / "own-documents.json").unlink()
    asked = len(site.asked)
    for option in ("--out", "--ledger"):
        done = run("import", "--netuid", "22", option, str(out), "--json")
        assert done.exit_code == 3
        assert json.loads(done.stderr)["error"] == "address_refused"
        assert site.url in json.loads(done.stderr)["remedy"]
    assert len(site.asked) == asked
    assert run("import", "--netuid", "22", "--url", site.url, "--out", str(out)).exit_code == 0
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 0


@pytest.mark.parametrize("content", ["{", "5", '{"a": 1}', "[5]"])
def test_a_broken_list_of_own_addresses_names_none(
    run, site: DocumentSite, out: Path, home: Path, content: str
) -> None:
    run("import", site.url, "--netuid", "22", "--out", str(out))
    (home / "own-documents.json").write_text(content)
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 3
    assert run("import", site.url, "--netuid", "22", "--out", str(out)).exit_code == 0
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 0


def test_a_home_that_cannot_be_written_forgets_and_goes_on(run, site: DocumentSite, out: Path, home: Path) -> None:
    home.write_text("a file")
    assert run("import", site.url, "--netuid", "22", "--out", str(out)).exit_code == 0
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 3


@pytest.mark.parametrize("etag", ['"a\r\nx-evil: 1"', "none", 'W/"a b"', "x" * 3000])
def test_a_tag_that_is_none_is_not_sent(run, site: DocumentSite, out: Path, etag: str) -> None:
    """A ledger comes from strangers: what stands in it must not become headers."""
    run("import", site.url, "--netuid", "22", "--out", str(out))
    ledger = json.loads(out.read_text("utf-8"))
    ledger["entries"]["SN22"]["documents"][0] |= {"etag": etag, "last_modified": "x\ny: z"}
    out.write_text(json.dumps(ledger), "utf-8")
    assert run("import", "--netuid", "22", "--out", str(out)).exit_code == 0
    assert not {"if-none-match", "x-evil", "if-modified-since", "y"} & site.asked[-1][1].keys()


@pytest.mark.parametrize(
    ("netuid", "told"),
    [("22", "desearch.ai/openapi.json"), ("4", "knows no document"), ("9999", "no SN9999")],
)
def test_without_a_document_it_is_said_which_ones_there_are(run, netuid: str, told: str) -> None:
    done = run("import", "--netuid", netuid)
    assert done.exit_code == 2
    assert told in done.stderr


def test_the_packaged_ledger_knows_every_public_document(run, test_data: Path) -> None:
    """As recorded in the survey: each is told of where there are several."""
    surveyed = json.loads((test_data / "subnets" / "index.json").read_text("utf-8"))["subnets"]
    public = {each["netuid"]: each["openapi_urls"] for each in surveyed if each.get("openapi_urls")}
    assert len(public) > 40
    for netuid, urls in public.items():
        links = packaged_ledger().find_entry(netuid).links
        assert links is not None
        assert list(links.openapi) == urls
        if len(urls) > 1:
            error = json.loads(run("import", "--netuid", str(netuid), "--json").stderr)
            assert error["urls"] == urls


def test_a_link_of_the_ledger_is_followed_into_an_entry_that_was_written_by_hand(
    run, site: DocumentSite, out: Path, tmp_path: Path
) -> None:
    """Operations at the same address keep their ids and texts."""
    hand = {"title": "Mine", "endpoint": {"kind": "http", "method": "GET", "base_url": site.root, "path": "/search"}}
    document_of_site = document()
    del document_of_site["servers"]
    site.publish(document_of_site)
    ledger = tmp_path / "hand.json"
    ledger.write_text(
        json.dumps({"SN22": {"version": "1.0.0", "links": {"openapi": [site.url]}, "operations": {"find": hand}}})
    )
    refused = run("import", "--netuid", "22", "--ledger", str(ledger))
    assert refused.exit_code == 3
    done = run("import", "--netuid", "22", "--ledger", str(ledger), "--url", site.url, "--out", str(out), "--json")
    assert done.exit_code == 0, done.stderr
    assert entry_of(out)["operations"]["find"]["title"] == "Mine"
    assert list(entry_of(out)["operations"]) == ["find", "get_ship", "sink_ship", "write_log"]


def test_a_file_without_an_address_gets_one_from_where_it_is_published(run, tmp_path: Path, out: Path) -> None:
    bare = document()
    del bare["servers"]
    file = tmp_path / "bare.json"
    file.write_bytes(as_bytes(bare))
    assert "--url" in json.loads(run("import", str(file), "--netuid", "22", "--json").stdout)["notes"][-1]["reason"]
    url = "https://api.harbour.example/openapi.json"
    run("import", str(file), "--netuid", "22", "--url", url, "--out", str(out))
    assert entry_of(out)["operations"]["search"]["endpoint"]["base_url"] == "https://api.harbour.example"
    assert entry_of(out)["documents"][0]["url"] == url


SWAGGER = b"""<!DOCTYPE html><html><script src="https://cdn.example/swagger-ui-bundle.js"></script>
<script>const ui = SwaggerUIBundle({ url: '/v2/openapi.json', other: "https://evil.example/openapi.json" })</script>"""


@pytest.mark.parametrize(
    ("page", "named"),
    [
        (SWAGGER, ["/v2/openapi.json"]),
        (b'<html><redoc spec-url="swagger.yaml"></redoc>', ["/swagger.yaml"]),
        (b'<html><x y="http://[broken/openapi.json"> <z url="/swagger-json">', ["/swagger-json"]),
        (b"<html>nothing", []),
    ],
)
def test_a_page_in_place_of_a_document_is_told_with_what_it_names(
    run, site: DocumentSite, page: bytes, named: list[str]
) -> None:
    site.headers["Content-Type"] = "text/html"
    site.body = page
    done = run("import", site.url, "--netuid", "22", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stderr)
    assert "web page" in error["message"]
    assert error.get("documents", []) == [f"{site.root}{path}" for path in named]
    assert all(url in error["remedy"] for url in error.get("documents", ["/openapi.json"]))


@pytest.mark.parametrize(
    ("status", "headers", "code", "told"),
    [
        (404, {}, 4, "answered 404"),
        (401, {}, 4, "curl"),
        (500, {}, 4, "answered 500"),
        (429, {}, 4, "answered 429"),
        (304, {}, 4, "answered 304"),
        (301, {"Location": "https://other.example/openapi.json?x=1"}, 4, "https://other.example/openapi.json"),
        (200, {"Content-Encoding": "br"}, 4, "not asked for"),
    ],
)
def test_an_answer_that_is_no_document_is_an_error(
    run, site: DocumentSite, out: Path, status: int, headers: dict[str, str], code: int, told: str
) -> None:
    site.status, site.body = status, b""
    site.headers |= headers
    done = run("import", site.url, "--netuid", "22", "--out", str(out))
    assert done.exit_code == code
    assert told in done.stderr
    assert not out.exists()


def test_a_bomb_is_not_unpacked(run, site: DocumentSite) -> None:
    site.headers["Content-Encoding"] = "gzip"
    site.body = gzip.compress(b" " * 200_000_000)
    done = run("import", site.url, "--netuid", "22", "--json")
    assert done.exit_code == 4
    assert json.loads(done.stderr)["error"] == "answer_too_large"


def test_a_document_may_come_compressed(run, site: DocumentSite) -> None:
    site.headers["Content-Encoding"] = "gzip"
    site.body = gzip.compress(as_bytes(DOCUMENT))
    assert len(json.loads(run("import", site.url, "--netuid", "22", "--json").stdout)["imported"]) == 3


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/openapi.json", 4),
        ("http://10.0.0.1/openapi.json", 3),
        ("http://169.254.169.254/openapi.json", 3),
        ("http://0x7f.1/openapi.json", 3),
        ("https://user:secret@api.example/openapi.json", 3),
        ("ftp://api.example/openapi.json", 3),
        ("file:///etc/passwd", 3),
        ("http://[::1", 3),
    ],
)
def test_what_is_not_fetched_says_why(run, url: str, code: int) -> None:
    done = run("import", url, "--netuid", "22", "--json")
    assert done.exit_code == code
    error = json.loads(done.stderr)
    assert error["message"]
    assert error["remedy"]
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("nowhere.json",), "cannot be read"),
        ((), "Missing option"),
        (("http://a.example/x", "--url", "http://b.example/x"), "a URL says so itself"),
    ],
)
def test_what_cannot_be_meant_is_an_input_error(run, args: Any, told: str) -> None:
    done = run("import", *args, *(("--netuid", "22") if args else ()))
    assert done.exit_code == 2
    assert told in done.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"openapi: '2'", b'{"swagger": "2.0"}', b"\xff\xfe", b"<html>"])
def test_a_file_that_is_no_document_is_refused(run, tmp_path: Path, out: Path, content: bytes) -> None:
    file = tmp_path / "bad"
    file.write_bytes(content)
    done = run("import", str(file), "--netuid", "22", "--out", str(out), "--json")
    assert done.exit_code == 2
    assert json.loads(done.stderr)["error"] == "document_refused"
    assert not out.exists()


def test_a_file_without_an_end_is_not_read_to_it(run, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr("orchestra_tools.cli.import_document.MAX_DOCUMENT_BYTES", 100)
    done = run("import", str(file), "--netuid", "22", "--json")
    assert json.loads(done.stderr)["error"] == "document_refused"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_on_a_terminal_it_is_said_what_is_going_on(site: DocumentSite, tmp_path: Path) -> None:
    """Beside the output, and gone when it is done."""
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "orchestra_tools.cli.main", "import", site.url, "--netuid", "22"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=environment)
    os.close(slave)
    told = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
        while piece := os.read(master, 4096):
            told += piece
    os.close(master)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"importing {site.url}".encode() in told
    assert b"sn22_search" in out
    assert b"importing" not in out


def test_a_sandbox_is_no_ledger_to_update_from(run, place: Sandbox, out: Path) -> None:
    done = run("import", "--netuid", "1", "--out", str(out))
    assert done.exit_code == 2
    assert "sandbox" in done.stderr


def test_what_fastapi_publishes_is_imported_whole(run, site: DocumentSite, out: Path) -> None:
    """The document of an application, from its own address, with no server in it."""
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    @app.get("/items/{item_id}", tags=["items"])
    def read_item(item_id: int, q: str | None = None) -> dict[str, str]:
        """Read an item."""
        raise NotImplementedError

    @app.post("/items")
    def create_item(names: list[str]) -> list[str]:
        raise NotImplementedError

    site.publish(app.openapi())
    report = json.loads(run("import", site.url, "--netuid", "22", "--out", str(out), "--json").stdout)
    assert [line["tool"] for line in report["imported"]] == ["sn22_read_item", "sn22_create_item"]
    assert entry_of(out)["operations"]["read_item"]["endpoint"]["base_url"] == site.root
