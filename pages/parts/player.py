"""The replay as one element on the page: the tape, and the participant's own bench, still, inside it."""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

from pages.parts.instrument import BENCH_CSS, BENCH_HTML, BENCH_JS

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("families", "timeline", "roll", "moment", "suppose", "ear", "replay")


def _read(*names: str) -> str:
    return "\n".join((_ASSETS / name).read_text(encoding="utf-8") for name in names)


# What the participant saw is drawn by what drew it then: the same frame, style and scripts, with no outbox behind them.
_mount = component(
    "tiller_replay",
    html=_read("replay.html").replace("__BENCH__", BENCH_HTML),
    css=f"{BENCH_CSS}\n{_read('replay.css')}",
    js=f"{BENCH_JS}\n{_read(*(f'{name}.js' for name in _SCRIPTS))}",
)


def play(session: str, seq: str, study: str | None) -> None:
    """Draw the replay of a session at the row that the address asks for, the first where `seq` is empty.

    It fetches what it shows from the replay's own addresses, and says so where the session has no such row.
    """
    _mount(key="replay", data={"session": session, "seq": seq, "study": study})
