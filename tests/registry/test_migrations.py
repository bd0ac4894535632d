"""The schema of a stored ledger is made, taken back, brought up to date, and is the one that queries are built from."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from orchestra_tools.errors import ConfigurationError, StoreError
from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.sql import SqlStore, tables
from orchestra_tools.registry.sql.engines import begin_writing, find_place, make_engine
from orchestra_tools.registry.sql.migrating import alembic_config, change_schema
from tests.registry.store_values import everything, head, write_some_of_all
from tests.registry.test_databases import raw


def within(url: str, change: Callable[[Connection], object]) -> None:
    """Run something as the only writer of a database."""
    engine = make_engine(find_place(url), read_only=False, wait_s=5)
    with engine.connect() as connection:
        begin_writing(connection, wait_s=5)
        change(connection)
        connection.commit()
    engine.dispose()


def test_migrations_make_exactly_the_tables_that_queries_are_built_from(database_url: str) -> None:
    def compare(connection: Connection) -> None:
        options = {"version_table": tables.REVISION_TABLE, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, tables.metadata) == []
        names = set(inspect(connection).get_table_names())
        assert names == {*tables.metadata.tables, tables.REVISION_TABLE}

    within(database_url, compare)


def test_revisions_are_numbered_so_that_a_program_can_compare_them() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert script.get_heads() == [tables.REVISION]
    known = [each.revision for each in script.walk_revisions()]
    assert known == [f"{number:04}" for number in range(len(known), 0, -1)]


def test_a_ledger_goes_down_to_nothing_and_up_again(database_url: str) -> None:
    def list_all(connection: Connection) -> None:
        left.update(inspect(connection).get_table_names())
        kinds = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "postgresql":
            kinds = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        left.update(connection.execute(text(kinds)).scalars())

    for _ in range(2):
        with open_store(database_url) as store, store.write() as writer:
            write_some_of_all(writer)
        left: set[str] = set()
        within(database_url, lambda connection: change_schema(connection, "base"))
        within(database_url, list_all)
        assert left == {tables.REVISION_TABLE}
        within(database_url, lambda connection: change_schema(connection, "head"))
        with open_store(database_url) as store:
            assert everything(store)["leaves"] == []
    with open_store(database_url) as store, store.write() as writer:
        write_some_of_all(writer)
    with raw(database_url) as connection, pytest.raises(Exception, match="never changed"):
        connection.execute("DELETE FROM heads")


def test_a_new_store_is_made_and_an_empty_file_too(new_database_url: str) -> None:
    if new_database_url.startswith("sqlite"):
        Path(new_database_url.removeprefix("sqlite:///")).touch()
    with open_store(new_database_url) as store, store.write() as writer:
        writer.put_head(head(1))
    with open_store(new_database_url) as store:
        assert store.head() == head(1)


def test_an_older_schema_is_brought_up_to_date_by_writers_and_not_by_readers(database_url: str) -> None:
    within(database_url, lambda connection: change_schema(connection, "base"))
    with SqlStore(database_url, read_only=True) as reader:
        with pytest.raises(StoreError, match="is no ledger"):
            reader.check()
        with raw(database_url) as connection:
            connection.execute("INSERT INTO ledger_schema VALUES ('0000')")
        with pytest.raises(StoreError, match=r"older version of this program \(schema 0000, and not 0001\)"):
            reader.check()
        with raw(database_url) as connection:
            connection.execute("DELETE FROM ledger_schema")
        with open_store(database_url) as store, store.write() as writer:
            writer.put_head(head(1))
        reader.check()
        assert reader.head() == head(1)


def test_a_newer_schema_is_left_alone(database_url: str) -> None:
    with open_store(database_url) as store:
        with store.write() as writer:
            writer.put_head(head(1))
        with raw(database_url) as connection:
            connection.execute("UPDATE ledger_schema SET version_num = '0099'")
        with pytest.raises(StoreError, match="newer version of this program") as refused, store.write():
            pass
        assert "pip install -U orchestra-tools" in str(refused.value)
    for use in (open_store, lambda url: SqlStore(url, read_only=True).check()):
        with pytest.raises(StoreError, match=r"schema 0099, and not 0001") as refused:
            use(database_url)
        assert refused.value.facts["reason"] == "schema"
    with raw(database_url) as connection:
        assert connection.execute("SELECT version_num FROM ledger_schema").fetchall() == [("0099",)]


def test_a_database_of_something_else_is_left_alone(new_database_url: str) -> None:
    with raw(new_database_url) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(StoreError, match="holds something else than a ledger") as refused:
        open_store(new_database_url)
    assert "a database of its own" in str(refused.value)
    with SqlStore(new_database_url, read_only=True) as reader, pytest.raises(StoreError, match="is no ledger"):
        reader.check()
    if new_database_url.startswith("sqlite"):
        path = new_database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]


def test_reading_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "absent.sqlite"
    with SqlStore(str(path), read_only=True) as reader:
        with pytest.raises(ConfigurationError, match="there is no ledger"):
            reader.check()
        with pytest.raises(StoreError, match="cannot be opened"):
            reader.head()
    assert not path.exists()
