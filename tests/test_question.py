import json
from pathlib import Path

import pytest

from backtester.errors import PricesError, RecipeError, UserCodeError
from backtester.forecasters import ForecasterCache
from backtester.pipeline import answer
from backtester.planning import plan_of
from backtester.prices import NoteKind
from backtester.tasks import TaskRunner
from tests.markets import random_walk
from tests.questions import RIDGE, question

STRATEGY = """
from backtester.backtest import ForecastStrategy

class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0
"""

MODEL = """
from sklearn.linear_model import Ridge

class Mine(Ridge):
    pass
"""


def test_prices_that_end_at_the_first_forecast_are_refused_before_anything_is_written(tmp_path: Path):
    asked = question(random_walk(121, seed=1), model={"kind": "last_return"})
    with pytest.raises(PricesError, match=r"121 rows are too few: .* 122 are needed"):
        answer(asked, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    asked = question(random_walk(122, seed=1), model={"kind": "last_return"})
    assert len(answer(asked, out=tmp_path / "runs").returns) == 1


def test_costs_that_one_trade_could_not_pay_are_refused_before_anything_is_trained():
    broker = {"commission_bp": 1000.0, "slippage_bp": 1000.0}
    with pytest.raises(RecipeError, match="would take the whole equity in one trade"):
        question(random_walk(300, seed=1), broker=broker, strategy={"max_exposure": 5.0})


def test_a_single_split_is_noted_and_a_walk_forward_is_not():
    model = {"kind": "last_return"}
    split = question(random_walk(300, seed=1), model=model, folds={"train": 100, "scheme": "single"})
    (note,) = [note for note in split.notes if "single split, not a walk-forward test" in note.text]
    assert note.kind is NoteKind.WARNING
    walked = question(random_walk(300, seed=1), model=model, folds={"train": 100, "test": 50})
    assert not [note for note in walked.notes if "single split" in note.text]


def test_a_baseline_without_a_training_sample_can_be_planned():
    asked = question(random_walk(30, seed=1), model={"kind": "last_price"}, folds={"train": 2, "test": 20})
    assert [fold["train_samples"] for fold in plan_of(asked)["folds"]] == [0, 0]


def test_an_answer_by_a_strategy_that_was_edited_meanwhile_is_not_kept_as_one_to_the_question(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(STRATEGY)
    asked = question(
        random_walk(200, seed=1),
        model={"kind": "last_return"},
        strategy={"kind": "mine.py:Mine"},
        folder=tmp_path,
    )
    file.write_text(STRATEGY.replace("1.0", "0.5"))
    with pytest.raises(UserCodeError, match=r"mine\.py:Mine' was edited while this run went on"):
        answer(asked, out=tmp_path / "runs")
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["state"] == "failed"
    assert not (run / "summary.json").exists()
    file.write_text(STRATEGY)
    assert answer(asked, out=tmp_path / "runs").exposures["strategy"].iloc[0] == pytest.approx(1.0)


def test_a_model_that_was_edited_meanwhile_is_not_trained_under_the_hash_of_the_old_one(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(MODEL)
    problem = question(
        random_walk(200, seed=1), model=RIDGE | {"kind": "mine.py:Mine"}, folder=tmp_path
    ).problem
    file.write_text(MODEL + "\n\nclass Other: pass\n")
    with pytest.raises(UserCodeError, match=r"mine\.py:Mine' was edited while this run went on"):
        TaskRunner(problem, forecasters=ForecasterCache())
    file.write_text(MODEL)
    TaskRunner(problem, forecasters=ForecasterCache())
