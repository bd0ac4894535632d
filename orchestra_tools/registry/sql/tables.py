"""The tables of a stored ledger.

They are made and changed by `migrations` only; these definitions are what queries are built from, and a test holds the
two against each other. Leaves, heads, blobs, commitments and nonces are only ever added: triggers refuse the rest.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0001"
"""The newest migration: what this program reads and writes."""
REVISION_TABLE = "ledger_schema"
_NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}
metadata = MetaData(naming_convention=_NAMES)

# In SQLite only INTEGER is the number of a row, which needs no index beside it.
_Number = BigInteger().with_variant(Integer, "sqlite")

leaves = Table(
    "leaves",
    metadata,
    Column("leaf_index", _Number, primary_key=True, autoincrement=False),
    Column("slot", Text, nullable=False),
    Column("seq", _Number, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("slot", "seq"),
)
tiles = Table(
    "tiles",
    metadata,
    Column("level", _Number, primary_key=True, autoincrement=False),
    Column("tile_index", _Number, primary_key=True, autoincrement=False),
    Column("width", _Number, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
heads = Table(
    "heads",
    metadata,
    Column("size", _Number, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
)
cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", _Number, ForeignKey("heads.size"), primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
)
blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
projection = Table(
    "projection",
    metadata,
    Column("slot", Text, primary_key=True),
    Column("leaf_index", _Number, nullable=False),
    Column("seq", _Number, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("version", Text, nullable=False),
    Column("entry_sha256", Text),
)
cases = Table(
    "cases",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("hotkey", Text, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("id"),
    Index(None, "state"),
    Index(None, "slot"),
    Index(None, "fingerprint"),
    Index(None, "hotkey"),
)
commitments = Table(
    "commitments",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("hotkey", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at_ms", _Number, nullable=False),
    Index(None, "digest"),
    Index(None, "hotkey", "at_ms"),
)
nonces = Table(
    "nonces",
    metadata,
    Column("hotkey", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
)
participants = Table(
    "participants",
    metadata,
    Column("hotkey", Text, primary_key=True),
    Column("document", Text, nullable=False),
)
settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
