"""A second reader of C2SP logs, written from the specifications alone: the referee of what our own code writes.

    python tests/trust/independent_reader.py DIRECTORY_OR_URL VKEY

It shares no code with the project. It reads a whole log, believes nothing but the key, and derives everything anew
from the entries: every leaf, every tile of every level, the root. In a directory it also looks at the files that nobody
needs any more. Whatever is odd is an `OddLogError`, even where the specifications would let it pass: two signatures by
the key, an origin that is not the key's name, extension lines, files that are ahead of the checkpoint. Signatures by
other keys are not verified.

From: signed-note, tlog-checkpoint, tlog-tiles (c2sp.org), RFC 6962 2.1, RFC 8032. Over HTTP only from this machine, and
without compression.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EM_DASH = "\u2014"
MOST_SIGNATURES = 100
MOST_BYTES = 256 * (2 + 65_535)  # of the largest file there is: a full bundle of the longest entries


class OddLogError(Exception):
    """Something about the log is not as it must be."""


class Log(NamedTuple):
    """A log that was found to be in order."""

    origin: str
    size: int
    root: bytes
    leaves: list[bytes]
    files: int


class Key(NamedTuple):
    """A verifier key."""

    name: str
    key_id: bytes
    public: Ed25519PublicKey


def read_log(source: str, vkey: str) -> Log:
    """Read and check a whole log, from a directory or a URL, and give its entries."""
    fetch = fetch_from_url if "://" in source else fetch_from_directory
    key = read_vkey(vkey)
    origin, size, root = read_checkpoint(fetch(source, "checkpoint"), key)

    bundles: dict[str, bytes] = {}
    leaves: list[bytes] = []
    for number, width in cut(size):
        where = "tile/entries/" + spell(number, width)
        bundles[where] = fetch(source, where)
        leaves += unpack(bundles[where], width, where)

    tiles: dict[str, bytes] = {}
    level, row = 0, [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    derived_root = tree_hash(row)
    while row:
        above = []
        for number, width in cut(len(row)):
            where = f"tile/{level}/" + spell(number, width)
            hashes = row[256 * number : 256 * number + width]
            tiles[where] = b"".join(hashes)
            if fetch(source, where) != tiles[where]:
                raise OddLogError(f"{where} does not hold the hashes of the entries")
            if width == 256:
                above.append(tree_hash(hashes))
        level, row = level + 1, above
    if derived_root != root:
        raise OddLogError(f"the entries have the root {derived_root.hex()}, the checkpoint says {root.hex()}")

    if "://" not in source:
        look_at_leftovers(Path(source), tiles | bundles)
    return Log(origin, size, root, leaves, 1 + len(tiles) + len(bundles))


# The tree


def tree_hash(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over leaves that are hashed already."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(hashes[:k]) + tree_hash(hashes[k:])).digest()


def cut(count: int) -> list[tuple[int, int]]:
    """Number and width of the tiles that `count` hashes are cut into."""
    return [(start // 256, min(256, count - start)) for start in range(0, count, 256)]


def spell(number: int, width: int) -> str:
    """`<N>[.p/<W>]`."""
    elements = [f"{number % 1000:03d}"]
    while number := number // 1000:
        elements.insert(0, f"x{number % 1000:03d}")
    return "/".join(elements) + (f".p/{width}" if width < 256 else "")


def unpack(bundle: bytes, width: int, where: str) -> list[bytes]:
    """The entries of a bundle."""
    entries, at = [], 0
    while at < len(bundle):
        if len(bundle) < at + 2:
            raise OddLogError(f"{where}: a length is cut off")
        (length,) = struct.unpack_from(">H", bundle, at)
        at += 2 + length
        if len(bundle) < at:
            raise OddLogError(f"{where}: an entry is cut off")
        entries.append(bundle[at - length : at])
    if len(entries) != width:
        raise OddLogError(f"{where}: {len(entries)} entries in place of {width}")
    return entries


# The checkpoint


def read_vkey(vkey: str) -> Key:
    """`<name>+<key ID in hex>+<base64 of type and key>`."""
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise OddLogError("a verifier key has three parts")
    name, spelled_id, spelled_key = parts
    encoded = decode(spelled_key, "verifier key")
    if not is_name(name) or len(encoded) != 33 or encoded[0] != 1:
        raise OddLogError("not a named Ed25519 key")
    key_id = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4]
    if spelled_id != key_id.hex():
        raise OddLogError("the key ID is not that of the key")
    return Key(name, key_id, Ed25519PublicKey.from_public_bytes(encoded[1:]))


def read_checkpoint(note: bytes, key: Key) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that the key has signed."""
    text = verified_text(note, key)
    lines = text.split("\n")
    if len(lines) != 4 or lines.pop() or not all(lines):
        raise OddLogError("a checkpoint has three lines that are not empty")
    origin, spelled_size, spelled_root = lines
    if origin != key.name:
        raise OddLogError(f"the origin is {origin!r}, the key's name {key.name!r}")
    if not (spelled_size.isascii() and spelled_size.isdecimal()) or len(spelled_size) > 19:
        raise OddLogError("the size is not a number")
    size = int(spelled_size)
    if str(size) != spelled_size or size >= 2**63:
        raise OddLogError("the size is not spelled as it must be")
    root = decode(spelled_root, "root")
    if len(root) != 32:
        raise OddLogError("the root is not 32 bytes long")
    return origin, size, root


