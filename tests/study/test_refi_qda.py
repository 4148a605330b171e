"""REFI-QDA: valid by the official schema, and read back by a parser of its own to the same codes in the same places."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
import xmlschema

from core.types import TillerError
from study.acts import Act
from study.bench import Bench
from study.decisions import opening
from study.exports import export_log
from study.exports.manifest import ExportFailed
from study.exports.refi_check import check_project
from study.guids import guid
from study.interventions import perform
from study.log import EventLog
from study.session_events import ConsentGiven, ConsentRefused, SessionCompleted, SessionStarted
from study.strategies import codes_of
from study.task_events import ResponseSubmitted
from study.units import units_in

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "refi-qda/Project-mrt2019.xsd"
Q = "{urn:QDA-XML:project:1.0}"
SAID = "I think \U0001f9ed it is the \U0001d4ed badge, <b>not</b> the clock ]]> & so on\r\nsecond line"


@pytest.fixture
def project(fresh_log: EventLog, bench: Bench, act: Callable[..., Act], tmp_path: Path) -> Path:
    for number, consent in ((1, ConsentGiven), (2, ConsentRefused)):
        name = f"P0{number}"
        start = SessionStarted(study="demo", study_version="1", script_sha256="5c", participant=name)
        fresh_log.append(name, start, consent(scope="quote", text_sha256="c0"), key="start")
        fresh_log.append(name, *opening(bench, image="7f.png", labels=("apple", "boat", "car")), key="open")
        answer = ResponseSubmitted(task="word", item="cause", text=SAID)
        fresh_log.append(name, answer, ResponseSubmitted(task="word", item="confidence", number=1e-05), key="a")
        steps = [act("edit", 1, 0.5), act("edit", 1, 0.2), act("inspect", 2), act("edit", 1, 0), act("undo")]
        for step in [*steps, act("overlay", 4, overlay="fires"), act("edit", 2, 1.5, op="set"), act("reset")]:
            perform(fresh_log, name, step, bench)
        fresh_log.append(name, SessionCompleted(), key="end")
    export_log(fresh_log, tmp_path / "out", "qdpx")
    return tmp_path / "out" / "project.qdpx"


def parsed(project: Path) -> tuple[ElementTree.Element, dict[str, str]]:
    with ZipFile(project) as archive:
        texts = {name: archive.read(name).decode("utf-8") for name in archive.namelist() if name.endswith(".txt")}
        return ElementTree.fromstring(archive.read("project.qde")), texts


def test_it_is_valid_by_the_official_schema(project: Path) -> None:
    found = [folder / SCHEMA for folder in (ROOT / "shared", ROOT.parent / "shared") if (folder / SCHEMA).is_file()]
    if not found:
        pytest.skip(f"the schema is not ours to ship, and there is no shared/{SCHEMA} in or beside the checkout")
    schema = xmlschema.XMLSchema(str(found[0]))
    with ZipFile(project) as archive:
        errors = [error.reason for error in schema.iter_errors(archive.read("project.qde").decode())]
    assert errors == []


def test_every_coding_reads_back_in_its_place(project: Path, fresh_log: EventLog) -> None:
    root, texts = parsed(project)
    names = {code.get("guid"): code.get("name") for code in root.iter(f"{Q}Code")}
    for case, source in zip(root.iter(f"{Q}Case"), root.iter(f"{Q}TextSource"), strict=True):
        text = texts[f"sources/{str(source.get('plainTextPath')).removeprefix('internal://')}"]
        given = set()
        for selection in source.iter(f"{Q}PlainTextSelection"):
            piece = text[int(str(selection.get("startPosition"))) : int(str(selection.get("endPosition")))]
            lines = [line for line in piece.split("\n") if line.startswith("[#")]
            first, last = (int(line[2 : line.index("]")]) for line in (lines[0], lines[-1]))
            for reference in selection.iter(f"{Q}CodeRef"):
                given.add((names[reference.get("targetGUID")], first, last))
        wanted = {
            (code.name, code.first, code.last) for code in codes_of(units_in(fresh_log.read(str(case.get("name")))))
        }
        assert given == wanted
        assert {name for name, _, _ in given} >= {"sweep", "isolate", "undo", "set", "reset"}


def test_words_are_quoted_only_with_consent_and_to_the_last_character(project: Path) -> None:
    root, texts = parsed(project)
    spoken = [texts[f"sources/{source.get('guid')}.txt"] for source in root.iter(f"{Q}TextSource")]
    assert SAID.replace("\r\n", "\n") in spoken[0]
    assert "badge" not in spoken[1]
    assert "P02 on cause: (words withheld: no consent to quote them)" in spoken[1]
    # a selection after the astral characters still cuts out its own line
    later = next(one for one in root.iter(f"{Q}PlainTextSelection") if one.get("name") == "seq 8")
    piece = spoken[0][int(str(later.get("startPosition"))) : int(str(later.get("endPosition")))]
    assert piece == "[#8] suppress component 1 to 0.5 times | apple 0.67 -> apple 0.74"


def test_each_participant_is_a_case_with_values_and_the_rules_are_a_user(project: Path) -> None:
    root, _ = parsed(project)
    assert [user.get("name") for user in root.iter(f"{Q}User")] == ["rules/1.0.0"]
    variables = {one.get("guid"): (one.get("name"), one.get("typeOfVariable")) for one in root.iter(f"{Q}Variable")}
    for case in root.iter(f"{Q}Case"):
        values = {}
        for value in case.iter(f"{Q}VariableValue"):
            reference, content = list(value)
            name, kind = variables[reference.get("targetGUID")]
            assert content.tag == f"{Q}{kind}Value"
            values[name] = content.text
        assert values == {
            "interventions": "6",
            "mode": "remote",
            "outcome": "completed",
            "study_version": "1",
            "word: confidence": "0.00001",
        }


def test_a_second_export_is_the_same_file(project: Path, fresh_log: EventLog, tmp_path: Path) -> None:
    export_log(fresh_log, tmp_path / "again", "qdpx")
    for name in ("project.qdpx", "codebook.qdc"):
        assert (tmp_path / "again" / name).read_bytes() == project.with_name(name).read_bytes()


def test_the_codebook_alone_holds_every_code_with_its_definition(project: Path) -> None:
    root = ElementTree.parse(project.with_name("codebook.qdc")).getroot()
    assert root.tag == "{urn:QDA-XML:codebook:1.0}CodeBook"
    codes = [code for code in root.iter("{urn:QDA-XML:codebook:1.0}Code") if code.get("isCodable") == "true"]
    assert len(codes) == 22, "those of the rules and the themes that every codebook begins with"
    said = [str(code.findtext("{urn:QDA-XML:codebook:1.0}Description")) for code in codes]
    assert all(words.split("\n")[0].endswith(".") for words in said)


def test_a_study_without_sessions_is_an_empty_project(fresh_log: EventLog, tmp_path: Path) -> None:
    export_log(fresh_log, tmp_path, "qdpx")
    root, texts = parsed(tmp_path / "project.qdpx")
    assert texts == {}
    assert list(root.iter(f"{Q}Case")) == []


def test_a_project_that_does_not_read_back_is_not_kept(
    fresh_log: EventLog, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from study.exports import refi_speech

    honest = refi_speech.timeline_of

    def shifted(records: object, spoken: object) -> object:
        timeline = honest(records, spoken)  # pyright: ignore
        return type(timeline)(timeline.text[1:], timeline.lines)

    monkeypatch.setattr(refi_speech, "timeline_of", shifted)
    with pytest.raises(ExportFailed, match="is not where its lines are"):
        export_log(fresh_log, tmp_path / "broken", "qdpx")
    assert not (tmp_path / "broken").exists()


@pytest.mark.parametrize("tag", ["PlainTextSelection", "Coding", "TextSource", "Code"])
def test_an_id_that_is_there_twice_is_found(project: Path, tmp_path: Path, tag: str) -> None:
    def doubled(qde: str) -> str:
        one, two = re.findall(rf'<{tag} [^>]*?guid="([^"]+)"', qde)[:2]
        return qde.replace(f'guid="{two}"', f'guid="{one}"')

    with pytest.raises(ValueError, match="is used twice"):
        check_project(changed(project, tmp_path, doubled))


def test_links_may_name_lines_and_nothing_that_is_not_there(project: Path, tmp_path: Path) -> None:
    def linked(qde: str, to: str) -> str:
        link = f'<Links><Link guid="{guid("link")}" name="explains" direction="OneWay" targetGUID="{to}"/></Links>'
        return qde.replace("<Description>Made by", f"{link}<Description>Made by")

    whole = check_project(project)
    line = re.findall(r'<PlainTextSelection guid="([^"]+)"', qde_in(project))[0]
    assert check_project(changed(project, tmp_path, lambda qde: linked(qde, line))) == whole
    with pytest.raises(ValueError, match="names nothing"):
        check_project(changed(project, tmp_path, lambda qde: linked(qde, guid("nobody"))))


def qde_in(project: Path) -> str:
    with ZipFile(project) as archive:
        return archive.read("project.qde").decode()


def changed(project: Path, folder: Path, change: Callable[[str], str]) -> Path:
    """The project with another QDE file in it."""
    out = folder / "changed.qdpx"
    with ZipFile(project) as archive, ZipFile(out, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, change(qde_in(project)) if name == "project.qde" else archive.read(name))
    return out


def test_an_unknown_study_is_refused(fresh_log: EventLog, tmp_path: Path) -> None:
    with pytest.raises(TillerError, match="Study 'nine' was asked for"):
        export_log(fresh_log, tmp_path, "qdpx", study="nine")
