"""Each defect of QuantStats 0.0.86, shown, and shown not to reach our sheets or our figures.

Where a test fails in its first half, QuantStats has changed: look whether the caution is still needed.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtester
from backtester.judgement.sharpe import probabilistic_sharpe, return_moments
from backtester.metrics import cagr, max_drawdown, sharpe, volatility
from backtester.reporting.tearsheets import tearsheet

DAYS = 600


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def qs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantstats import _montecarlo, reports, stats, utils
    return {"reports": reports, "stats": stats, "utils": utils, "montecarlo": _montecarlo}


@pytest.fixture(scope="module")
def returns():
    draw = np.random.default_rng(3)
    index = pd.bdate_range("2015-01-02", periods=DAYS)
    return pd.Series(draw.normal(0.0005, 0.01, DAYS), index=index)


@pytest.fixture(scope="module")
def sheet(plain_page):
    return (plain_page.parent / "tearsheet_buy_and_hold.html").read_text(encoding="utf-8")


def figure(page, name):
    """The strategy's figure in the table of key figures; None where there is no such row."""
    row = re.search(rf"<tr><td>{re.escape(name)}\s*</td><td>(.*?)</td><td>(.*?)</td>", page)
    return row and row.group(2).rstrip("%")


def with_returns(record, frame, *, broker=None, periods=None):
    recipe = record.manifest["recipe"]
    recipe = recipe | {"broker": recipe["broker"] | (broker or {})}
    recipe |= {"data": recipe["data"] | ({"periods_per_year": periods} if periods else {})}
    return dataclasses.replace(record, returns=frame, manifest=record.manifest | {"recipe": recipe})


def drawn(record, benchmark="buy_and_hold"):
    return tearsheet(record, title="x", benchmark=benchmark)


def handed_over(record, monkeypatch, benchmark="buy_and_hold"):
    """All that QuantStats gets for a sheet."""
    got = {}

    def take(strategy, held, **options):
        got.update(options, strategy=strategy, held=held)
        raise RuntimeError("seen enough")

    monkeypatch.setattr("quantstats.reports.html", take)
    drawn(record, benchmark)
    return got


def test_only_sorted_unique_finite_zoneless_returns_on_one_index_are_handed_over(plain_run, monkeypatch):
    got = handed_over(plain_run, monkeypatch)
    for series in (got["strategy"], got["held"]):
        assert series.index.is_monotonic_increasing
        assert series.index.is_unique
        assert series.index.tz is None
        assert np.isfinite(series).all()
    assert got["strategy"].index.equals(got["held"].index)
    assert got["match_dates"] is False
    assert got["periods_per_year"] == 252


def test_titles_are_written_unescaped(qs, returns, tmp_path, plain_run, monkeypatch, nasty_text):
    template, output = tmp_path / "template.html", tmp_path / "out.html"
    template.write_text("{{title}} {{params}}", encoding="utf-8")
    monkeypatch.setattr(qs["reports"], "_embed_figure", lambda *_: "")
    qs["reports"].html(
        returns, returns / 2, title="<b>t</b>", benchmark_title="<i>b</i>", output=str(output),
        template_path=str(template), match_dates=False,
    )  # fmt: skip
    assert "<b>t</b>" in output.read_text(encoding="utf-8")
    assert "<I>B</I>" in output.read_text(encoding="utf-8")
    monkeypatch.undo()

    record = dataclasses.replace(plain_run, returns=plain_run.returns.iloc[:60])
    assert "<script" not in tearsheet(record, title=nasty_text, benchmark="buy_and_hold")
    got = handed_over(plain_run, monkeypatch)
    assert (got["title"], got["strategy_title"], got["benchmark_title"]) == ("", "Strategy", "Buy-and-hold")


def test_its_template_asks_for_a_favicon_from_outside(qs, sheet):
    template = Path(qs["reports"].__file__).with_name("report.html").read_text(encoding="utf-8")
    assert re.search(r'rel="shortcut icon"\s+href="http', template)
    assert re.findall(r'<link[^>]*href="([^"]*)"', sheet) == ["data:,"]


def test_matching_dates_drops_leading_days_in_cash(qs, returns, plain_run):
    flat = returns.copy()
    flat.iloc[:100] = 0.0
    kept, _ = qs["reports"]._match_dates(flat, returns)
    assert len(kept) == DAYS - 100

    frame = plain_run.returns.iloc[:DAYS].copy()
    frame.iloc[:100] = 0.0
    page = drawn(with_returns(plain_run, frame))
    own = sharpe(frame["strategy"], periods_per_year=252)
    assert float(figure(page, "Sharpe")) == pytest.approx(own, abs=0.006)
    assert len(frame) == DAYS


