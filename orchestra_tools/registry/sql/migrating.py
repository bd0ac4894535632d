"""Bringing a database up to the schema that this program reads and writes, with Alembic."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect

from orchestra_tools.registry.sql.engines import begin_writing
from orchestra_tools.registry.sql.revisions import find_revision, not_ours
from orchestra_tools.registry.sql.tables import REVISION, REVISION_TABLE

_MIGRATIONS = Path(__file__).parent / "migrations"
_ALEMBIC = threading.Lock()  # its context is one for the whole process


def migrate(engine: Engine, name: str, *, wait_s: float) -> None:
    """Make the schema where there is none, and bring an older one up to date. Programs that do it at once wait.

    Raises:
        StoreError: The database has a newer schema, or something else in it. Nothing was changed.
        sqlalchemy.exc.SQLAlchemyError: It cannot be done.
    """
    with engine.connect() as connection:
        begin_writing(connection, wait_s=wait_s)
        revision = find_revision(connection)
        if revision is None and set(inspect(connection).get_table_names()) - {REVISION_TABLE}:
            raise not_ours(f"{name} holds something else than a ledger")
        if revision != REVISION:
            change_schema(connection, "head")
            connection.commit()


def change_schema(connection: Connection, revision: str) -> None:
    """Bring the schema to a revision, "head" or "base", within the transaction of a connection."""
    with _ALEMBIC:
        config = alembic_config()
        config.attributes["connection"] = connection
        (command.downgrade if revision == "base" else command.upgrade)(config, revision)


def alembic_config() -> Config:
    """Where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
