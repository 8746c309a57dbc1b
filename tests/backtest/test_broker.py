import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtester.backtest import broker as broker_module
from backtester.backtest.broker import Costs, order_size

shares = st.floats(-50.0, 50.0)
prices = st.floats(1.0, 500.0)
rates = st.floats(0.0, 0.05)
exposures = st.floats(-3.0, 3.0)


def test_examples_hold():
    assert doctest.testmod(broker_module).failed == 0


@given(exposures, st.floats(100.0, 50_000.0), shares, prices, rates, rates)
def test_the_exposure_after_costs_is_the_target(exposure, cash, position, price, commission, slippage):
    costs = Costs(commission=commission, slippage=slippage)
    size = order_size(exposure, cash=cash, position=position, price=price, costs=costs)
    equity = cash + position * price
    closing_rate = costs.of_selling if position > 0 else costs.of_buying
    if equity <= abs(position) * price * closing_rate:
        assert size == 0.0
        return
    paid = price * (1.0 + slippage) if size > 0 else price * (1.0 - slippage)
    cash_after = cash - size * paid - abs(size) * paid * commission
    held = (position + size) * price
    scale = abs(cash) + abs(position * price)
    assert held == pytest.approx(exposure * (cash_after + held), abs=1e-9 * scale)


def test_closing_a_position_leaves_exactly_nothing():
    costs = Costs(commission=0.001, slippage=0.0003)
    position = 0.1 + 0.2
    assert position + order_size(0.0, cash=5.0, position=position, price=0.7, costs=costs) == 0.0


def test_an_account_that_cannot_pay_for_closing_orders_nothing():
    costs = Costs(commission=0.01, slippage=0.0)
    assert order_size(0.0, cash=200.0, position=-1.0, price=198.5, costs=costs) == 0.0
    assert order_size(0.0, cash=200.0, position=-1.0, price=197.5, costs=costs) == 1.0
