"""The health of the dictionaries: measured in the background, and drawn from what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from core.types import EMBEDDING, cut_name
from pages.parts.calm import calmly
from pages.parts.errands import is_busy
from pages.parts.health_plots import areas, blocks, candidates, deciles, faithfulness
from pages.parts.staff import Insider, while_let_in
from study.examinations import HEALTH, found_of
from study.trust import NORMS, basis_of, figure_name, figure_text, trust_in

_ASSETS = Path(__file__).parent / "assets"
# Streamlit takes SVG out of plain HTML; the sheet is that of the findings, with a few marks of its own.
_mount = component(
    "tiller_health",
    html='<div class="findings health"></div>',
    css="".join((_ASSETS / name).read_text(encoding="utf-8") for name in ("findings.css", "health.css")),
    js=(_ASSETS / "findings.js").read_text(encoding="utf-8"),
)
COMMAND = "tiller doctor"
_GAP = 0.0001  # logits; the gate lets no more through
_TOKENS = {"all": "all tokens", "cls": "the class token", "patches": "patches"}
_TOLD = {
    "explained": ("Explained variance", "of the activations, pooled over tokens"),
    "explained_per_token": ("Explained variance, per token", "the mean of each token's own ratio"),
    "explained_class": ("of the class token", "pooled, about the class token's own mean"),
    "explained_per_token_class": ("of the class token, per token", ""),
    "explained_patches": ("of the patches", "pooled, about the patches' own mean"),
    "explained_per_token_patches": ("of the patches, per token", ""),
    "l0_class": ("Codes of the class token", "components active at once"),
    "l0_patches": ("Codes of a patch", "components active at once"),
    "alive": ("Alive", "components that fire on some picture"),
    "accuracy": ("Zero-shot accuracy", "of the model as it is"),
    "accuracy_rebuilt": ("Accuracy, rebuilt", "with the reconstruction in place of the activations"),
    "agreement": ("Agreement", "pictures whose top label the reconstruction keeps"),
    "cosine": ("Cosine", "of the embedding with the reconstruction's"),
}
_SPEEDS: dict[str, str] = {
    "look": "look at one picture",
    "steer": "steer one component",
    "ripple": "ripple over the pictures",
}


def offered(insider: Insider) -> None:
    """The button that measures every dictionary that runs, and the command that does the same."""
    examiner, wanted = insider.rig.examiner, list(insider.rig.bundles)

    @calmly
    @while_let_in(insider)
    def begin() -> None:
        examiner.start(wanted)

    with st.container(key="health-head", horizontal=True, vertical_alignment="center"):
        st.button("Measure now", type="primary", key="measure", on_click=begin, disabled=is_busy(examiner))
        st.caption(
            f"Or run `{COMMAND}`. Measuring takes a minute or more and slows whoever is in a session.", width="content"
        )


def drawn(insider: Insider) -> None:
    """One sheet for each dictionary of the running bundle."""
    for which, bundle in insider.rig.bundles.items():
        health = found_of(insider.rig.examiner.folder, HEALTH, bundle.fingerprint["bundle"], which)
        if health is None:
            st.subheader(which)
            st.caption(f"Nothing was measured of this dictionary yet; `{COMMAND}` measures it, or the button above.")
        else:
            said = f"{cut_name(health['block'])} of {health['model']}, {health['components']:,} components"
            st.subheader(which)
            st.caption(
                f"{said}, digest {health['sae'][:12]}; measured {health['measured'][:16].replace('T', ' ')} UTC on "
                f"{_pictures(health)}."
            )
            _mount(key=f"health-{which}", data={"sheet": sheet(health)})


def sheet(health: Mapping[str, Any]) -> str:
    """Everything of one dictionary as HTML."""
    decision, curves = health["decision"], health["curves"]
    parts = [
        f'<p class="trust"><b>Verdict.</b> {escape(trust_in(health))}</p>',
        _section(
            "figures",
            "Measured beside published" if health["published"] else "Measured",
            _figures(health),
            _beyond(health),
        ),
        _section("gate", "How it is read", candidates(decision) + blocks(decision), _gate(health)),
    ]
    if health["error_share"]:
        told = (
            f"What the dictionary misses is an entry of its own in every account of a prediction. This is its share, "
            f"over {health['looks']} predictions: the band holds eight of ten, the upright is the median."
        )
        parts.append(_section("error", "The error's share in a prediction", deciles(health["error_share"]), told))
    if curves and not curves[0]["pictures"]:
        told = f"Nothing can be drawn: {basis_of(health)}."
        parts.append(_section("curves", "Which components move predictions", "", told))
    elif curves:
        panels = faithfulness(curves, "insertion", "Put in, from none") + faithfulness(curves, "deletion", "Taken out")
        told = (
            "The margin over the runner-up while components are put in or taken out in several orders, scaled so that "
            f"0 is none and 1 is all; means {basis_of(health)}. The number of components stands below. A good "
            "order rises early and falls early. The true effect of a component is what removing it alone does; before "
            "the last block only the 32 of greatest code \u00d7 gradient have one, and that stands in for the others. "
            "Below: the area under the first plot with its 95 % bootstrap interval."
        )
        drawn = f'<div class="panels" style="--across:2">{panels}</div>{areas(curves)}'
        parts.append(_section("curves", "Which components move predictions", drawn, told))
    rows = "".join(
        f'<tr><th>{escape(str(_SPEEDS.get(name, name)))}</th><td class="number">{value:,.1f} ms</td></tr>'
        for name, value in health["speeds"].items()
    )
    parts.append(_section("speeds", "Speeds", f"<table>{rows}</table>", "Medians on the machine that measured."))
    return "".join(parts)


def _section(key: str, title: str, shown: str, told: str) -> str:
    return (
        f'<section data-finding="{key}"><h2>{escape(title)}</h2><div class="drawn">{shown}</div><p>{told}</p></section>'
    )


def _figures(health: Mapping[str, Any]) -> str:
    known = {one["name"]: one for one in health["published"]}
    beside = bool(known)
    heads = "".join(f'<th class="number">{name}</th>' for name in ("Measured", "Published"))
    rows = [
        _row(name, value, known.pop(name, None), health, beside=beside) for name, value in health["figures"].items()
    ]
    rows += [_row(name, None, one, health, beside=beside) for name, one in known.items()]
    head = f"<thead><tr><th></th>{heads}</tr></thead>" if beside else ""
    return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"


def _row(
    name: str, value: float | None, one: Mapping[str, Any] | None, health: Mapping[str, Any], *, beside: bool
) -> str:
    title, means = _TOLD.get(name, (name, "Tiller does not measure this"))
    if health["block"] == EMBEDDING:  # its one token is no class token
        title, means = (text.replace("class token", "embedding") for text in (title, means))
    said = "" if one is None else f"{figure_text(name, one['published'])} ± {figure_text(name, one['tolerance'])}"
    wrong = one is not None and not one["met"]
    source = f' title="{escape(one["source"])}"' if one is not None and one["source"] else ""
    shown = "not measured" if one is not None and value is None else figure_text(name, value)
    published = f'<td class="number"{source}>{said}</td>' if beside else ""
    return (
        f"<tr{' class=wrong' if wrong else ''}><th>{escape(title)}<small>{escape(means)}</small></th>"
        f'<td class="number">{shown}</td>{published}</tr>'
    )


def _beyond(health: Mapping[str, Any]) -> str:
    wrong = [figure_name(str(one["name"]), health) for one in health["published"] if not one["met"]]
    if wrong:
        return f'<b class="wrong">Beyond its tolerance: {escape("; ".join(wrong))}.</b>'
    return "Every published figure is met." if health["published"] else "Nothing was published for this bundle."


def _gate(health: Mapping[str, Any]) -> str:
    decision = health["decision"]
    chosen = decision["chosen"]
    verdict = {
        "as stated": "The file was accepted as its format states.",
        "corrected": "The file was accepted with a reading other than its format states.",
        "found": "The file was accepted; its format leaves open how it is read.",
        "not gated": "The file never passed the gate; this is what the gate finds on the bundle's own pictures.",
    }.get(health["verdict"], "")
    scale = f", its reconstruction times {decision['scale']:.4g}" if decision["scale"] != 1 else ""
    how = f"It reads activations {NORMS.get(chosen['normalisation'], chosen['normalisation'])}"
    bias = "takes its bias off first" if chosen["pre_bias"] else "leaves its bias in"
    small = decision["gap"] < _GAP
    gap = f"no logit by {_GAP} or more" if small else f"a logit by {decision['gap']:.2g}"
    tokens = cut_name(EMBEDDING) if health["block"] == EMBEDDING else _TOKENS[decision["tokens"]]
    few = "" if decision["images"] >= 256 else " Fewer than 256 pictures: take it with care."
    return escape(
        f"{verdict} {how}, {bias}, and speaks for {tokens}{scale}. Each row is the variance that "
        f"one reading explains, on {decision['images']} pictures. Put together again with its error, it moves "
        f"{gap}.{few}"
    )


def _pictures(health: Mapping[str, Any]) -> str:
    return f"{health['images']:,} pictures of the bundle"
