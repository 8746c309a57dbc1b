"""Features as users write them: what remembers, reads a file, or knows the level of adjusted prices."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

import backtester
from backtester.audit import quick_audit
from backtester.audit.samples import check_scale
from tests.markets import random_walk
from tests.questions import question

PRICES = random_walk(250, seed=1)
HEAD = """
from pathlib import Path
import numpy as np
import pandas as pd


def returns(close):
    return np.log(close).diff().fillna(0.0)
"""


def asked(source: str, *, folder: Path, **sections: object):
    (folder / "own.py").write_text(HEAD + source)
    return question(PRICES, folder=folder, features={"columns": ["log_return", "own.py:mine"]}, **sections)


def above(folder: Path, *, share: float):
    """A question on whether the close is above a level that this share of the closes lies below."""
    level = float(np.quantile(PRICES.column("close"), share))
    source = f"""
def mine(prices):
    return (prices["close"] > {level!r}).astype(float)
"""
    return asked(source, folder=folder)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_threshold_on_adjusted_prices_is_found_wherever_it_is_passed(tmp_path: Path, share: float):
    asked = above(tmp_path, share=share)
    columns, folds = asked.loaded.recipe.features.columns, range(len(asked.problem.folds))
    leak = check_scale(asked.problem, prices=PRICES, columns=columns, folds=folds)
    assert leak.line.endswith("reaches the network by own.py:mine")
    assert leak.leak is not None
    assert leak.leak.reach_words == "to the end of the history"


MEMORIES = {
    "a global": ("LONGEST = []", "LONGEST"),
    "an attribute of the function": ("", "mine.__dict__.setdefault('longest', [])"),
    "a default value": ("def mine(prices, longest=[]):", "longest"),
}


@pytest.mark.parametrize("what", MEMORIES)
def test_a_feature_that_remembers_the_longest_history_is_found(tmp_path: Path, what: str):
    head, kept = MEMORIES[what]
    header = head if head.startswith("def") else f"{head}\n\n\ndef mine(prices):"
    source = f"""
{header}
    kept = {kept}
    if not kept or len(kept[0]) < len(prices):
        kept[:] = [prices]
    return returns(kept[0]["close"]).shift(-1).fillna(0.0).reindex(prices.index)
"""
    (leak,) = quick_audit(asked(source, folder=tmp_path)).leaks
    assert leak.leak is not None
    assert leak.leak.reach == 1


READING = """
def mine(prices):
    closes = pd.read_csv({path!r}, index_col=0, parse_dates=True)["close"]
    return returns(closes).shift(-1).fillna(0.0).reindex(prices.index)
"""


def read_by(code: str, *, folder: Path, **data: str):
    """The quick audit of a recipe whose prices are in a file."""
    PRICES.frame.to_csv(folder / "walk.csv")
    (folder / "own.py").write_text(HEAD + code)
    recipe = {
        "data": {"source": "csv", "path": "walk.csv", "symbol": "RW"} | data,
        "folds": {"train": 120, "test": 30},
        "features": {"columns": ["own.py:mine"]},
        "model": {"kind": "mean_return"},
    }
    with contextlib.chdir(folder):
        return quick_audit(backtester.ask(recipe))


@pytest.mark.parametrize("name", ["walk.csv", "sub/../walk.csv"])
def test_a_feature_that_reads_the_file_of_the_prices_leaks(tmp_path: Path, name: str):
    (tmp_path / "sub").mkdir()
    (leak,) = read_by(READING.format(path=str(tmp_path / name)), folder=tmp_path).leaks
    assert "it reads walk.csv, the file of the prices, which is not cut" in leak.line


def test_a_feature_that_reads_a_sample_of_its_prices_leaks(tmp_path: Path):
    code = """
from backtester.prices import sample_path

def mine(prices):
    return returns(prices["close"]) * len(sample_path("SPY").read_bytes())
"""
    (leak,) = read_by(code, folder=tmp_path, source="sample", path="", symbol="SPY").leaks
    assert "SPY" in leak.line


def test_what_a_feature_reads_beside_the_prices_is_noted(tmp_path: Path):
    (tmp_path / "rates.csv").write_bytes(PRICES.frame.to_csv().encode())
    audit = read_by(READING.format(path=str(tmp_path / "rates.csv")), folder=tmp_path)
    assert [check.mark for check in audit.checks] == ["clean", "note"]
    (note,) = audit.notes
    assert "feature 'own.py:mine': it reads rates.csv: what it reads there is not cut" in note.text


def test_what_a_feature_imports_or_writes_is_not_what_it_reads(tmp_path: Path):
    source = """
import json
import this
import xml.dom.minidom

def mine(prices):
    import tomllib
    import zoneinfo

    zoneinfo.ZoneInfo("America/New_York")
    Path("log.txt").write_text(str(len(prices)))
    return returns(prices["close"])
"""
    audit = read_by(source, folder=tmp_path)
    assert [check.mark for check in audit.checks] == ["clean"]
