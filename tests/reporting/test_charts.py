from __future__ import annotations

import numpy as np
import pytest

from backtester.reporting import figures
from backtester.reporting.chart_style import COLOURS
from backtester.reporting.words import LABELS


@pytest.fixture(scope="module")
def charts(plain_run):
    return figures(plain_run)


def trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_every_chart_is_there(charts):
    assert list(charts) == [
        "equity", "drawdown", "exposure", "forecast", "prices", "folds", "spans", "monthly",
        "forecast_skill", "forecast_saved", "forecast_folds", "sharpe_difference", "return_difference",
        "bootstrap", "sharpe", "cagr", "max_drawdown", "rolling_sharpe", "trials", "adjusted", "stress",
        "power",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["equity", "drawdown"])
def test_a_curve_has_the_same_colour_everywhere(charts, name):
    colours = {label: trace(charts[name], label).line.color for label in LABELS.values()}
    assert colours == {LABELS[key]: colour for key, colour in COLOURS.items()}
    assert trace(charts["folds"], "Buy-and-hold").marker.color == COLOURS["buy_and_hold"]


def test_hovering_names_the_training_and_the_test_dates(charts, plain_run):
    fold = plain_run.manifest["folds"][4]
    texts = dict(zip(trace(charts["equity"], "Fold").x, trace(charts["equity"], "Fold").text, strict=True))
    assert texts[fold["test_end"]] == (
        f"Fold 4<br>trained {fold['train_start']} to {fold['train_end']}"
        f"<br>tested {fold['test_start']} to {fold['test_end']}"
    )
    assert fold["test_start"] in trace(charts["spans"], "Test").base


def test_every_other_test_span_is_shaded_and_a_failed_one_stands_out(charts, nasty_run):
    assert [shape.x0 for shape in charts["equity"].layout.shapes] == [
        fold["test_start"] for fold in nasty_run.manifest["folds"][::2]
    ]
    colours = [shape.fillcolor for shape in figures(nasty_run)["equity"].layout.shapes]
    assert len(set(colours)) == 2
    assert len(colours) == 15


def test_the_reason_of_a_failed_fold_is_no_markup_in_a_hover(nasty_run):
    texts = [text for text in trace(figures(nasty_run)["equity"], "Fold").text if "failed" in text]
    assert texts
    assert all("&lt;script&gt;" in text and "<script" not in text for text in texts)


def test_the_recent_prices_show_each_forecast_on_the_day_it_was_made_for(charts, plain_run):
    chart = charts["prices"]
    close = plain_run.prices["close"].tail(60)
    assert list(trace(chart, "Close").x) == list(close.index.strftime("%Y-%m-%d"))
    np.testing.assert_allclose(trace(chart, "Close").y, close, rtol=1e-6)
    np.testing.assert_allclose(
        trace(chart, "Last price").y, plain_run.prices["close"].shift(1).tail(60), rtol=1e-6
    )


def test_unscored_forecasts_are_not_drawn(charts, nasty_run):
    assert len(trace(charts["forecast"], "One forecast").x) == 1743
    assert len(trace(figures(nasty_run)["forecast"], "One forecast").x) == 1743 - 63


def test_the_same_run_gives_the_same_charts(charts, plain_run):
    assert {name: chart.to_json() for name, chart in figures(plain_run).items()} == {
        name: chart.to_json() for name, chart in charts.items()
    }
