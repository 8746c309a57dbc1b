from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from backtester.reporting.curves import drawdown_curves, equity_curves, fold_of_bar, monthly_returns


def with_returns(record, values):
    dates = record.returns.index[: len(values)]
    return dataclasses.replace(record, returns=pd.DataFrame({"strategy": values}, index=dates))


def test_equity_starts_at_100_on_the_first_origin(plain_run):
    equity = equity_curves(with_returns(plain_run, [0.1, -0.5]))
    assert equity["strategy"].to_list() == pytest.approx([100.0, 110.0, 55.0])
    assert equity.index[0] == plain_run.forecasts["origin"].min()


def test_a_loss_on_the_first_day_is_a_drawdown(plain_run):
    falls = drawdown_curves(with_returns(plain_run, [-0.2, 0.5, -0.1]))
    assert falls["strategy"].to_list() == pytest.approx([0.0, -0.2, 0.0, -0.1])


def test_the_curves_end_where_the_summary_says(plain_run):
    ends = equity_curves(plain_run).iloc[-1] / 100.0 - 1.0
    said = {name: own["total_return"] for name, own in plain_run.summary["strategies"].items()}
    assert ends.to_dict() == pytest.approx(said)


def test_months_and_years_are_compounded():
    dates = pd.DatetimeIndex(["2019-12-30", "2019-12-31", "2020-01-02", "2020-03-02"])
    table = monthly_returns(pd.Series([0.1, 0.1, -0.5, 1.0], index=dates))
    assert table.loc[2019, 12] == pytest.approx(0.21)
    assert table.loc[2020, [1, 3, "year"]].to_list() == pytest.approx([-0.5, 1.0, 0.0])
    assert list(table.columns) == [*range(1, 13), "year"]
    assert np.isnan(table.loc[2020, 2])


def test_each_bar_belongs_to_the_test_span_it_lies_in(plain_run):
    folds = plain_run.manifest["folds"]
    dates = pd.DatetimeIndex([folds[0]["train_start"], folds[0]["test_start"], folds[3]["test_end"]])
    assert fold_of_bar(plain_run, dates).tolist() == [-1, 0, 3]
