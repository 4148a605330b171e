"""The exports of a study: what to order, how far it has come, and what lies there to be fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape

import streamlit as st

from core.types import many
from pages.parts.calm import calmly
from pages.parts.errands import bar
from pages.parts.staff import Insider, while_let_in
from study.exports import FORMATS
from study.exports.kept import Kept, delete_kept, kept_in
from study.exports.shelf import Run
from study.roster import roster

TOOLS: dict[str, tuple[str, str]] = {
    "csv": ("CSV", "Tables of events, codes and speech, for Excel, LibreOffice, R or pandas."),
    "parquet": ("Parquet", "The table of events, typed and small, for pandas, Polars, DuckDB or R's arrow."),
    "jsonl": ("JSONL", "One JSON object a line, with the digests to check the chain by; for any language, or jq."),
    "sqlite": (
        "SQLite",
        "The record's own tables in one file, for DB Browser for SQLite or Datasette.",
    ),
    "psych-ds": ("Psych-DS", "A dataset folder with a table for each session, for the Psych-DS validator."),
    "qdpx": ("REFI-QDA", "Speech, steps and codes, for ATLAS.ti, MAXQDA, NVivo or QualCoder (not tried in these)."),
    "bids": ("BIDS-style events", "Onsets and durations, a file for each session, for MNE, R or a spreadsheet."),
    "webvtt": ("WebVTT", "Captions of what was said and done, a file for each session, for a player in a web page."),
    "elan": ("ELAN", "Tiers on a time line, a file for each session, for ELAN."),
    "prov": ("PROV-JSON", "Where every state came from, for Python's prov and other tools of the W3C standard."),
    "trrack": ("Trrack", "The graph of each attempt, for Trrack and reVISit."),
    "card": (
        "Study card",
        "What the study is, asks and holds, in six sections: Markdown to read, and the same as JSON.",
    ),
}
FIRST = ("csv", "qdpx")  # what is ordered unless said otherwise


def order(insider: Insider, study: str) -> None:
    """Choose formats and whom to take in; the button begins the export, or shows the one under way."""
    modes = Counter(entry.mode for entry in roster(insider.rig.log, study))
    with st.container(key="formats"):
        wanted = [form for form in FORMATS if _wanted(form)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All formats", key="all", on_click=_tick_all)
        bots, previews = _also("bot", "Simulated participants", modes), _also("preview", "Previews", modes)
    without = tuple(mode for mode, taken in (("preview", previews), ("bot", bots)) if not taken)
    sessions = sum(count for mode, count in modes.items() if mode not in without)

    @calmly
    @while_let_in(insider)
    def begin() -> None:
        insider.rig.shelf.start(study, wanted, without=without)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Make the export", type="primary", key="export", on_click=begin, disabled=not (wanted and sessions))
        said = f"{many(sessions, 'session')} in {many(len(wanted), 'format')}"
        st.caption(said if wanted and sessions else "Choose a format" if sessions else "No session", width="content")


def progress(insider: Insider, run: Run) -> None:
    """How far the run has come, and the way to stop it; of a study that is not theirs, only that there is one."""
    if not insider.staff.may_see(run.study):
        st.info("An export of another study is being made; yours can be made when it has ended.", icon=None)
        return
    rows = f", row {run.rows:,} of {run.of:,}" if run.of else ""
    doing = f"{TOOLS[run.formats[run.at]][0]}, format {run.at + 1} of {len(run.formats)}{rows}"
    bar(insider, insider.rig.shelf, run.share, f"{run.study}: {doing}")


def ended(insider: Insider, run: Run) -> None:
    """What became of the last run, if it was of a study that is theirs."""
    if not insider.staff.may_see(run.study):
        return
    if run.state == "failed":
        st.error(run.reason, icon=None)
    elif run.state == "stopped":
        st.info("The export was stopped; nothing of it was kept. It can be made again at any time.", icon=None)


def listed(insider: Insider, study: str) -> None:
    """Every finished export of the study, with its files, their digests, and the way to have it or take it away."""
    every = [one for one in kept_in(insider.rig.shelf.folder) if one.study == study]
    if not every:
        st.caption("No export of this study lies here yet.")
    for one in every:
        with st.container(key=f"kept-{one.name}", border=True):
            _drawn(insider, one)


def _drawn(insider: Insider, one: Kept) -> None:
    forms = ", ".join(TOOLS[form][0] for form in one.formats if form in TOOLS)
    with st.container(key=f"line-{one.name}", horizontal=True, vertical_alignment="center"):
        st.html(
            f'<b>{one.made:%Y-%m-%d %H:%M} UTC</b><div class="kept-what">{escape(forms)} \u00b7 '
            f"{many(len(one.files), 'file')} \u00b7 {_size(one.bytes)}</div>"
        )
        st.html(f'<a class="kept-get" href="./api/exports/{one.name}" download>Download zip</a>', width="content")
        with st.popover("Delete", key=f"ask-{one.name}"):
            st.write("The export goes from this server; the record stays as it is.")
            st.button(
                "Delete it",
                key=f"delete-{one.name}",
                on_click=calmly(while_let_in(insider)(delete_kept)),
                args=(insider.rig.shelf.folder, one.name),
            )
    with st.expander("What is in it"):
        rows = "".join(
            _format(one, form, manifest.sha256) for form, manifest in zip(one.formats, one.manifests, strict=True)
        )
        heads = (
            '<th>Format</th><th class="number">Files</th><th class="number">Size</th><th>SHA-256 of its manifest</th>'
        )
        st.html(f'<table class="desk-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')
        st.caption("Each manifest lists the digest of every file beside it, and the head of each session's chain.")


def _format(one: Kept, form: str, digest: str) -> str:
    files = [each for each in one.files if each.file.startswith(f"{form}/")]
    size = _size(sum(each.bytes for each in files))
    return (
        f'<tr><td>{escape(form)}</td><td class="number">{len(files)}</td><td class="number">{size}</td>'
        f'<td class="kept-digest">{digest}</td></tr>'
    )


def _wanted(form: str) -> bool:
    name, sentence = TOOLS[form]
    with st.container(key=f"format-{form}"):
        st.session_state.setdefault(f"want-{form}", form in FIRST)
        chosen = st.checkbox(name, key=f"want-{form}")
        st.caption(sentence)
    return chosen


def _tick_all() -> None:
    for form in FORMATS:
        st.session_state[f"want-{form}"] = True


def _also(mode: str, words: str, modes: Mapping[str, int]) -> bool:
    count = modes.get(mode, 0)
    return st.toggle(f"{words} too ({count})", key=f"also-{mode}", disabled=not count) and bool(count)


def _size(count: int) -> str:
    size, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
