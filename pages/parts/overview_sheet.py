"""The sheet of an overview: components as rows with their pictures, slices, and suppressions beside shams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from pages.parts.gallery import url_of
from study.overview_report import counted, verdict_of

if TYPE_CHECKING:
    from core.bundle import Bundle

Plain = Mapping[str, Any]
Picture = Callable[[str], str]
_ROW, _SLICE = 5, 10  # pictures beside a component, and of a slice


def sheet(account: Plain, bundle: Bundle) -> str:
    """Everything of one account as HTML."""
    picture = _pictures(account, bundle)
    if account["of"] == "failures":
        told = (
            "Mean attribution to the wrong answer over the right one, over all failures, with its 95 % interval; "
            "beside it, in how many pictures it fires: of the failures, and of the others."
        )
        parts = [_section("pushing", "What pushes to the mistakes", _rows(account["pushing"], picture), told)]
        parts += [_slice(each, account, picture) for each in account["slices"]]
        if not account["slices"]:
            told = "At no distance do groups come again when a fifth of the failures is left out."
            parts.append(_section("slices", "Slices", "", told))
        return "".join(parts)
    label = account["class"]
    told = (
        f"Mean attribution to {label} over the best other class, in pictures that show it, with its 95 % interval; "
        f"beside it, in how many pictures it fires: of {label}, and of the others. "
    )
    attributes = (
        "What follows tells pictures of the class from others, and is not the stronger where it is misread. A ring "
        "marks a picture that the model gets wrong."
    )
    context = f"These speak for {label} too, and are as much at home in other pictures, or stronger in false calls."
    parts = [
        _section("attributes", "Key attributes", _rows(account["attributes"], picture), told + attributes),
        _section("context", "Context", _rows(account["context"], picture), context),
        _section(
            "over",
            "Over-represented elements",
            _over(account["over"]),
            f"Fire in more pictures of {label} than of others, whether or not the model goes by them; intervals "
            f"widened for the {account['compared']:,} components compared.",
        ),
        _section("bias", "Suspected bias", "".join(_asked(each, label) for each in account["bias"]), ""),
    ]
    return "".join([*parts, *(_slice(each, account, picture) for each in account["slices"])])


def _section(key: str, title: str, shown: str, told: str) -> str:
    said = f"<p>{escape(told)}</p>" if told else ""
    nothing = '<p class="none">None.</p>' if not shown and not told else ""
    return f'<section data-finding="{escape(key)}"><h2>{escape(title)}</h2>{said}{shown}{nothing}</section>'


def _pictures(account: Plain, bundle: Bundle) -> Picture:
    looks, marked = account["looks"], account["of"] == "class"

    def picture(name: str) -> str:
        shows, called = looks[name]
        wrong = shows != called
        said = escape(f"shows {shows}, called {called}" if wrong else f"shows {shows}")
        kind = ' class="wrong"' if wrong and marked else ""
        return f'<img{kind} src="{escape(url_of(name, 96, bundle))}" alt="{said}" title="{said}" loading="lazy">'

    return picture


def _rows(members: Sequence[Plain], picture: Picture) -> str:
    """One row for each component: its mean with interval on a common scale, how often it fires, its pictures."""
    if not members:
        return '<p class="none">None.</p>'
    low = min(0.0, *(each["mean"]["low"] for each in members))
    high = max(0.0, *(each["mean"]["high"] for each in members))
    head = (
        f'<div class="row heads"><span></span>'
        f'<div class="lane ticks">{_tick(0.0, low, high)}{_tick(high, low, high)}</div>'
        '<small class="number">logits</small><small>fires: these, others</small><small>most here</small></div>'
    )
    return f'<div class="rows">{head}{"".join(_row(each, low, high, picture) for each in members)}</div>'


def _tick(value: float, low: float, high: float) -> str:
    left, said = 100 * (value - low) / ((high - low) or 1.0), _signed(value) if value else "0"
    return f'<small style="left:{left:.1f}%">{said}</small>'


def _row(each: Plain, low: float, high: float, picture: Picture) -> str:
    mean = each["mean"]
    said = f"{mean['value']:.2f} logits, {mean['low']:.2f} to {mean['high']:.2f}".replace("-", "\u2212")
    shown = "".join(map(picture, each["pictures"][:_ROW]))
    return (
        f'<div class="row"><div class="who"><b>{escape(each["name"] or "no name")}</b><small>#{each["component"]}'
        f'</small></div><div class="lane" role="img" aria-label="{said}" title="{said}">'
        f"{_mark(mean, low, high, zero=True)}</div>"
        f'<div class="number">{_signed(mean["value"])}</div>'
        f'<div class="fires">{_share(each["active"], "these")}{_share(each["elsewhere"], "others")}</div>'
        f'<div class="pictures">{shown}</div></div>'
    )


def _mark(span: Plain, low: float, high: float, *, zero: bool = False) -> str:
    def across(value: float) -> float:
        return 100 * (value - low) / ((high - low) or 1.0)

    left, right = across(span["low"]), across(span["high"])
    drawn = f'<i class="zero" style="left:{across(0):.1f}%"></i>' if zero else ""
    drawn += f'<i class="band" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
    return f'{drawn}<i class="at" style="left:{across(span["value"]):.1f}%"></i>'


def _share(rate: Plain, where: str) -> str:
    if rate["value"] is None:
        return ""
    said = f"fires in {rate['hits']} of {rate['trials']} of {where}"
    return (
        f'<span class="{where}" title="{said}"><i style="width:{100 * rate["value"]:.0f}%"></i>'
        f"<small>{100 * rate['value']:.0f} %</small></span>"
    )


def _over(over: Iterable[Plain]) -> str:
    rows = "".join(
        f"<tr><th>{escape(each['name'] or 'no name')}<small>#{each['component']}</small></th>"
        f'<td class="number">{each["active"]["hits"]} of {each["active"]["trials"]}</td>'
        f'<td class="number">{each["elsewhere"]["hits"]} of {each["elsewhere"]["trials"]}</td>'
        f'<td class="number">{_signed(100 * each["more"]["value"], 0)} points '
        f"<small>{_signed(100 * each['more']['low'], 0)} to {_signed(100 * each['more']['high'], 0)}</small></td></tr>"
        for each in over
    )
    columns = "".join(f'<th class="number">{name}</th>' for name in ("of the class", "of others", "more"))
    heads = f"<tr><th></th>{columns}</tr>"
    return f"<table><thead>{heads}</thead><tbody>{rows}</tbody></table>" if rows else '<p class="none">None.</p>'


def _slice(each: Plain, account: Plain, picture: Picture) -> str:
    """A group of failures: its pictures, what pushes them, and what repairs them beside the sham."""
    names = each["pictures"]
    more = f'<span class="more">and {len(names) - _SLICE} more</span>' if len(names) > _SLICE else ""
    shown = f'<div class="pictures wide">{"".join(map(picture, names[:_SLICE]))}{more}</div>'
    lead = each["components"][0]["name"] if each["components"] else "nothing above 0"
    title = f"Slice {each['number']}: {lead}, {len(names)} pictures"
    told = f"Called {counted(each['called'])}; they show {counted(each['shown'])}."
    whole = account["of"] == "failures"
    rows = _rows(each["components"], picture) if whole else ""
    return _section(f"slice-{each['number']}", title, shown + rows + _asked({**each, "kind": "slice"}, ""), told)


def _asked(asked: Plain, label: str) -> str:
    """What a trial came to: the plan above its sham, both on pictures that had no part in the choice."""
    verdict, said = verdict_of(asked, label)
    kind = {"Suspected bias": "suspected", "No suspected bias": "cleared"}.get(verdict, "open")
    head = f'<h3><span class="verdict {kind}">{escape(verdict)}</span></h3>'
    trial = asked["trial"]
    if trial is None:
        return f'<div class="trial">{head}<p>{escape(said)}</p></div>'
    turned = "turn wrong" if asked["kind"] == "leaning" else "turn right"
    lanes = "".join(
        f'<div class="against"><span>{name}</span><div class="lane {mark}">{_mark(trial[key], 0.0, 1.0)}</div>'
        f"<b>{trial[key]['hits']} of {trial[key]['trials']}</b></div>"
        for name, key, mark in (("suppressed", "moved", ""), ("sham", "sham", "sham"))
    )
    return (
        f'<div class="trial">{head}<p>{escape(said)}</p><div class="both" role="img" aria-label="{escape(said)}">'
        f'{lanes}<div class="against axis"><span></span><div><small>0</small><small>{turned}</small>'
        f"<small>100 %</small></div><b></b></div></div></div>"
    )


def _signed(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "\u2212")
