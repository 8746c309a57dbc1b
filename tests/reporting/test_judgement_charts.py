from __future__ import annotations

import dataclasses
import math

import pytest

from backtester.metrics import sharpe
from backtester.reporting import figures
from backtester.reporting.curves import rolling_sharpe, saved_error
from backtester.reporting.interval_plot import Mark, Row, interval_plot
from backtester.reporting.judgement_captions import judgement_captions


@pytest.fixture(scope="module")
def charts(plain_run):
    return figures(plain_run)


def points(figure):
    """Label and value of each dot."""
    return {trace.name: trace.x[0] for trace in figure.data if trace.mode == "markers"}


def bars(figure):
    """Ends of each interval, from the top."""
    return [tuple(trace.x) for trace in figure.data if trace.mode == "lines"][::-1]


def lines(figure):
    """Where the vertical lines stand."""
    return sorted(shape.x0 for shape in figure.layout.shapes)


def near(value):
    return pytest.approx(value, rel=1e-6)


def test_every_figure_of_a_plot_is_that_of_the_summary(charts, plain_run):
    money = plain_run.summary["judgement"]["money"]
    for key in ("sharpe", "cagr", "max_drawdown"):
        curves = [money["curves"][name][key] for name in ("strategy", "buy_and_hold", "last_return")]
        shown = points(charts[key])
        assert [shown[name] for name in ("Strategy", "Buy-and-hold", "Last return")] == near(
            [curve["value"] for curve in curves]
        )
        assert bars(charts[key])[:3] == [near(tuple(curve["interval"])) for curve in curves]


def test_the_forecast_is_held_against_the_last_price_and_the_drift(charts, plain_run):
    against = plain_run.summary["judgement"]["forecast"]["against"]
    assert points(charts["forecast_skill"]) == {
        "Against last price": near(against["last_price"]["r2_oos"]),
        "Against mean return": near(against["mean_return"]["r2_oos"]),
    }
    smallest = plain_run.manifest["recipe"]["verdict"]["smallest_r2"]
    assert lines(charts["forecast_skill"]) == [0.0, smallest]


def test_gains_show_zero_and_the_smallest_gain_of_interest(charts, plain_run):
    smallest = plain_run.manifest["recipe"]["verdict"]["smallest_sharpe"]
    for name in ("sharpe_difference", "stress"):
        assert lines(charts[name]) == [0.0, smallest]
    observed = plain_run.summary["judgement"]["money"]["differences"]["buy_and_hold"]["sharpe"]["value"]
    assert lines(charts["bootstrap"]) == sorted([0.0, smallest, observed])


def test_the_error_saved_ends_at_the_r2_out_of_sample(plain_run):
    against = plain_run.summary["judgement"]["forecast"]["against"]
    last = saved_error(plain_run).iloc[-1]
    assert last.to_dict() == pytest.approx({name: found["r2_oos"] for name, found in against.items()})


def test_the_error_saved_rises_where_the_forecast_was_better(plain_run):
    rows = plain_run.forecasts.dropna(subset=["actual"])
    better = (rows["actual"] - rows["forecast"]).abs() < rows["actual"].abs()
    steps = saved_error(plain_run)["last_price"].diff().iloc[1:]
    assert ((steps > 0).to_numpy() == better.iloc[1:].to_numpy()).all()


def test_the_rolling_ratio_is_the_sharpe_ratio_of_the_last_year(plain_run):
    rolling = rolling_sharpe(plain_run)
    assert len(rolling) == len(plain_run.returns) - 251
    own = sharpe(plain_run.returns["strategy"].iloc[100:352], periods_per_year=252)
    assert rolling["strategy"].iloc[100] == pytest.approx(own)
    assert rolling.index[100] == plain_run.returns.index[351]


def test_a_year_in_cash_has_no_sharpe_ratio(nasty_run):
    assert rolling_sharpe(nasty_run)["strategy"].isna().all()


def test_a_test_shorter_than_a_year_has_no_rolling_ratio(plain_run):
    short = dataclasses.replace(plain_run, returns=plain_run.returns.iloc[:251])
    assert rolling_sharpe(short).empty
    assert "shorter than a year" in judgement_captions(short)["rolling_sharpe"]


