"""The referee: it accepts a published log and logs written by our rules, and nothing that is odd."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestra_tools.trust.bundles import encode_bundle
from orchestra_tools.trust.merkle import leaf_hash, tree_root
from orchestra_tools.trust.tiles import Bundle, Tile, TileHashes, grow
from tests.trust import independent_reader
from tests.trust.independent_reader import OddLogError, read_log

TESSERA_VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ORIGIN = "ledger.example/log"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ENCODED_KEY = b"\x01" + PRIVATE_KEY.public_key().public_bytes_raw()
KEY_ID = hashlib.sha256(ORIGIN.encode() + b"\n" + ENCODED_KEY).digest()[:4]
VKEY = f"{ORIGIN}+{KEY_ID.hex()}+{base64.b64encode(ENCODED_KEY).decode()}"
OTHER_SIGNATURE = f"— {ORIGIN}/witness {base64.b64encode(b'abcd' + bytes(72)).decode()}\n"


def sign(text: str) -> str:
    return f"— {ORIGIN} {base64.b64encode(KEY_ID + PRIVATE_KEY.sign(text.encode())).decode()}\n"


def write(folder: Path, where: str, data: bytes) -> None:
    path = folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_log(folder: Path, entries: list[bytes], *, batch: int = 300) -> str:
    """Write a log as our rules have it, in batches; gives the text of its checkpoint."""
    tiles: dict[Tile, bytes] = {}
    for start in range(0, len(entries), batch):
        tiles |= grow(start, [leaf_hash(each) for each in entries[start : start + batch]], tiles.__getitem__)
    for tile, data in tiles.items():
        write(folder, tile.path, data)
        if tile.level == 0:
            held = entries[tile.index * 256 : tile.index * 256 + tile.width]
            write(folder, Bundle(tile.index, tile.width).path, encode_bundle(held))
    root = tree_root(len(entries), TileHashes(len(entries), tiles.__getitem__))
    text = f"{ORIGIN}\n{len(entries)}\n{base64.b64encode(root).decode()}\n"
    write(folder, "checkpoint", f"{text}\n{sign(text)}".encode())
    return text


@pytest.fixture
def tessera(test_data: Path, tmp_path: Path) -> Path:
    """A copy of the published log that may be spoilt."""
    published = test_data / "vectors" / "tessera-testlog" / "testdata" / "log"
    folder = tmp_path / "tessera"
    shutil.copytree(published, folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    return folder


# What it accepts


def test_it_accepts_the_published_log_at_each_of_its_16_sizes(tessera: Path) -> None:
    """transparency-dev/tessera testdata: signatures, tiles, entries and roots."""
    last = read_log(str(tessera), TESSERA_VKEY)
    assert (last.origin, last.size, last.leaves[0]) == ("example.com/log/testdata", 15, b"one")
    for size in range(15, -1, -1):
        shutil.copyfile(tessera / f"checkpoint.{size}", tessera / "checkpoint")
        assert read_log(str(tessera), TESSERA_VKEY).leaves == last.leaves[:size]
        for kind in ("0", "entries") if size else ():
            (tessera / "tile" / kind / "000.p" / str(size)).unlink()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_000, 66_000])
def test_it_accepts_logs_written_by_our_rules(tmp_path: Path, size: int) -> None:
    entries = [random.Random(number).randbytes(number % 70) for number in range(size)]
    write_log(tmp_path, entries, batch=300 if size < 10_000 else 10_000)
    log = read_log(str(tmp_path), VKEY)
    assert (log.origin, log.size, log.leaves) == (ORIGIN, size, entries)


def test_it_accepts_further_signatures_by_others(tmp_path: Path) -> None:
    text = write_log(tmp_path, [b"a"])
    write(tmp_path, "checkpoint", f"{text}\n{OTHER_SIGNATURE}{sign(text)}{OTHER_SIGNATURE}".encode())
    assert read_log(str(tmp_path), VKEY).leaves == [b"a"]


# What it refuses


def test_one_flipped_bit_anywhere_is_odd(tessera: Path) -> None:
    """In every byte of the checkpoint, the current tile and the current bundle, and once in every older file."""
    chance = random.Random(7)
    now = ["checkpoint", "tile/0/000.p/15", "tile/entries/000.p/15"]
    older = [f"tile/{kind}/000.p/{size}" for kind in ("0", "entries") for size in range(1, 15)]
    for where in (*now, *older):
        whole = (tessera / where).read_bytes()
        for at in range(len(whole)) if where in now else [chance.randrange(len(whole))]:
            flipped = whole[at] ^ (1 << chance.randrange(8))
            write(tessera, where, whole[:at] + bytes([flipped]) + whole[at + 1 :])
            with pytest.raises(OddLogError):
                read_log(str(tessera), TESSERA_VKEY)
        write(tessera, where, whole)
    assert read_log(str(tessera), TESSERA_VKEY).size == 15


@pytest.mark.parametrize(
    "where", ["checkpoint", "tile/0/003.p/232", "tile/1/000.p/3", "tile/0/001", "tile/entries/002"]
)
def test_a_file_that_is_missing_cut_or_a_link_is_odd(tmp_path: Path, where: str) -> None:
    write_log(tmp_path, [b"%d" % number for number in range(1_000)])
    whole = (tmp_path / where).read_bytes()
    for wrong in (whole[:-1], whole + b"\0", whole + whole, b""):
        write(tmp_path, where, wrong)
        with pytest.raises(OddLogError):
            read_log(str(tmp_path), VKEY)
    (tmp_path / where).unlink()
    with pytest.raises(OddLogError, match="is missing"):
        read_log(str(tmp_path), VKEY)
    write(tmp_path, "kept", whole)
    (tmp_path / where).symlink_to(tmp_path / "kept")
    with pytest.raises(OddLogError, match="is missing, or no file"):
        read_log(str(tmp_path), VKEY)


@pytest.mark.parametrize(
    ("where", "data", "problem"),
    [
        ("tile/0/000.p/4", bytes(128), "ahead of the checkpoint"),
        ("tile/0/000", bytes(8192), "no file of this log"),
        ("tile/0/001.p/1", bytes(32), "no file of this log"),
        ("tile/1/000.p/1", bytes(32), "no file of this log"),
        ("tile/0/000.p/02", bytes(64), "no file of this log"),
        ("tile/0/000.p/2", bytes(64), "holds what the log does not"),
        ("tile/0/000.p/2", bytes(63), "wrong length"),
        ("tile/entries/000.p/2", b"\0\0\0\0", "holds what the log does not"),
        ("tile/entries/000.p/2", b"\0\0", "1 entries in place of 2"),
        ("tile/entries/000.p/2", b"\0", "a length is cut off"),
        ("tile/entries/000.p/2", b"\0\1", "an entry is cut off"),
        ("tile/README", b"", "no file of this log"),
    ],
)
def test_a_file_that_is_not_of_this_log_is_odd(tmp_path: Path, where: str, data: bytes, problem: str) -> None:
    write_log(tmp_path, [b"a", b"b", b"c"])
    write(tmp_path, where, data)
    with pytest.raises(OddLogError, match=problem):
        read_log(str(tmp_path), VKEY)


CHECKPOINTS: list[tuple[str, Callable[[str], str]]] = [
    ("not UTF-8", lambda text: f"{text}\n{sign(text)}\udcff"),
    ("control characters", lambda text: (text + "\n" + sign(text)).replace("\n", "\r\n")),
    ("control characters", lambda text: f"{text}\n\t{sign(text)}"),
    ("no signatures, or no end", lambda text: f"{text}\n{sign(text)}"[:-1]),
    ("no signatures, or no end", lambda text: text + sign(text)),
    ("no signatures, or no end", lambda text: text),
    ("not a signature line", lambda text: f"{text}\n{sign(text)}".replace("—", "-")),
    ("not a signature line", lambda text: f"{text}\n{sign(text)}".replace("— ", "—  ")),
    ("not a signature line", lambda text: f"{text}\n{sign(text)}— a+b AAAAAAA=\n"),
    ("not a signature line", lambda text: f"{text}\n{sign(text)}— a\u00a0b AAAAAAA=\n"),
    ("signature is empty", lambda text: f"{text}\n{sign(text)}— a AAAAAA==\n"),
    ("not base64", lambda text: f"{text}\n{sign(text)}— a AAAA*AAA\n"),
    ("not base64", lambda text: f"{text}\n{sign(text)}— a ÄAAA\n"),
    ("as it must be spelled", lambda text: f"{text}\n{sign(text)}— a AAAAAAB=\n"),
    ("2 signatures", lambda text: f"{text}\n{sign(text)}{sign(text)}"),
    ("0 signatures", lambda text: f"{text}\n{OTHER_SIGNATURE}"),
    ("does not hold", lambda text: f"{text}\n{sign(text + 'x')}"),
    ("too many signatures", lambda text: f"{text}\n{sign(text)}{OTHER_SIGNATURE * 100}"),
]


@pytest.mark.parametrize(("problem", "spoil"), CHECKPOINTS)
def test_a_checkpoint_that_is_no_signed_note_is_odd(tmp_path: Path, problem: str, spoil: Callable[[str], str]) -> None:
    note = spoil(write_log(tmp_path, [b"a"]))
    write(tmp_path, "checkpoint", note.encode("utf-8", "surrogateescape"))
    with pytest.raises(OddLogError, match=problem):
        read_log(str(tmp_path), VKEY)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("three lines", f"{ORIGIN}\n1\n{ROOT}\nextension\n"),
        ("three lines", f"{ORIGIN}\n1\n"),
        ("three lines", f"{ORIGIN}\n1\n\n{ROOT}\n"),
        ("three lines", f"{ORIGIN}\n\n{ROOT}\n"),
        ("the origin is", f"{ORIGIN}/other\n1\n{ROOT}\n"),
        ("spelled as it must be", f"{ORIGIN}\n01\n{ROOT}\n"),
        ("spelled as it must be", f"{ORIGIN}\n{2**63}\n{ROOT}\n"),
        ("not a number", f"{ORIGIN}\n-1\n{ROOT}\n"),
        ("not a number", f"{ORIGIN}\n+1\n{ROOT}\n"),
        ("not a number", f"{ORIGIN}\n1 \n{ROOT}\n"),
        ("not a number", f"{ORIGIN}\n١\n{ROOT}\n"),
        ("not a number", f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n"),
        ("not 32 bytes", f"{ORIGIN}\n1\n{base64.b64encode(bytes(31)).decode()}\n"),
        ("not base64", f"{ORIGIN}\n1\n{bytes(32).hex()}=\n"),
        ("checkpoint says", f"{ORIGIN}\n1\n{ROOT}\n"),
        ("missing", f"{ORIGIN}\n2\n{ROOT}\n"),
        ("checkpoint says", f"{ORIGIN}\n0\n{ROOT}\n"),
    ],
)
def test_a_signed_text_that_is_not_the_checkpoint_of_this_log_is_odd(tmp_path: Path, problem: str, text: str) -> None:
    write_log(tmp_path, [b"a"])
    write(tmp_path, "checkpoint", f"{text}\n{sign(text)}".encode())
    with pytest.raises(OddLogError, match=problem):
        read_log(str(tmp_path), VKEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "", ORIGIN, VKEY.replace("+", " "), VKEY[:-4], VKEY + "A", f"a{VKEY}", f"{ORIGIN}+{KEY_ID.hex()}+AA==",
        VKEY.replace(KEY_ID.hex(), KEY_ID.hex().upper()), VKEY.replace(KEY_ID.hex(), "00000000"), VKEY + "\n",
        f"{ORIGIN}+{KEY_ID.hex()}+{base64.b64encode(bytes([4]) + ENCODED_KEY[1:]).decode()}", TESSERA_VKEY,
        VKEY[VKEY.index("+") :],
    ],
)  # fmt: skip
def test_another_key_or_none_is_odd(tmp_path: Path, vkey: str) -> None:
    write_log(tmp_path, [b"a"])
    with pytest.raises(OddLogError):
        read_log(str(tmp_path), vkey)


# Over HTTP


@contextmanager
def serve(folder: Path, change: Callable[[str], tuple[int, dict[str, str]]]) -> Iterator[str]:
    """Serve a log on loopback; `change` gives the status and the headers of a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = folder / self.path.removeprefix("/log/")
            status, headers = change(self.path) if path.is_file() else (404, {})
            body = path.read_bytes() if status == 200 else b""
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The tests need no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/log/"
        finally:
            server.shutdown()
            thread.join()