def verified_text(note: bytes, key: Key) -> str:
    """The text of a signed note, once the key's one signature was verified."""
    try:
        whole = note.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise OddLogError("the checkpoint is not UTF-8") from error
    if any(character < " " and character != "\n" for character in whole):
        raise OddLogError("the checkpoint has control characters")
    text, blank_line, signatures = whole.rpartition("\n\n")
    if not blank_line or not signatures.endswith("\n"):
        raise OddLogError("the checkpoint has no signatures, or no end")
    text += "\n"
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise OddLogError("the checkpoint has too many signatures")
    ours = [signed for name, key_id, signed in map(read_signature, lines) if (name, key_id) == (key.name, key.key_id)]
    if len(ours) != 1:
        raise OddLogError(f"{len(ours)} signatures by {key.name} in place of 1")
    try:
        key.public.verify(ours[0], text.encode())
    except InvalidSignature:
        raise OddLogError(f"the signature by {key.name} does not hold") from None
    return text


def read_signature(line: str) -> tuple[str, bytes, bytes]:
    """Key name, key ID and signature of a signature line."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != EM_DASH or not is_name(parts[1]):
        raise OddLogError(f"not a signature line: {line[:80]!r}")
    signed = decode(parts[2], "signature")
    if len(signed) < 5:
        raise OddLogError("a signature is empty")
    return parts[1], signed[:4], signed[4:]


def is_name(name: str) -> bool:
    """Whether it can name a key."""
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def decode(spelled: str, what: str) -> bytes:
    """Base64 in its one right spelling (RFC 4648, 4)."""
    try:
        decoded = base64.b64decode(spelled.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise OddLogError(f"the {what} is not base64") from error
    if base64.b64encode(decoded).decode() != spelled:
        raise OddLogError(f"the {what} is not base64 as it must be spelled")
    return decoded


# The files


def fetch_from_directory(source: str, where: str) -> bytes:
    """A file of the log."""
    path = Path(source, where)
    if path.is_symlink() or not path.is_file():
        raise OddLogError(f"{where} is missing, or no file")
    if path.stat().st_size > MOST_BYTES:
        raise OddLogError(f"{where} is too large")
    return path.read_bytes()


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def fetch_from_url(source: str, where: str) -> bytes:
    """A resource of the log, with its media type as the specification has it."""
    url = urllib.parse.urlsplit(source)
    if url.scheme != "http" or url.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise OddLogError("this reader reads from this machine only")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _StayHere)
    request = urllib.request.Request(f"{source.rstrip('/')}/{where}", headers={"Accept-Encoding": "identity"})
    try:
        with opener.open(request, timeout=30) as answer:
            status, headers, body = answer.status, answer.headers, answer.read(MOST_BYTES + 1)
    except (OSError, urllib.error.URLError) as error:
        raise OddLogError(f"{where} cannot be fetched: {error}") from error
    expected = "text/plain; charset=utf-8" if where == "checkpoint" else "application/octet-stream"
    if status != 200 or headers.get("Content-Encoding", "identity") != "identity" or len(body) > MOST_BYTES:
        raise OddLogError(f"{where}: status {status}, an encoding nobody asked for, or too much")
    if headers.get("Content-Type", "").lower() != expected:
        raise OddLogError(f"{where} is served as {headers.get('Content-Type')!r}, not as {expected!r}")
    return body


def look_at_leftovers(folder: Path, current: dict[str, bytes]) -> None:
    """Check that every other file below `tile/` is a partial tile or bundle of this log when it was smaller."""
    now = {where.partition(".p/")[0]: where for where in current}
    for path in sorted((folder / "tile").rglob("*")):
        where = path.relative_to(folder).as_posix()
        if where in current or (path.is_dir() and not path.is_symlink()):
            continue
        stem, _, spelled_width = where.partition(".p/")
        if stem not in now or spelled_width not in map(str, range(1, 256)):
            raise OddLogError(f"{where} is no file of this log")
        width = int(spelled_width)
        if width > int(now[stem].partition(".p/")[2] or 256):
            raise OddLogError(f"{where} is ahead of the checkpoint")
        held = fetch_from_directory(str(folder), where)
        if stem.startswith("tile/entries/"):
            unpack(held, width, where)
        elif len(held) != 32 * width:
            raise OddLogError(f"{where} has the wrong length")
        if not current[now[stem]].startswith(held):
            raise OddLogError(f"{where} holds what the log does not")


def main(arguments: list[str]) -> int:
    """The command."""
    if len(arguments) != 2:
        print("usage: independent_reader.py DIRECTORY_OR_URL VKEY", file=sys.stderr)
        return 2
    try:
        log = read_log(*arguments)
    except OddLogError as error:
        print(f"odd: {error}", file=sys.stderr)
        return 1
    print(f"{log.origin}: {log.size} entries, root {log.root.hex()}, {log.files} files in order")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
