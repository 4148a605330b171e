"""Columns of claims in the tidy export: counts on failures of the same cause, and on the whole reference set."""

from __future__ import annotations

from study.exports.column import NOT_HERE, col

_NO_HELD_OUT = "the claim has no such pictures, or " + NOT_HERE
_NO_REFERENCE = "the classes are not those of the reference pictures, or " + NOT_HERE

CLAIMED = (
    col(
        "claim_sha256", "text", "engine", "The claim's own digest; `tiller claim from` writes its file.", empty=NOT_HERE
    ),
    col("claim", "text", "engine", "What is claimed, in one sentence.", empty=NOT_HERE),
    *(
        col(f"claim_{where}_{which}", "integer", "engine", f"{what} among {whose}.", empty=empty)
        for where, whose, empty in (
            ("held_out", "failures of the same cause", _NO_HELD_OUT),
            ("reference", "the reference pictures", _NO_REFERENCE),
        )
        for which, what in (
            ("fixed", "Pictures that the plan puts right"),
            ("wrong", "Pictures that are wrong without it"),
            ("broken", "Pictures that the plan makes wrong"),
            ("right", "Pictures that are right without it"),
        )
    ),
)
