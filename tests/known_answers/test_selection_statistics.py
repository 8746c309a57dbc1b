"""Statistics of a search with an answer known from a formula or worked by hand."""

import numpy as np
import pytest

from backtester.judgement.selection import (
    effective_trials,
    effective_trials_of,
    mean_returns,
    probability_of_overfitting,
)


@pytest.mark.parametrize(
    ("returns", "blocks", "expected"),
    [
        ([[1, 0], [1, 0]], 2, 0.0),
        ([[1, 0], [0, 1]], 2, 1.0),
        ([[4, 1, 2, 3], [3, 4, 1, 2]], 2, 0.5),
        # the best of one half is exactly in the middle of the other: ln(ω/(1 - ω)) = 0 counts
        ([[3, 1, 2], [2, 3, 1]], 2, 1.0),
        ([[5, 0], [1, 0], [0, 4], [1, 0]], 4, 2 / 3),
    ],
)
def test_the_probability_of_overfitting(returns, blocks, expected):
    # Bailey, Borwein, López de Prado and Zhu (2015), each split by hand
    assert probability_of_overfitting(returns, blocks=blocks, metric=mean_returns) == expected


def test_the_effective_number_of_trials_from_their_mean_correlation():
    # ρ̄ + (1 - ρ̄) M
    alike = np.full((100, 100), 0.5) + 0.5 * np.eye(100)
    assert effective_trials_of(alike).mean_correlation == pytest.approx(50.5, abs=1e-5)


def test_the_effective_rank():
    # Roy and Vetterli (2007)
    assert effective_trials_of(np.eye(3)).effective_rank == pytest.approx(3.0, abs=1e-5)
    assert effective_trials_of([[1, 0.5], [0.5, 1]]).effective_rank == pytest.approx(1.75477, abs=1e-5)


def test_copies_of_one_trial_are_one_trial():
    trial = np.random.default_rng(1).normal(size=500)
    found = effective_trials(np.column_stack([trial, 2.0 * trial, trial]))
    assert (found.mean_correlation, found.effective_rank) == pytest.approx((1.0, 1.0), abs=1e-6)
