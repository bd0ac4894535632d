"""The first schema: the log, its blobs, the projection, cases, and triggers that let the record only grow."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KEPT = {
    "leaves": "leaf_index = NEW.leaf_index OR (slot = NEW.slot AND seq = NEW.seq)",
    "heads": "size = NEW.size",
    "blobs": "sha256 = NEW.sha256",
    "commitments": "number = NEW.number",
    "nonces": "hotkey = NEW.hotkey AND nonce = NEW.nonce",
}
"""Tables whose rows are never changed, and which row a new one would replace."""


def upgrade() -> None:
    """Make everything."""
    _create_log()
    _create_governance()
    if op.get_bind().dialect.name == "sqlite":
        for table, same in _KEPT.items():
            _guard_in_sqlite(table, same)
    else:
        _guard_in_postgresql()


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "settings",
        "participants",
        "nonces",
        "commitments",
        "cases",
        "projection",
        "blobs",
        "cosignatures",
        "heads",
        "tiles",
        "leaves",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def _create_log() -> None:
    op.create_table(
        "leaves",
        sa.Column("leaf_index", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name="pk_leaves"),
        sa.UniqueConstraint("slot", "seq", name="uq_leaves_slot_seq"),
    )
    op.create_table(
        "tiles",
        sa.Column("level", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("tile_index", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("width", _NUMBER, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index", name="pk_tiles"),
    )
    op.create_table(
        "heads",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_heads"),
    )
    op.create_table(
        "cosignatures",
        sa.Column("size", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name="pk_cosignatures"),
        sa.ForeignKeyConstraint(["size"], ["heads.size"], name="fk_cosignatures_size"),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )
    op.create_table(
        "projection",
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("leaf_index", _NUMBER, nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("entry_sha256", sa.Text),
        sa.PrimaryKeyConstraint("slot", name="pk_projection"),
    )


def _create_governance() -> None:
    op.create_table(
        "cases",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("slot", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("hotkey", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_cases"),
        sa.UniqueConstraint("id", name="uq_cases_id"),
    )
    for column in ("state", "slot", "fingerprint", "hotkey"):
        op.create_index(f"ix_cases_{column}", "cases", [column])
    op.create_table(
        "commitments",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("hotkey", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("at_ms", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_commitments"),
    )
    op.create_index("ix_commitments_digest", "commitments", ["digest"])
    op.create_index("ix_commitments_hotkey_at_ms", "commitments", ["hotkey", "at_ms"])
    op.create_table(
        "nonces",
        sa.Column("hotkey", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hotkey", "nonce", name="pk_nonces"),
    )
    op.create_table(
        "participants",
        sa.Column("hotkey", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("hotkey", name="pk_participants"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _guard_in_sqlite(table: str, same: str) -> None:
    refuse = f"SELECT RAISE(ABORT, 'rows of {table} are never changed')"
    for change in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} BEGIN {refuse}; END")
    # INSERT OR REPLACE deletes what is in its way without a word to the trigger above.
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608  # both names are ours
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN {refuse}; END"
    )


def _guard_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; "
        "END $$"
    )
    for table in _KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
