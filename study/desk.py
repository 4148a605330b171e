"""Commands over the record that need no model: check it, hand it on."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.types import TillerError, many
from study.records import Chain, Record
from study.settings import settings_in
from study.tables import chains_table, outlooks_table, receipts_table
from study.terminal import emit, one_sentence, shown_progress

if TYPE_CHECKING:
    from study.log import EventLog

Also = Annotated[list[str] | None, typer.Option(help="preview or bot: sessions that are no data otherwise.")]
FORMATS_THERE = "csv, parquet, jsonl, sqlite, qdpx, psych-ds, bids, webvtt, elan, prov, trrack or card."
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]


def opened_log() -> EventLog:
    """The log that the environment names, which must be there; imported late, since the database is slow to import."""
    from study.database import connect
    from study.log import EventLog

    settings = settings_in(os.environ)
    return EventLog(connect(settings.database_url, make=False), files=settings.files)


def records_of(log: EventLog, session: str) -> tuple[Record, ...]:
    """All rows of one session, which must have some."""
    records = log.read(session)
    if not records:
        known = log.sessions()
        some = f"{len(known)}, the last of them {known[-1]}" if known else "none"
        raise TillerError(f"Session {session!r} was asked for; the log holds {some}: name one that it holds.")
    return records


def verify(
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    json_wanted: Json = False,
) -> None:
    """Check every session's numbers, digests, hash chain and recordings; leaves with status 1 and what is wrong."""
    with one_sentence():
        from study.media import faults_in

        log = opened_log()
        if session is not None:
            records_of(log, session)
        wanted = (*log.sessions(), *log.streams()) if session is None else (session,)
        found: list[Chain] = []
        with shown_progress() as advance:
            for one in wanted:
                found.append(log.verify(one))
                advance("sessions", len(found), len(wanted))
        recorded = [one.removeprefix("transcript:") for one in wanted if session or one.startswith("transcript:")]
        faults = [fault for one in recorded for fault in faults_in(log, one)]
        whole = all(one.whole for one in found) and not faults
        result = {
            "whole": whole,
            "sessions": [{**asdict(one), "whole": one.whole} for one in found],
            "media": [asdict(fault) for fault in faults],
        }
        emit(result, chains_table(found, faults), json_wanted=json_wanted)
    if not whole:
        raise typer.Exit(1)


