"""Hand a log on: the files of one format, a manifest over all of them, each file read back before it gets its name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO

from core.types import TillerError
from study.events import SCHEMA_VERSION
from study.exports.codes import CODEBOOK, CODES, Coder, spooled, write_codebook
from study.exports.columns import write_dictionary
from study.exports.jsonl import HOW_TO_READ_JSONL, check_jsonl, write_jsonl
from study.exports.manifest import Batch, batch
from study.exports.marks import marks_of
from study.exports.passage import NOT_DATA, Passage, Progress
from study.exports.people_csv import add_people_csv
from study.exports.prov import check_prov, write_prov
from study.exports.psych_ds import DESCRIPTION, check_description, check_name, name_of, write_description
from study.exports.qdc import write_qdc
from study.exports.refi_check import check_codebook, check_project
from study.exports.refi_qda import write_project
from study.exports.speech_track import check_speech_vtt, write_speech_vtt
from study.exports.sqlite import check_sqlite, write_sqlite
from study.exports.tidy import HOW_TO_READ_CSV, check_csv, write_csv
from study.exports.timed import (
    EVENTS_SIDECAR,
    check_eaf,
    check_events_tsv,
    check_vtt,
    write_eaf,
    write_events_tsv,
    write_vtt,
)
from study.exports.trrack import check_trrack, write_trrack
from study.exports.utterances import UTTERANCES, write_utterances
from study.log import EventLog
from study.records import Record
from study.streams import stream_of
from study.system_events import SystemExportMade

__all__ = ["FORMATS", "NOT_DATA", "Progress", "export_log"]


def export_log(
    log: EventLog,
    out: Path,
    format: str,
    *,
    study: str | None = None,
    progress: Progress | None = None,
    without: tuple[str, ...] = NOT_DATA,
    media: str = "reference",
    later: list[Callable[[], None]] | None = None,
) -> list[Path]:
    """Write the log to the folder `out` and return the files written, the manifest last.

    Args:
        log: what to export, as it stands now; rows that come meanwhile are left for the next export.
        out: a folder, made if it is not there; files of an earlier export of this format are replaced.
        format: one of FORMATS.
        study: one study only.
        progress: called now and then with the rows done and the rows in all.
        without: modes to leave out; by default what nobody's session made.
        media: reference or inside: whether a .qdpx names recordings by their paths or holds their sound.
        later: takes the call that writes down in the log what was handed on, for whoever may still take it back; it is
            written down at once if none is given.

    Raises:
        TillerError: there is no such format, study or way with recordings.
        ExportFailed: a file could not be written or did not read back; the folder is as it was.
        LogUnavailable: the files are there, and the log could not take that they were made.
    """
    if format not in FORMATS:
        raise TillerError(f"Format {format!r} was asked for; there are {', '.join(FORMATS)}: choose one.")
    if media not in ("reference", "inside"):
        raise TillerError(f"Recordings were to be handed on by {media!r}; there are reference and inside: choose one.")
    studies = log.studies()
    if study is not None and study not in studies and not log.count(study=study):
        known = ", ".join(studies) or "none"
        raise TillerError(f"Study {study!r} was asked for; the log has rows of {known}: name one that it has.")
    passage = Passage(log, study, without, progress, media)
    add, how_to_read = _FORMATS[format]
    with batch(out) as made:
        add(made, passage)
        about = {"schema_version": SCHEMA_VERSION, "study": study, "exported_utc_ns": str(log.now().utc_ns)}
        made.add_manifest(format, {"how_to_read": how_to_read, **about, **passage.about()})
    folder = str(out.resolve()) if later is None else ""  # whoever takes it later has yet to give it its place
    write_down = partial(_note, log, passage, format, made, folder)
    if later is None:
        write_down()
    else:
        later.append(write_down)
    return [out / one.file for one in made.files]


def _note(log: EventLog, passage: Passage, format: str, made: Batch, folder: str) -> None:
    """Write down in the stream of each study what of it was handed on: an erasure has to know where words have gone."""
    for study, sessions in passage.studies.items():
        rows = sum(passage.lengths[one] for one in sessions)
        event = SystemExportMade(
            study=study,
            format=format,
            files=tuple(made.files),
            rows=rows,
            sessions=len(sessions),
            held=tuple(sessions),
            folder=folder,
        )
        key = f"exported/{made.files[-1].sha256}/{log.now().utc_ns}"
        log.append(stream_of("exports", study), event, key=key, actor="researcher")


def _add_csv(made: Batch, passage: Passage) -> None:
    with spooled() as spool:
        coder = Coder(spool)

        def write(file: TextIO) -> int:
            return write_csv(coder.watched(passage.rows()), file)

        made.add("events.csv", write, check_csv)
        made.add("strategy_codes.csv", coder.write, partial(check_csv, columns=CODES))
    made.add("events_data_dictionary.csv", write_dictionary)
    made.add("strategy_codes_data_dictionary.csv", partial(write_dictionary, columns=CODES))
    made.add("strategy_codebook.csv", write_codebook, partial(check_csv, columns=CODEBOOK))
    talks = ((records, passage.speech.of(records)) for records in passage.sessions(only=passage.speech.spoken_in))
    made.add("utterances.csv", partial(write_utterances, talks), partial(check_csv, columns=UTTERANCES))
    made.add("utterances_data_dictionary.csv", partial(write_dictionary, columns=UTTERANCES))
    add_people_csv(made, passage.people())


def _add_jsonl(made: Batch, passage: Passage) -> None:
    made.add("events.jsonl", partial(write_jsonl, passage.rows()), check_jsonl)
    made.add("events_data_dictionary.csv", write_dictionary)


def _add_parquet(made: Batch, passage: Passage) -> None:
    from study.exports.parquet import check_parquet, write_parquet  # noqa: PLC0415 - slow to import, for one format

    def write(file: BinaryIO) -> int:
        return write_parquet(passage.rows(), file)

    made.add("events.parquet", write, check_parquet, binary=True)
    made.add("events_data_dictionary.csv", write_dictionary)


def _add_qdpx(made: Batch, passage: Passage) -> None:
    passage.pass_by()
    people = passage.people()
    with spooled() as links:
        speech = passage.spoken(links)
        write = partial(write_project, passage.sessions, name=passage.study or "Tiller", people=people, speech=speech)
        made.add("project.qdpx", write, check_project, binary=True)
    made.add("codebook.qdc", partial(write_qdc, people.entries), check_codebook, binary=True)


def _add_bids(made: Batch, passage: Passage) -> None:
    for stem, records in _participants(passage):
        write = partial(write_events_tsv, marks_of(records), spoken=passage.speech.of(records).spoken)
        made.add(f"{stem}_events.tsv", write, check_events_tsv)
    made.add("events.json", _write_sidecar)


def _add_webvtt(made: Batch, passage: Passage) -> None:
    for stem, records in _participants(passage):
        made.add(f"{stem}.vtt", partial(write_vtt, marks_of(records)), check_vtt)
        spoken = passage.speech.from_start(records)
        if spoken:
            made.add(f"{stem}_speech.vtt", partial(write_speech_vtt, spoken), check_speech_vtt)


def _add_elan(made: Batch, passage: Passage) -> None:
    for stem, records in _participants(passage):
        date = records[0].at.isoformat(timespec="seconds")
        spoken = passage.speech.from_start(records)
        write = partial(write_eaf, marks_of(records), author="Tiller", date=date, spoken=spoken)
        made.add(f"{stem}.eaf", write, check_eaf)


def _add_prov(made: Batch, passage: Passage) -> None:
    for stem, records in _participants(passage):
        made.add(f"{stem}.prov.json", partial(write_prov, records), check_prov)


def _add_trrack(made: Batch, passage: Passage) -> None:
    for stem, records in _participants(passage):
        made.add(f"{stem}.trrack.json", partial(write_trrack, records), check_trrack)


def _add_psych_ds(made: Batch, passage: Passage) -> None:
    passage.pass_by()
    for session_id, stored in passage.stored():
        first = next(stored)
        who = first.row["participant_pseudonym"]
        if who:
            name = name_of(first.row["study_id"], who, session_id)
            check_name(name)
            made.add(name, partial(write_csv, chain([first], stored)), check_csv)
    made.add(DESCRIPTION, partial(write_description, name=passage.study or "Tiller"), check_description)


def _add_sqlite(made: Batch, passage: Passage) -> None:
    passage.pass_by()
    write = partial(write_sqlite, log=passage.log, rows=passage.lengths)
    made.add("record.db", write, check_sqlite, binary=True)


def _participants(passage: Passage) -> Iterator[tuple[str, Sequence[Record]]]:
    """Each participant's session, and a file name for it that says study, pseudonym and session."""
    passage.pass_by()
    for records in passage.sessions():
        row = records[0].row
        if row["participant_pseudonym"]:
            parts = (row["study_id"], row["participant_pseudonym"], records[0].session_id[:8])
            yield "_".join(re.sub(r"[^A-Za-z0-9-]+", "-", str(part)) for part in parts), records


