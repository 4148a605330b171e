"""A logged prediction run again on demand: the same machinery as `tiller replay`, one row at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.environment import environment_of
from core.rerun import Workshop
from core.types import SteeringPlan, TillerError
from study.replay import Rerun, Run, replay
from study.state import Pinned, labels_digest

if TYPE_CHECKING:
    from pages.parts.rig import Rig


def runner(folder: Path, beside: Sequence[Path] = ()) -> Run:
    """What `study.replay.replay` asks: the bundle in `folder`, opened at the first question, one at a time.

    `beside` are pictures that are none of the bundle's: a script's own.
    """
    opened: list[Workshop] = []
    alone = threading.Lock()

    def run(pinned: Pinned, labels: Sequence[str], plan: SteeringPlan, environment: Mapping[str, str]) -> Rerun:
        with alone:
            if not opened:
                opened.append(Workshop(folder, beside))
            said, model, now = opened[0].predict(
                model=pinned.model_sha256,
                dictionary=pinned.dictionary_sha256,
                image=pinned.image_sha256,
                labels=labels,
                plan=plan,
                environment=environment,
            )
        shown = labels_digest(model.labels, model.templates)
        return Rerun(prediction=said, labels_sha256=shown, environment=now)

    return run


def again(here: Rig, session_id: str, seq: int) -> dict[str, Any]:
    """The prediction that row `seq` asked for, or is, run again and compared; nothing is written.

    Raises:
        TillerError: no prediction belongs to this row.
    """
    threads = environment_of(next(iter(here.bundles.values())).model)["threads"]

    def run(pinned: Pinned, labels: Sequence[str], plan: SteeringPlan, environment: Mapping[str, str]) -> Rerun:
        then = environment.get("threads", threads)
        if then != threads:  # to change them for a moment would change what participants are being answered
            raise TillerError(
                f"it was computed with {then} threads and this server computes with {threads}; run "
                f"`tiller replay --session {session_id} --seq {seq}` beside it"
            )
        return here.run(pinned, labels, plan, environment)

    with here.gate:
        (outcome,) = replay(here.log.read(session_id), run, only=seq)
    return asdict(outcome)