def erase(
    session: Annotated[str | None, typer.Option(help="The session whose words are to go.")] = None,
    participant: Annotated[str | None, typer.Option(help="A pseudonym, P07; with --study.")] = None,
    study: Annotated[str | None, typer.Option(help="The participant's study.")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="What retention_days is over for.")] = False,
    also: Annotated[list[Path] | None, typer.Option(help="A file or folder to search as well.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    json_wanted: Json = False,
) -> None:
    """Take a participant's words and ids out of the record and its files; leaves with status 1 if a trace is left."""
    with one_sentence():
        from study.erasure import Extent, sessions_of
        from study.erasure import erase as take_away
        from study.outlook import foresee
        from study.retention import expired as over

        named = [session is not None, participant is not None, expired]
        if named.count(True) != 1 or (participant is None) != (study is None):
            raise TillerError("Name what to erase: --session ID, --participant P07 with --study STUDY, or --expired.")
        log = opened_log()
        if expired:
            wanted = [(due.session, due.what) for due in over(log, log.now().utc_ns)]
        else:
            ids = (session,) if session is not None else sessions_of(log, str(study), str(participant))
            wanted = [(one, Extent.PAYLOADS) for one in ids]
        beside = [path for one in also or () for path in ([one] if one.is_file() else sorted(one.rglob("*")))]
        if dry_run:
            outlooks = [foresee(log, one, what, also=beside) for one, what in wanted]
            emit({"would_go": [asdict(one) for one in outlooks]}, outlooks_table(outlooks), json_wanted=json_wanted)
            return
        receipts = [take_away(log, one, what, also=beside) for one, what in wanted]
        result = {"receipts": [{**asdict(one), "clean": one.clean} for one in receipts]}
        emit(result, receipts_table(receipts), json_wanted=json_wanted)
    if not all(one.clean for one in receipts):
        raise typer.Exit(1)


def backup(
    out: Annotated[Path, typer.Option(help="The copy; a file that is not there yet.")],
    json_wanted: Json = False,
) -> None:
    """Make a consistent copy of the record, also while the app runs."""
    with one_sentence():
        from study.backup import back_up

        log = opened_log()
        copy = back_up(log, out)
        files = str(log.media) if log.media.exists() else None
        left = f"\nRecordings and transcript files are not in it: copy {files} as well." if files else ""
        result = {"file": str(copy), "bytes": copy.stat().st_size, "left": files}
        emit(result, f"{copy}{left}", json_wanted=json_wanted)


def restore(
    copy: Annotated[Path, typer.Option("--from", help="A copy that `tiller backup` made.")],
    json_wanted: Json = False,
) -> None:
    """Copy a backup into the record that TILLER_DATABASE_URL names, which must be empty; also from file to server."""
    with one_sentence():
        from study.backup import restore as bring_back
        from study.database import connect
        from study.log import EventLog

        settings = settings_in(os.environ)
        log = EventLog(connect(settings.database_url), files=settings.files)
        with shown_progress() as advance:
            rows = bring_back(copy, log, progress=lambda done, of: advance("rows", done, of))
        emit({"rows": rows}, f"{many(rows, 'row')} restored.", json_wanted=json_wanted)


def left_out(also: list[str] | None) -> tuple[str, ...]:
    """The modes that are no data, less those that were asked for."""
    from study.exports import NOT_DATA

    strange = set(also or ()) - set(NOT_DATA)
    if strange:
        raise TillerError(f"Sessions of {min(strange)!r} were asked for; there are {' and '.join(NOT_DATA)}.")
    return tuple(mode for mode in NOT_DATA if mode not in (also or ()))


def export(
    out: Annotated[Path, typer.Option(help="The folder to write to; made if it is not there.")],
    form: Annotated[str, typer.Option("--format", help=FORMATS_THERE)] = "csv",
    study: Annotated[str | None, typer.Option(help="Only the sessions of this study.")] = None,
    also: Also = None,
    media: Annotated[str, typer.Option(help="reference or inside: whether a qdpx names recordings or holds them.")] = (
        "reference"
    ),
    json_wanted: Json = False,
) -> None:
    """Write the log with its data dictionary and a manifest of digests."""
    with one_sentence():
        from study.exports import export_log

        log = opened_log()
        with shown_progress() as advance:
            written = export_log(
                log,
                out,
                form,
                study=study,
                without=left_out(also),
                media=media,
                progress=lambda done, of: advance("rows", done, of),
            )
        files = [str(path) for path in written]
        emit({"files": files}, "\n".join(files), json_wanted=json_wanted)


def invite(
    name: Annotated[str, typer.Option(help="The name that stands beside what they code and note.")],
    role: Annotated[str, typer.Option(help="researcher, moderator, observer or coder.")] = "researcher",
    study: Annotated[str | None, typer.Option(help="The only study they may see; all if none.")] = None,
    url: Annotated[str, typer.Option(help="Where the app is reached.")] = "http://localhost:8501",
    json_wanted: Json = False,
) -> None:
    """Let somebody in to the staff pages and print their link; it is shown once and kept nowhere."""
    with one_sentence():
        from study.database import connect
        from study.log import EventLog
        from study.staff import Role
        from study.staff import invite as let_in

        if role not in list(Role):
            raise TillerError(f"Role {role!r} was asked for; there are {', '.join(Role)}.")
        settings = settings_in(os.environ)
        log = EventLog(connect(settings.database_url), files=settings.files)
        key = let_in(log, name, Role(role), study=study)
        link = f"{url.rstrip('/')}/api/enter#{key}"
        emit({"name": name, "role": role, "study": study, "link": link}, link, json_wanted=json_wanted)


def revoke(
    name: Annotated[str, typer.Option(help="Whom to shut out.")],
    json_wanted: Json = False,
) -> None:
    """Shut a member of staff out at once; what they wrote stays under their name."""
    with one_sentence():
        from study.staff import revoke as shut_out

        shut_out(opened_log(), name)
        emit({"revoked": name}, f"{name} is shut out.", json_wanted=json_wanted)


def passphrase(json_wanted: Json = False) -> None:
    """Make a new passphrase to the staff's pages and print it once; whoever came in by the old one is signed out."""
    with one_sentence():
        from study.database import connect
        from study.lock import new_passphrase, set_passphrase
        from study.log import EventLog

        made = new_passphrase()
        set_passphrase(EventLog(connect(settings_in(os.environ).database_url)), made)
        emit({"passphrase": made}, made, json_wanted=json_wanted)
