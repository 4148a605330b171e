"""A voice in a real browser: what was said is in the record, whoever dies, and nothing once it is no longer allowed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Server, environment, until
from spoken import BEGINNINGS, Speaker, heard_in, kill_browser, microphone, write_spoken_script, write_tones

from study.recordings import Recording
from study.session_events import SessionPaused, SessionResumed

pytestmark = pytest.mark.browser

# nothing at the microphone, and nothing that waits for the record
IDLE = "!window.tillerRecorder.recorder && !window.tillerRecorder.courier.queue.length"


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("tones") / "tones.wav")


@pytest.fixture(scope="module")
def hearing(nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hearing")
    database = folder / "log.db"
    started = environment(folder, write_spoken_script(folder), database)
    made = Server(started, database, entry="tests/pages/sound/hearing.py", nursery=nursery)
    made.start(healthy=False)
    yield made
    made.kill()


@pytest.fixture
def opened(chromium: Any, tones: Path, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """A browser with its profile on the disk and the file at its microphone; opened again, it finds what it left."""
    contexts: list[Any] = []

    def open_browser() -> Any:
        context = chromium.browser_type.launch_persistent_context(
            str(tmp_path / "profile"), executable_path=shutil.which("chromium"), args=microphone(tones)
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.pages[0]

    yield open_browser
    for context in contexts:
        context.close()


def light(page: Any, face: str) -> None:
    """A server that starts again beside other tests may take its time; the page waits for it however long."""
    page.locator(f".light[data-face='{face}']").wait_for(state="attached", timeout=120_000)


def whole(page: Any, who: Speaker, one: Recording) -> None:
    """The recording is there from its first piece to its last, and in it is what was at the microphone."""
    assert one.missing == ()
    seconds, onsets = heard_in(page, who.sound(one))
    gaps = [begin - BEGINNINGS[0] for begin in BEGINNINGS[: len(onsets)]]
    assert [at - onsets[0] for at in onsets] == pytest.approx(gaps, abs=0.1)
    assert seconds - onsets[-1] < 4.0, "no tone is missing at its end"
    # The page tells when a piece came, not when it was heard: a busy machine is late, and a piece lost is a second.
    assert seconds == pytest.approx(end_ms(one) / 1000, abs=0.5)
    assert max(piece.length_ms or 0 for piece in one.pieces[:-1]) <= 1800 + 1000, "late by a second, and never left out"


def end_ms(one: Recording) -> float:
    return one.pieces[-1].start_ms + (one.pieces[-1].length_ms or 0)


def test_what_is_said_is_in_the_record_until_it_is_no_longer_allowed(
    opened: Callable[[], Any], hearing: Server
) -> None:
    page, who = opened(), Speaker(hearing)
    page.goto(who.link)
    light(page, "on")
    assert page.get_by_role("status").inner_text() == "Recording"
    page.get_by_role("button", name="Draw again").click()
    page.get_by_role("button", name="Other page").click()
    page.get_by_role("heading", name="Second").wait_for()
    page.wait_for_timeout(8000)
    who.allow(False)
    light(page, "off")
    until(lambda: who.recordings[0].stopped)
    stood = who.pieces
    page.wait_for_timeout(2500)
    assert who.pieces == stood
    (one,) = who.recordings
    whole(page, who, one)

    (clock, *_) = who.rows("clock.synced")
    off, error = clock.row["offset_ms"], clock.row["offset_err_ms"]
    assert clock.event.pairs == 8 and abs(off) <= error + 2 and 0 < error < 500, "one clock, read to the millisecond"
    first = who.rows("media.chunk_stored", "transcript:")[0]
    assert one.anchor is not None and 0 < (first.utc_ns - (one.anchor.utc_ns or 0)) / 1e9 < 5
    silences = [row.event for row in who.rows("silence.detected")]
    assert silences and {each.media for each in silences} == {one.media}
    ends = [begin + 0.4 for begin in BEGINNINGS]
    _, onsets = heard_in(page, who.sound(one))
    for each in silences[1:]:  # before the first tone the room is not known
        at = each.t0_ms / 1000 - onsets[0] + BEGINNINGS[0]
        assert min(abs(at - end) for end in ends) < 0.35
    page.get_by_text("silences heard of: ").wait_for()
    assert page.get_by_text("silences heard of: 0").count() == 0


def test_a_server_that_is_killed_and_a_pause_cost_no_piece(opened: Callable[[], Any], hearing: Server) -> None:
    page, who = opened(), Speaker(hearing)
    page.goto(who.link)
    until(lambda: who.pieces >= 2)
    hearing.kill()
    light(page, "held")
    assert "held here" in page.locator(".light").inner_text()
    hearing.start(healthy=False)
    light(page, "on")
    who.write(SessionPaused(), key="pause")
    light(page, "paused")
    until(lambda: who.recordings[0].stopped)
    whole(page, who, who.recordings[0])
    assert who.recordings[0].lost == ()

    who.write(SessionResumed(gap_s=1.0, ends_pause=True), key="resume")
    page.get_by_role("button", name="Draw again").click()
    light(page, "on")
    until(lambda: len(who.recordings) == 2)


def test_a_browser_that_is_killed_sends_what_it_held_when_it_comes_back(
    opened: Callable[[], Any], hearing: Server, tmp_path: Path
) -> None:
    page, who = opened(), Speaker(hearing)
    page.goto(who.link)
    until(lambda: who.pieces >= 1)
    hearing.kill()
    stood = who.pieces
    page.wait_for_timeout(4200)
    kill_browser(tmp_path / "profile")
    killed_ns = time.time_ns()
    hearing.start(healthy=False)
    page = opened()
    page.goto(who.link)
    until(lambda: who.recordings[0].stopped and len(who.recordings) == 2)
    one, new = who.recordings
    assert len(one.pieces) > stood and one.media != new.media and one.anchor is not None
    lost_s = (killed_ns - (one.anchor.utc_ns or 0)) / 1e9 - end_ms(one) / 1000
    assert -0.1 <= lost_s <= 5, "but for what the clocks are apart"
    whole(page, who, one)
    page.reload()
    until(lambda: len(who.recordings) == 3)


def test_a_piece_that_comes_damaged_each_time_is_given_up_with_a_word_and_those_that_follow_are_kept(
    opened: Callable[[], Any], hearing: Server
) -> None:
    page, who, sendings = opened(), Speaker(hearing), []

    def damage(route: Any) -> None:
        sendings.append(route.request.url)
        route.continue_(post_data=b"damaged")

    page.route(re.compile(r"/api/sound/[0-9a-f]+/2\?"), damage)
    page.goto(who.link)
    light(page, "lost")
    lost = page.evaluate("Math.round(window.tillerRecorder.courier.lost_ms / 1000)")
    assert lost >= 2, "one piece, which is longer where the page is slow"
    assert page.locator(".light").inner_text() == f"Recording, but {lost} s of your voice could not be kept"
    until(lambda: who.pieces >= 5)
    who.allow(False)
    light(page, "off")
    until(lambda: who.recordings[0].stopped)
    (one,) = who.recordings
    assert one.missing == (2,) and len(sendings) == 5
    assert [piece.chunk for piece in one.pieces] == [number for number in range(len(one.pieces) + 1) if number != 2]
    page.wait_for_function(IDLE)


def test_a_recording_that_is_full_lets_the_microphone_go_and_says_so_and_the_page_goes_on(
    opened: Callable[[], Any], full: Server
) -> None:
    page, who = opened(), Speaker(full)
    page.goto(who.link)
    light(page, "full")
    assert "Please go on" in page.locator(".light").inner_text()
    until(lambda: who.recordings[0].stopped)
    assert who.pieces == 3
    page.wait_for_function(IDLE)
    page.get_by_role("button", name="Other page").click()
    page.get_by_role("heading", name="Second").wait_for()
    page.reload()
    light(page, "full")
    assert len(who.recordings) == 1


def test_a_window_that_has_lost_the_session_listens_no_more_until_it_has_it_back(
    opened: Callable[[], Any], hearing: Server
) -> None:
    page, who = opened(), Speaker(hearing)
    page.goto(who.link)
    light(page, "on")
    until(lambda: who.pieces > 0)
    page.get_by_role("button", name="Another window").click()
    light(page, "off")
    until(lambda: who.recordings[0].stopped)
    stood = who.pieces
    page.wait_for_timeout(2500)
    assert who.pieces == stood
    page.get_by_role("button", name="Another window").click()
    light(page, "on")
    until(lambda: who.pieces > stood)


def test_nothing_is_asked_of_a_microphone_that_nobody_allows(opened: Callable[[], Any], hearing: Server) -> None:
    page, who = opened(), Speaker(hearing, allows=False)
    page.goto(who.link)
    page.get_by_role("heading", name="First").wait_for()
    page.get_by_text("silences heard of: 0").wait_for()
    assert page.evaluate("window.tillerRecorder?.recorder ?? null") is None
    assert who.recordings == ()


@pytest.fixture
def full(nursery: Any, tmp_path: Path) -> Iterator[Server]:
    database = tmp_path / "log.db"
    started = environment(tmp_path, write_spoken_script(tmp_path), database)
    started["TILLER_TEST_MOST_PIECES"] = "3"
    made = Server(started, database, entry="tests/pages/sound/hearing.py", nursery=nursery)
    made.start(healthy=False)
    yield made
    made.kill()


@pytest.fixture
def real_pages(nursery: Any, tmp_path: Path) -> Iterator[Server]:
    database = tmp_path / "log.db"
    started = environment(tmp_path, write_spoken_script(tmp_path), database)
    started["TILLER_TEST_PAGES"] = str(Path(__file__).parents[2] / "pages" / "entry.py")
    made = Server(started, database, entry="tests/pages/sound/hearing.py", nursery=nursery)
    made.start(healthy=False)
    yield made
    made.kill()


def test_whoever_hears_themselves_goes_on_and_whoever_cannot_goes_on_without(
    opened: Callable[[], Any], real_pages: Server
) -> None:
    page, who = opened(), Speaker(real_pages, at_task=False)
    page.goto(who.link)
    page.get_by_role("button", name="Use my microphone").click()
    page.get_by_role("button", name="Record a sentence").click()
    assert page.get_by_label("Microphone").inner_text() != ""
    page.wait_for_timeout(3500)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("That is loud enough.").wait_for()
    player = page.get_by_role("group", name="What was recorded")
    at = player.get_by_role("slider", name="Position in the recording")
    player.get_by_role("button", name="Play").click()
    player.get_by_text(re.compile(r"^0:01 of 0:0[345]$")).wait_for()
    player.get_by_role("button", name="Pause").click()
    at.press("Home")
    assert str(at.get_attribute("aria-valuetext")).startswith("0:00 of ")
    player.get_by_role("button", name="Play").click()
    player.get_by_role("button", name="Pause").wait_for()
    player.get_by_role("button", name="Play").wait_for()  # it has come to its end by itself
    said = str(at.get_attribute("aria-valuetext")).split(" of ")
    assert said[0] == said[1]
    page.get_by_role("button", name="I hear myself, go on").click()
    page.get_by_role("heading", name="Heard").wait_for()
    (checked,) = who.rows("mic.checked")
    assert checked.event.passed and checked.event.level_dbfs == pytest.approx(-8.7, abs=1.5)
    assert 3000 < checked.event.length_ms < 6000
    assert [row.event.page for row in who.rows("page.left")] == ["mic"]

    other = Speaker(real_pages, at_task=False)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"
    )
    page.goto(other.link)
    page.get_by_role("button", name="Use my microphone").click()
    page.get_by_text("The browser does not allow the microphone here.").wait_for()
    page.get_by_role("button", name="Go on without my voice").click()
    page.get_by_role("heading", name="Heard").wait_for()
    assert [row.event.passed for row in other.rows("mic.checked")] == [False]
    assert [row.event.given for row in other.rows("consent.scope_changed")] == [False]
