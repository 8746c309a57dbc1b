import numpy as np
import pytest

from backtester.control.scoring import confusion, wilson_interval


# statsmodels.stats.proportion.proportion_confint(count, n, method="wilson")
@pytest.mark.parametrize(
    ("right", "n", "ends"),
    [(81, 263, (0.25529, 0.36621)), (0, 20, (0.0, 0.16113)), (20, 20, (0.83887, 1.0))],
)
def test_interval_is_that_of_wilson(right: int, n: int, ends: tuple[float, float]):
    assert wilson_interval(right / n, n=n) == pytest.approx(ends, abs=1e-5)


def test_interval_covers_the_truth_as_often_as_it_says():
    rights = np.random.default_rng(0).binomial(360, 0.1, size=2000)
    covered = [low <= 0.1 <= high for low, high in (wilson_interval(r / 360, n=360) for r in rights)]
    assert 0.93 < np.mean(covered) < 0.97


def test_confusion_has_the_shown_digit_in_rows_and_the_read_one_in_columns():
    counts = confusion(np.array([3, 3, 5]), np.array([3, 8, 5]))
    assert counts[3, 3] == counts[3, 8] == counts[5, 5] == 1
    assert counts.sum() == 3
