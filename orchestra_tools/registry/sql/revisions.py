"""Which schema a database has, and whether this program can use it. Revisions are numbers, so that one can compare."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text

from orchestra_tools.errors import StoreError
from orchestra_tools.registry.sql.tables import REVISION, REVISION_TABLE

_REVISION = select(text("version_num")).select_from(text(REVISION_TABLE))


def is_current(connection: Connection) -> bool:
    """Whether a ledger's database has this program's schema. Cheap, and an error where it has none."""
    return connection.execute(_REVISION).scalar() == REVISION


def find_revision(connection: Connection) -> str | None:
    """The schema that a database has; None where it has none of ours.

    Raises:
        StoreError: It is one that this program does not know.
    """
    if not inspect(connection).has_table(REVISION_TABLE):
        return None
    revision: str | None = connection.execute(_REVISION).scalar()
    if revision is not None and revision > REVISION:
        raise StoreError(
            f"the ledger was written by a newer version of this program (schema {revision[:40]}, and not {REVISION})",
            remedy="Install that version: pip install -U orchestra-tools",
            reason="schema",
        )
    return revision


def check_revision(connection: Connection, name: str) -> None:
    """Refuse a database that has another schema than this program's.

    Raises:
        StoreError: It has.
    """
    revision = find_revision(connection)
    if revision is None:
        raise not_ours(f"{name} is no ledger")
    if revision != REVISION:
        raise StoreError(
            f"{name} was written by an older version of this program (schema {revision}, and not {REVISION})",
            remedy="Its operator's program brings it up to date; reading changes nothing",
            reason="schema",
        )


def not_ours(problem: str) -> StoreError:
    """The error of a database that is something else."""
    return StoreError(problem, remedy="Check the path or the URL; a ledger has a database of its own", reason="schema")
