"""A component that is not there is refused in one sentence, whoever was asked for it."""

from __future__ import annotations

import pytest

from core.types import TillerError, refuse_component
from study.acts import ActRefused


@pytest.mark.parametrize("component", [-1, 49_152, 1_000_000])
def test_a_component_beyond_the_dictionary_is_refused_with_what_there_is(component):
    due = f"Component {component} was asked for; the dictionary has 49,152: name one from 0 to 49,151."
    for kind in (TillerError, ActRefused):
        with pytest.raises(kind) as refused:
            refuse_component(component, 49_152, kind)
        assert str(refused.value) == due and type(refused.value) is kind


def test_the_first_and_the_last_component_are_there():
    refuse_component(0, 49_152)
    refuse_component(49_151, 49_152)
