from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from backtester.recipe import (
    BrokerSection,
    DataSection,
    FoldsSection,
    LstmModel,
    Recipe,
    ReferenceModel,
    Source,
    TrainingSection,
)


def test_a_section_made_in_python_takes_lists_and_names():
    assert LstmModel(units=[50, 25]).units == (50, 25)
    assert DataSection(source="yahoo").source is Source.YAHOO
    assert DataSection(start="2005-01-03").start == date(2005, 1, 3)


@pytest.mark.parametrize("bars", [True, 750.0, "750", 0, -1, "0Y", "3y", "Y", "3 Y", "1.5Y", None])
def test_a_span_is_bars_or_a_calendar_span(bars):
    with pytest.raises(ValidationError):
        FoldsSection(train=bars)


def test_numbers_are_not_taken_from_texts_or_truth_values():
    for value in ("10", True, 10.0):
        with pytest.raises(ValidationError):
            TrainingSection(epochs=value)
    with pytest.raises(ValidationError):
        BrokerSection(cash=True)


def test_a_recipe_made_in_python_is_checked_for_contradictions_too():
    with pytest.raises(ValidationError, match="must be more bars than"):
        Recipe(folds=FoldsSection(train=10))


def test_a_recipe_cannot_be_changed():
    recipe = Recipe()
    with pytest.raises(ValidationError):
        recipe.seed = 8


def test_parameters_do_not_follow_the_mapping_that_they_came_from():
    parameters = {"units": [8]}
    model = ReferenceModel(kind="mine.py:build", parameters=parameters)
    parameters["units"].append(9)
    assert model.parameters == {"units": [8]}
