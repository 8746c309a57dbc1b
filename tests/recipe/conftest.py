from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from backtester.errors import RecipeError
from backtester.recipe import Recipe, recipe_from_mapping

Make = Callable[..., Recipe]
Problems = Callable[..., list[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """The recipe of a mapping and overrides."""

    def make(mapping: Mapping[str, Any], overrides: Sequence[str] | Mapping[str, Any] = ()) -> Recipe:
        return recipe_from_mapping(mapping, name="mine", folder=tmp_path, overrides=overrides).recipe

    return make


@pytest.fixture
def problems(make: Make) -> Problems:
    """The problems of a mapping and overrides, one text each."""

    def problems(mapping: Mapping[str, Any], overrides: Sequence[str] | Mapping[str, Any] = ()) -> list[str]:
        with pytest.raises(RecipeError) as caught:
            make(mapping, overrides)
        head, *listed = caught.value.message.split("\n  ")
        return listed or [head.removeprefix("recipe mine: ")]

    return problems
