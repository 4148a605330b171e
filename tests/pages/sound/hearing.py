"""The app's own addresses over a record and no model, and in place of its pages two that do nothing but hear."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[3]))  # the streamlit command puts only this folder there

from pages.parts.intake import SOUND
from pages.parts.rig import Rig, install
from study import hearing
from study.database import connect
from study.log import EventLog
from study.script import load_script
from study.settings import settings_in


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    settings = settings_in(os.environ)
    log = EventLog(connect(settings.database_url))
    install(Rig(bundles={}, tasks={}, script=load_script(settings.study), log=log, run=cast("Any", None)))
    yield


hearing.MOST_PIECES = int(os.environ.get("TILLER_TEST_MOST_PIECES") or hearing.MOST_PIECES)
_PAGES = os.environ.get("TILLER_TEST_PAGES", "screens.py")
app = st.App(_PAGES, routes=SOUND, lifespan=lifespan)
