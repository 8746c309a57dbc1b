import doctest

from backtester.metrics import figures


def test_examples_hold():
    assert doctest.testmod(figures).failed == 0


def test_only_finite_numbers_are_kept():
    given = {"a": 1.5, "b": float("nan"), "c": float("inf"), "d": float("-inf"), "e": 0}
    assert figures.defined(given) == {"a": 1.5, "b": None, "c": None, "d": None, "e": 0}
