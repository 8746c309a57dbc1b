"""Features with a planted leak, and features that look as bad and are clean."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

__all__ = ["CLEAN", "PLANTED"]

Feature = Callable[[pd.DataFrame], pd.Series]

_SPAN = 10
_HORIZON = 5
_GAIN = 0.2
"""Of the Kalman filter: how much of each surprise is believed."""


def _returns(frame: pd.DataFrame) -> pd.Series:
    returns: pd.Series = np.log(frame["close"]).diff().fillna(0.0)
    return returns


def _dates(frame: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(frame.index)


def _windows(frame: pd.DataFrame) -> pd.DataFrame:
    """Some columns to choose from or to reduce, each clean."""
    returns = _returns(frame)
    return pd.DataFrame({lag: returns.shift(lag).fillna(0.0) for lag in range(5)})


def _next_return(frame: pd.DataFrame) -> pd.Series:
    return _returns(frame).shift(-1).fillna(0.0)


def _centred(frame: pd.DataFrame) -> pd.Series:
    return frame["close"] / frame["close"].rolling(5, center=True, min_periods=1).mean()


def _filled_backwards(frame: pd.DataFrame) -> pd.Series:
    known = _returns(frame).where(_dates(frame).day_of_week != 1)
    return known.bfill().fillna(0.0)


def _whole_z(frame: pd.DataFrame) -> pd.Series:
    return (frame["close"] - frame["close"].mean()) / frame["close"].std()


def _week_left(frame: pd.DataFrame) -> pd.Series:
    weekly = frame["close"].resample("W-FRI", label="left").last()
    joined: pd.Series = weekly.reindex(frame.index, method="ffill") / frame["close"]
    return joined.fillna(1.0)


def _target(frame: pd.DataFrame) -> pd.Series:
    ahead: pd.Series = frame["close"].shift(-_HORIZON) / frame["close"]
    return ahead.apply(np.log).fillna(0.0)


def _until_next_session(frame: pd.DataFrame) -> pd.Series:
    days: pd.Series = pd.Series(frame.index, index=frame.index).diff().dt.days
    return days.shift(-1).fillna(1.0)


def _month_mean(frame: pd.DataFrame) -> pd.Series:
    return _returns(frame).groupby(_dates(frame).to_period("M")).transform("mean")


def _principal(frame: pd.DataFrame) -> pd.Series:
    centred = _windows(frame).to_numpy()
    centred = centred - centred.mean(axis=0)
    vectors = np.linalg.eigh(np.cov(centred.T) if len(centred) > 1 else np.eye(5))[1]
    first = vectors[:, -1] * np.sign(vectors[np.abs(vectors[:, -1]).argmax(), -1])
    return pd.Series(centred @ first, index=frame.index)


def _selected(frame: pd.DataFrame) -> pd.Series:
    columns, following = _windows(frame), _next_return(frame)
    strength = [abs(np.dot(columns[name], following)) for name in columns]
    chosen: pd.Series = columns[int(np.argmax(strength))]
    return chosen


def _whole_rank(frame: pd.DataFrame) -> pd.Series:
    return frame["close"].rank(pct=True)


def _gradient(frame: pd.DataFrame) -> pd.Series:
    values = np.gradient(frame["close"].to_numpy()) if len(frame) > 1 else np.zeros(1)
    return pd.Series(values, index=frame.index)


def _denoised(frame: pd.DataFrame) -> pd.Series:
    spectrum = np.fft.rfft(frame["close"].to_numpy())
    spectrum[len(spectrum) // 8 + 1 :] = 0.0
    return pd.Series(np.fft.irfft(spectrum, n=len(frame)), index=frame.index) / frame["close"]


def _savitzky_golay(frame: pd.DataFrame) -> pd.Series:
    half = 5
    ahead = np.vander(np.arange(-half, half + 1), 3)
    weights = np.linalg.pinv(ahead)[-1]
    padded = np.pad(frame["close"].to_numpy(), half, mode="edge")
    return pd.Series(np.convolve(padded, weights[::-1], mode="valid"), index=frame.index) / frame["close"]


def _backward_average(frame: pd.DataFrame) -> pd.Series:
    backwards: pd.Series = frame["close"][::-1].ewm(span=_SPAN).mean()[::-1]
    return backwards / frame["close"]


def _filtered(frame: pd.DataFrame) -> pd.Series:
    """Kalman's filter of a local level with a steady gain."""
    level, levels = frame["close"].iloc[0], []
    for close in frame["close"]:
        level = level + _GAIN * (close - level)
        levels.append(level)
    return pd.Series(levels, index=frame.index)


def _smoothed(frame: pd.DataFrame) -> pd.Series:
    """The same, smoothed backwards."""
    levels = _filtered(frame).to_numpy(copy=True)
    for place in range(len(levels) - 2, -1, -1):
        levels[place] += (1.0 - _GAIN) * (levels[place + 1] - levels[place])
    return pd.Series(levels, index=frame.index) / frame["close"]


PLANTED: Mapping[str, tuple[str, Feature]] = {
    "T01": ("the next bar by shift(-1)", _next_return),
    "T02": ("a centred rolling mean of 5", _centred),
    "T04": ("gaps filled backwards", _filled_backwards),
    "T05": ("a z-score over the whole series", _whole_z),
    "T06": ("weeks labelled on the left, joined to days", _week_left),
    "T07": ("the target among the features", _target),
    "T12": ("days until the next row of the file", _until_next_session),
    "T13": ("the mean of the whole month", _month_mean),
    "T14": ("principal components of the whole sample", _principal),
    "T15": ("the best of five columns, chosen on the whole sample", _selected),
    "T16": ("the rank within the whole sample", _whole_rank),
    "T17": ("np.gradient", _gradient),
    "T18": ("denoised by a Fourier transform of the whole series", _denoised),
    "T19": ("a Savitzky-Golay filter of 11", _savitzky_golay),
    "T20": ("an exponential average run backwards", _backward_average),
    "T22": ("a Kalman smoother", _smoothed),
}
"""Leaking features by id: what it is, and the function."""

CLEAN: Mapping[str, Feature] = {
    "a rolling mean": lambda frame: frame["close"] / frame["close"].rolling(20).mean(),
    "a rolling rank": lambda frame: frame["close"].rolling(20).rank(pct=True),
    "an expanding z-score": lambda frame: (
        (frame["close"] - frame["close"].expanding(20).mean()) / frame["close"].expanding(20).std()
    ),
    "the highest close so far": lambda frame: frame["close"] / frame["close"].cummax(),
    "an exponential average": lambda frame: frame["close"] / frame["close"].ewm(span=_SPAN).mean(),
    "an older return": lambda frame: _returns(frame).shift(3),
    "the day of the week": lambda frame: pd.Series(
        _dates(frame).day_of_week, index=frame.index, dtype="float64"
    ),
    "the last of the month by the calendar": lambda frame: pd.Series(
        _dates(frame).is_month_end, index=frame.index, dtype=float
    ),
    "the week before, labelled on the right": lambda frame: (
        frame["close"].resample("W", label="right").last().reindex(frame.index, method="ffill")
        / frame["close"]
    ),
    "a Kalman filter": lambda frame: _filtered(frame) / frame["close"],
    "the mean of the month so far": lambda frame: (
        _returns(frame).groupby(_dates(frame).to_period("M")).expanding().mean().droplevel(0)
    ),
}
"""Features without a leak, by what they are."""
