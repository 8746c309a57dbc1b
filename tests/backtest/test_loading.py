import numpy as np
import pandas as pd
import pytest

from backtester.backtest.loading import load_strategy
from backtester.errors import RecipeError, UserCodeError
from backtester.recipe.strategies import LongShort, ReferenceStrategy, VolatilityScaled
from backtester.shipped import builtin_folder
from tests.backtest.markets import make_forecasts, make_prices, random_market, run, write_strategy

BY_FORECAST = """\
from backtester.backtest import ForecastStrategy


class Mine(ForecastStrategy):
    params = (("bet", 0.5),)

    def target_exposure(self, forecast):
        return {answer}


class Other(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0
"""

PLAIN = """\
import backtrader as bt


class Mine(bt.Strategy):
    params = dict(size=10)

    def next(self):
        if self.data.forecast[0] > 0.0 and not self.position:
            self.buy(size=self.p.size)
        elif self.data.forecast[0] < 0.0 and self.position:
            self.close()
"""


def load(reference, folder, **parameters):
    section = ReferenceStrategy(kind=reference, parameters=parameters)
    return load_strategy(section, folder=folder, periods_per_year=252)


def test_a_named_kind_is_the_class_in_its_file_with_the_section_as_its_params(tmp_path):
    section = LongShort(kind="long_short", threshold_bp=3.0, max_exposure=2.0, rebalance_band=0.1)
    loaded = load_strategy(section, folder=tmp_path, periods_per_year=250)
    assert loaded.cls.__name__ == "LongShort"
    assert loaded.decides_by_forecast
    assert loaded.parameters == {
        "threshold_bp": 3.0,
        "max_exposure": 2.0,
        "rebalance_band": 0.1,
        "periods_per_year": 250,
    }


@pytest.mark.catalogue("C11")
def test_c11_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"there is no file .*nowhere\.py"):
        load("nowhere.py:Mine", tmp_path)


@pytest.mark.catalogue("C12")
def test_c12_a_missing_class_lists_the_classes_there(tmp_path):
    write_strategy(tmp_path, BY_FORECAST.format(answer="1.0"))
    with pytest.raises(RecipeError, match=r"has no .Mina.\. Did you mean .Mine.") as caught:
        load("mine.py:Mina", tmp_path)
    assert "Mine, Other" in caught.value.advice


@pytest.mark.catalogue("C13")
def test_c13_a_file_that_raises_on_import_is_told_by_its_line(tmp_path):
    reference = write_strategy(tmp_path, "import math\n\nmath.sqrt(-1)\n")
    with pytest.raises(UserCodeError, match=r"mine\.py, line 3: ValueError"):
        load(reference, tmp_path)


@pytest.mark.catalogue("C14")
def test_c14_a_strategy_that_never_trades_runs_and_says_so(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="0.0"))
    trading = run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)
    assert set(trading.bars["equity"]) == {100_000.0}
    assert "never traded" in trading.notes[0].text


@pytest.mark.parametrize("answer", ['float("nan")', 'float("inf")', "None", '"much"'])
@pytest.mark.catalogue("C16")
def test_c16_an_exposure_that_is_no_finite_number_stops_with_strategy_date_and_value(tmp_path, answer):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer=answer))
    prices, _ = random_market(1, n_bars=8, first_origin=0)
    forecasts = make_forecasts(prices, [0.01] * 8)
    with pytest.raises(UserCodeError) as caught:
        run(prices, forecasts, strategy=ReferenceStrategy(kind=reference), folder=tmp_path)
    value = repr(eval(answer))
    assert caught.value.message == (
        f"Strategy Mine asked for an exposure of {value} at the close of 2015-01-01."
    )


def test_an_exception_in_a_strategy_is_told_by_file_line_and_text(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="1.0 / 0.0"))
    with pytest.raises(UserCodeError, match=r"mine\.py, line 8: ZeroDivisionError: float division by zero"):
        run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)


def test_exposures_beyond_the_limit_are_cut_and_counted(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="9.0 if forecast > 0 else -9.0"))
    prices, _ = random_market(1, n_bars=8, first_origin=0)
    forecasts = make_forecasts(prices, [0.01] * 7 + [-0.01])
    section = ReferenceStrategy(kind=reference, max_exposure=1.5)
    trading = run(prices, forecasts, strategy=section, folder=tmp_path)
    assert [note.text for note in trading.notes] == [
        "Exposures asked for beyond max_exposure = 1.5, cut to it: 8."
    ]
    assert trading.bars["turnover"].iloc[0] == pytest.approx(1.5, rel=1e-3)


