import math
import statistics

import pandas as pd
import pytest

from backtester.metrics import performance


def bars(**changes):
    columns = {
        "equity": [101.0, 101.0, 99.0, 100.0],
        "return": [0.01, 0.0, -2 / 101, 1 / 99],
        "exposure": [1.0, 0.0, -0.5, 0.5],
        "turnover": [1.0, 1.0, 0.5, 1.0],
        "cost": [1.0, 0.5, 0.25, 0.25],
    }
    return pd.DataFrame(columns | changes)


def test_every_figure_of_four_bars():
    found = performance(bars(), trades=3, rejected_orders=2, periods_per_year=4).as_dict()
    mean, sd = statistics.mean(bars()["return"]), statistics.stdev(bars()["return"])
    assert found.pop("sharpe") == pytest.approx(2.0 * mean / sd)
    assert found.pop("volatility") == pytest.approx(2.0 * sd)
    assert found == pytest.approx(
        {
            "total_return": 0.0,
            "cagr": 0.0,
            "max_drawdown": -2 / 101,
            "turnover": 3.5,
            "trades": 3,
            "exposure": 0.25,
            "time_in_market": 0.75,
            "costs": 2.0,
            "rejected_orders": 2,
            "final_equity": 100.0,
        }
    )


def test_a_flat_curve_has_no_sharpe_never_a_zero():
    flat = bars(**{"return": [0.0] * 4, "equity": [100.0] * 4})
    found = performance(flat, trades=0, rejected_orders=0, periods_per_year=252)
    assert found.volatility == 0.0
    assert math.isnan(found.sharpe)
    assert found.as_dict()["sharpe"] is None


def test_the_risk_free_rate_lowers_the_sharpe():
    known = {"trades": 0, "rejected_orders": 0, "periods_per_year": 252}
    plain, charged = performance(bars(), **known), performance(bars(), **known, risk_free_rate=0.05)
    per_bar = 1.05 ** (1 / 252) - 1
    assert plain.sharpe - charged.sharpe == pytest.approx(per_bar * 252 / plain.volatility)
