import doctest
import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from backtester.judgement import selection as module
from backtester.judgement.selection import (
    effective_trials,
    effective_trials_of,
    mean_returns,
    probability_of_overfitting,
    sharpe_ratios,
)
from backtester.metrics import sharpe


def trials(seed, *, n=512, k=20, edge=0.0):
    drawn = np.random.default_rng(seed).normal(size=(n, k))
    drawn[:, 0] += edge
    return 0.01 * drawn


def by_hand(returns, blocks):
    """Share of the splits, each with its own logit."""
    rows = len(returns) // blocks
    returns = returns[len(returns) - rows * blocks :]
    logits = []
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([returns[b * rows : (b + 1) * rows] for b in half])
        outside = np.concatenate([returns[b * rows : (b + 1) * rows] for b in range(blocks) if b not in half])
        ratios = [[sharpe(column, periods_per_year=1) for column in part.T] for part in (inside, outside)]
        omega = rankdata(ratios[1])[np.argmax(ratios[0])] / (returns.shape[1] + 1)
        logits.append(math.log(omega / (1 - omega)))
    return np.mean(np.array(logits) <= 1e-12)


def test_examples_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("k", [2, 3, 8])
@pytest.mark.parametrize("blocks", [2, 4, 6])
def test_the_share_is_that_of_all_splits(k, blocks):
    for seed in range(4):
        returns = trials(seed, n=61, k=k)
        assert probability_of_overfitting(returns, blocks=blocks) == by_hand(returns, blocks)


def test_the_earliest_bars_are_left_out_where_blocks_do_not_divide():
    returns = trials(1, n=120, k=5)
    longer = np.vstack([np.full((7, 5), 0.5), returns])
    assert probability_of_overfitting(longer, blocks=8) == probability_of_overfitting(returns, blocks=8)


def test_trials_without_skill_come_out_about_even():
    # .54 ± .22 for 20 trials of 512 bars in 8 blocks; 60 searches, four standard errors
    found = [probability_of_overfitting(trials(seed), blocks=8) for seed in range(60)]
    assert np.mean(found) == pytest.approx(0.54, abs=4.0 * 0.22 / math.sqrt(60))
    assert np.std(found, ddof=1) == pytest.approx(0.22, abs=0.08)


def test_one_trial_with_skill_lowers_it():
    # .19 with a Sharpe ratio of .15 a bar
    found = [probability_of_overfitting(trials(seed, edge=0.15), blocks=8) for seed in range(60)]
    assert np.mean(found) == pytest.approx(0.19, abs=0.1)


def test_the_share_is_the_same_whatever_the_stake():
    returns = trials(2)
    plain = probability_of_overfitting(returns)
    assert probability_of_overfitting(returns * 3.0) == plain


def test_trials_that_are_all_the_same_are_in_the_middle():
    assert probability_of_overfitting(np.repeat(trials(3, k=1), 4, axis=1)) == 1.0


def test_a_flat_trial_ranks_between_gains_and_losses():
    returns = np.column_stack([trials(4, k=1), np.zeros(512)])
    assert 0.0 <= probability_of_overfitting(returns) <= 1.0
    ratios = sharpe_ratios(np.column_stack([[0.01, 0.03], [0.0, 0.0], [-0.01, -0.03]]))
    assert ratios[0] > ratios[1] == 0.0 > ratios[2]
    assert probability_of_overfitting(np.zeros((100, 3))) == 1.0


def test_too_little_is_undefined():
    assert math.isnan(probability_of_overfitting(trials(5, k=1)))
    assert math.isnan(probability_of_overfitting(trials(5)[:, 0]))
    assert math.isnan(probability_of_overfitting(np.empty((100, 0))))
    assert math.isnan(probability_of_overfitting(trials(5, n=9, k=3), blocks=10))
    assert probability_of_overfitting(trials(5, n=10, k=3), metric=mean_returns) >= 0.0
    assert sharpe_ratios(np.ones((1, 2))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("blocks", [0, 3, -2, 18, 200])
def test_too_many_splits_or_an_odd_number_of_blocks_is_refused(blocks):
    with pytest.raises(ValueError, match="even and between 2 and 16"):
        probability_of_overfitting(trials(6), blocks=blocks)


def test_independent_trials_count_in_full():
    found = effective_trials(trials(7, n=20_000, k=10))
    assert found.mean_correlation == pytest.approx(10.0, abs=0.1)
    assert found.effective_rank == pytest.approx(10.0, abs=0.1)
    assert found.largest == max(found.mean_correlation, found.effective_rank)


def test_numbers_lie_between_one_and_the_number_of_trials():
    opposite = trials(8, k=1)
    found = effective_trials(np.hstack([opposite, -opposite]))
    assert (found.mean_correlation, found.effective_rank) == pytest.approx((2.0, 1.0))
    rng = np.random.default_rng(9)
    for k in (1, 2, 30):
        found = effective_trials(rng.normal(size=(12, k)))
        assert 1.0 <= found.effective_rank <= found.largest <= k
        assert 1.0 <= found.mean_correlation <= found.largest


def test_the_two_agree_with_numpys_correlations():
    returns = trials(10, k=6) + trials(11, k=1)
    assert effective_trials(returns).largest == pytest.approx(
        effective_trials_of(np.corrcoef(returns.T)).largest, rel=1e-12
    )


def test_trials_that_never_vary_are_left_out():
    returns = trials(12, k=4)
    with_flat = np.column_stack([returns, np.zeros(len(returns)), np.full(len(returns), 0.01)])
    assert effective_trials(with_flat) == effective_trials(returns)
    for nothing in (np.zeros((100, 3)), np.empty((0, 3)), np.empty((100, 0))):
        assert math.isnan(effective_trials(nothing).largest)
    alone = effective_trials(returns[:, 0])
    assert (alone.mean_correlation, alone.effective_rank, alone.largest) == (1.0, 1.0, 1.0)


def test_numbers_do_not_depend_on_the_threads_of_the_blas():
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(effective_trials(trials(13, n=2000, k=60)))
    assert found[0] == found[1]
