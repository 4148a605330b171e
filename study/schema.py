"""The tables of the record, laid out once: columns that later work fills are there from the start, and empty."""

from __future__ import annotations

from sqlalchemy import REAL, BigInteger, Column, ForeignKey, Integer, MetaData, Table, UniqueConstraint
from sqlalchemy import Text as Words
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.schema import SchemaItem

VERSION = "0003"  # of the layout: the last migration

# SQLite: a STRICT table knows INTEGER only, and it has 64 bits; REAL has 64 as well, where PostgreSQL's has 32.
WHOLE = BigInteger().with_variant(Integer(), "sqlite")
REAL64 = REAL[float]().with_variant(DOUBLE_PRECISION[float](), "postgresql")
# Compared byte by byte, as SQLite does: keys and orders must not hang on the language of a server.
Text = Words().with_variant(Words(collation="C"), "postgresql")

record = MetaData()


def _table(name: str, *parts: SchemaItem) -> Table:
    # Without a rowid: it would be a second key, by which INSERT OR REPLACE takes a row away and fires no trigger.
    return Table(name, record, *parts, sqlite_strict=True, sqlite_with_rowid=False)


events = _table(
    "events",
    # identity
    Column("schema_version", Integer, nullable=False),
    Column("event_id", Text, nullable=False, unique=True),
    Column("idem_key", Text, nullable=False),
    Column("study_id", Text),
    Column("script_sha256", Text),
    # place
    Column("session_id", Text, primary_key=True),
    Column("participant_pseudonym", Text),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("task_id", Text),
    Column("attempt", Integer),
    Column("page", Text),
    Column("mode", Text),
    # act
    Column("actor", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("target", Text),
    # time
    Column("srv_utc_ns", WHOLE, nullable=False),
    Column("srv_mono_ns", WHOLE, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("client_epoch_ms", REAL64),
    Column("client_perf_ms", REAL64),
    Column("client_time_origin", REAL64),
    Column("offset_ms", REAL64),
    Column("offset_err_ms", REAL64),
    Column("media_id", Text),
    Column("media_ms", REAL64),
    # model
    Column("before_state_id", Text),
    Column("after_state_id", Text),
    # links
    Column("voids_event_id", Text),
    Column("cause_event_id", Text),
    # chain
    Column("payload_digest", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("session_id", "idem_key"),
)

payloads = _table(
    "payloads",
    Column("event_id", Text, ForeignKey("events.event_id"), primary_key=True),
    Column("salt", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("json", Text, nullable=False),
)

states = _table(
    "states",
    Column("state_id", Text, primary_key=True),
    Column("edits_id", Text, nullable=False, index=True),
    Column("json", Text, nullable=False),
)

scripts = _table(
    "scripts",
    Column("script_sha256", Text, primary_key=True),
    Column("study_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("json", Text, nullable=False),
    Column("stored_utc_ns", WHOLE, nullable=False),
)

participants = _table(
    "participants",
    Column("session_id", Text, primary_key=True),
    Column("study_id", Text, nullable=False),
    Column("pseudonym", Text, nullable=False),
    Column("link_sha256", Text, nullable=False, unique=True),
    Column("keyed_hash", Text),
    Column("admitted_utc_ns", WHOLE, nullable=False),
    UniqueConstraint("study_id", "pseudonym"),
    UniqueConstraint("study_id", "keyed_hash"),
)

media_chunks = _table(
    "media_chunks",
    Column("media_id", Text, primary_key=True),
    Column("chunk", Integer, primary_key=True, autoincrement=False),
    Column("session_id", Text, nullable=False, index=True),
    Column("sha256", Text, nullable=False),
    Column("start_ms", WHOLE, nullable=False),
    Column("length_ms", WHOLE, nullable=False),
    Column("bytes", WHOLE, nullable=False),
    Column("stored_utc_ns", WHOLE, nullable=False),
)

leases = _table(
    "leases",
    Column("session_id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("taken_utc_ns", WHOLE, nullable=False),
    Column("renewed_utc_ns", WHOLE, nullable=False),
)

staff = _table(
    "staff",
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("study_id", Text),  # the one study they may see; every study if empty
    Column("key_sha256", Text, nullable=False, unique=True),
    Column("invited_utc_ns", WHOLE, nullable=False),
    Column("revoked_utc_ns", WHOLE),
)

# A passphrase opens the staff's pages as one of them; `missed` counts wrong ones since the last right one.
passphrases = _table(
    "passphrases",
    Column("name", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("scrypt", Text, nullable=False),
    Column("missed", WHOLE, nullable=False),
    Column("missed_utc_ns", WHOLE, nullable=False),
    Column("set_utc_ns", WHOLE, nullable=False),
)

# Who came in by a passphrase has a key of this browser's own, good until then.
sign_ins = _table(
    "sign_ins",
    Column("key_sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("until_utc_ns", WHOLE, nullable=False),
)

# What a member of staff is called in the records of sessions: M1, M2, ...
moderators = _table(
    "moderators",
    Column("name", Text, primary_key=True),
    Column("number", WHOLE, nullable=False, unique=True),
)

recruitment_links = _table(
    "recruitment_links",
    Column("link_sha256", Text, primary_key=True),
    Column("study_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("quota", WHOLE),  # without end if empty
    Column("made_utc_ns", WHOLE, nullable=False),
    Column("closed_utc_ns", WHOLE),
    UniqueConstraint("study_id", "label"),
)

arrivals = _table(
    "arrivals",
    Column("session_id", Text, primary_key=True),
    Column("link_sha256", Text, nullable=False, index=True),
    Column("arrived_utc_ns", WHOLE, nullable=False),
)

# Ids that a recruiter's link brought beside the participant's own, which stands in `participants`.
platform_ids = _table(
    "platform_ids",
    Column("session_id", Text, primary_key=True),
    Column("param", Text, primary_key=True),
    Column("keyed_hash", Text, nullable=False),
)

# What is to be deleted is named here first: `payloads` for one stream's words, `stream` for its rows as well.
erasures = _table(
    "erasures",
    Column("session_id", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("named_utc_ns", WHOLE, nullable=False),
)

# These lead to people, or let people in: no copy that is handed on has them.
LEAD_TO_PEOPLE = (
    "participants",
    "leases",
    "staff",
    "passphrases",
    "sign_ins",
    "moderators",
    "recruitment_links",
    "arrivals",
    "platform_ids",
)
