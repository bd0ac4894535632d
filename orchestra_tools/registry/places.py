"""Which texts name a store, told without a database at hand."""

from __future__ import annotations

from pathlib import PurePath

MEMORY = "memory:"
_SCHEMES = ("sqlite:", "sqlite+pysqlite:", "postgresql:", "postgresql+psycopg:", "postgres:")
_SUFFIXES = (".sqlite", ".sqlite3", ".db")


def is_path(where: str) -> bool:
    """Whether it is no URL."""
    return "://" not in where


def names_store(where: str) -> bool:
    """Whether it is the URL of a database, or the path of a SQLite file."""
    if is_path(where):
        return PurePath(where).suffix.lower() in _SUFFIXES
    return where.lower().startswith(_SCHEMES)
