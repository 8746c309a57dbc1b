"""Figures by hand, against other libraries, and on series whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import acf

from backtester.exploring.calendar import calendar_values
from backtester.exploring.dependence import autocorrelation_values, autocorrelations, robust_errors
from backtester.exploring.distribution import distribution_values, log_returns, normal_quantiles
from backtester.exploring.levels import box, drawdown, moving_means
from backtester.exploring.pairs import pair_values, pairs
from backtester.exploring.seasons import holm, season_values
from backtester.exploring.together import together_findings, together_values


def series(values: np.ndarray, *, start: str = "2010-01-04") -> pd.Series:
    return pd.Series(values, index=pd.bdate_range(start, periods=len(values)), name="close")


def noise(n: int, *, seed: int = 1, sd: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sd, n)


def test_autocorrelations_agree_with_statsmodels():
    values = noise(500)
    assert autocorrelations(values, 10) == pytest.approx(acf(values, nlags=10)[1:])


def test_the_band_is_that_of_white_noise_where_the_variance_is_constant():
    errors = robust_errors(noise(5000), 20)
    assert errors.mean() == pytest.approx(1.0 / np.sqrt(5000), rel=0.03)


def clustered(n: int, *, seed: int) -> np.ndarray:
    """Uncorrelated numbers whose variance comes in clusters."""
    random = np.random.default_rng(seed)
    spread = np.exp(np.repeat(random.normal(0.0, 0.8, n // 50), 50))
    return spread * random.normal(0.0, 1.0, n)


def test_the_band_holds_its_level_when_the_variance_moves_and_the_usual_one_does_not():
    outside = {"robust": 0, "usual": 0}
    for seed in range(300):
        values = clustered(1000, seed=seed)
        first = float(autocorrelations(values, 1)[0])
        outside["robust"] += abs(first) > 1.96 * float(robust_errors(values, 1)[0])
        outside["usual"] += abs(first) > 1.96 / np.sqrt(1000)
    # 15 expected; three standard deviations are 11
    assert outside["robust"] <= 26
    assert outside["usual"] > 45


def test_the_joint_test_finds_a_dependence_and_none_in_noise():
    values = noise(2000, seed=3)
    found = autocorrelation_values(values)
    assert found is not None
    assert found["joint"]["p_value"] > 0.01
    moving = autocorrelation_values(values[1:] + 0.5 * values[:-1])
    assert moving is not None
    assert moving["joint"]["p_value"] < 1e-6
    assert 1 in moving["outside"]


def test_a_missing_number_is_left_out_of_the_autocorrelation():
    values = noise(400)
    values[7] = np.nan
    found = autocorrelation_values(values)
    assert found is not None
    assert np.isfinite(found["values"]).all()


@pytest.mark.parametrize("values", [np.zeros(100), noise(20)])
def test_a_constant_or_short_series_has_no_autocorrelation(values):
    assert autocorrelation_values(values) is None


def test_moments_and_tails_agree_with_scipy():
    values = noise(1000, seed=5)
    found = distribution_values(series(values))
    assert found["skewness"] == pytest.approx(stats.skew(values))
    assert found["kurtosis"] == pytest.approx(stats.kurtosis(values))
    assert found["jarque_bera"]["p_value"] == pytest.approx(stats.jarque_bera(values).pvalue)
    assert found["tails"][1]["value"] == pytest.approx(np.quantile(values, 0.01))
    assert found["worst"][0] == {
        "date": str(series(values).idxmin().date()),
        "value": pytest.approx(values.min()),
    }
    assert sum(found["histogram"]["counts"]) == 1000


def test_normal_returns_lie_on_the_line_of_the_quantile_plot():
    normal, observed = normal_quantiles(noise(5000, seed=2))
    assert len(normal) <= 400
    middle = np.abs(normal) < 2.0
    assert np.abs(normal - observed)[middle].max() < 0.12


def test_log_returns_carry_the_later_date():
    returns = log_returns(series(np.array([100.0, 110.0, 99.0])))
    assert returns.to_numpy() == pytest.approx(np.log([1.1, 0.9]))
    assert str(returns.index[0].date()) == "2010-01-05"


def test_a_moving_average_is_as_long_as_its_name_says():
    close = series(np.arange(1.0, 121.0))
    means = moving_means(close)
    assert list(means) == [50, 100]
    for length, mean in means.items():
        assert mean.isna().sum() == length - 1
        assert mean.iloc[-1] == close.iloc[-length:].mean()


def test_a_drawdown_is_from_the_highest_close_so_far():
    assert drawdown(series(np.array([2.0, 1.0, 4.0, 3.0]))).tolist() == [0.0, -0.5, 0.0, -0.25]


def test_a_box_by_hand():
    found = box(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 30.0]))
    assert found is not None
    assert (found["q1"], found["median"], found["q3"]) == (3.25, 5.5, 7.75)
    assert (found["low"], found["high"], found["outside"], found["extremes"]) == (1.0, 9.0, 1, [30.0])
    assert box(np.array([1.0, np.nan, 2.0])) is None


def test_holm_agrees_with_statsmodels():
    p_values = np.random.default_rng(4).uniform(0.0, 0.2, 18).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_no_season_remains_in_noise_and_luck_is_counted():
    found = season_values(series(noise(3000, seed=8)))
    assert found is not None
    assert found["tests"] == 18
    assert found["expected_below"] == pytest.approx(0.9)
    assert found["adjusted_below"] == []
    assert "none remains" in found["sentence"]


def test_a_planted_monday_remains():
    returns = series(noise(3000, seed=8))
    returns = returns + np.where(returns.index.day_of_week == 0, 0.003, 0.0)
    found = season_values(returns)
    assert found is not None
    assert found["adjusted_below"] == ["Monday"]
    monday = found["weekday"][0]
    assert monday["interval"][0] < 0.003 < monday["interval"][1]


def test_the_turn_of_the_month_is_its_last_session_and_the_next_three():
    # weekdays of 2010: January ends on Friday the 29th
    returns = series(np.zeros(60))
    turn = {"2010-01-29", "2010-02-01", "2010-02-02", "2010-02-03", "2010-02-26"}
    turn |= {"2010-03-01", "2010-03-02", "2010-03-03"}
    returns = returns.where(~returns.index.strftime("%Y-%m-%d").isin(turn), 1.0)
    found = season_values(returns)
    assert found is not None
    (row,) = found["turn"]
    assert (row["n"], row["mean"]) == (8, 1.0)


def test_missing_days_and_gaps_are_counted_against_weekdays():
    dates = np.array(["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-08", "2021-01-09"], "datetime64[D]")
    found = calendar_values(dates)
    assert found["missing"] == ["2021-01-01", "2021-01-05", "2021-01-06", "2021-01-07"]
    assert found["weekend"] == ["2021-01-09"]
    assert found["gaps"] == [{"start": "2021-01-04", "end": "2021-01-08", "days": 4, "weekdays": 3}]
    assert [(row["year"], row["sessions"], row["missing"]) for row in found["years"]] == [
        (2020, 2, 0),
        (2021, 3, 4),
    ]


def test_a_day_that_is_always_closed_is_told():
    days = pd.bdate_range("2001-01-02", "2012-12-31")
    dates = days[~((days.month == 12) & (days.day == 25))].to_numpy().astype("datetime64[D]")
    assert calendar_values(dates)["always_closed"] == ["12-25"]


def test_a_pair_without_relation_has_a_small_rank_correlation():
    frame = pd.DataFrame(
        {"close": 100.0 * np.exp(np.cumsum(noise(2000)))}, index=pd.bdate_range("2010", periods=2000)
    )
    returns = log_returns(frame["close"])
    points = pairs(frame, returns=returns)
    assert list(points) == ["previous"]
    assert abs(pair_values(points)["previous"]["spearman"]) < 0.06
    assert points["previous"]["x"].iloc[1] == returns.iloc[1] == points["previous"]["y"].iloc[0]


def closes(*ends: str, n: int = 300) -> dict[str, pd.Series]:
    shared = noise(n, seed=99)
    return {
        f"S{place}": pd.Series(
            100.0 * np.exp(np.cumsum(shared + noise(n, seed=place))), index=pd.bdate_range(end=end, periods=n)
        )
        for place, end in enumerate(ends)
    }


def test_correlations_are_over_common_dates_and_ordered_by_likeness():
    found = closes(*["2020-06-30"] * 4)
    found["S0"] = found["S0"].iloc[20:]
    twin = found["S2"] * 2.0
    values = together_values({**found, "TWIN": twin})
    assert values["common_dates"] == 280
    assert values["highest"][0] == {"symbols": sorted(["S2", "TWIN"]), "value": pytest.approx(1.0)}
    names = values["symbols"]
    assert abs(names.index("S2") - names.index("TWIN")) == 1
    first, second = (log_returns(found[name].iloc[-280:]) for name in ("S0", "S1"))
    at = values["correlations"][names.index("S0")][names.index("S1")]
    assert at == pytest.approx(np.corrcoef(first, second)[0, 1])


def test_files_that_all_end_on_one_day_hint_at_survivorship():
    def keys(*ends: str) -> set[str]:
        return {finding.key for finding in together_findings(together_values(closes(*ends)))}

    assert keys(*["2020-06-30"] * 6) == {"survivorship"}
    assert keys(*["2020-06-30"] * 5, "2020-03-31") == set()
    assert keys(*["2020-06-30"] * 3) == set()


def test_dates_that_the_others_have_are_named():
    found = closes(*["2020-06-30"] * 3)
    gone = found["S1"].index[100]
    found["S1"] = found["S1"].drop(gone)
    values = together_values(found)
    assert values["missing"] == {"S0": [], "S1": [f"{gone:%Y-%m-%d}"], "S2": []}


def test_few_common_dates_have_no_correlations():
    values = together_values(closes("2020-06-30", "2021-08-02"))
    assert values["correlations"] is None
    assert {finding.key for finding in together_findings(values)} == {"few_common_dates"}
