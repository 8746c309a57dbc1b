"""Features as users write them: what remembers, reads a file, or knows the level of adjusted prices."""

from pathlib import Path

import numpy as np
import pytest

from backtester.audit import audit_question, quick_audit
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
    (leak,) = [
        check
        for check in audit_question(above(tmp_path, share=share), cuts=4).leaks
        if check.subject == "the network's input"
    ]
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
