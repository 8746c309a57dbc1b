from __future__ import annotations

import dataclasses
import errno
import os
import re
from html import escape

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from backtester.reporting import write_report
from backtester.reporting.tearsheets import tearsheet


def figure(page, name):
    """The strategy's figure in the table of key figures; the benchmark's comes first."""
    row = re.search(rf"<tr><td>{re.escape(name)}\s*</td><td>(.*?)</td><td>(.*?)</td>", page)
    assert row is not None, name
    return row.group(2).rstrip("%")


def short(record, bars):
    return dataclasses.replace(record, returns=record.returns.iloc[:bars])


@pytest.fixture(scope="module")
def against_cash(plain_page):
    return (plain_page.parent / "tearsheet_last_price.html").read_text(encoding="utf-8")


def test_a_flat_benchmark_gives_a_sheet_without_what_needs_a_moving_one(against_cash):
    assert against_cash.count("<svg") == 12
    assert "Strategy against last price" in against_cash


def test_quantstats_agrees_with_the_summary(plain_page, plain_run):
    page = (plain_page.parent / "tearsheet_buy_and_hold.html").read_text(encoding="utf-8")
    own = plain_run.summary["strategies"]["strategy"]
    assert float(figure(page, "Sharpe")) == pytest.approx(own["sharpe"], abs=0.006)
    assert float(figure(page, "CAGR")) == pytest.approx(100 * own["cagr"], abs=0.006)
    assert float(figure(page, "Volatility (ann.)")) == pytest.approx(100 * own["volatility"], abs=0.006)
    assert float(figure(page, "Max Drawdown")) == pytest.approx(100 * own["max_drawdown"], abs=0.006)


def test_the_same_run_gives_the_same_sheet_and_leaves_no_trace(against_cash, plain_run):
    before = (dict(mpl.rcParams), dict(os.environ))
    assert tearsheet(plain_run, title="lstm on SPY", benchmark="last_price") == against_cash
    assert (dict(mpl.rcParams), dict(os.environ)) == before


def test_the_risk_free_rate_is_subtracted_once(plain_run):
    broker = plain_run.manifest["recipe"]["broker"] | {"risk_free_rate": 0.05}
    recipe = plain_run.manifest["recipe"] | {"broker": broker}
    record = dataclasses.replace(plain_run, manifest=plain_run.manifest | {"recipe": recipe})
    returns = plain_run.returns["strategy"]
    excess = returns - (1.05 ** (1 / 252) - 1.0)
    page = tearsheet(record, title="x", benchmark="last_price")
    assert float(figure(page, "Sharpe")) == pytest.approx(
        excess.mean() / excess.std(ddof=1) * 252**0.5, abs=0.006
    )


def test_leading_days_in_cash_count(plain_run):
    returns = plain_run.returns.iloc[:300].copy()
    returns.iloc[:100] = 0.0
    record = dataclasses.replace(plain_run, returns=returns)
    own = returns["strategy"].mean() / returns["strategy"].std(ddof=1) * 252**0.5
    page = tearsheet(record, title="x", benchmark="buy_and_hold")
    assert float(figure(page, "Sharpe")) == pytest.approx(own, abs=0.006)


def test_no_sheet_asks_the_network_or_runs_a_script(against_cash, plain_page):
    other = (plain_page.parent / "tearsheet_buy_and_hold.html").read_text(encoding="utf-8")
    for page in (against_cash, other):
        addresses = set(re.findall(r"https?://[^\"'\s<>]+", page))
        # names of namespaces, which nothing fetches
        assert addresses == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
        assert "<script" not in page
        assert "default-src 'none'" in page
        assert re.findall(r'<a href="([^"#]*)"', page) == ["index.html"]


def test_any_title_is_shown_whole_and_stays_text(plain_run, nasty_text):
    page = tearsheet(short(plain_run, 60), title=nasty_text, benchmark="buy_and_hold")
    assert page.count(escape(nasty_text)) == 2
    assert "<script" not in page
    assert page.count("<svg") == 14


@pytest.mark.parametrize("benchmark", ["buy_and_hold", "last_price"])
def test_a_strategy_in_cash_gets_a_sheet_in_our_words(nasty_page, benchmark, nasty_text):
    page = (nasty_page.parent / f"tearsheet_{benchmark}.html").read_text(encoding="utf-8")
    assert "stayed in cash on every day" in page
    assert "<svg" not in page
    assert escape(nasty_text) in page


@pytest.mark.parametrize("bars", [0, 1, 20])
def test_a_run_that_is_too_short_gets_a_sheet_in_our_words(plain_run, bars):
    assert f"only {bars} days" in tearsheet(short(plain_run, bars), title="x", benchmark="last_price")


def fail(error):
    def draw(*_, **__):
        raise error

    return draw


def test_a_failure_of_quantstats_is_said_on_the_sheet_and_on_the_page(plain_run, monkeypatch, tmp_path):
    record = dataclasses.replace(plain_run, directory=tmp_path)
    monkeypatch.setattr("quantstats.reports.html", fail(ValueError("all x values are <identical>")))
    page = write_report(record).read_text(encoding="utf-8")
    sheet = (tmp_path / "tearsheet_last_price.html").read_text(encoding="utf-8")
    assert "QuantStats failed (ValueError: all x values are &lt;identical&gt;)." in sheet
    assert "`backtester report` on this folder draws the sheet again" in sheet
    assert "<svg" not in sheet
    assert page.count("could not be drawn: QuantStats failed (ValueError") == 2
    assert "The tear sheet against last price could not be drawn" in page


def test_a_failure_that_passed_is_gone_when_drawn_again(plain_run, plain_page, monkeypatch, tmp_path):
    record = dataclasses.replace(plain_run, directory=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("quantstats.reports.html", fail(MemoryError()))
        write_report(record)
    assert "QuantStats failed (MemoryError)." in (tmp_path / "tearsheet_last_price.html").read_text("utf-8")
    write_report(record)
    for name in ("tearsheet_buy_and_hold.html", "tearsheet_last_price.html"):
        assert (tmp_path / name).read_bytes() == (plain_page.parent / name).read_bytes()
    assert "could not be drawn" not in (tmp_path / "index.html").read_text("utf-8")


def test_a_full_disk_is_named_without_the_folders_of_this_machine(plain_run, monkeypatch):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/private.html")
    monkeypatch.setattr("quantstats.reports.html", fail(error))
    page = tearsheet(plain_run, title="x", benchmark="last_price")
    assert "QuantStats failed (OSError: No space left on device)." in page
    assert "private" not in page


def test_a_failure_closes_its_own_pictures_and_no_one_elses(plain_run, monkeypatch):
    mine = plt.figure()

    def draw(*_, **__):
        plt.figure()
        raise ValueError

    monkeypatch.setattr("quantstats.reports.html", draw)
    tearsheet(plain_run, title="x", benchmark="last_price")
    assert plt.get_fignums() == [mine.number]
    plt.close(mine)


def test_returns_that_look_like_prices_are_not_handed_over(plain_run):
    returns = plain_run.returns.iloc[:40].abs()
    returns.iloc[3, 0] = 1.5
    page = tearsheet(dataclasses.replace(plain_run, returns=returns), title="x", benchmark="last_price")
    assert "would take that for prices" in page
