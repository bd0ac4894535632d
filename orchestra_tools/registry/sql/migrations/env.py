"""What Alembic runs to change the schema, in the transaction of whoever calls it; see `migrating`."""

from __future__ import annotations

from alembic import context

from orchestra_tools.registry.sql.tables import REVISION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=REVISION_TABLE
)
context.run_migrations()