def test_a_benchmark_on_other_days_is_filled_backwards(qs, returns, plain_run, monkeypatch):
    benchmark = pd.Series(0.0, index=returns.index.delete(10))
    benchmark.iloc[10] = 0.10
    jump = benchmark.index[10]
    filled = qs["utils"]._prepare_benchmark(benchmark, returns.index)
    assert filled.idxmax() < jump

    got = handed_over(plain_run, monkeypatch)
    assert (got["held"].to_numpy() == plain_run.returns["buy_and_hold"].to_numpy()).all()


def test_risk_adjusted_return_takes_252_days_whatever_the_year(qs, returns, plain_run):
    rar = qs["stats"].rar
    assert rar(returns, periods=52) == rar(returns, periods=252)
    page = drawn(with_returns(plain_run, plain_run.returns, periods=52))
    assert figure(page, "Risk-Adjusted Return") is None
    own = sharpe(plain_run.returns["strategy"], periods_per_year=52)
    assert float(figure(page, "Sharpe")) == pytest.approx(own, abs=0.006)


def test_the_information_ratio_is_never_a_years(qs, returns, sheet):
    gain = returns - returns.mean() / 2
    ratio = qs["stats"].information_ratio(returns, returns - gain)
    assert ratio == pytest.approx(gain.mean() / gain.std())
    assert figure(sheet, "Information Ratio") is None
    assert "Left out, because QuantStats takes other units" in sheet
    assert "Information Ratio, Risk-Adjusted Return." in sheet


def test_returns_that_look_like_prices_are_read_as_prices(qs, returns, plain_run):
    gains = returns.abs()
    gains.iloc[5] = 1.5
    assert qs["utils"]._prepare_returns(gains).iloc[6] == pytest.approx(gains.iloc[6] / 1.5 - 1.0)

    frame = plain_run.returns.iloc[:40].abs()
    frame.iloc[3, 0] = 1.5
    assert "would take that for prices" in drawn(with_returns(plain_run, frame))


def test_prices_below_one_are_read_as_returns(qs, returns, plain_run, monkeypatch):
    prices = 0.5 * (1.0 + returns).cumprod() / (1.0 + returns).cumprod().max()
    assert qs["utils"]._prepare_returns(prices).equals(prices)
    # no price is ever handed over
    got = handed_over(plain_run, monkeypatch)
    assert (got["strategy"].to_numpy() == plain_run.returns["strategy"].to_numpy()).all()


def test_its_monte_carlo_has_no_spread_and_nothing_of_ours_calls_it(qs, returns):
    wealth = qs["stats"].montecarlo(returns, sims=50, seed=1).stats
    assert wealth["std"] == pytest.approx(0.0, abs=1e-9)

    package = Path(backtester.__file__).parent
    callers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any("quantstats" in (getattr(node, "module", "") or alias.name) for alias in node.names)
    }
    assert callers == {"reporting/tearsheets.py"}
    assert "montecarlo" not in (package / "reporting" / "tearsheets.py").read_text(encoding="utf-8")


def test_a_strategy_in_cash_breaks_it(qs, returns, nasty_page):
    with pytest.raises(ValueError, match="identical"):
        qs["reports"].metrics(returns * 0.0, returns, display=False, mode="full", match_dates=False)
    page = (nasty_page.parent / "tearsheet_buy_and_hold.html").read_text(encoding="utf-8")
    assert "stayed in cash on every day" in page
    assert "QuantStats failed" not in page


def test_its_probabilistic_sortino_is_too_sure_and_is_not_on_the_sheet(qs, sheet):
    draw = np.random.default_rng(5)
    index = pd.bdate_range("2015-01-02", periods=500)
    surer = [
        qs["stats"].probabilistic_sortino_ratio(pd.Series(draw.normal(0.0, 0.01, 500), index=index)) > 0.95
        for _ in range(400)
    ]
    assert np.mean(surer) > 0.08
    assert not re.search(r"Prob\. (Smart )?Sortino", sheet)


