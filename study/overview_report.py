"""The overview of a class, or of all failures, as Markdown; each sentence comes from a measured figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.types import many, place_of

Plain = Mapping[str, Any]
_MINUS = "\u2212"
SHOWN = 8  # digits of a digest
_DIGESTS = {"weights": "weights", "dictionary": "sae"}


def report_of(account: Plain) -> str:
    """One account of `core.overview.survey` as a page of Markdown with fixed headings."""
    lines = _class_lines(account) if account["of"] == "class" else _failure_lines(account)
    return "\n".join([*lines, "", "## What this rests on", "", *_rests_on(account)]) + "\n"


def verdict_of(asked: Plain, label: str = "") -> tuple[str, str]:
    """What a trial of suppressions comes to, in a few words and in a sentence with its figures."""
    trial, subject = asked["trial"], _subject(asked, label)
    if trial is None:
        if asked["why"] == "few":
            return "Not tested", f"{subject}; halves of them are too few to choose on one and measure on the other."
        return "No suspected bias", f"{subject}; no few suppressions of what is no attribute help, or hurt, there."
    wrong = asked["kind"] != "leaning"
    turned = "turns right" if wrong else "turns wrong"
    held = f"{trial['moved']['hits']} of {trial['moved']['trials']}"
    said = (
        f"{subject}. Suppressing {listed(trial['components'])}, chosen on {len(trial['chosen'])} of them, {turned} "
        f"{held} of the others ({interval(trial['moved'])}); shams of the same size {turned.replace('turns', 'turn')} "
        f"{trial['sham']['hits']} of {trial['sham']['trials']} ({interval(trial['sham'])}). The difference is "
        f"{points(trial['more'])}."
    )
    others = "right pictures" if wrong else "right pictures of other classes"
    said += (
        f" Of {trial['broken']['trials']} {others} it breaks {trial['broken']['hits']} ({interval(trial['broken'])})."
    )
    if trial["beyond_sham"]:
        return "Suspected bias", said
    return "No suspected bias", f"{said} A sham may do as well: the interval reaches 0."


def in_short(account: Plain) -> str:
    """One sentence: how the class fares, or how many pictures fail."""
    if account["of"] == "failures":
        failing, slices = account["failing"], account["slices"]
        grouped = sum(len(each["pictures"]) for each in slices)
        return (
            f"The model gets {failing['hits']} of {failing['trials']} pictures wrong ({interval(failing)}); {grouped} "
            f"of them fall into {many(len(slices), 'slice')}."
        )
    label, shown, called = account["class"], account["shown"], account["called"]
    said = f"Of {many(shown['trials'], 'picture')} that show {label}, {shown['hits']} are called so ({interval(shown)})"
    if account["taken_for"]:
        said += f", others {counted(account['taken_for'])}"
    if called["trials"]:
        said += f". Of {called['trials']} called {label}, {called['trials'] - called['hits']} are not"
        said += f": they show {counted(account['called_so'])}" if account["called_so"] else ""
    return said + "."


def name_of(each: Plain) -> str:
    """A component by number and name."""
    return f"#{each['component']} {each['name']}".strip()


def listed(components: Iterable[Plain]) -> str:
    """Components by number and name, in a row."""
    return ", ".join(map(name_of, components))


def counted(classes: Mapping[str, int]) -> str:
    """Classes with how often each: clock 16, kite."""
    return ", ".join(f"{label} {count}" if count > 1 else label for label, count in classes.items())


def interval(span: Plain) -> str:
    """A share's 95 % interval."""
    return f"{100 * span['low']:.0f} to {100 * span['high']:.0f} %"


def points(span: Plain) -> str:
    """A difference of shares with its interval, in percentage points."""
    value, low, high = (_signed(100 * span[name], 0) for name in ("value", "low", "high"))
    return f"{value} points ({low} to {high})"


def logits(span: Plain) -> str:
    """A mean attribution with its interval."""
    value, low, high = (_signed(span[name], 2) for name in ("value", "low", "high"))
    return f"{value} logits ({low} to {high})"


def _class_lines(account: Plain) -> Iterable[str]:
    label = account["class"]
    yield from (f"# What the model goes by: {label}", "", in_short(account), "", "## Key attributes", "")
    yield from _members(account["attributes"], label) or [f"No component tells pictures of {label} from others."]
    if len(account["attributes"]) == 1:
        yield from ("", f"That is one cue: nothing else bears out that {label} is told by {_cue(account)}.")
    yield from ("", "## Context", "")
    yield from _members(account["context"], label) or ["No other component surely speaks for the class."]
    yield from ("", "## Over-represented elements", "")
    yield from [
        f"- **{name_of(each)}** fires in {each['active']['hits']} of {each['active']['trials']} pictures of the class "
        f"and in {each['elsewhere']['hits']} of {each['elsewhere']['trials']} others, {points(each['more'])} more."
        for each in account["over"]
    ] or ["None beside the key attributes."]
    yield from ("", f"Intervals are widened for the {account['compared']:,} components compared.")
    yield from ("", "## Suspected bias", "")
    for asked in account["bias"]:
        verdict, said = verdict_of(asked, label)
        yield f"- **{verdict}.** {said}"
    for each in account["slices"]:
        if each["trial"] is not None and each["trial"]["beyond_sham"]:
            said = verdict_of({**each, "kind": "slice"})[1]
            yield f"- **{_slice_verdict(each, label)}.** {said}{_here_because(each, label)}"


