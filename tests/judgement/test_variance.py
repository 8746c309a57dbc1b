import doctest
import itertools
import math
from dataclasses import asdict

import numpy as np
import pytest

from backtester.judgement import variance as variance_module
from backtester.judgement.variance import SeedSpread, seed_spread, spread, three_way, variance_over_cells


def draw_three_way(rng, *, levels, sds):
    """Random effects: one draw for each level of each of the seven effects."""
    results = np.zeros(levels)
    axes = [part for size in (1, 2, 3) for part in itertools.combinations(range(3), size)]
    for part, sd in zip(axes, sds, strict=True):
        shape = tuple(levels[axis] if axis in part else 1 for axis in range(3))
        results = results + rng.normal(0.0, sd, shape)
    return results


def test_examples_hold():
    assert doctest.testmod(variance_module).failed == 0


def test_no_results_and_one_result_have_no_spread():
    assert all(math.isnan(value) for name, value in asdict(spread([])).items() if name != "n")
    assert math.isnan(spread([0.5]).sd)
    assert spread([0.5]).mean == 0.5


@pytest.mark.parametrize("value", [0.0, 0.1, -0.003])
def test_a_seed_that_changes_nothing_has_a_variance_of_exactly_0(value):
    assert spread([value] * 7).sd == 0.0
    cells = np.tile([[value], [value + 0.3], [value + 0.7]], (1, 7))
    assert seed_spread(cells).seed == 0.0
    assert set(asdict(three_way(np.full((3, 2, 4), value)).components).values()) == {0.0}


def test_seeds_and_cells_are_told_apart():
    rng = np.random.default_rng(1)
    found = [seed_spread(rng.normal(0.0, 2.0, (6, 1)) + rng.normal(0.0, 3.0, (6, 5))) for _ in range(2000)]
    assert np.mean([one.seed for one in found]) == pytest.approx(9.0, rel=0.05)
    assert np.mean([one.cell for one in found]) == pytest.approx(4.0, rel=0.15)


def test_the_order_of_seeds_within_a_cell_means_nothing():
    results = np.random.default_rng(2).normal(size=(4, 5))
    shuffled = np.random.default_rng(3).permuted(results, axis=1)
    assert asdict(seed_spread(shuffled)) == pytest.approx(asdict(seed_spread(results)))


def test_a_component_below_zero_is_shown_and_counts_as_none():
    results = [[1.0, 5.0, 9.0], [2.0, 5.0, 8.0]]  # the same mean in both cells
    found = seed_spread(results)
    assert found.cell == pytest.approx(-found.seed / 3.0)
    assert variance_over_cells(found, n_cells=2, n_seeds=3) == pytest.approx(found.seed / 6.0)


def test_the_variance_of_the_mean_is_that_of_simulated_designs():
    rng = np.random.default_rng(4)
    designs = rng.normal(0.0, 2.0, (20_000, 3, 1)) + rng.normal(0.0, 3.0, (20_000, 3, 4))
    components = SeedSpread(between=0.0, seed=9.0, cell=4.0)
    expected = np.var(np.mean(designs, axis=(1, 2)), ddof=1)
    assert variance_over_cells(components, n_cells=3, n_seeds=4) == pytest.approx(expected, rel=0.04)


def test_the_components_of_a_design_are_found_on_average():
    sds = (1.0, 2.0, 1.5, 0.5, 0.8, 1.2, 0.7)
    rng = np.random.default_rng(5)
    found = [
        list(asdict(three_way(draw_three_way(rng, levels=(5, 4, 6), sds=sds)).components).values())
        for _ in range(1500)
    ]
    error = np.std(found, axis=0, ddof=1) / math.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - np.square(sds)) < 4.0 * error)


def test_the_mean_squares_add_up_to_the_whole():
    levels = (5, 4, 6)
    results = np.random.default_rng(6).normal(size=levels)
    squares = asdict(three_way(results).mean_squares)
    s, w, p = (level - 1 for level in levels)
    freedom = {
        "seed": s,
        "window": w,
        "period": p,
        "seed_window": s * w,
        "seed_period": s * p,
        "window_period": w * p,
        "residual": s * w * p,
    }
    whole = np.sum((results - np.mean(results)) ** 2)
    assert sum(squares[name] * freedom[name] for name in freedom) == pytest.approx(whole)


def test_the_factors_are_treated_alike():
    results = np.random.default_rng(7).normal(size=(3, 4, 5))
    found, turned = three_way(results).components, three_way(results.transpose(1, 0, 2)).components
    assert (turned.seed, turned.window) == pytest.approx((found.window, found.seed))
    assert (turned.window_period, turned.seed_period) == pytest.approx(
        (found.seed_period, found.window_period)
    )
    assert turned.residual == pytest.approx(found.residual)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1)])
def test_no_seeds_and_no_cells_have_no_components(shape):
    found = seed_spread(np.zeros(shape))
    assert all(math.isnan(value) for value in asdict(found).values())


def test_one_seed_a_cell_tells_nothing_of_seeds():
    found = seed_spread([[1.0], [2.0], [4.0]])
    assert found.between > 0.0
    assert math.isnan(found.seed)
    assert math.isnan(found.cell)


def test_a_factor_with_one_level_has_no_component():
    found = three_way(np.random.default_rng(8).normal(size=(3, 1, 4)))
    assert found.mean_squares.seed > 0.0
    assert math.isnan(found.mean_squares.window)
    assert math.isnan(found.components.seed)
    nothing = three_way(np.zeros((0, 2, 2)))
    assert all(math.isnan(value) for value in asdict(nothing.components).values())
