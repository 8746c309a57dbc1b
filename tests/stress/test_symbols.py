import dataclasses

import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.prices import write_csv
from backtester.stress.across import across_symbols
from backtester.stress.axes.symbols import AXIS, price_files
from backtester.stress.compared import Traded
from tests.markets import ar1, market, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet, returns_of


def written(folder, **prices):
    folder.mkdir(exist_ok=True)
    for name, one in prices.items():
        write_csv(one, folder / f"{name}.csv")
    return folder


def conclusion(context, signal):
    return AXIS.conclude(context, outcomes_of(context, AXIS, signal))


def guesses(variant, asked):
    """The run itself is lucky; elsewhere the same recipe knows nothing."""
    if variant.prices is None:
        return prophet(asked)
    return coins(asked.prices.symbol, n=len(asked.prices))


def together(signal, *, n, alike, n_bars=800):
    """Strategies on n markets that share a part of their returns, traded."""
    rng = np.random.default_rng(4)
    shared = rng.normal(0.0, 0.01, n_bars)
    found = []
    for k in range(n):
        own = rng.normal(0.0, 0.01, n_bars)
        prices = market(np.sqrt(alike) * shared + np.sqrt(1.0 - alike) * own, symbol=f"S{k}", seed=0)
        context = context_of(prices, signal, strategy={"kind": "long_short"})
        found.append(Traded(forecasts=context.forecasts, bars=context.bars, holding=context.holding))
    return found


def across(traded, *, draws=500):
    return across_symbols(traded, periods_per_year=252, draws=draws, seed=1)


def test_files_of_a_folder_come_by_name_and_others_stay(tmp_path):
    for name in ("b.csv", "a.csv.gz", "c.parquet", "notes.txt", ".hidden.csv"):
        (tmp_path / name).write_text("")
    assert [file.name for file in price_files(tmp_path)] == ["a.csv.gz", "b.csv", "c.parquet"]
    assert price_files(tmp_path / "b.csv") == [tmp_path / "b.csv"]


def test_nothing_is_trained_and_nothing_said_where_no_symbols_are_named():
    context = context_of(random_walk(300, seed=1), effect)
    assert AXIS.variants(context) == []
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "No other symbols were named."
    assert result.pictures


def test_refused_symbols_are_listed_with_their_reason(tmp_path):
    folder = written(tmp_path / "prices", GOOD=ar1(500, seed=1, phi=0.3), SHORT=ar1(60, seed=2, phi=0.3))
    (folder / "BROKEN.csv").write_text("Date,Close\n2020-01-02,abc\n")
    context = context_of(
        ar1(700, seed=9, phi=0.3), effect, stress={"symbols": [str(folder), str(tmp_path / "no.csv")]}
    )
    result = conclusion(context, effect)
    notes = {case.label: case.note for case in result.cases}
    assert "too few rows" in notes["SHORT"]
    assert "abc" in notes["BROKEN"]
    assert "no such file" in notes["no"]
    assert result.facts["symbols"] == 1
    assert result.facts["refused"] == 3
    assert "3 more were refused." in result.sentence
    assert any("Survivors" in note for note in result.notes)


def test_an_empty_folder_is_named(tmp_path):
    context = context_of(random_walk(300, seed=1), effect, stress={"symbols": [str(tmp_path)]})
    result = conclusion(context, effect)
    assert result.cases[1].note == "The folder holds no price files."
    assert result.answer is Answer.INCONCLUSIVE


def test_the_runs_own_prices_do_not_count(tmp_path):
    own = ar1(700, seed=9, phi=0.3)
    folder = written(tmp_path / "prices", AR9=own)
    context = context_of(own, effect, stress={"symbols": [str(folder)]})
    refused = AXIS.variants(context)[1]
    assert refused.refusal == "This is the run's own market again."


def test_a_market_under_another_name_or_adjustment_counts_once(tmp_path):
    own, other = ar1(700, seed=9, phi=0.3), ar1(700, seed=10, phi=0.3)
    raw = dataclasses.replace(
        own, frame=own.frame.iloc[50:] * np.where(np.arange(650) < 300, 0.97, 1.0)[:, None]
    )
    files = {"A": raw, "B": other, "C": dataclasses.replace(other, frame=other.frame.iloc[100:])}
    folder = written(tmp_path / "prices", **files, D=ar1(700, seed=11, phi=0.3))
    context = context_of(own, effect, stress={"symbols": [str(folder)]})
    found = {variant.label: variant.refusal for variant in AXIS.variants(context)[1:]}
    assert found == {
        "A": "This is the run's own market again.",
        "B": "",
        "C": "This is the market of B again.",
        "D": "",
    }


