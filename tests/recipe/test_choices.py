"""The names of optimizers and losses against the installed Keras, read without importing it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import get_args

import pytest

from backtester.recipe.choices import Loss, Optimizer


def keras_source(folder: str) -> str:
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        pytest.skip("keras is not installed")
    return (Path(spec.origin).parent / "src" / folder / "__init__.py").read_text(encoding="utf-8")


def test_every_optimizer_is_one_of_keras():
    classes = re.findall(r"^    (\w+),$", keras_source("optimizers"), re.MULTILINE)
    assert set(get_args(Optimizer)) <= {name.lower() for name in classes}


def test_every_loss_is_one_of_keras():
    source = keras_source("losses")
    names = re.findall(r'^    (\w+),$|^        "(\w+)":', source, re.MULTILINE)
    assert set(get_args(Loss)) <= {name for pair in names for name in pair}
