"""The sentence follows from the figures."""

from typing import Any

import pytest

from backtester.explaining.wording import points, sentence


def facts(movement: float = 0.005, *, forget: float = 0.73, half_life: float = 2.2) -> list[dict[str, Any]]:
    gates = {
        gate: {"mean": forget, "movement": movement, "shut": 0.0, "open": 0.0}
        for gate in ("forget", "input", "output")
    }
    lived = {"low": half_life, "median": half_life, "high": half_life, "share_beyond": 0.0}
    return [{"name": "layer 1", "layer": 1, "direction": "forward", "gates": gates, "half_life": lived}]


def line(share: float | None, *, before: float = 0.5, outside: float = 0.0) -> dict[str, Any]:
    return {
        "share": share,
        "share_before": before,
        "outside": outside,
        "share_newest": 0.1,
        "n_fitted": 700,
        "n_values": 20,
    }


FORECAST = {"mean_bp": 1.0, "sd_bp": 40.0, "actual_sd_bp": 100.0}
FLAT = {"mean_bp": 1.0, "sd_bp": 2.0, "actual_sd_bp": 100.0}


@pytest.mark.parametrize(
    ("movement", "share", "said"),
    [
        (0.005, 0.97, "The gates hardly move, and a straight line through the window explains 97%"),
        (0.05, 0.97, "The gates move a little, and"),
        (0.2, 0.97, "The gates open and close, but a straight line through the window explains 97%"),
        (0.2, 0.1, "The gates open and close, and a straight line through the window explains only 10%"),
        (0.005, 0.1, "The gates hardly move, but a straight line through the window explains only 10%"),
    ],
)
def test_gates_and_line_make_the_sentence(movement, share, said):
    assert sentence(facts(movement), line=line(share), forecast=FORECAST).startswith(said)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.95, "acts like a linear filter."),
        (0.6, "is mostly a linear filter."),
        (0.2, "is no linear filter."),
        (-3.0, "explains only 0%"),
    ],
)
def test_the_words_for_a_linear_filter_have_thresholds(share, said):
    assert said in sentence(facts(), line=line(share), forecast=FORECAST)


def test_a_nearly_constant_forecast_is_said():
    assert sentence(facts(), line=line(0.95), forecast=FLAT).endswith("its forecast is nearly a constant.")


def test_a_constant_network_is_called_one():
    assert sentence(facts(), line=line(None), forecast=FLAT).endswith("the network is a constant.")


def test_a_filter_that_left_what_it_was_trained_on_is_said():
    told = sentence(facts(), line=line(-2.0, before=0.99, outside=0.8), forecast=FORECAST)
    assert "was a linear filter where it was trained, and 80% of what it reads now lies outside" in told


def test_all_but_everything_is_not_all_of_it():
    assert "explains 99.9%" in sentence(facts(), line=line(0.99996), forecast=FORECAST)


def told(cells: list[dict[str, Any]]) -> dict[str, str]:
    found = points(cells, line=line(0.9), lags={"within": 4}, forecast=FORECAST, lookback=20)
    return {point["label"]: point["text"] for point in found}


def test_forget_gates_that_learnt_nothing_are_said():
    assert "where Keras begins them" in told(facts())["Memory"]
    assert "where Keras begins them" not in told(facts(forget=0.9, half_life=6.6))["Memory"]
    assert "where Keras begins them" not in told(facts(movement=0.1))["Memory"]


def test_the_thresholds_stand_beside_the_figures():
    assert "Below 0.02 they hardly move; from 0.08 on they open and close." in told(facts())["Gates"]
    assert told(facts())["Window"] == "80% of what moves the forecast lies in the newest 4 of 20 bars."