def test_parameters_reach_the_class(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="self.p.bet"))
    section = ReferenceStrategy(kind=reference, parameters={"bet": 0.25})
    trading = run(*random_market(1), strategy=section, folder=tmp_path)
    assert trading.bars["turnover"].max() == pytest.approx(0.25, rel=0.05)


def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="1.0"))
    with pytest.raises(RecipeError, match=r"Mine has no such parameter\. Did you mean .bet.") as caught:
        load(reference, tmp_path, bets=1.0)
    assert caught.value.advice == "Its params are: bet."


def test_a_parameter_of_the_base_class_is_sent_to_its_section(tmp_path):
    reference = write_strategy(tmp_path, BY_FORECAST.format(answer="1.0"))
    with pytest.raises(RecipeError, match="max_exposure does not belong here"):
        load(reference, tmp_path, max_exposure=1.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def Mine(): ...\n", "not a Backtrader strategy"),
        ("class Mine: ...\n", "not a Backtrader strategy"),
        (
            "from backtester.backtest import ForecastStrategy\nclass Mine(ForecastStrategy): ...\n",
            "does not say which exposure it wants",
        ),
    ],
)
def test_what_is_no_strategy_is_refused(tmp_path, source, message):
    with pytest.raises(RecipeError, match=message):
        load(write_strategy(tmp_path, source), tmp_path)


def test_a_strategy_with_an_init_of_its_own_works(tmp_path):
    source = BY_FORECAST.format(answer="1.0") + "\n    def __init__(self):\n        self.mine = 1\n"
    reference = write_strategy(tmp_path, source.replace("class Mine", "class Third").replace("Other", "Mine"))
    trading = run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)
    assert len(trading.orders) > 0


def test_a_forecast_strategy_sees_the_prices_before_the_first_origin(tmp_path):
    source = BY_FORECAST.format(answer="float(len(self.data) == 61)")
    reference = write_strategy(tmp_path, source)
    prices, _ = random_market(1)
    forecasts = make_forecasts(prices, [0.01] * 340, first_origin=60)
    trading = run(prices, forecasts, strategy=ReferenceStrategy(kind=reference), folder=tmp_path)
    assert trading.orders["decided"].iloc[0] == prices.dates[60]


def test_a_plain_strategy_trades_from_the_first_origin_at_the_next_open(tmp_path):
    reference = write_strategy(tmp_path, PLAIN)
    prices, _ = random_market(1, n_bars=12, first_origin=0)
    forecasts = make_forecasts(prices, [0.01, 0.01, 0.01, -0.01, -0.01, 0.01, 0.01], first_origin=5)
    section = ReferenceStrategy(kind=reference, parameters={"size": 7})
    trading = run(prices, forecasts, strategy=section, folder=tmp_path)
    dates, opens = prices.dates, prices.column("open")
    assert trading.bars.index.tolist() == list(dates[6:])
    assert trading.orders["decided"].tolist() == [dates[5], dates[8], dates[10]]
    assert trading.orders["filled"].tolist() == [dates[6], dates[9], dates[11]]
    assert trading.orders["size"].tolist() == [7.0, 7.0, 7.0]
    worse = np.array([1.0001, 0.9999, 1.0001])
    assert trading.orders["price"].tolist() == pytest.approx(list(opens[[6, 9, 11]] * worse))


def test_a_plain_strategy_without_the_cash_is_refused_and_counted(tmp_path):
    reference = write_strategy(tmp_path, PLAIN)
    prices, _ = random_market(1, n_bars=6, first_origin=0)
    forecasts = make_forecasts(prices, [0.01] + [-0.01] * 5)
    section = ReferenceStrategy(kind=reference, parameters={"size": 1e6})
    trading = run(prices, forecasts, strategy=section, folder=tmp_path)
    assert trading.rejected == 1
    assert trading.orders["status"].tolist() == ["rejected"]
    assert trading.orders["filled"].isna().tolist() == [True]
    assert len(trading.trades) == 0
    assert trading.notes[1].text == "Orders that the broker refused for lack of cash: 1."


def test_a_plain_strategy_may_borrow_up_to_the_largest_exposure(tmp_path):
    reference = write_strategy(tmp_path, PLAIN)
    prices, _ = random_market(1, n_bars=6, first_origin=0)
    forecasts = make_forecasts(prices, [0.01] * 6)
    size = 1.8 * 100_000.0 / prices.column("open")[1]
    for limit, rejected in ((1.5, 5), (2.0, 0)):
        section = ReferenceStrategy(kind=reference, max_exposure=limit, parameters={"size": size})
        trading = run(prices, forecasts, strategy=section, folder=tmp_path)
        assert trading.rejected == rejected


