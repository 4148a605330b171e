"""Microphone: whether the participant is heard, by their own ear."""

from __future__ import annotations

from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.mic_check import mic_check
from study.session import Step

who = arrive(Step.MIC)

with page("sheet", "Task"):
    mic_check(who)
