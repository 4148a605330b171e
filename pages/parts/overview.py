"""The overview of classes and failures: made in the background, and drawn from what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from pages.parts.calm import calmly
from pages.parts.errands import is_busy
from pages.parts.overview_sheet import sheet
from pages.parts.staff import Insider, while_let_in
from study.examinations import OVERVIEW, found_of
from study.overview_report import in_short, report_of

_ASSETS = Path(__file__).parent / "assets"
_mount = component(
    "tiller_overview",
    html='<div class="findings overview"></div>',
    css="".join((_ASSETS / name).read_text(encoding="utf-8") for name in ("findings.css", "overview.css")),
    js=(_ASSETS / "findings.js").read_text(encoding="utf-8"),
)
COMMAND = "tiller overview"
FAILURES = "All failures"


def offered(insider: Insider) -> dict[str, Any] | None:
    """What to look at, and the button that makes the overview; the account that was picked, None where none is kept."""
    surveyor, bundles = insider.rig.surveyor, insider.rig.bundles

    @calmly
    @while_let_in(insider)
    def begin() -> None:
        surveyor.start(list(bundles))

    with st.container(key="overview-head", horizontal=True, vertical_alignment="bottom"):
        which = next(iter(bundles))
        if len(bundles) > 1:
            which = st.selectbox("Dictionary", list(bundles), key="overview-which", width=160)
        bundle = bundles[which]
        kept = found_of(surveyor.folder, OVERVIEW, bundle.fingerprint["bundle"], which)
        picked = None
        if kept is not None:
            picked = st.selectbox("Look at", [FAILURES, *kept["classes"]], key="overview-of", width=220)
        label = "Make the overview" if kept is None else "Make it anew"
        st.button(
            label,
            type="primary" if kept is None else "secondary",
            key="survey",
            on_click=begin,
            disabled=is_busy(surveyor),
        )
    if kept is None:
        st.caption(
            f"Nothing was summed up for this dictionary yet; `{COMMAND}` does it, or the button above. It takes a "
            "minute or more and slows whoever is in a session."
        )
        return None
    return kept["failures"] if picked == FAILURES else kept["classes"][picked]


def drawn(insider: Insider, account: Mapping[str, Any]) -> None:
    """The account as one sheet: components with pictures, slices, suppressions beside their shams."""
    bundle = insider.rig.bundles[account["dictionary"]]
    st.markdown(in_short(account))
    key = f"overview-{account['dictionary']}-{account.get('class', '')}"
    _mount(key=key, data={"sheet": sheet(account, bundle)})


def report(account: Mapping[str, Any]) -> None:
    """The same in sentences, to read and to take away."""
    written = report_of(account)
    name = f"overview-{account.get('class', 'failures')}.md".replace(" ", "-").replace("/", "-")
    with st.container(key="overview-report"):
        st.download_button("Download the report as Markdown", written, name, "text/markdown", on_click="ignore")
        with st.expander("Read the report"):
            st.markdown(written.replace("\n# ", "\n### ").replace("\n## ", "\n#### ").removeprefix("# "))
