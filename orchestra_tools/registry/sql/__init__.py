"""A ledger stored in SQLite or PostgreSQL, through SQLAlchemy Core. It takes the extra `server`."""

from orchestra_tools.extras import missing_extra

try:
    from orchestra_tools.registry.sql.store import SqlStore
except ImportError as error:
    raise missing_extra(__name__, "server", error) from error

__all__ = ["SqlStore"]
