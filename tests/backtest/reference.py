"""An independent account of what trading should give: plain loops over plain numbers.

Written from the rules in ``docs/strategies.md``, without Backtrader and without the package's
sizing formula: the size is found by iterating on its definition (the exposure after costs equals
the target), so that an error in the closed form cannot hide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

Decide = Callable[[float, float, Sequence[float]], float]
"""(forecast, exposure wanted at the previous bar, closes up to now) -> exposure."""


@dataclass
class Market:
    open: np.ndarray
    close: np.ndarray
    forecast: np.ndarray  # NaN before the first origin
    first_origin: int


@dataclass
class Account:
    cash: float = 100_000.0
    commission: float = 0.0
    slippage: float = 0.0
    whole_shares: bool = False
    max_exposure: float = 1.0
    band: float = 0.0


@dataclass
class Result:
    equity: list[float] = field(default_factory=list)
    position: list[float] = field(default_factory=list)
    turnover: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    fills: list[tuple[int, float]] = field(default_factory=list)  # bar, signed size


def trade_by_hand(market: Market, account: Account, decide: Decide) -> Result:
    """Equity, position, turnover and cost at every bar from the one after the first origin."""
    cash, shares, wanted, ordered = account.cash, 0.0, 0.0, 0.0
    pending: float | None = None
    ruined = False
    result = Result()
    for bar in range(len(market.close)):
        price = float(market.open[bar])
        equity_before = cash + shares * price
        turnover = cost = 0.0
        ruined = ruined or _cannot_close(equity_before, shares * price, account)
        if pending is not None and not ruined:
            target_shares = _target_shares(pending, cash=cash, shares=shares, price=price, account=account)
            size = target_shares - shares
            if size != 0.0:
                cash -= size * price + _cost(size * price, account)
                cost = _cost(size * price, account)
                turnover = abs(size) * price / equity_before
                shares = target_shares
                result.fills.append((bar, size))
        pending = None
        close = float(market.close[bar])
        equity = cash + shares * close
        ruined = ruined or _cannot_close(equity, shares * close, account)
        if bar > market.first_origin:
            result.equity.append(0.0 if ruined else equity)
            result.position.append(0.0 if ruined else shares)
            result.turnover.append(turnover)
            result.cost.append(cost)
        forecast = float(market.forecast[bar])
        if math.isnan(forecast):
            wanted = 0.0
        else:
            limit = account.max_exposure
            wanted = min(limit, max(-limit, decide(forecast, wanted, market.close[: bar + 1])))
        if abs(wanted - ordered) > account.band:
            pending = ordered = wanted
    return result


def _cost(signed_value: float, account: Account) -> float:
    paid = abs(signed_value)
    worse = 1.0 + account.slippage if signed_value > 0 else 1.0 - account.slippage
    return paid * account.slippage + paid * worse * account.commission


def _cannot_close(equity: float, position_value: float, account: Account) -> bool:
    return equity - _cost(-position_value, account) <= 0.0


def _target_shares(exposure: float, *, cash: float, shares: float, price: float, account: Account) -> float:
    """Iterate: the position that is ``exposure`` of the equity left after paying for the change to it."""
    if exposure == 0.0:
        return 0.0
    equity = cash + shares * price
    target = exposure * equity / price
    for _ in range(500):
        target = exposure * (equity - _cost((target - shares) * price, account)) / price
    if account.whole_shares:
        return float(math.trunc(target * (1 + 1e-12)))
    return target