def test_a_negative_risk_free_rate_is_ignored(qs, returns, plain_run):
    ratio = qs["stats"].sharpe
    assert ratio(returns, rf=-0.02, periods=252) == ratio(returns, rf=0.0, periods=252)
    page = drawn(with_returns(plain_run, plain_run.returns, broker={"risk_free_rate": -0.02}))
    for name in ("Sharpe", "Prob. Sharpe Ratio", "Smart Sharpe", "Sortino", "Smart Sortino/√2", "Omega"):
        assert figure(page, name) is None, name
        assert name in page
    assert figure(page, "CAGR") is not None
    assert page.count("<svg") == 12


def test_its_rolling_pictures_and_whole_span_ratios_leave_out_a_years_interest(qs, returns, plain_run):
    index = qs["stats"].ulcer_performance_index
    whole = float((1.0 + returns).prod() - 1.0)
    assert index(returns, rf=0.05) == pytest.approx((whole - 0.05) / qs["stats"].ulcer_index(returns))
    page = drawn(with_returns(plain_run, plain_run.returns, broker={"risk_free_rate": 0.05}))
    for name in ("Ulcer Performance Index", "Serenity Index", "Treynor Ratio"):
        assert figure(page, name) is None, name
    assert figure(page, "Sharpe") is not None
    assert page.count("<svg") == 12


def test_its_cagr_knows_no_interest_and_neither_does_ours(qs, returns):
    growth = qs["stats"].cagr
    assert growth(returns, rf=0.05) == growth(returns) == pytest.approx(cagr(returns, periods_per_year=252))


def test_its_years_take_the_benchmarks_own_days(qs, returns, plain_run, sheet):
    half = returns.iloc[DAYS // 4 :]
    years = qs["stats"].compare(half, returns, "YE", prepare_returns=False)
    assert years["Benchmark"].iloc[0] == pytest.approx(100 * ((1 + returns["2015"]).prod() - 1))
    assert len(half["2015"]) < len(returns["2015"])

    first = plain_run.returns["buy_and_hold"]
    year = first.index[0].year
    own = 100 * ((1.0 + first[first.index.year == year]).prod() - 1.0)
    row = re.search(rf"<tr><td[^>]*>\s*{year}\s*</td><td[^>]*>\s*(-?[\d.]+)", sheet)
    assert row is not None
    assert float(row.group(1)) == pytest.approx(own, abs=0.006)


@pytest.mark.parametrize("spoil", ["unsorted", "twice", "zone"])
def test_an_index_it_would_misread_is_not_handed_over(qs, returns, plain_run, spoil):
    if spoil == "unsorted":
        shuffled = returns.sort_values()
        assert qs["stats"].max_drawdown(shuffled) < 2 * qs["stats"].max_drawdown(returns)
    if spoil == "zone":
        zoned = returns.tz_localize("Asia/Tokyo")
        assert (qs["utils"]._prepare_returns(zoned).index.normalize() != returns.index).all()
    frame = plain_run.returns
    frame = {
        "unsorted": frame.iloc[::-1],
        "twice": pd.concat([frame.iloc[:1], frame]),
        "zone": frame.tz_localize("Asia/Tokyo"),
    }[spoil]
    assert "QuantStats would misread them" in drawn(with_returns(plain_run, frame))


@pytest.mark.parametrize("periods", [252, 365])
def test_the_figures_of_the_page_agree_with_quantstats(qs, returns, plain_run, periods):
    for series in (returns, plain_run.returns["strategy"], plain_run.returns["buy_and_hold"]):
        stats = qs["stats"]
        assert stats.sharpe(series, periods=periods) == pytest.approx(
            sharpe(series, periods_per_year=periods)
        )
        assert stats.volatility(series, periods=periods) == pytest.approx(
            volatility(series, periods_per_year=periods)
        )
        assert stats.max_drawdown(series) == pytest.approx(max_drawdown(series))
        assert stats.cagr(series, periods=periods) == pytest.approx(cagr(series, periods_per_year=periods))
        moments = return_moments(series.to_numpy())
        assert stats.probabilistic_sharpe_ratio(series) == pytest.approx(
            probabilistic_sharpe(moments), rel=1e-9
        )


def test_the_sharpe_ratio_agrees_with_interest_too(qs, returns):
    own = sharpe(returns, periods_per_year=252, risk_free_rate=0.03)
    assert qs["stats"].sharpe(returns, rf=0.03, periods=252) == pytest.approx(own)
    assert math.isfinite(own)