def _cue(account: Plain) -> str:
    """The only key attribute, whose name is a guess from the pictures that it fires in."""
    (each,) = account["attributes"]
    return f"what {name_of(each)} stands for, and its name is a guess"


def _failure_lines(account: Plain) -> Iterable[str]:
    yield from ("# What the model's mistakes go by", "", in_short(account), "", "## What pushes to the mistakes", "")
    yield from _members(account["pushing"], "") or ["Nothing: no picture fails."]
    yield from ("", "## Slices", "")
    yield from _slices(account)
    yield from ("", "## Suspected bias", "")
    tested = [each for each in account["slices"] if each["trial"] is not None]
    for each in tested:
        verdict, said = verdict_of({**each, "kind": "slice"})
        yield f"- **{verdict}.** {said}"
    small = len(account["slices"]) - len(tested)
    if small:
        yield f"- Not tested: {many(small, 'slice')} of fewer than five pictures, or that nothing repairs."
    elif not tested:
        yield "No suspected bias: there is no slice."


def _slices(account: Plain) -> Iterable[str]:
    if not account["slices"]:
        yield "None: at no distance do groups come again when a fifth of the failures is left out."
        return
    for each in account["slices"]:
        yield (
            f"{each['number']}. **{listed(each['components'])}**: {many(len(each['pictures']), 'picture')}, "
            f"called {counted(each['called'])}; they show {counted(each['shown'])}."
        )
    yield ""
    alone = len(account["alone"])
    yield (
        f"Groups were joined up to a cosine distance of {account['cut']:g}, the highest at which they come again when "
        f"a fifth of the failures is left out (adjusted Rand index {account['stability']:.2f}); "
        f"{many(alone, 'picture')} {'is' if alone == 1 else 'are'} like no other."
    )


def _members(members: Sequence[Plain], label: str) -> list[str]:
    """A line for each component."""
    lines: list[str] = []
    for each in members:
        said = (
            f"- **{name_of(each)}** gives {logits(each['mean'])} on average and fires in {each['active']['hits']} of "
        )
        said += f"{each['active']['trials']} pictures ({interval(each['active'])}), of the others in "
        said += f"{each['elsewhere']['hits']} of {each['elsewhere']['trials']} ({interval(each['elsewhere'])})"
        if label and each["told"]["value"] is not None:
            said += f"; it tells {label} from the rest in {100 * each['told']['value']:.0f} % of pairs "
            said += f"({interval(each['told'])})"
        if label and each["held"]["value"] is not None and each["held"]["value"] < 0.5:
            said += f", and is the stronger where {label} is called falsely"
        lines.append(said + ".")
    return lines


def _rests_on(account: Plain) -> Iterable[str]:
    digests = account["digests"]
    view = (
        "exact shares of the margin, read from one token"
        if account["view"] == "exact"
        else "code times gradient, a first-order estimate that need not sum to the margin"
    )
    yield (
        f"- {many(account['pictures'], 'reference picture')}, {account['failures']} of them wrong; "
        f"seed {account['seed']}; measured {account['measured'][:16].replace('T', ' ')} UTC."
    )
    yield (
        f"- {account['model']}, dictionary {account['dictionary']} {place_of(account['block'])}, "
        f"{account['components']:,} components. Digests: "
        + ", ".join(f"{name} {digests[of][:SHOWN]}" for name, of in _DIGESTS.items() if of in digests)
        + (f"; checksum of bundle.json: {digests['bundle'][:SHOWN]}." if "bundle" in digests else ".")
    )
    explained = account["explained"]
    share = "" if explained is None else f" The dictionary explains {100 * explained:.0f} % of it on average."
    yield f"- Attributions are {view}, of the model's own answer over the right class, or over the runner-up.{share}"
    yield (
        "- An attribute tells pictures of the class from others in 65 % of pairs or more, at the lower end of its "
        "interval, and is not the stronger where the class is called falsely; what is no attribute is context. Where a "
        "component lies in a picture is not looked at."
    )
    yield (
        "- Means have bootstrap 95 % intervals over pictures, shares Wilson's, differences Newcombe's, pairs Hanley "
        "and McNeil's; each stands for itself. Lists are measured on the pictures that they were chosen on, and "
        "suppressions are not."
    )
    yield (
        "- Bias is suspected only where suppressions do more than shams of the same size on pictures that had no part "
        "in choosing them. Names of components are guesses; a bias that no component holds alone is not found."
    )


def _slice_verdict(each: Plain, label: str) -> str:
    called = each["called"].get(label, 0)
    return "Suspected bias" if called else "Suspected bias of another class"


def _here_because(each: Plain, label: str) -> str:
    """Why a slice of pictures that are called something else is told of under a class."""
    if label in each["called"]:
        return ""
    return f" It stands here because {many(each['shown'].get(label, 0), 'picture')} of it show {label}."


def _subject(asked: Plain, label: str) -> str:
    match asked["kind"]:
        case "false calls":
            count = asked["pictures"]
            return f"{many(count, 'picture')} {'is' if count == 1 else 'are'} falsely called {label}"
        case "leaning":
            count = asked["pictures"]
            return f"{many(count, 'picture')} of {label} {'is' if count == 1 else 'are'} right, with context beside it"
        case _:
            return (
                f"Slice {asked['number']}: {many(len(asked['pictures']), 'picture')} called {counted(asked['called'])}"
            )


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", _MINUS)
