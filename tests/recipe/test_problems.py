"""What a faulty recipe is told; the C ids are the cases of bad recipes that users meet."""

from __future__ import annotations

import math
from datetime import date, datetime

import pandas as pd
import pytest

from backtester.folds import make_folds
from tests.catalogue import held

SPAN = 'a number of bars, at least 1, or a calendar span such as "3Y", "18M", "6W", "90D"'

CASES = {
    "C01": ({"model": {"lookbak": 30}}, "model.lookbak = 30: unknown key. Did you mean 'lookback'?"),
    "C02": ({"folds": {"train": "many"}}, f'folds.train = "many": must be {SPAN}.'),
    "C02-bool-for-bars": ({"folds": {"train": True}}, f"folds.train = true: must be {SPAN}."),
    "C02-fraction-for-bars": ({"folds": {"train": 750.0}}, f"folds.train = 750.0: must be {SPAN}."),
    "C02-text-for-int": (
        {"training": {"epochs": "10"}},
        'training.epochs = "10": must be a whole number, at least 1, at most 100000.',
    ),
    "C02-bool-for-int": (
        {"training": {"epochs": True}},
        "training.epochs = true: must be a whole number, at least 1, at most 100000.",
    ),
    "C02-float-for-int": (
        {"training": {"epochs": 10.0}},
        "training.epochs = 10.0: must be a whole number, at least 1, at most 100000.",
    ),
    "C02-int-for-bool": ({"broker": {"fractional": 1}}, "broker.fractional = 1: must be true or false."),
    "C02-text-for-float": (
        {"broker": {"cash": "1000"}},
        'broker.cash = "1000": must be a number, above 0.',
    ),
    "C02-int-for-array": (
        {"model": {"units": 50}},
        "model.units = 50: must be an array of at least 1 item, at most 8 items, "
        "each a whole number, at least 1, at most 10000.",
    ),
    "C02-items": (
        {"model": {"units": [8, 2.5, 0]}},
        "model.units = [8, 2.5, 0] (item 2, 3): must be an array of at least 1 item, at most 8 items, "
        "each a whole number, at least 1, at most 10000.",
    ),
    "C02-seconds-for-date": ({"data": {"start": 0}}, "data.start = 0: must be a date such as 2005-01-03."),
    "C02-time-for-date": (
        {"data": {"start": datetime(2005, 1, 3)}},
        "data.start = 2005-01-03T00:00:00: must be a date such as 2005-01-03.",
    ),
    "C02-impossible-date": (
        {"data": {"start": "2005-02-30"}},
        'data.start = "2005-02-30": must be a date such as 2005-01-03.',
    ),
    "C02-section": (
        {"model": "lstm"},
        'model = "lstm": must be a table, [model], with keys such as model.kind.',
    ),
    "C02-top": ({"seed": "7"}, 'seed = "7": must be a whole number, at least 0, below 2147483648.'),
    "C02-parameters": (
        {"model": {"kind": "m.py:f", "parameters": {"day": date(2020, 1, 2)}}},
        "model.parameters = { day = 2020-01-02 }: "
        "must be a table of texts, finite numbers, true/false, arrays and tables.",
    ),
    "C03": (
        {"model": {"dropout": 1.5}},
        "model.dropout = 1.5: must be a number, at least 0, below 1, or an array of one for each layer.",
    ),
    "C03-nan": ({"broker": {"cash": math.nan}}, "broker.cash = nan: must be a number, above 0."),
    "C04": (
        {"folds": {"train": 20}, "model": {"lookback": 20}},
        "folds.train = 20: must be more bars than model.lookback = 20.",
    ),
    "C06": ({"folds": {"test": 0}}, f"folds.test = 0: must be {SPAN}."),
    "C06-calendar": ({"folds": {"test": "0M"}}, f'folds.test = "0M": must be {SPAN}.'),
    "C07": (
        {"folds": {"train": 30, "validation": 0.2}, "target": {"horizon": 4}},
        "folds.train = 30: leaves no training sample; must be more than "
        "model.lookback = 20 + target.horizon = 4 + 6 bars of validation = 30.",
    ),
    "C08": (
        {"broker": {"commission_bp": -1.0}},
        "broker.commission_bp = -1.0: must be a number, at least 0, at most 1000.",
    ),
    "C10": ({"broker": {"cash": 0.0}}, "broker.cash = 0.0: must be a number, above 0."),
    "C20": (
        {"training": {"optimizer": "adm"}},
        'training.optimizer = "adm": must be one of "adadelta", "adafactor", "adagrad", "adam", "adamax", '
        '"adamw", "ftrl", "lion", "nadam", "rmsprop", "sgd". Did you mean \'adam\'?',
    ),
    "C20-loss": (
        {"training": {"loss": "huberr"}},
        'training.loss = "huberr": must be one of "huber", "log_cosh", "mae", "mape", "mean_absolute_error", '
        '"mean_absolute_percentage_error", "mean_squared_error", "mse". Did you mean \'huber\'?',
    ),
    "C22": (
        {"training": {"epochs": 0}},
        "training.epochs = 0: must be a whole number, at least 1, at most 100000.",
    ),
    "unknown-section": ({"trainng": {}}, "[trainng]: unknown section. Did you mean 'training'?"),
    "unknown-top-key": ({"sead": 3}, "sead = 3: unknown key. Did you mean 'seed'?"),
    "key-outside-its-section": (
        {"epochs": 3},
        "epochs = 3: unknown key outside a section; it belongs to [training].",
    ),
    "key-of-another-section": (
        {"training": {"lookback": 3}},
        "training.lookback = 3: unknown key; it belongs to [model].",
    ),
    "key-of-another-kind": (
        {"model": {"kind": "last_price", "units": [3]}},
        'model.units = [3]: unknown key for kind = "last_price"; known keys: kind, lookback.',
    ),
    "unknown-kind": (
        {"strategy": {"kind": "long_shrt"}},
        'strategy.kind = "long_shrt": must be one of "long_or_cash", "long_short", "threshold", '
        '"volatility_scaled", or your own as "file.py:name". Did you mean \'long_short\'?',
    ),
    "kind-not-a-text": (
        {"model": {"kind": ["lstm"]}},
        'model.kind = ["lstm"]: must be one of "lstm", "bidirectional", "last_price", "last_return", '
        '"mean_return", or your own as "file.py:name".',
    ),
    "reference-without-name": (
        {"model": {"kind": "mine.py:"}},
        'model.kind = "mine.py:": must be "file.py:name" or "module:name".',
    ),
    "next-close-with-horizon-1": (
        {"broker": {"fill": "next_close"}},
        'broker.fill = "next_close": needs target.horizon of at least 2, not 1: '
        "a one-bar forecast has expired when the order fills.",
    ),
    "exit-above-enter": (
        {"strategy": {"kind": "threshold", "enter_bp": 5.0, "exit_bp": 6.0}},
        "strategy.exit_bp = 6.0: must not be above strategy.enter_bp = 5.0.",
    ),
    "both-sides-at-once": (
        {"strategy": {"kind": "threshold", "enter_bp": -1.0, "exit_bp": -2.0, "short": True}},
        "strategy.enter_bp = -1.0: must be at least 0 with short = true, "
        "or one forecast asks for both sides.",
    ),
    "start-not-before-end": (
        {"data": {"start": date(2019, 1, 2), "end": "2019-01-02"}},
        "data.start = 2019-01-02: must be before data.end = 2019-01-02.",
    ),
    "csv-without-path": (
        {"data": {"source": "csv"}},
        'data.path = "": source = "csv" needs the path of a file.',
    ),
}


