"""Acts upon the list of scenarios: the plan that acts is kept, renamed, deleted or brought back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from study.act import Name, OneAct

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class SaveScenario(OneAct):
    """Keep the plan that acts under a name."""

    kind: Literal["save"]
    title: Title


class RenameScenario(OneAct):
    """Give the scenario of row `scenario`, its event's id, another name."""

    kind: Literal["rename"]
    scenario: Name
    title: Title


class DeleteScenario(OneAct):
    """Take a scenario off the list."""

    kind: Literal["delete"]
    scenario: Name


class Recall(OneAct):
    """Put a scenario's plan in the place of the one that acts."""

    kind: Literal["recall"]
    scenario: Name
