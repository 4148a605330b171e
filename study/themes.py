"""The codebook that every study begins with: the rules' codes in their own words, and themes to listen for."""

from __future__ import annotations

from dataclasses import replace

from study.coding_events import Entry
from study.guids import guid
from study.strategies import DEFINITIONS, LAYERS

_GROUPS = {
    "theme": "What a participant says or does shows of their thinking.",
    "move": "What one step did; exactly one for each step.",
    "scope": "How many components are edited after the step; at most one for each step.",
    "pattern": "What several steps in a row amount to; each step of the row gets it.",
}
_LOOKS = {
    "suppress": ("#c2571a", "1"),
    "amplify": ("#2f6fb5", "2"),
    "set": ("#7b4fb8", "3"),
    "hand-revert": ("#8c6d1f", "4"),
    "undo": ("#6b7680", "5"),
    "redo": ("#8a949c", "6"),
    "reset": ("#4a5560", "7"),
    "compare": ("#2a8c82", "8"),
    "other": ("#9aa3a9", "9"),
    "isolate": ("#1f8a5b", "i"),
    "bundle": ("#5f9e43", "b"),
    "sweep": ("#b5387a", "w"),
    "scan": ("#cf6aa6", "a"),
    "transfer-check": ("#7a3e9d", "x"),
    "confirm": ("#a77bca", "v"),
}

# Starting points in our own words: a study changes them in a version of its own.
_THEMES = (
    Entry(
        id=guid("code", "trust basis"),
        name="trust basis",
        definition="Says what the participant's belief, or disbelief, in the model or in an explanation rests on.",
        use_when="A reason is given: it sounds plausible, the answer moved as expected, it fits what they know.",
        not_when="Trust or distrust is voiced without any reason.",
        example="I believe it now, because taking the badge out really changed the answer.",
        colour="#0f5c73",
        shortcut="t",
    ),
    Entry(
        id=guid("code", "ripple concern"),
        name="ripple concern",
        definition="Worries about, or looks for, what an edit does elsewhere than where it was meant to act.",
        use_when="Other pictures, classes or components are named as possibly harmed, or their counts are read out.",
        not_when="Only the present picture's other probabilities are described.",
        example="But what does that break in the pictures that were right before?",
        colour="#b8322a",
        shortcut="r",
    ),
    Entry(
        id=guid("code", "generalisation doubt"),
        name="generalisation doubt",
        definition="Doubts that what holds for this picture, or these few, holds for others.",
        use_when="The step from one case to many is questioned, or more cases are asked for before concluding.",
        not_when="Harm to other pictures is feared (ripple concern), or the cause in this one doubted (causal limit).",
        example="That is one image; I would want to see a hundred before I say so.",
        colour="#c47f0c",
        shortcut="g",
    ),
    Entry(
        id=guid("code", "causal limit"),
        name="causal limit",
        definition="Names a limit to the conclusion that the edited component is the cause in this picture.",
        use_when="Another cause is left open: entangled components, a wrong name for one, an edit too strong to tell.",
        not_when="The doubt is about other pictures (generalisation doubt).",
        example="It changed, but this component may carry more than the word.",
        colour="#5b4a9e",
        shortcut="c",
    ),
    Entry(
        id=guid("code", "over-steering"),
        name="over-steering",
        definition="Notices, fears or causes edits so strong that the model's answer stops to mean anything.",
        use_when="An effect is put down to the size of the edit, or the participant turns an edit down because of it.",
        not_when="An edit is turned down because it did nothing.",
        example="At three times it says car to everything; that is not repairing it.",
        colour="#a0522d",
        shortcut="o",
    ),
    Entry(
        id=guid("code", "surprise"),
        name="surprise",
        definition="What the model did is not what the participant expected.",
        use_when="The gap to an expectation is voiced or shown, whether the expectation was said before or not.",
        not_when="The participant does not follow what is on the screen (confusion).",
        example="Oh! I thought that would bring the cup back.",
        colour="#d6408f",
        shortcut="s",
    ),
    Entry(
        id=guid("code", "confusion"),
        name="confusion",
        definition="Does not understand what is on the screen, what was asked, or what a control did.",
        use_when="A question about the workspace, a wrong reading of it, or a standstill with words of not knowing.",
        not_when="The workspace is understood and the model's answer is not what was expected (surprise).",
        example="What are the blue bars again?",
        colour="#5f7031",
        shortcut="f",
    ),
)


def starting_entries() -> tuple[Entry, ...]:
    """Groups, the themes, and the rules' codes under ids that the rules give too."""
    found: list[Entry] = []
    for group, definition in _GROUPS.items():
        above = guid("layer", group)
        found.append(Entry(id=above, name=group, definition=definition, colour="#5b6670", codable=False))
        found += [replace(one, parent=above) for one in (_THEMES if group == "theme" else _of_rules(group))]
    return tuple(found)


def _of_rules(group: str) -> list[Entry]:
    return [
        Entry(
            id=guid("code", name),
            name=name,
            definition=DEFINITIONS[name],
            colour=_LOOKS[name][0],
            shortcut=_LOOKS[name][1],
        )
        for layer, names in LAYERS.items()
        if layer == group
        for name in names
    ]
