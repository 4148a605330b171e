"""Recruitment and the lock: links, who came by which, other platform ids, moderators' names, the passphrase."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KIND = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "passphrases",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("salt", TEXT, nullable=False),
        sa.Column("scrypt", TEXT, nullable=False),
        sa.Column("missed", WHOLE, nullable=False),
        sa.Column("missed_utc_ns", WHOLE, nullable=False),
        sa.Column("set_utc_ns", WHOLE, nullable=False),
        **KIND,
    )
    op.create_table(
        "sign_ins",
        sa.Column("key_sha256", TEXT, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("until_utc_ns", WHOLE, nullable=False),
        **KIND,
    )
    op.create_table(
        "moderators",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("number", WHOLE, nullable=False, unique=True),
        **KIND,
    )
    op.create_table(
        "recruitment_links",
        sa.Column("link_sha256", TEXT, primary_key=True),
        sa.Column("study_id", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("quota", WHOLE),
        sa.Column("made_utc_ns", WHOLE, nullable=False),
        sa.Column("closed_utc_ns", WHOLE),
        sa.UniqueConstraint("study_id", "label"),
        **KIND,
    )
    op.create_table(
        "arrivals",
        sa.Column("session_id", TEXT, primary_key=True),
        sa.Column("link_sha256", TEXT, nullable=False, index=True),
        sa.Column("arrived_utc_ns", WHOLE, nullable=False),
        **KIND,
    )
    op.create_table(
        "platform_ids",
        sa.Column("session_id", TEXT, primary_key=True),
        sa.Column("param", TEXT, primary_key=True),
        sa.Column("keyed_hash", TEXT, nullable=False),
        **KIND,
    )
