"""The catalogue of words: each language says the same things, and nothing is said that no page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pages.parts.words import LANGUAGES, catalogue, say

PAGES = Path(__file__).parents[2] / "pages"
PLACES = re.compile(r"\{(\w+)\}")
# what goes to the browser as a whole, by the page's own scripts
PARTS = ("workspace", "embedding", "pulse", "scale", "device", "light", "mic", "talk", "questionnaire")


def sources(*kinds: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for kind in kinds for path in sorted(PAGES.rglob(f"*.{kind}")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_with_the_same_places(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert other.keys() == english.keys()
    assert {key: set(PLACES.findall(words)) for key, words in other.items()} == {
        key: set(PLACES.findall(words)) for key, words in english.items()
    }
    assert all(isinstance(words, str) and words for words in other.values())


def test_every_key_that_a_page_says_is_there() -> None:
    named = re.findall(r"""\bsay\(\s*"([a-z_0-9.]+)\"""", sources("py"))
    named += re.findall(r"""\bsay\("([a-z_0-9.]+)" if .*? else "[a-z_0-9.]+\"""", sources("py"))
    assert len(named) > 60
    assert set(named) <= catalogue("en").keys()
    asked = re.findall(r"""\bw\("([a-z_0-9.]+)\"""", sources("js"))
    asked += re.findall(r"""data-(?:words|label|title)="([a-z_0-9.]+)\"""", sources("html"))
    assert len(asked) > 60
    assert {f"workspace.{key}" for key in asked} <= catalogue("en").keys()


def test_no_key_is_said_nowhere() -> None:
    python, browser = sources("py"), sources("js", "html")
    # `terms.effect` is made of a name in the list of terms, `tutorial.undo` of a lesson's, `done.ended.*` of an outcome
    made = {"terms.": browser, "tutorial.": python + (PAGES.parent / "study/practice.py").read_text(), "tools.": python}
    made |= {"talk.": python}  # `talk.came_up` is made of a direction
    made |= {"done.ended": python + (PAGES.parent / "study/script/setting.py").read_text()}

    def is_said(key: str) -> bool:
        if re.search(rf"""["']{re.escape(key)}["']""", python):
            return True
        part, _, short = key.partition(".")
        if part in PARTS and (f'"{short}"' in browser or re.search(rf"words\.{short}\b", browser)):
            return True
        if part in PARTS and re.search(rf"""words\[["']{short}["']\]""", python):
            return True
        last = key.rpartition(".")[2]
        direction = re.sub(r"_(up|same|down)$", "_{", last)
        named = rf'"{last}"|\b{last}:|"{re.escape(direction)}'
        return any(begin in key and re.search(named, text) for begin, text in made.items())

    assert [key for key in catalogue("en") if not is_said(key)] == []


def test_a_language_without_a_catalogue_reads_english() -> None:
    assert say("consent.agree", "fr") == say("consent.agree", "en") != say("consent.agree", "de")
