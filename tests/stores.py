"""Stores for tests, as fixtures: `from tests.stores import any_store, ...` in a conftest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra_tools.registry.opening import open_store
from orchestra_tools.registry.store import LedgerStore
from tests.postgres import PostgresServer, run_postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, shared."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of a database of its own, with the tables of a ledger and nothing in them."""
    return postgres_server.create_ledger()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables of a ledger, and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("stores") / "empty.sqlite"
    open_store(path).close()
    return path


@pytest.fixture
def sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a SQLite file of its own, with the tables of a ledger and nothing in them."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(empty_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store that several programs can share: SQLite, then PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that has nothing yet: SQLite, where there is no file, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store, one of each kind; its tables are not to be changed."""
    if request.param == "memory":
        yield "memory:"
    elif request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.lend_ledger() as url:
            yield url


@pytest.fixture
def any_store(store_url: str) -> Iterator[LedgerStore]:
    """An empty store, one of each kind."""
    with open_store(store_url) as store:
        yield store
