"""The store of vectors: kept, shared, and never a reason to fail."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from orchestra_tools.discovery.semantic import VectorStore
from orchestra_tools.discovery.semantic.embedder import Vectors


def vector(*numbers: float) -> Vectors:
    raw = np.array(numbers, np.float32)
    return raw / np.linalg.norm(raw)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "vectors.sqlite"


def stored(path: Path | None, *texts: str, model: str = "m") -> set[str]:
    store = VectorStore(path)
    found = set(store.load(model, texts))
    store.close()
    return found


def save(path: Path, *texts: str) -> None:
    store = VectorStore(path)
    store.save("m", {text: vector(3, 4) for text in texts})
    store.close()


def test_vectors_come_back_by_model_and_text(path: Path) -> None:
    store = VectorStore(path)
    store.save("m", {"a": vector(1, 2, 3), "b": vector(3, 2, 1)})
    found = store.load("m", ["a", "b", "c"])
    assert set(found) == {"a", "b"}
    assert found["a"] == pytest.approx(vector(1, 2, 3), abs=1e-3)
    assert np.linalg.norm(found["a"]) == pytest.approx(1, abs=1e-6)
    assert store.load("other model", ["a"]) == {}
    store.forget("m")
    assert store.load("m", ["a"]) == {}
    store.close()


def test_more_texts_than_one_statement_takes_come_back(path: Path) -> None:
    texts = [f"text {number}" for number in range(1_234)]
    save(path, *texts)
    assert stored(path, *texts) == set(texts)


def test_a_text_that_is_no_unicode_is_a_text(path: Path) -> None:
    save(path, "\ud800", "😀")
    assert stored(path, "\ud800", "😀") == {"\ud800", "😀"}


@pytest.mark.parametrize("junk", [b"no database at all" * 100, b"", b"SQLite format 3\x00" + bytes(4096)])
def test_a_damaged_file_is_made_anew(path: Path, junk: bytes) -> None:
    save(path, "a")
    path.write_bytes(junk)
    assert stored(path, "a") == set()
    save(path, "a")
    assert stored(path, "a") == {"a"}


def test_a_file_damaged_while_it_is_open_is_made_anew(path: Path) -> None:
    store = VectorStore(path)
    store.save("m", {f"text {number}": vector(*range(1, 400)) for number in range(200)})
    store.close()
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    store = VectorStore(path)
    path.write_bytes(body)
    assert store.load("m", ["text 1"]) == {}
    store.save("m", {"new": vector(1, 1)})
    assert set(store.load("m", ["new"])) == {"new"}
    store.close()


def test_a_file_of_another_version_is_made_anew(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    save(path, "a")
    assert stored(path, "a") == {"a"}


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x00\x00" * 3, b"\xff\x7f" * 3, "text"])
def test_a_row_that_is_no_vector_is_left_out(path: Path, value: object) -> None:
    save(path, "a", "b")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE vector SET value = ? WHERE rowid = 1", (value,))
    database.close()
    assert "b" in stored(path, "a", "b")


def test_vectors_of_different_lengths_are_not_trusted(path: Path) -> None:
    store = VectorStore(path)
    store.save("m", {"a": vector(1, 2), "b": vector(1, 2, 3)})
    assert store.load("m", ["a", "b"]) == {}
    store.close()


def test_the_oldest_vectors_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra_tools.discovery.semantic.store.MAX_ROWS", 2)
    for text in ("a", "b", "c"):
        save(path, text)
    assert stored(path, "a", "b", "c") == {"b", "c"}


def test_where_no_file_can_be_written_vectors_are_kept_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = VectorStore(tmp_path / "file" / "vectors.sqlite")
    store.save("m", {"a": vector(1, 2)})
    assert set(store.load("m", ["a"])) == {"a"}
    store.close()
    assert "vectors are not kept" in caplog.text


def test_a_file_that_another_process_holds_is_done_without(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("orchestra_tools.discovery.semantic.store._BUSY_S", 0.01)
    store = VectorStore(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.save("m", {"a": vector(1, 2)})
    assert store.load("m", ["a"]) == {}
    other.execute("ROLLBACK")
    store.save("m", {"a": vector(1, 2)})
    assert set(store.load("m", ["a"])) == {"a"}
    other.close()
    store.close()
    assert "are not used: database is locked" in caplog.text


def test_stores_of_one_file_write_at_the_same_time(path: Path) -> None:
    stores = [VectorStore(path) for _ in range(4)]

    def write(number: int) -> None:
        for turn in range(10):
            stores[number].save("m", {f"{number} {turn}": vector(1, 2), "shared": vector(2, 1)})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert len(stored(path, "shared", *(f"{number} {turn}" for number in range(4) for turn in range(10)))) == 41