def _write_sidecar(file: TextIO) -> int:
    json.dump(EVENTS_SIDECAR, file, indent=2)
    return len(EVENTS_SIDECAR)


_FORMATS: dict[str, tuple[Callable[[Batch, Passage], None], str]] = {
    "csv": (_add_csv, HOW_TO_READ_CSV),
    "jsonl": (_add_jsonl, HOW_TO_READ_JSONL),
    "parquet": (_add_parquet, "In pandas: read_parquet(path); the columns' meanings are in the schema's metadata."),
    "qdpx": (
        _add_qdpx,
        "REFI-QDA 1.5: open project.qdpx, or codebook.qdc alone, in a tool for qualitative coding.",
    ),
    "bids": (
        _add_bids,
        "Tab-separated, one file a session, onsets in seconds, speech among them; events.json describes the columns.",
    ),
    "webvtt": (
        _add_webvtt,
        "One metadata track a session, whose cues hold one line of JSON; _speech.vtt holds what was said, as captions.",
    ),
    "elan": (
        _add_elan,
        "One .eaf a session, without media: tiers `record` and `strategy`, one for each who speaks.",
    ),
    "trrack": (_add_trrack, "Trrack graphs, one file a session, one graph an attempt."),
    "psych-ds": (_add_psych_ds, f"A Psych-DS dataset; {HOW_TO_READ_CSV}"),
    "sqlite": (_add_sqlite, "The record's own tables, without links and guards; `tiller verify` reads it too."),
    "prov": (_add_prov, "PROV-JSON, one file a session; equal states have equal ids in all of them."),
}
FORMATS = tuple(_FORMATS)
