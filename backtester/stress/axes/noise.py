"""Noise: the networks learn from prices that are a few basis points off."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backtester.forecasts import Forecasts
from backtester.prices import Prices
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, Compared, compare, gain_words, hangs_words
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Noise", "noisy_prices"]

_BAR = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Train and forecast from prices with small noise, and trade on the real ones; by the rule of `holds`.

    Another vendor's prices differ by as much. The forecasts alone are changed: traded and scored they are at
    the real prices, so that every case has the same returns to earn, and so that nobody earns the bounce of
    prices that come back from their noise.
    """

    key: str = "noise"
    title: str = "Noise in the prices"
    question: str = "Does the gain hang on the last basis points of the prices that the networks saw?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same from noisy prices."""
        settings, prices = context.settings, context.question.prices
        sizes = [size for size in dict.fromkeys(settings.noise_bp) if size > 0.0]
        return [
            Variant(label="prices as they are, the run's own", coordinates={"noise_bp": 0.0}),
            *(
                Variant(
                    label=f"noise of {size:g} bp, draw {draw}",
                    prices=noisy_prices(prices, noise_bp=size, seed=context.seed("noise", draw)),
                    coordinates={"noise_bp": size, "draw": float(draw)},
                )
                for size in sizes
                for draw in range(1, settings.noise_draws + 1)
            ),
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the noisy prices with the real ones."""
        compared = compare(context, [_at_real_prices(context, outcome) for outcome in outcomes])
        cases = _with_correlations(compared)
        own = compared.cases[0].figures
        return AxisResult(
            answer=compared.answer,
            sentence=hangs_words(compared, what="the last basis points of the prices", others="noisy copies")
            + _by_size(cases),
            figure=GAIN,
            cases=cases,
            pictures=[
                Picture(
                    kind=PictureKind.LINE,
                    title="The gain by size of the noise",
                    figure=GAIN,
                    figure_label=GAIN_LABEL,
                    x="noise_bp",
                    x_label="Noise in the prices that the networks saw (sd, bp)",
                    baseline=own[GAIN],
                )
            ],
            facts={"draws": len(compared.others)},
            traded=compared.whole,
            notes=compared.notes,
        )


def noisy_prices(prices: Prices, *, noise_bp: float, seed: int) -> Prices:
    """Multiply every bar by a number near 1, its four prices by the same one, so that it stays valid.

    Parameters
    ----------
    prices : of one symbol, which it keeps: so its networks keep their seeds
    noise_bp : sd of the logarithm of that number, basis points
    seed : of the draw; the same one gives the same noise in another size
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    factor = np.exp(generator.standard_normal(len(prices)) * noise_bp / 1e4)
    columns = {name: prices.column(name) * factor for name in _BAR if prices.has(name)}
    return dataclasses.replace(
        prices,
        frame=prices.frame.assign(**columns),
        source_name=f"{prices.source_name} with noise of {noise_bp:g} bp",
    )


def _at_real_prices(context: Context, outcome: Outcome) -> Outcome:
    """Give the forecasts beside what really came; the prices of the run are traded."""
    if outcome.forecasts is None or outcome.variant.prices is None:
        return dataclasses.replace(outcome, question=None)
    real = context.forecasts.frame.set_index("origin")
    frame = outcome.forecasts.frame
    here = real.reindex(frame["origin"])
    last_price = here["last_price"].to_numpy()
    frame = frame.assign(
        symbol=context.question.prices.symbol,
        actual=here["actual"].to_numpy(),
        last_price=last_price,
        forecast_price=last_price * np.exp(frame["forecast"].to_numpy()),
    )
    return dataclasses.replace(outcome, question=None, forecasts=Forecasts(frame=frame))


def _with_correlations(compared: Compared) -> list[Case]:
    """Add how far the forecasts are those of the run."""
    own = compared.traded[0]
    found = []
    for case, traded in zip(compared.cases, compared.traded, strict=True):
        if own is None or traded is None:
            found.append(case)
            continue
        mine, theirs = (one.forecasts.frame["forecast"].to_numpy() for one in (own, traded))
        known = np.isfinite(mine) & np.isfinite(theirs)
        moves = known.sum() > 2 and np.ptp(mine[known]) > 0.0 and np.ptp(theirs[known]) > 0.0
        alike = float(np.corrcoef(mine[known], theirs[known])[0, 1]) if moves else math.nan
        found.append(dataclasses.replace(case, figures={**case.figures, "forecast_correlation": alike}))
    return found


def _by_size(cases: Sequence[Case]) -> str:
    gains: dict[float, list[float]] = {}
    for case in cases[1:]:
        gain = case.figures.get(GAIN, math.nan)
        if math.isfinite(gain):
            gains.setdefault(float(case.coordinates["noise_bp"]), []).append(gain)
    parts = [f"{gain_words(float(np.median(found)))} at {size:g} bp" for size, found in gains.items()]
    return f" By size of the noise, the medians: {', '.join(parts)}." if len(parts) > 1 else ""


AXIS = Noise()
