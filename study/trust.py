"""What a dictionary can be trusted with, in one sentence made of its measured figures, and the words for these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.types import EMBEDDING

Plain = Mapping[str, Any]

FEWEST = 10  # pictures; the bootstrap interval of fewer is too narrow to tell two orders apart
FIGURES = {
    "explained": "explained variance, pooled",
    "explained_per_token": "explained variance, per token",
    "explained_class": "explained variance of the class token, pooled",
    "explained_patches": "explained variance of the patches, pooled",
    "explained_per_token_class": "explained variance of the class token, per token",
    "explained_per_token_patches": "explained variance of the patches, per token",
    "l0_class": "codes of the class token",
    "l0_patches": "codes of a patch",
    "alive": "components that fire at least once",
    "accuracy": "zero-shot accuracy",
    "accuracy_rebuilt": "zero-shot accuracy of the reconstruction",
    "agreement": "top label stays with the reconstruction",
    "cosine": "cosine of the embedding with the reconstruction's",
}
ORDERS = {
    "ablation": "true effect",
    "exact": "exact view",
    "gradient": "code × gradient",
    "activation": "activation",
    "random": "random",
}
NORMS = {
    "none": "as they are",
    "layer_norm": "layer norm",
    "constant_norm": "one length each",
    "dataset": "centred, scaled",
    "scaled": "scaled",
    "unit_norm": "brought to length 1",
}


def figure_name(name: str, health: Plain) -> str:
    """What people call a figure of `health`; at the embedding its one token is no class token."""
    called = FIGURES.get(name, name)
    return called.replace("class token", "embedding") if health["block"] == EMBEDDING else called


def percent(value: float | None) -> str:
    """A share for people; below -100 % only that it is."""
    if value is None:
        return "no number"
    return "under -100 %" if value < -1 else f"{100 * value:.1f} %"


def figure_text(name: str, value: float | None) -> str:
    """A figure for people: codes to a tenth, a cosine to a thousandth, the rest as shares."""
    if value is None:
        return "none"
    return f"{value:.1f}" if name.startswith("l0") else f"{value:.3f}" if name == "cosine" else percent(value)


def order_name(curve: Plain) -> str:
    """What people call the order of a faithfulness curve."""
    name = str(curve["order"])
    return ORDERS.get(name, name)


def basis_of(health: Plain) -> str:
    """On how many pictures the faithfulness curves rest, and why not on all; empty where there are no curves."""
    if not health["curves"]:
        return ""
    one = health["curves"][0]
    every, out = one["pictures"] + one["left_out"], one["left_out"]
    if not out:
        return f"over all {every} pictures"
    lack = "its codes hold" if out == 1 else "their codes hold"
    return f"over {one['pictures']} of {every} pictures; {out} left out, {lack} the margin up by less than 0.05 logits"


def trust_in(health: Plain) -> str:
    """One sentence: what this dictionary can be trusted with, with what not, and what nothing was measured of."""
    held: dict[str, list[str]] = {"yes": [], "no": [], "open": []}
    for found, said in (_reading(health), _published(health), _order(health["curves"])):
        held[found].append(said)
    parts = [
        f"{start} {_listed(held[key], last)}"
        for key, start, last in (
            ("yes", "it can be trusted with", "and"),
            ("no", "not with" if held["yes"] else "it cannot be trusted with", "or"),
            ("open", "nothing here shows", "or"),
        )
        if held[key]
    ]
    return f"{health['dictionary']}: {'; '.join(parts)}."


def _reading(health: Plain) -> tuple[str, str]:
    decision, what = health["decision"], "how its weights are read"
    today = f"{percent(decision['explained'])} explained today, floor {100 * decision['floor']:.0f} %"
    if decision["explained"] < decision["floor"]:
        return "no", f"{what} ({today})"
    if decision["corrected"]:
        return "no", f"{what} (another reading explains clearly more: {percent(decision['explained'])})"
    if health["verdict"] == "not gated":
        return "open", f"that its weights are read rightly (it never passed the gate; {today})"
    return "yes", f"{what} (it passed the gate, {health['verdict']}; {today})"


def _published(health: Plain) -> tuple[str, str]:
    published = health["published"]
    if not published:
        return "open", "that it is as published (nothing was published of it)"
    missed = [figure_name(str(one["name"]), health) for one in published if not one["met"]]
    if not missed:
        return "yes", f"its published figures ({len(published)} of {len(published)} met)"
    return "no", f"its published figures ({len(missed)} of {len(published)} missed: {', '.join(missed)})"


def _order(curves: Sequence[Plain]) -> tuple[str, str]:
    """The exact order against random, or before the last block that by code times gradient: areas with intervals."""
    what, found = "which components move a prediction", {one["order"]: one for one in curves}
    ours, chance = found.get("exact", found.get("gradient")), found.get("random")
    if ours is None or chance is None:
        return "open", f"{what} (no order of them was tried)"
    pictures, every = ours["pictures"], ours["pictures"] + ours["left_out"]
    if pictures < FEWEST:
        return "open", f"{what} (only {pictures} of {every} pictures can tell, {FEWEST} are needed)"
    put_in, by_chance = ours["insertion_area"], chance["insertion_area"]
    apart = put_in["low"] > by_chance["high"]
    apart = apart and ours["deletion_area"]["high"] < chance["deletion_area"]["low"]
    said = f"put in by {order_name(ours)} {put_in['value']:.2f}, at random {by_chance['value']:.2f}"
    return ("yes" if apart else "no"), f"{what} ({said}, intervals {'apart' if apart else 'not apart'})"


def _listed(texts: Sequence[str], last: str) -> str:
    return f" {last} ".join(texts) if len(texts) < 3 else f"{', '.join(texts[:-1])}, {last} {texts[-1]}"
