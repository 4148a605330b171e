"""The first layout, written out as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL = sa.REAL[float]().with_variant(DOUBLE_PRECISION[float](), "postgresql")


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _text(*names: str, null: bool = True) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=null) for name in names]


def upgrade() -> None:
    """Make the tables of the first version."""
    _table(
        "events",
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("event_id", TEXT, nullable=False, unique=True),
        *_text("idem_key", null=False),
        *_text("study_id", "script_sha256"),
        sa.Column("session_id", TEXT, primary_key=True),
        *_text("participant_pseudonym"),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *_text("task_id"),
        sa.Column("attempt", sa.Integer),
        *_text("page", "mode"),
        *_text("actor", "name", null=False),
        *_text("target"),
        sa.Column("srv_utc_ns", WHOLE, nullable=False),
        sa.Column("srv_mono_ns", WHOLE, nullable=False),
        *_text("boot_id", null=False),
        *(
            sa.Column(name, REAL)
            for name in ("client_epoch_ms", "client_perf_ms", "client_time_origin", "offset_ms", "offset_err_ms")
        ),
        *_text("media_id"),
        sa.Column("media_ms", REAL),
        *_text("before_state_id", "after_state_id", "voids_event_id", "cause_event_id"),
        *_text("payload_digest", "prev_hash", "hash", null=False),
        sa.UniqueConstraint("session_id", "idem_key"),
    )
    _table(
        "payloads",
        sa.Column("event_id", TEXT, sa.ForeignKey("events.event_id"), primary_key=True),
        *_text("salt", "request_digest", "json", null=False),
    )
    _table(
        "states",
        sa.Column("state_id", TEXT, primary_key=True),
        sa.Column("edits_id", TEXT, nullable=False, index=True),
        *_text("json", null=False),
    )
    _table(
        "scripts",
        sa.Column("script_sha256", TEXT, primary_key=True),
        *_text("study_id", "version", "json", null=False),
        sa.Column("stored_utc_ns", WHOLE, nullable=False),
    )
    _table(
        "participants",
        sa.Column("session_id", TEXT, primary_key=True),
        *_text("study_id", "pseudonym", null=False),
        sa.Column("link_sha256", TEXT, nullable=False, unique=True),
        *_text("keyed_hash"),
        sa.Column("admitted_utc_ns", WHOLE, nullable=False),
        sa.UniqueConstraint("study_id", "pseudonym"),
        sa.UniqueConstraint("study_id", "keyed_hash"),
    )
    _table(
        "media_chunks",
        sa.Column("media_id", TEXT, primary_key=True),
        sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("session_id", TEXT, nullable=False, index=True),
        *_text("sha256", null=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("start_ms", "length_ms", "bytes", "stored_utc_ns")),
    )
    _table(
        "leases",
        sa.Column("session_id", TEXT, primary_key=True),
        *_text("holder", null=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in ("taken_utc_ns", "renewed_utc_ns")),
    )
    _table(
        "erasures",
        sa.Column("session_id", TEXT, primary_key=True),
        sa.Column("what", TEXT, primary_key=True),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("named_utc_ns", WHOLE, nullable=False),
    )
