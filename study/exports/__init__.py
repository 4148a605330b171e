"""Hand a log on: the files of one format, a manifest over all of them, each file read back before it gets its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.types import TillerError
from study.events import SCHEMA_VERSION
from study.exports.formats import ADDED
from study.exports.manifest import Batch, batch
from study.exports.passage import NOT_DATA, Passage, Progress
from study.log import EventLog
from study.streams import stream_of
from study.system_events import SystemExportMade

__all__ = ["FORMATS", "NOT_DATA", "Progress", "export_log"]

FORMATS = tuple(ADDED)


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
    add, how_to_read = ADDED[format]
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
