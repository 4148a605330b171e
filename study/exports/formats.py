"""What each format's files are, how they are written and checked, and one sentence on how to read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import BinaryIO, TextIO

from study.exports.beside import Beside, add_csv, add_dictionary, tables_beside
from study.exports.codes import CODEBOOK, CODES, Coder, spooled, write_codebook
from study.exports.columns import write_dictionary
from study.exports.jsonl import HOW_TO_READ_JSONL, check_jsonl, write_jsonl, write_lines
from study.exports.manifest import Batch
from study.exports.marks import marks_of
from study.exports.passage import Passage
from study.exports.plain import line_of
from study.exports.prov import check_prov, write_prov
from study.exports.psych_ds import DESCRIPTION, check_description, check_name, name_of, table_name_of, write_description
from study.exports.qdc import write_qdc
from study.exports.refi_check import check_codebook, check_project
from study.exports.refi_qda import write_project
from study.exports.speech_track import check_speech_vtt, write_speech_vtt
from study.exports.sqlite import check_sqlite, write_sqlite
from study.exports.streams import lines_beside
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
from study.records import Record


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
    for table in tables_beside(passage):
        add_csv(made, table)


def _add_jsonl(made: Batch, passage: Passage) -> None:
    made.add("events.jsonl", partial(write_jsonl, passage.rows()), check_jsonl)
    made.add("streams.jsonl", partial(write_lines, lines_beside(passage)), check_jsonl)
    made.add("events_data_dictionary.csv", write_dictionary)


def _add_parquet(made: Batch, passage: Passage) -> None:
    from study.exports.parquet import check_parquet, write_parquet  # noqa: PLC0415 - slow to import, for one format

    def write(file: BinaryIO) -> int:
        return write_parquet(map(line_of, passage.rows()), file)

    made.add("events.parquet", write, check_parquet, binary=True)
    made.add("events_data_dictionary.csv", write_dictionary)
    for table in tables_beside(passage):

        def write_table(file: BinaryIO, table: Beside = table) -> int:
            return write_parquet(table.rows(), file, table.columns)

        made.add(f"{table.name}.parquet", write_table, partial(check_parquet, columns=table.columns), binary=True)
        add_dictionary(made, table)


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
    tables = tables_beside(passage)
    for table in tables:
        name = table_name_of(passage.study or "all", table.name)
        check_name(name)
        made.add(name, table.write_csv, partial(check_csv, columns=table.columns))
    describe = partial(write_description, name=passage.study or "Tiller", tables=tables)
    made.add(DESCRIPTION, describe, check_description)


def _add_sqlite(made: Batch, passage: Passage) -> None:
    passage.pass_by()
    rows = passage.lengths | {stream: rows for stream, (rows, _) in passage.beside.items()}
    write = partial(write_sqlite, log=passage.log, rows=rows, tables=tables_beside(passage))
    made.add("record.db", write, check_sqlite, binary=True)


def _add_card(made: Batch, passage: Passage) -> None:
    from study.card import card_in_words, check_card  # noqa: PLC0415 - what it reads names the formats
    from study.card.facts import card_of, facts_of  # noqa: PLC0415
    from study.findings import findings_of, portraits  # noqa: PLC0415

    passage.pass_by()
    for study in passage.studies:
        people = list(portraits(passage.log, study, passage.without))
        card = card_of(facts_of(passage.log, study, findings_of(people), without=passage.without))
        stem = _plain(study)
        made.add(f"{stem}_study_card.md", partial(_write_text, card_in_words(card)))
        made.add(f"{stem}_study_card.json", partial(_write_text, card.model_dump_json(indent=2)), check_card)


def _write_text(text: str, file: TextIO) -> int:
    file.write(text)
    return 1


def _participants(passage: Passage) -> Iterator[tuple[str, Sequence[Record]]]:
    """Each participant's session, and a file name for it that says study, pseudonym and session."""
    passage.pass_by()
    for records in passage.sessions():
        row = records[0].row
        if row["participant_pseudonym"]:
            parts = (row["study_id"], row["participant_pseudonym"], records[0].session_id[:8])
            yield "_".join(map(_plain, parts)), records


def _plain(part: object) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", str(part))


def _write_sidecar(file: TextIO) -> int:
    json.dump(EVENTS_SIDECAR, file, indent=2)
    return len(EVENTS_SIDECAR)


ADDED: dict[str, tuple[Callable[[Batch, Passage], None], str]] = {
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
    "sqlite": (
        _add_sqlite,
        "The record's own tables, without links and guards, with utterances, codes, memos and codebook as the csv "
        "format has them; `tiller verify` reads it too.",
    ),
    "card": (_add_card, "The study card, in the six sections of a BenchmarkCard: Markdown to read, JSON of the same."),
    "prov": (_add_prov, "PROV-JSON, one file a session; equal states have equal ids in all of them."),
}
