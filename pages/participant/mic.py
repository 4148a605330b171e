"""Microphone: whether the participant is heard, by their own ear."""

from __future__ import annotations

from pages.parts.frame import page
from pages.parts.here import arrive
from pages.parts.mic_check import mic_check
from pages.parts.words import say
from study.session import Step

who = arrive(Step.MIC)

with page("sheet", say("mic.window"), who):
    mic_check(who)
