"""Transcripts: every form that transcribers write is read to the word, and what is broken is refused with its place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from study.transcripts import Cue, TranscriptRefused, read_transcript, transcript_in
from study.transcripts.cues import clock, ms_of, resolution_of


def cues(text: str | bytes) -> list[tuple[int | None, int | None, str, str]]:
    found = transcript_in(text.encode() if isinstance(text, str) else text).cues
    return [(cue.t0_ms, cue.t1_ms, cue.speaker, cue.text) for cue in found]


VTT = """WEBVTT - an interview
Kind: captions
Language: en

STYLE
::cue { color: red }

NOTE the recording begins
with a cough

1
00:01.000 --> 00:04.500 align:start position:10%
<v.loud Esme O&amp;Brien>I think <i>it</i> &lt;is&gt;
the <c.yellow.bg_blue>badge</c> &amp; not 2 < 3</v>

REGION
id:fred

00:00:05.000 --> 00:00:06.000
<v Interviewer>And now?</v><v Esme O&amp;Brien>No idea.

intro two
01:00:00.000 --> 01:00:00.250
no voice here
"""


def test_webvtt_is_read_with_voices_settings_escapes_and_several_lines() -> None:
    assert cues(VTT) == [
        (1000, 4500, "Esme O&Brien", "I think it <is>\nthe badge & not 2 < 3"),
        (5000, 6000, "Interviewer", "And now?"),
        (5000, 6000, "Esme O&Brien", "No idea."),
        (3_600_000, 3_600_250, "", "no voice here"),
    ]


def test_webvtt_of_one_voice_a_cue_reads_as_another_parser_reads_it(tmp_path: Path) -> None:
    lines = [f"\n{clock(1000 * n)} --> {clock(1000 * n + 700)}\n<v P{n % 3}>word <b>{n}</b>\nnext" for n in range(50)]
    (tmp_path / "a.vtt").write_text("WEBVTT\n" + "\n".join(lines), encoding="utf-8")
    theirs = [
        (round(one.start_time.in_milliseconds()), round(one.end_time.in_milliseconds()), one.voice, one.text)
        for one in webvtt.read(str(tmp_path / "a.vtt"))
    ]
    assert [(cue.t0_ms, cue.t1_ms, cue.speaker, cue.text) for cue in read_transcript(tmp_path / "a.vtt").cues] == theirs


def test_srt_reads_as_another_parser_reads_it_and_keeps_what_an_empty_line_would_hide(tmp_path: Path) -> None:
    text = "\ufeff1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>Hello</i> there\r\n{\\an8}again\r\n\r\n"
    text += "2\r\n00:00:03,500 --> 00:01:02,250 X1:10\r\n1984\r\n\r\n3\r\n00:02:00,000 --> 00:02:01,000\r\nfirst\r\n"
    (tmp_path / "a.srt").write_bytes(text.encode())
    theirs = [(one.start, one.end) for one in webvtt.from_srt(str(tmp_path / "a.srt"))]
    ours = read_transcript(tmp_path / "a.srt")
    assert ours.form == "srt"
    assert [(clock(cue.t0_ms or 0), clock(cue.t1_ms or 0)) for cue in ours.cues] == theirs
    assert [cue.text for cue in ours.cues] == ["Hello there\nagain", "1984", "first"]
    split = "1\n00:00:01,000 --> 00:00:02,000\nabove\n\nbelow\n\n2\n00:00:03,000 --> 00:00:04,000\nnext"
    assert cues(split)[0] == (1000, 2000, "", "above\nbelow")


def test_names_before_a_colon_are_speakers_where_most_cues_have_one() -> None:
    zoom = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nAnna Schmidt: Look: a badge\n\n"
    zoom += "2\n00:00:03.000 --> 00:00:04.000\nInterviewer: Yes?\n"
    assert [cue[2:] for cue in cues(zoom)] == [("Anna Schmidt", "Look: a badge"), ("Interviewer", "Yes?")]
    mine = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nI think: no\n\n00:00:03.000 --> 00:00:04.000\nwell\n"
    assert cues(mine) == [(1000, 2000, "", "I think: no"), (3000, 4000, "", "well")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "[00:01:02] Anna: first\nsecond line\n\n[00:01:05.5] Ben: third\n(1:00:00) Anna: last",
            [
                (62_000, None, "Anna", "first\nsecond line"),
                (65_500, None, "Ben", "third"),
                (3_600_000, None, "Anna", "last"),
            ],
        ),
        ("[00:00 - 00:04] one\n[00:04.000 --> 00:09.25] two", [(0, 4000, "", "one"), (4000, 9250, "", "two")]),
        (
            "00:01:02 Anna: first\nat 10:30 we met\n01:10 Ben: second",
            [(62_000, None, "Anna", "first\nat 10:30 we met"), (70_000, None, "Ben", "second")],
        ),
        ("00:00:01\tAnna\thello\n00:00:02\tBen\tyes", [(1000, None, "Anna", "hello"), (2000, None, "Ben", "yes")]),
        (
            "Timespan\tContent\tSpeaker\n0:00:00.0 - 0:00:05.5\thello, there\tAnna\n0:00:05,5 - 0:00:06,0\tyes\tBen\n",
            [(0, 5500, "Anna", "hello, there"), (5500, 6000, "Ben", "yes")],
        ),
        # f4 and MAXQDA: the time stands after the words
        (
            "I: What do you see? #00:00:05-2#\n\nP: A badge. #00:00:09-0# And a clock. #00:00:12-5#",
            [(0, 5200, "I", "What do you see?"), (5200, 9000, "P", "A badge."), (9000, 12_500, "P", "And a clock.")],
        ),
        # ATLAS.ti: before them
        (
            "#00:00:01.5# Anna: a badge\n#00:00:04.0# Ben: where?",
            [(1500, None, "Anna", "a badge"), (4000, None, "Ben", "where?")],
        ),
        (
            "Anna   0:03\nI see a badge.\nTwo.\nBen   1:02:03\nWhere?",
            [(3000, None, "Anna", "I see a badge.\nTwo."), (3_723_000, None, "Ben", "Where?")],
        ),
        (
            "Anna: first\nmore of it\nBen: second",
            [(None, None, "Anna", "first\nmore of it"), (None, None, "Ben", "second")],
        ),
        ("Just thoughts.\nNobody named.", [(None, None, "", "Just thoughts."), (None, None, "", "Nobody named.")]),
        (
            "Anna: we met\n10:30 was late\nBen: yes",
            [(None, None, "Anna", "we met\n10:30 was late"), (None, None, "Ben", "yes")],
        ),
        (
            "Interview with P07\n[00:00:01] P07: hello",
            [(None, None, "", "Interview with P07"), (1000, None, "P07", "hello")],
        ),
    ],
)
def test_plain_text_is_read_in_the_form_it_has(text: str, wanted: list[object]) -> None:
    assert cues(text) == wanted


def word(*paragraphs: str, rows: tuple[tuple[str, ...], ...] = ()) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    if rows:
        table = document.add_table(rows=0, cols=len(rows[0]))
        for row in rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_a_word_document_is_read_by_paragraphs_and_by_table_rows() -> None:
    assert cues(word("[00:00:01] Anna: a \U0001f9ed badge\nbroken line", "[00:00:03] Ben: where?")) == [
        (1000, None, "Anna", "a \U0001f9ed badge\nbroken line"),
        (3000, None, "Ben", "where?"),
    ]
    rows = (("Timespan", "Speaker", "Content"), ("0:00:01.0 - 0:00:02.0", "Anna", "a badge\nand more"))
    assert cues(word(rows=rows)) == [(1000, 2000, "Anna", "a badge and more")]


def altered(data: bytes, change: tuple[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.decode().replace(*change).encode() if name == "word/document.xml" else text)
    return file.getvalue()


def test_what_was_deleted_under_tracked_changes_is_not_said_and_tab_stops_are_no_tabs() -> None:
    run = "<w:r><w:t>[00:00:01] Anna: yes</w:t></w:r>"
    gone = "<w:del><w:r><w:delText>never</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
    stops = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="10"/></w:tabs></w:pPr>'
    assert cues(altered(word("[00:00:01] Anna: yes"), (run, stops + gone + run))) == [(1000, None, "Anna", "yes")]


def test_a_document_type_is_refused_before_any_entity_is_read() -> None:
    bomb = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY l2 "&lol;&lol;&lol;">]><w:document '
    with pytest.raises(TranscriptRefused, match="document type"):
        cues(altered(word("one"), ("<w:document ", bomb)))


def test_a_document_that_unpacks_without_end_is_refused_in_little_memory() -> None:
    import tracemalloc

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        part.write(b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">')
        for _ in range(100):
            part.write(b" " * (1 << 20))
    assert len(file.getvalue()) < 1 << 20
    tracemalloc.start()
    with pytest.raises(TranscriptRefused, match="unpacks to more than 64 MiB"):
        cues(file.getvalue())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "holds no words"),
        (b"WEBVTT\n\n", "holds no words"),
        (b"\xef\xbb\xbf \n\n", "holds no words"),
        (
            "Anna: caf\u00e9".encode("latin-1"),
            "not UTF-8: line 1 holds a byte that is none .0xE9., as files in Latin-1",
        ),
        (b"Anna: a\0b", "bytes that are no text"),
        (b"PK\x03\x04 not a zip", "damaged or locked"),
        (b"%PDF-1.7", "save it as .docx"),
        (b"{\\rtf1 Anna: hello}", "save it as .docx"),
        (b"WEBVTT\n\n00:00:04.000 --> 00:00:01.000\nback\n", "begins at 00:00:04.000 and ends before that"),
        (b"[00:00:09] a\n[00:00:03] b", "Utterance 2 begins at 00:00:03.000, before the one above it"),
        (b"[00:99:00] a", "more than 59 minutes"),
        (b"WEBVTT\n\n00:00:04.000 --> oops\nwords\n", "Line 3 of the transcript .* is no cue's time"),
        (b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nhere\n\nlost words\n", "Line 6 .*'lost words'.* belongs to no cue"),
        (b"hello\n1\n00:00:01,000 --> 00:00:02,000\nhere", "words before its first time"),
        (b"1\n00:00:1,5 --> 00:00:02,000\nhere", "Line 2 of the transcript .* is no cue's time"),
        (b"a" * ((16 << 20) + 1), "larger than 16 MiB"),
    ],
)
def test_what_cannot_be_read_without_guessing_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(TranscriptRefused, match=sentence) as caught:
        transcript_in(data)
    assert "\n" not in str(caught.value)


def test_an_archive_that_is_no_document_and_a_locked_one_are_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("holiday.txt", "hello")
    with pytest.raises(TranscriptRefused, match="without a Word document"):
        transcript_in(file.getvalue())
    with pytest.raises(TranscriptRefused, match="no sound XML"):
        transcript_in(altered(word("one"), ("</w:body>", "")))


def test_utf_16_with_its_mark_and_every_kind_of_line_end_are_read() -> None:
    for name in ("utf-16-le", "utf-16-be"):
        assert cues("\ufeff[00:00:01] Anna: caf\u00e9 \U0001f9ed".encode(name)) == [
            (1000, None, "Anna", "caf\u00e9 \U0001f9ed")
        ]
    assert cues("[00:01] a\r[00:02] b\r\n[00:03] c\u2028d\n") == [
        (1000, None, "", "a"),
        (2000, None, "", "b"),
        (3000, None, "", "c d"),
    ]


def test_how_finely_times_are_written_is_known() -> None:
    assert transcript_in(b"[00:00:01] a").resolution_ms == 1000
    assert transcript_in(b"I: a #00:00:01-5#").resolution_ms == 100
    assert transcript_in(VTT.encode()).resolution_ms == 1
    assert [resolution_of(times) for times in ([], ["1:00"], ["1:00.25", "1:01"])] == [1000, 1000, 10]


@given(st.integers(0, 999 * 3_600_000))
def test_a_clock_reads_back(ms: int) -> None:
    assert ms_of(clock(ms)) == ms


@given(
    st.binary(max_size=300)
    | st.text(max_size=300).map(str.encode)
    | st.text("WEBVT\n->0:.,#[]A ", max_size=80).map(str.encode)
)
def test_no_file_breaks_the_reader(data: bytes) -> None:
    try:
        found = transcript_in(data)
    except TranscriptRefused:
        return
    assert found.cues
    assert all(isinstance(cue, Cue) and cue.text.strip() for cue in found.cues)
    begins = [cue.t0_ms for cue in found.cues if cue.t0_ms is not None]
    assert begins == sorted(begins)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20),
        min_size=1,
        max_size=6,
    )
)
def test_no_word_of_a_plain_text_is_lost(words: list[str]) -> None:
    text = "\n".join(f"[00:00:{n:02d}] Anna: {word} x" for n, word in enumerate(words))
    assert [cue[3] for cue in cues(text)] == [" ".join(f"{word} x".split()) for word in words]
