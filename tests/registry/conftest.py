"""Stores of every kind. Not for all tests: some run where no database driver is installed."""

from tests.stores import (  # noqa: F401  # fixtures
    any_store,
    database_url,
    empty_sqlite,
    new_database_url,
    postgres_server,
    postgres_url,
    sqlite_url,
    store_url,
)
