"""Costs: how dear trading may be before the gain is gone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtester.errors import RecipeError
from backtester.judgement import Answer
from backtester.judgement.exposure import BreakEven, break_even_bp
from backtester.recipe import BrokerSection
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, above, no_gain, traded_case

__all__ = ["AXIS", "USUAL_BP", "Costs", "at_cost"]

USUAL_BP = 2.0
"""Costs a side that count as the run's own where it has less: the recipe's defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The run traded at other costs, which buy-and-hold pays as well.

    Notes
    -----
    Yes: there is a gain at double the run's own costs, which count as 2 bp a side where they are less.
    No: there is none. Inconclusive: a run without a gain, or costs that cannot be doubled.
    """

    key: str = "costs"
    title: str = "Costs"
    question: str = "At which cost of trading is the gain over buy-and-hold gone?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Trade at each cost, at the run's own, and at double."""
        own = _own_bp(context.recipe.broker)
        double = 2.0 * max(own, USUAL_BP)
        levels = sorted({0.0, *context.settings.costs_bp, own, double})
        traded = {level: _traded(context, cost_bp=level) for level in levels}
        cases = [_case(context, cost_bp=level, traded=found) for level, found in traded.items()]
        answer, sentence = _answer(context, next(case for case in cases if _cost(case) == double))
        wealth, crossing = _break_even(traded[0.0]), _crossing(cases)
        return AxisResult(
            answer=answer,
            sentence=f"{sentence} {_limit(cases, crossing)}".strip(),
            figure="sharpe_difference",
            cases=cases,
            pictures=(
                Picture(
                    kind=PictureKind.LINE,
                    title="Gain over buy-and-hold by the cost of trading",
                    figure="sharpe_difference",
                    figure_label=GAIN,
                    x="cost_bp",
                    x_label="Cost a side, commission and slippage together (bp)",
                    baseline=context.baseline["sharpe_difference"],
                ),
            ),
            facts={
                "own_cost_bp": own,
                "double_cost_bp": double,
                "break_even_bp": wealth.value,
                "break_even_arithmetic_bp": wealth.arithmetic,
                "no_break_even": "" if wealth.reason is None else wealth.reason.value,
                "sharpe_break_even_bp": crossing,
            },
            notes=(
                "Commission and slippage are changed in the proportion that they have in the recipe, by "
                "halves where both are 0. Break even is the cost at which the final wealth is "
                "buy-and-hold's, Sharpe break even the one at which the Sharpe ratio is.",
            ),
        )


def at_cost(broker: BrokerSection, *, cost_bp: float) -> BrokerSection:
    """Give the broker at another cost a side, commission and slippage in the proportion that they have.

    Examples
    --------
    >>> dear = at_cost(BrokerSection(commission_bp=3.0, slippage_bp=1.0), cost_bp=8.0)
    >>> dear.commission_bp, dear.slippage_bp
    (6.0, 2.0)
    """
    own = _own_bp(broker)
    share = broker.commission_bp / own if own > 0.0 else 0.5
    commission = share * cost_bp
    return broker.model_copy(update={"commission_bp": commission, "slippage_bp": cost_bp - commission})


def _own_bp(broker: BrokerSection) -> float:
    return broker.commission_bp + broker.slippage_bp


def _traded(context: Context, *, cost_bp: float) -> tuple[pd.DataFrame, pd.DataFrame] | RecipeError:
    """Give the bars of the strategy and of buy-and-hold, or why there are none."""
    if cost_bp == _own_bp(context.recipe.broker):
        return context.bars, context.holding
    broker = at_cost(context.recipe.broker, cost_bp=cost_bp)
    try:
        return context.trade(broker=broker), context.hold(broker=broker)
    except RecipeError as error:
        return error


def _case(
    context: Context, *, cost_bp: float, traded: tuple[pd.DataFrame, pd.DataFrame] | RecipeError
) -> Case:
    label, coordinates = f"{cost_bp:g} bp a side", {"cost_bp": cost_bp}
    if isinstance(traded, RecipeError):
        figures = dict.fromkeys(context.baseline, math.nan)
        return Case(label=label, coordinates=coordinates, figures=figures, note=str(traded))
    bars, holding = traded
    return traded_case(
        context,
        label=label,
        bars=bars,
        holding=holding,
        coordinates=coordinates,
        own=cost_bp == _own_bp(context.recipe.broker),
    )


def _answer(context: Context, double: Case) -> tuple[Answer, str]:
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, reason
    gain = double.figures["sharpe_difference"]
    if math.isnan(gain):
        return Answer.INCONCLUSIVE, f"At {double.label} the Sharpe ratio is undefined."
    kept = "still " if gain > 0.0 else ""
    whose = "the usual" if _own_bp(context.recipe.broker) < USUAL_BP else "the run's"
    sentence = f"At double {whose} cost, {double.label}, the Sharpe ratio is {kept}{above(gain)}."
    return (Answer.YES if gain > 0.0 else Answer.NO), sentence


def _break_even(free: tuple[pd.DataFrame, pd.DataFrame] | RecipeError) -> BreakEven:
    if isinstance(free, RecipeError):
        raise free
    mine, held = free
    return break_even_bp(
        mine["return"].to_numpy(),
        mine["turnover"].to_numpy(),
        benchmark_gross=held["return"].to_numpy(),
        benchmark_turnover=held["turnover"].to_numpy(),
    )


def _crossing(cases: Sequence[Case]) -> float:
    """Find where the gain in Sharpe ratio first falls to 0, on straight lines between the costs tried."""
    found = [case for case in cases if not math.isnan(case.figures["sharpe_difference"])]
    costs = np.array([_cost(case) for case in found])
    gains = np.array([case.figures["sharpe_difference"] for case in found])
    gone = np.flatnonzero(gains <= 0.0)
    if len(gone) == 0 or gone[0] == 0:
        return math.nan
    high = int(gone[0])
    low = high - 1
    share = gains[low] / (gains[low] - gains[high])
    return float(costs[low] + share * (costs[high] - costs[low]))


def _limit(cases: Sequence[Case], crossing: float) -> str:
    if not math.isnan(crossing):
        return f"The gain is gone at about {crossing:.3g} bp a side."
    found = [case for case in cases if not math.isnan(case.figures["sharpe_difference"])]
    if not found:
        return ""
    if found[0].figures["sharpe_difference"] > 0.0:
        return f"It is not gone at any cost tried, up to {found[-1].label}."
    return f"There is no gain at {found[0].label} either."


def _cost(case: Case) -> float:
    return float(case.coordinates["cost_bp"])


AXIS = Costs()
