"""The end of a session in words: how it came, the code for it, and what the edits did to other pictures."""

from __future__ import annotations

from html import escape

import streamlit as st

from pages.parts.held_out import Verdict, verdicts_of
from pages.parts.here import Here
from pages.parts.recap import pictures_of, recorded
from pages.parts.words import say
from study.session_events import SessionCompleted, SessionWithdrawn


def ended_in_words(who: Here, outcome: str) -> None:
    """What it means that the session ended in this way, and whom to ask."""
    asked = any(isinstance(record.event, SessionWithdrawn) and record.event.erase for record in who.records)
    st.markdown(say("done.ended_text.withdrawn_erase") if asked else say(f"done.ended_text.{outcome}"))
    st.caption(say("done.contact", contact=who.rig.script.study.contact))


def code_of(who: Here) -> bool:
    """Draw the code of this end, if the script has one; whether it has. The end has been read from the record."""
    ids = who.rig.script.ids
    ends = [record.event.outcome for record in who.records if isinstance(record.event, SessionCompleted)]
    # whoever withdraws their data after the last picture has taken part all the same
    outcome = "completed" if "completed" in ends else who.place.outcome
    code = getattr(ids.completion, outcome, None)
    if code is None:
        return False
    with st.container(key="completion"):
        st.caption(say("done.code"))
        st.code(code, language=None)
        if ids.return_url:
            st.link_button(say("done.back"), ids.return_url.replace("{code}", code), type="primary")
        else:
            st.caption(say("done.code_note"))
    return True


def completed_in_words(who: Here) -> None:
    """Each picture again, what the plans do elsewhere where the script shows that, and how much is on record."""
    pictures_of(who)
    found = verdicts_of(who.rig, who.session_id)
    if found:
        st.markdown(f"##### {say('done.held_out.title')}")
        st.html(f'<ul class="tiller-verdicts">{"".join(map(_verdict, found))}</ul>')
    recorded(who)


def _verdict(one: Verdict) -> str:
    title = "task.title" if one.shows else "task.title_open"
    name = escape(say(title, truth=one.shows, target=one.target))
    if one.passed is None:
        return f"<li><b>{name}</b>: {say('done.held_out.unknown')}.</li>"
    counts = (
        say("done.held_out.fixed", fixed=one.fixed, wrong=one.wrong),
        say("done.held_out.broken", broken=one.broken, right=one.right),
    )
    words = say("done.held_out.passed" if one.passed else "done.held_out.failed")
    return f'<li data-passed="{str(one.passed).lower()}"><b>{name}</b>: {words}. {"; ".join(counts)}.</li>'
