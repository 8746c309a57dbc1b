"""Windows: how long a network learns, how long it is used, and whether the window rolls or grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backtester.recipe import Scheme
from backtester.spans import read_span
from backtester.stress.axis import AxisResult, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, Compared, compare, gain_words, hangs_words
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Windows", "scaled_span"]

_DAYS_A_MONTH = 30.436875


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Training window × test span, rolling and expanding; answered by the rule of `holds`.

    A longer training window begins to forecast later, so that all are compared on the dates that all have.
    A single split has no test spans: only its training window changes.
    """

    key: str = "windows"
    title: str = "Windows"
    question: str = "Does the gain hang on how long the networks learn and how often they are retrained?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same with other windows."""
        folds = context.recipe.folds
        own = Variant(
            label=f"{_named(folds.train, test=folds.test, scheme=folds.scheme)}, the run's own",
            coordinates=_coordinates(folds.train, test=folds.test, scheme=folds.scheme),
        )
        seen = {(folds.train, folds.test, folds.scheme)}
        found = [own]
        for train, test, scheme in _grid(context):
            if (train, test, scheme) in seen:
                continue
            seen.add((train, test, scheme))
            found.append(
                Variant(
                    label=_named(train, test=test, scheme=scheme),
                    changes={"folds.train": train, "folds.test": test, "folds.scheme": scheme.value},
                    coordinates=_coordinates(train, test=test, scheme=scheme),
                )
            )
        return found

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the windows."""
        compared = compare(context, outcomes)
        single = context.recipe.folds.scheme is Scheme.SINGLE
        sentence = hangs_words(compared, what="the windows", others="other windows")
        weakest = compared.weakest()
        if weakest is not None:
            sentence += f" Least is left with {weakest.label}: {gain_words(weakest.figures[GAIN])}."
        return AxisResult(
            answer=compared.answer,
            sentence=sentence,
            figure=GAIN,
            cases=compared.cases,
            pictures=_pictures(compared),
            facts={"windows": len(compared.others) + 1},
            tried=True,
            traded=compared.whole,
            notes=(*compared.notes, *(["One split has no test spans to vary."] if single else [])),
        )


def scaled_span(setting: int | str, factor: float) -> int | str:
    """Make a length of history longer or shorter.

    Parameters
    ----------
    setting : bars, or a calendar span such as ``"3Y"``
    factor : 1 gives the setting back as it is

    Returns
    -------
    bars, at least 1; or a calendar span in whole months, or in days where it is less than one

    Examples
    --------
    >>> scaled_span(750, 0.5), scaled_span("3Y", 0.5), scaled_span("1M", 0.5)
    (375, '18M', '15D')
    """
    if factor == 1.0:
        return setting
    span = read_span("length", setting)
    if isinstance(span, int):
        return max(1, round(span * factor))
    months, days = span.months * factor, span.days * factor
    if span.days == 0 and months >= 1.0:
        return f"{round(months)}M"
    return f"{max(1, round(months * _DAYS_A_MONTH + days))}D"


def _grid(context: Context) -> Iterator[tuple[int | str, int | str, Scheme]]:
    folds, settings = context.recipe.folds, context.settings
    single = folds.scheme is Scheme.SINGLE
    schemes = [Scheme.SINGLE] if single else [Scheme.ROLLING, Scheme.EXPANDING]
    for scheme in schemes:
        for test_factor in [1.0] if single else settings.test_factors:
            for train_factor in settings.train_factors:
                yield scaled_span(folds.train, train_factor), scaled_span(folds.test, test_factor), scheme


def _coordinates(train: int | str, *, test: int | str, scheme: Scheme) -> dict[str, float | str]:
    spans = scheme.value if scheme is Scheme.SINGLE else f"{scheme.value}, {_bars(test)}"
    return {
        "train": float(train) if isinstance(train, int) else train,
        "test": float(test) if isinstance(test, int) else test,
        "scheme": scheme.value,
        "spans": spans,
    }


def _named(train: int | str, *, test: int | str, scheme: Scheme) -> str:
    if scheme is Scheme.SINGLE:
        return f"train {_bars(train)}, one split"
    return f"train {_bars(train)}, test {_bars(test)}, {scheme.value}"


def _bars(span: int | str) -> str:
    return f"{span:,}" if isinstance(span, int) else span


def _pictures(compared: Compared) -> list[Picture]:
    return [
        Picture(
            kind=PictureKind.HEATMAP,
            title=f"{what} by training window and test span",
            figure=figure,
            figure_label=label,
            x="train",
            y="spans",
            x_label="Training window (bars)",
            y_label="Scheme, test span (bars)",
            baseline=compared.cases[0].figures[figure],
        )
        for what, figure, label in (
            ("The gain", GAIN, GAIN_LABEL),
            ("The error", "rmse_ratio", "RMSE over that of the last price"),
        )
    ]


AXIS = Windows()
