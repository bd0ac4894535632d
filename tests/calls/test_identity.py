"""The key that signs receipts: made once, the owner's alone."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from orchestra_tools.calls import Identity
from orchestra_tools.errors import ConfigurationError

LOAD = "import sys; from pathlib import Path; from orchestra_tools.calls import Identity; "
LOAD += "print(Identity.load(Path(sys.argv[1])).public_key)"


def test_it_is_made_on_first_use_and_stays(tmp_path: Path) -> None:
    """In a folder that may not be there yet, readable by its owner only."""
    path = tmp_path / "new" / "identity.pem"
    made = Identity.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Identity.load(path).public_key == made.public_key
    assert list(path.parent.iterdir()) == [path]
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.public_key)).verify(made.sign(b"x"), b"x")


def test_threads_that_race_get_the_same(tmp_path: Path) -> None:
    """Whoever is first makes it for all."""
    path = tmp_path / "identity.pem"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Identity.load(path).public_key, range(32)))
    assert len(keys) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_race_get_the_same(tmp_path: Path) -> None:
    """As when several hosts start at once."""
    path = str(tmp_path / "identity.pem")
    running = [
        subprocess.Popen([sys.executable, "-c", LOAD, path], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1
    assert [process.returncode for process in running] == [0, 0, 0]


def pem_of_another_kind() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\n", pem_of_another_kind()])
def test_a_broken_file_is_told_and_kept(content: bytes, tmp_path: Path) -> None:
    """It may be somebody's key."""
    path = tmp_path / "identity.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="Remove it"):
        Identity.load(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """With the setting that moves it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="ORCHESTRA_HOME"):
        Identity.load(tmp_path / "file" / "identity.pem")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Identity.load(tmp_path)


def test_a_passing_identity_leaves_nothing_behind() -> None:
    """For those who do not want a file."""
    assert Identity.generate().public_key != Identity.generate().public_key