def test_fills_at_the_close_that_decided_are_refused(tmp_path):
    source = PLAIN + "\n    def start(self):\n        self.broker.set_coc(True)\n"
    reference = write_strategy(tmp_path, source)
    with pytest.raises(UserCodeError, match="cheat on close"):
        run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)


PEEKING = """\
import backtrader as bt
from backtester.backtest import ForecastStrategy


def rises(data):
    try:
        return data.close[1] > data.close[0]
    except IndexError:
        return False


class Plain(bt.Strategy):
    def next(self):
        if rises(self.data):
            self.buy(size=1)


class ByForecast(ForecastStrategy):
    def target_exposure(self, forecast):
        return float(rises(self.data))
"""


@pytest.mark.parametrize("kind", ["mine.py:Plain", "mine.py:ByForecast"])
def test_tomorrows_bar_is_not_there_for_a_users_strategy_to_see(tmp_path, kind):
    write_strategy(tmp_path, PEEKING)
    trading = run(*random_market(1), strategy=ReferenceStrategy(kind=kind), folder=tmp_path)
    assert len(trading.orders) == 0


def test_a_copy_of_a_named_strategy_trades_to_the_last_bit_as_the_original(tmp_path):
    section = VolatilityScaled(kind="volatility_scaled", short=True, max_exposure=2.0)
    copy = tmp_path / "mine.py"
    copy.write_bytes((builtin_folder("strategies") / "volatility_scaled.py").read_bytes())
    mine = ReferenceStrategy(kind="mine.py:VolatilityScaled", max_exposure=2.0, parameters={"short": True})
    original = run(*random_market(3), strategy=section)
    copied = run(*random_market(3), strategy=mine, folder=tmp_path)
    pd.testing.assert_frame_equal(copied.bars, original.bars, check_exact=True)
    pd.testing.assert_frame_equal(copied.orders, original.orders, check_exact=True)
    assert len(original.orders) > 20


def test_a_next_open_of_ones_own_is_refused_as_it_sees_the_days_close(tmp_path):
    source = BY_FORECAST.format(answer="1.0").replace(
        "\n\nclass Other", "    def next_open(self):\n        pass\n\nclass Other"
    )
    with pytest.raises(RecipeError, match="Mine has a next_open of its own"):
        load(write_strategy(tmp_path, source), tmp_path)


def test_money_from_outside_is_refused(tmp_path):
    source = PLAIN + "\n    def start(self):\n        self.broker.add_cash(5000)\n"
    reference = write_strategy(tmp_path, source)
    with pytest.raises(UserCodeError, match="pays 5000 into its account"):
        run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)


@pytest.mark.parametrize("leave", ["raise SystemExit(0)", "self.env.runstop()"])
def test_a_strategy_that_ends_the_run_is_told_so(tmp_path, leave):
    reference = write_strategy(tmp_path, PLAIN + f"        {leave}\n")
    with pytest.raises(UserCodeError, match=r"SystemExit|ended the run after 1 of 340 bars"):
        run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)


def test_an_indicator_longer_than_the_history_never_trades(tmp_path):
    source = PLAIN.replace(
        "    def next", "    def __init__(self):\n        bt.indicators.SMA(period=900)\n\n    def next"
    )
    reference = write_strategy(tmp_path, source)
    trading = run(*random_market(1), strategy=ReferenceStrategy(kind=reference), folder=tmp_path)
    assert "never traded" in trading.notes[0].text


def test_what_a_plain_strategy_orders_at_the_open_that_ruined_it_never_happened(tmp_path):
    source = PLAIN.replace("self.buy(", "self.sell(")
    reference = write_strategy(tmp_path, source)
    prices = make_prices(open=[100.0, 101.0, 102.0, 250.0, 100.0], close=[100.0, 100.0, 100.0, 100.0, 100.0])
    forecasts = make_forecasts(prices, [0.01, 0.01, -0.01, 0.01, 0.01])
    section = ReferenceStrategy(kind=reference, parameters={"size": 1000.0})
    trading = run(prices, forecasts, strategy=section, folder=tmp_path)
    assert trading.orders["filled"].tolist() == [prices.dates[1]]
    assert trading.rejected == 0
    assert trading.bars["equity"].tolist()[2:] == [0.0, 0.0]
    assert trading.trades["pnl"].tolist() == pytest.approx([-100_000.0])