def as_specified(path: str) -> tuple[int, dict[str, str]]:
    kind = "text/plain; charset=utf-8" if path.endswith("/checkpoint") else "application/octet-stream"
    return 200, {"Content-Type": kind}


def test_it_reads_a_log_over_http(tmp_path: Path) -> None:
    entries = [b"%d" % number for number in range(600)]
    write_log(tmp_path, entries)
    with serve(tmp_path, as_specified) as url:
        assert read_log(url, VKEY).leaves == entries
        assert read_log(url.rstrip("/"), VKEY).size == 600
        (tmp_path / "tile" / "0" / "001").unlink()
        with pytest.raises(OddLogError, match="tile/0/001 cannot be fetched"):
            read_log(url, VKEY)


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("not as 'application/octet-stream'", (200, {"Content-Type": "text/plain"})),
        ("not as 'application/octet-stream'", (200, {})),
        ("cannot be fetched", (302, {"Location": "/log/checkpoint"})),
        ("cannot be fetched", (500, {})),
        ("status 204", (204, {})),
        ("an encoding nobody asked for", (200, {"Content-Encoding": "gzip"})),
    ],
)
def test_an_answer_that_is_not_as_specified_is_odd(
    tmp_path: Path, problem: str, answer: tuple[int, dict[str, str]]
) -> None:
    write_log(tmp_path, [b"a"])
    with (
        serve(tmp_path, lambda path: as_specified(path) if path.endswith("checkpoint") else answer) as url,
        pytest.raises(OddLogError, match=problem),
    ):
        read_log(url, VKEY)