@pytest.mark.parametrize("case", held(CASES))
def test_a_faulty_recipe_is_told_key_value_and_what_is_allowed(problems, case):
    mapping, expected = CASES[case]
    assert problems(mapping) == [expected]


ACCEPTED = {
    "C21": {"training": {"batch_size": 1_000_000}},
    "C28": {"data": {"symbol": "Ünïcode 株"}, "report": {"title": "Größe"}},
    "C29": {"data": {"symbol": "<script>"}, "report": {"title": "<script>alert(1)</script>"}},
    "int-for-float": {"broker": {"cash": 1000}},
    "calendar-spans": {"folds": {"train": "3Y", "test": "6W"}},
    "calendar-train-below-lookback": {"folds": {"train": "1D"}},
    "no-early-stopping": {"folds": {"validation": 0.0}, "training": {"patience": 5}},
    "one-sample": {"folds": {"train": 31, "validation": 0.2}, "target": {"horizon": 4}},
    "baseline-needs-no-sample": {"folds": {"train": 3}, "model": {"kind": "last_price"}},
    "next-close-with-horizon-2": {"broker": {"fill": "next_close"}, "target": {"horizon": 2}},
    "exit-equals-enter": {"strategy": {"kind": "threshold", "enter_bp": 5.0, "exit_bp": 5.0}},
}


@pytest.mark.parametrize("case", held(ACCEPTED))
def test_what_is_unusual_but_possible_is_accepted(make, case):
    make(ACCEPTED[case])


def test_all_problems_are_listed_at_once_in_the_order_of_the_sections(problems):
    found = problems(
        {
            "seed": -1,
            "data": {"source": "csv"},
            "folds": {"test": 0},
            "model": {"dropout": 2, "lookbak": 3},
            "broker": {"fill": "next_close"},
        }
    )
    assert [line.split(" ")[0] for line in found] == [
        "seed",
        "folds.test",
        "model.dropout",
        "model.lookbak",
        "data.path",
        "broker.fill",
    ]


def test_a_contradiction_with_a_faulty_key_is_not_made_up(problems):
    found = problems({"folds": {"train": 10}, "model": {"lookback": "5"}})
    assert [line.split(" ")[0] for line in found] == ["model.lookback"]


def test_a_contradiction_with_the_default_behind_a_misspelt_key_is_not_made_up(problems):
    found = problems({"folds": {"train": 10}, "model": {"lookbak": 5}})
    assert [line.split(" ")[0] for line in found] == ["model.lookbak"]


def test_a_long_value_is_shown_shortened(problems):
    [line] = problems({"report": {"title": "x" * 400}})
    assert line == f'report.title = "{"x" * 59}…: must be a text, at most 300 characters.'


@pytest.mark.parametrize(("validation", "bars"), [(0.0, 0), (0.001, 1), (0.25, 3), (0.35, 4), (0.5, 5)])
def test_validation_bars_are_counted_as_the_folds_count_them(make, problems, validation, bars):
    days = pd.date_range("2024-01-01", periods=20)
    [fold, *_] = make_folds(days, train=10, test=5, validation=validation)
    assert fold.validation.stop - fold.validation.start == bars
    recipe = {"folds": {"train": 10, "validation": validation}, "target": {"horizon": 2}}
    make(recipe | {"model": {"lookback": 7 - bars}})
    [line] = problems(recipe | {"model": {"lookback": 8 - bars}})
    assert f"target.horizon = 2 + {bars} bars of validation = 10." in line