@pytest.mark.parametrize("n", [1, 2])
def test_symbols_whose_gains_never_move_are_not_called_so_many_independent_ones(tmp_path, n):
    def never(variant, asked):
        return effect(variant, asked) if variant.prices is None else np.full(len(asked.prices), -0.01)

    prices = {f"S{k}": random_walk(500, seed=k) for k in range(n)}
    folder = written(tmp_path / "prices", **prices)
    context = context_of(ar1(700, seed=9, phi=0.3), never, stress={"symbols": [str(folder)], "draws": 99})
    result = conclusion(context, never)
    assert "nan" not in result.sentence
    assert "independent ones" not in result.sentence


def test_a_true_effect_is_found_on_other_symbols(tmp_path):
    folder = written(tmp_path / "prices", **{f"S{k}": ar1(500, seed=k, phi=0.3) for k in range(8)})
    context = context_of(ar1(700, seed=9, phi=0.3), effect, stress={"symbols": [str(folder)], "draws": 300})
    result = conclusion(context, effect)
    assert result.answer is Answer.YES
    assert result.facts["beat_holding"] == 8
    assert result.facts["beat_last_price"] == 8
    assert len(result.pictures[2].draws) == 300


def test_luck_on_one_symbol_is_caught_by_the_others(tmp_path):
    folder = written(tmp_path / "prices", **{f"S{k}": random_walk(500, seed=k) for k in range(9)})
    context = context_of(random_walk(700, seed=99), guesses, stress={"symbols": [str(folder)], "draws": 300})
    result = conclusion(context, guesses)
    assert context.baseline["sharpe_difference"] > 1.0
    assert result.answer is not Answer.YES
    assert result.facts["p_value_holding"] > 0.05


def test_symbols_that_move_together_count_as_few():
    def follows(_, asked):
        return returns_of(asked.prices)

    apart, alike = (across(together(follows, n=12, alike=share)) for share in (0.0, 0.95))
    assert apart.effective > 9.0
    assert alike.effective < 1.6
    # luck: about half of them; of 12 coins 9 or more fall alike once in twenty, but 12 of 12 that are one
    assert apart.gaining.by_luck == pytest.approx(6.0, abs=0.7)
    assert alike.gaining.by_luck == pytest.approx(6.0, abs=1.0)
    assert apart.gaining.often_by_luck in {8.0, 9.0, 10.0}
    assert alike.gaining.often_by_luck == 12.0


def test_symbols_over_other_dates_are_independent():
    def follows(_, asked):
        return returns_of(asked.prices)

    whole = together(follows, n=2, alike=0.99, n_bars=1500)
    half = len(whole[0].bars) // 2
    parts = []
    for one, dates in zip(whole, (whole[0].bars.index[:half], whole[1].bars.index[half:]), strict=True):
        parts.append(one.cut(origins=dates, dates=dates))
    assert across(whole).correlation > 0.8
    assert abs(across(parts).correlation) < 0.25


def test_a_symbol_that_is_never_traded_gains_nothing():
    prices = random_walk(500, seed=1)
    context = context_of(prices, lambda _, asked: np.full(len(asked.prices), -1e-3))
    idle = Traded(forecasts=context.forecasts, bars=context.bars, holding=context.holding)
    found = across([idle, *together(lambda _, asked: returns_of(asked.prices), n=2, alike=0.0)])
    assert found.n == 3
    assert found.gaining.by_luck < 1.5


def test_the_count_of_gains_is_that_of_the_cases(tmp_path):
    folder = written(tmp_path / "prices", **{f"S{k}": random_walk(500, seed=k) for k in range(9)})
    context = context_of(random_walk(700, seed=99), guesses, stress={"symbols": [str(folder)], "draws": 99})
    result = conclusion(context, guesses)
    gains = [case.figures["sharpe_difference"] for case in result.cases[1:]]
    ratios = [case.figures["rmse_ratio"] for case in result.cases[1:]]
    assert result.facts["beat_holding"] == sum(gain > 0.0 for gain in gains)
    assert result.facts["beat_last_price"] == sum(ratio < 1.0 for ratio in ratios)
    assert result.facts["mean_gain"] == pytest.approx(np.mean(gains), rel=0.01)