@pytest.mark.parametrize("url", ["http://192.0.2.1/log", "https://127.0.0.1/log", "file:///log", "http:///log"])
def test_it_reads_from_this_machine_only(url: str) -> None:
    with pytest.raises(OddLogError, match="this machine only"):
        read_log(url, VKEY)


# What it is


def test_it_shares_no_code_with_the_project() -> None:
    tree = ast.parse(Path(independent_reader.__file__).read_text("utf-8"))
    imported, called = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module))
        elif isinstance(node, ast.Name):
            called.add(node.id)
    roots = {name.partition(".")[0] for name in imported}
    assert roots - sys.stdlib_module_names == {"cryptography"}
    assert not {"importlib", "subprocess", "runpy"} & roots
    assert not {"__import__", "exec", "eval"} & called


def test_it_is_a_command(tessera: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, independent_reader.__file__, *arguments]
        return subprocess.run(
            command, cwd=tessera, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ)
        )

    accepted = run(str(tessera), TESSERA_VKEY)
    assert accepted.returncode == 0, accepted.stderr
    assert accepted.stdout.startswith("example.com/log/testdata: 15 entries, root aca6c38a90af86e5")
    (tessera / "tile/0/000.p/15").unlink()
    refused = run(str(tessera), TESSERA_VKEY)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "odd: tile/0/000.p/15 is missing, or no file\n"
    assert run(str(tessera)).returncode == 2
