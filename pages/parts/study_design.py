"""The design of a study as it stands: the versions of its script, and how evenly its conditions are filled."""

from __future__ import annotations

from collections import Counter
from html import escape

import streamlit as st

from pages.parts.staff import Insider
from study.assignment import slots_of, taken
from study.roster import Entry, roster
from study.route import PHASE_ORDER, TASK_ORDER, TASK_SET
from study.script import StudyScript
from study.scripts import scripts_of
from study.slots import Share, balance

_FACTORS = {PHASE_ORDER: "Order of the phases", TASK_SET: "Task set first", TASK_ORDER: "Order of the tasks"}


def design_view(insider: Insider, study: str) -> None:
    """Scripts with their sessions by outcome, then each level of each factor."""
    entries = roster(insider.rig.log, study)
    _scripts(insider, study, entries)
    st.subheader("Balance of conditions")
    script = insider.rig.script
    if script.study.id != study:
        st.caption(f"The app runs the study “{script.study.id}”; the balance of another cannot be told here.")
        return
    window = script.modes.remote.resume_window_hours if script.modes.remote else None
    held = taken(insider.rig.log, study, script.study.version, window_hours=window)
    shares = balance(slots_of(script), held)
    if not shares:
        st.caption("This script counterbalances nothing: everybody goes the same way.")
        return
    st.caption(
        f"Version {script.study.version}, moderated and remote sessions. A newcomer takes the emptiest slot; who "
        "withdraws, is rejected, times out or does not consent gives theirs back."
    )
    _shares(shares, script)


def _scripts(insider: Insider, study: str, entries: tuple[Entry, ...]) -> None:
    st.subheader("Scripts on record")
    counts = Counter((one.script_sha256, _outcome(one)) for one in entries if one.mode not in ("bot", "preview"))
    outcomes = ("completed", "in progress", "withdrawn", "timed out", "rejected", "no consent")
    heads = "".join(f'<th class="number">{one.capitalize()}</th>' for one in outcomes)
    rows = ""
    for one in reversed(scripts_of(insider.rig.log, study)):
        now = ' <span class="faint">(running)</span>' if one.sha256 == insider.rig.script.sha256 else ""
        cells = "".join(f'<td class="number">{counts[one.sha256, outcome] or "–"}</td>' for outcome in outcomes)
        rows += (
            f"<tr><td>{escape(one.study.version)}{now}</td><td>{one.study.stage}</td>"
            f'<td><code title="{one.sha256}">{one.sha256[:12]}</code></td>{cells}</tr>'
        )
    st.html(
        '<table class="desk-table"><thead><tr><th>Version</th><th>Stage</th><th>SHA-256</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _outcome(entry: Entry) -> str:
    return "in progress" if entry.going_on else entry.state


def _shares(shares: tuple[Share, ...], script: StudyScript) -> None:
    most = max(1, *(one.completed + one.live for one in shares))
    rows, last = "", ""
    for one in shares:
        name = _FACTORS.get(one.factor, one.factor.replace("_", " ").capitalize()) if one.factor != last else ""
        last = one.factor
        arm = script.arms.get(one.factor)
        level = list(arm.levels)[one.level] if arm is not None else str(one.level + 1)
        done, live = 100 * one.completed / most, 100 * one.live / most
        bar = (
            f'<span class="fill"><i style="width:{done:.1f}%"></i><i class="live" style="width:{live:.1f}%"></i></span>'
        )
        rows += (
            f"<tr><td>{escape(name)}</td><td>{escape(level)}</td><td>{bar}</td>"
            f'<td class="number">{one.completed}</td><td class="number">{one.live}</td>'
            f'<td class="number">{one.given_back}</td></tr>'
        )
    st.html(
        '<table class="desk-table fills"><thead><tr><th>Factor</th><th>Level</th><th></th>'
        '<th class="number">Completed</th><th class="number">Live</th><th class="number">Given back</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
