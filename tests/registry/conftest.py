"""Stores for the tests of this folder."""

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
