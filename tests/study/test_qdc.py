"""A codebook goes out as .qdc and comes back the same; one from another tool becomes a version of its own."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from coded import STUDY, code
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.types import TillerError
from study.__main__ import app
from study.codebook import books_of, mistakes_in
from study.coding_events import Entry
from study.exports.qdc import mapped_by_name, read_qdc, write_qdc
from study.log import EventLog
from study.themes import starting_entries

FOREIGN = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>
<CodeBook xmlns="urn:QDA-XML:codebook:1.0" origin="Another 9.1"><Codes>
 <Code guid="{0B9D2F2E-6D0E-4D0F-9C39-0A4F0A1D7C11}" name="Feelings" isCodable="false">
  <Code guid="0B9D2F2E-6D0E-4D0F-9C39-0A4F0A1D7C12" name="Surprise" isCodable="true" color="#AA3377">
   <Description>Not as they thought.&#13;
Use when: they say so</Description></Code></Code>
 <Code guid="0B9D2F2E-6D0E-4D0F-9C39-0A4F0A1D7C13" name="Doubt" isCodable="true">
  <Code guid="0B9D2F2E-6D0E-4D0F-9C39-0A4F0A1D7C14" name="surprise" isCodable="true" color="rgb(1,2,3)"/></Code>
</Codes><Sets><Set guid="0B9D2F2E-6D0E-4D0F-9C39-0A4F0A1D7C15" name="all"/></Sets></CodeBook>"""


def written(entries: tuple[Entry, ...]) -> bytes:
    file = io.BytesIO()
    assert write_qdc(entries, file) == sum(entry.codable for entry in entries)
    return file.getvalue()


def test_the_starting_codebook_comes_back_as_it_went_out() -> None:
    entries = starting_entries()
    assert read_qdc(written(entries), entries) == entries
    assert [replace(one, shortcut="") for one in entries] == list(read_qdc(written(entries)))


plain = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=30).map(str.strip)


@given(st.lists(plain, min_size=4, max_size=4), st.lists(plain.filter(bool), min_size=1, max_size=3))
def test_words_of_any_script_come_back(parts: list[str], lines: list[str]) -> None:
    definition, use, no, example = parts
    entry = Entry(
        id=code("x"),
        name="x <&> \U0001f9ed",
        definition=definition,
        use_when="\n".join([use, *lines]).strip(),
        not_when=no,
        example=example,
        colour="#010203",
    )
    (back,) = read_qdc(written((entry,)))
    if not any(line.startswith(("Use when: ", "Not when: ", "Example: ")) for line in [definition, use, *lines]):
        assert back == entry


def test_a_codebook_of_another_tool_is_read_with_its_quirks() -> None:
    group, inner, doubt, twin = read_qdc(FOREIGN, starting_entries())
    assert (group.name, group.codable, group.parent) == ("Feelings", False, None)
    assert (inner.name, inner.parent, inner.colour) == ("Surprise", group.id, "#aa3377")
    assert (inner.definition, inner.use_when) == ("Not as they thought.", "they say so")
    assert inner.shortcut == "s", "the key of the code of that name is kept"
    assert (doubt.codable, twin.parent) == (True, doubt.id)
    assert (twin.name, twin.colour, twin.shortcut) == ("Doubt: surprise", "#5b6670", "")
    assert mistakes_in((group, inner, doubt, twin)) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<Project/>",
        b'<CodeBook><Codes><Code name="a"/></Codes></CodeBook>',
        b'<CodeBook><Codes><Code guid="1" name="a"/></Codes></CodeBook>',
        b'<!DOCTYPE lolz [<!ENTITY lol "lol">]><CodeBook/>',
    ],
)
def test_what_is_no_codebook_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(TillerError, match="was to be read as a"):
        read_qdc(data)


def test_codes_that_an_import_does_not_have_become_those_of_the_same_name() -> None:
    after = read_qdc(FOREIGN)
    mapping = mapped_by_name(starting_entries(), after)
    assert mapping[code("surprise")] == after[1].id
    assert mapping[code("confusion")] == ""


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == status, done.output
    return done.stdout if status == 0 else done.stderr.replace("\n", " ")


def test_the_command_exports_edits_made_elsewhere_and_imports_them(
    fresh_log: EventLog, session: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLER_DATABASE_URL", url)
    out = tmp_path / "book.qdc"
    run("codebook", "--study", STUDY, "--export", str(out))
    run("codebook", "--study", STUDY, "--import", str(out))
    assert len(books_of(fresh_log, STUDY)) == 1, "nothing differs, so no version"
    out.write_text(out.read_text(encoding="utf-8").replace('"surprise"', '"astonishment"'), encoding="utf-8")
    found = json.loads(run("codebook", "--study", STUDY, "--import", str(out), "--json"))
    assert found["version"] == 2
    (changed,) = [one for one in books_of(fresh_log, STUDY)[-1].entries if one.name == "astonishment"]
    assert (changed.id, changed.shortcut) == (code("surprise"), "s")
    assert "one after the other" in run(
        "codebook", "--study", STUDY, "--import", str(out), "--export", str(out), status=2
    )
    assert "'nine' was asked for" in run("codebook", "--study", "nine", status=2)