def test_the_own_trial_stands_out_among_all(charts, plain_run):
    table = plain_run.summary["judgement"]["search"]["table"]
    own = next(row for row in table if row["own"])
    traces = {trace.name: trace for trace in charts["trials"].data}
    assert list(traces["This run"].x) == [pytest.approx(own["difference_a_year"], abs=1e-8)]
    assert len(traces["Another variant"].x) == len(table) - 1
    assert traces["This run"].marker.size > traces["Another variant"].marker.size
    assert lines(charts["trials"]) == [0.0]


def test_a_recipes_name_is_no_markup_in_a_hover(nasty_run):
    table = [dict(row, sharpe=0.5) for row in nasty_run.summary["judgement"]["search"]["table"]]
    judgement = nasty_run.summary["judgement"] | {"search": {"table": table}}
    record = dataclasses.replace(nasty_run, summary=nasty_run.summary | {"judgement": judgement})
    (text,) = next(trace.text for trace in figures(record)["trials"].data if trace.name == "This run")
    assert "&lt;script&gt;" in text
    assert "<" not in text.replace("<br>", "")


def test_p_values_stand_on_a_scale_of_tenfold_steps(charts, plain_run):
    search = plain_run.summary["judgement"]["search"]
    assert points(charts["adjusted"])["Best of all tried"] == near(math.log10(search["p_value_best"]))
    assert lines(charts["adjusted"]) == [near(math.log10(0.05))]


def test_each_check_bears_the_sign_of_its_answer(charts, plain_run):
    checks = plain_run.summary["judgement"]["stress"]["checks"]
    signs = {"yes": "✓", "no": "✗", "inconclusive": "?"}
    labels = [label for label in points(charts["stress"]) if label != "As run"]
    assert sorted(labels) == sorted(
        f"{signs[row['answer']]} {row['label'][0].upper()}{row['label'][1:]}" for row in checks
    )


def test_the_gain_that_can_be_shown_passes_through_this_run_and_the_one_of_interest(charts, plain_run):
    power = plain_run.summary["judgement"]["power"]
    curve = next(trace for trace in charts["power"].data if trace.mode == "lines")
    product = power["detectable_gain"] * power["years"] ** 0.5
    assert list(curve.y) == pytest.approx([product / years**0.5 for years in curve.x], abs=2e-4)
    assert power["smallest_interesting"] * power["years_for_smallest"] ** 0.5 == pytest.approx(
        product, rel=0.01
    )


def test_a_figure_that_does_not_exist_is_said_and_not_drawn(nasty_run):
    drawn = figures(nasty_run)
    assert "Strategy" not in points(drawn["sharpe"])
    texts = [annotation.text for annotation in drawn["sharpe"].layout.annotations]
    assert "stayed in cash" in texts
    for name in ("sharpe_difference", "bootstrap", "stress", "power"):
        assert len(drawn[name].data) == 0, name
        assert "never varies" in judgement_captions(nasty_run)[name]


@pytest.mark.parametrize(
    ("places", "order"),
    [
        # all to the left: each text right of its line, the rightmost line lowest
        ([0.0, 2.0], [(2.0, "left"), (0.0, "left")]),
        ([7.0, 9.0], [(7.0, "right"), (9.0, "right")]),
        ([0.0, 9.0], [(9.0, "right"), (0.0, "left")]),
    ],
)
def test_no_line_runs_through_the_label_of_another(places, order):
    rows = [Row(label="a", value=5.0, low=0.0, high=10.0)]
    figure = interval_plot(rows, marks=[Mark(label=f"{x:g}", at=x) for x in places], write=str)
    labels = [mark for mark in figure.layout.annotations if mark.yref == "paper"]
    assert [(mark.x, mark.xanchor) for mark in labels] == order
    assert [mark.yshift for mark in labels] == sorted(mark.yshift for mark in labels)


def test_an_interval_may_lie_beside_its_figure():
    figure = interval_plot([Row(label="drawdown", value=-0.1, low=-0.4, high=-0.2)], write=str)
    assert bars(figure) == [(-0.4, -0.2)]
    assert figure.layout.xaxis.range[0] < -0.4
    assert figure.layout.xaxis.range[1] > -0.1
