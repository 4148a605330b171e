"""Staff: who may see data, by name, role and the digest of a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "staff",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("study_id", TEXT),
        sa.Column("key_sha256", TEXT, nullable=False, unique=True),
        sa.Column("invited_utc_ns", WHOLE, nullable=False),
        sa.Column("revoked_utc_ns", WHOLE),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
