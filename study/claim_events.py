"""The event of a claim: what a participant's plan does, measured and put down so that anybody can measure it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from study.happening import Cell, InTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSaved(InTask):
    """The plan that stood was saved as a claim; `file` is the text of the claim's file, whole."""

    name: ClassVar[str] = "claim.saved"
    results: ClassVar[frozenset[str]] = frozenset({"state_id", "claim_sha256", "sentence", "figures", "file"})
    state_id: str  # the state that it is about
    claim_sha256: str  # the claim's own digest
    sentence: str
    figures: dict[str, int]  # by the names that data/docs/claims.md gives; sets that were not counted are absent
    file: str

    def target(self) -> str | None:
        return f"claim/{self.claim_sha256[:12]}"

    def state_ids(self) -> tuple[str | None, str | None]:
        return self.state_id, self.state_id

    def cells(self) -> dict[str, Cell]:
        return {
            "claim_sha256": self.claim_sha256,
            "claim": self.sentence,
            **{f"claim_{name}": self.figures.get(name) for name in FIGURES},
        }


FIGURES = (
    *("held_out_fixed", "held_out_wrong", "held_out_broken", "held_out_right"),
    *("reference_fixed", "reference_wrong", "reference_broken", "reference_right"),
)
