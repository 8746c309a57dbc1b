"""An invented stress test with every kind of picture and every kind of gap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

BASE = {
    "sharpe": 0.62,
    "sharpe_holding": 0.48,
    "sharpe_difference": 0.14,
    "cagr": 0.083,
    "excess": 0.011,
    "max_drawdown": -0.241,
    "rmse_ratio": 1.0021,
    "u2": 1.0018,
    "r2_oos": -0.0037,
}


def case(label: str, gain: float | None, /, *, note: str = "", **coordinates: Any) -> dict[str, Any]:
    """A case with this gain in Sharpe ratio; without figures where there is none."""
    if gain is None:
        return {"label": label, "coordinates": coordinates, "figures": {}, "stands": None, "note": note}
    gain = float(gain)
    figures = BASE | {
        "sharpe_difference": round(gain, 6),
        "sharpe": round(0.48 + gain, 6),
        "cagr": round(0.065 + 0.12 * gain, 6),
        "excess": round(0.08 * gain, 6),
        "max_drawdown": round(-0.26 + 0.1 * gain, 6),
    }
    return {
        "label": label,
        "coordinates": coordinates,
        "figures": figures,
        "stands": bool(gain > 0),
        "note": note,
    }


def picture(kind: str, title: str, **changes: Any) -> dict[str, Any]:
    """A picture of the gain in Sharpe ratio."""
    found = {
        "kind": kind, "title": title, "figure": "sharpe_difference",
        "figure_label": "Gain in Sharpe ratio over buy-and-hold, a year",
        "x": "", "y": "", "group": "", "x_label": "", "y_label": "", "percent": False, "baseline": 0.14,
        "draws": [],
    }  # fmt: skip
    return found | changes


def axis(
    title: str, question: str, answer: str, sentence: str, /, *, cases: list[dict[str, Any]],
    pictures: list[dict[str, Any]], figure: str = "sharpe_difference", **changes: Any,
) -> dict[str, Any]:  # fmt: skip
    """One axis, its overview made from its cases."""
    values = [c["figures"][figure] for c in cases if c["figures"].get(figure) is not None]
    asked = [c["stands"] for c in cases if c["stands"] is not None]
    worst = max if figure == "rmse_ratio" else min
    found = {
        "title": title, "question": question, "answer": answer, "sentence": sentence, "figure": figure,
        "facts": {}, "notes": [], "tried": 0, "retrained": False, "cases": cases, "pictures": pictures,
        "overview": {
            "baseline": BASE.get(figure), "median": float(np.median(values)) if values else None,
            "worst": worst(values) if values else None,
            "stands": sum(asked) / len(asked) if asked else None, "cases": len(cases),
        },
    }  # fmt: skip
    return found | changes


def stress() -> dict[str, Any]:
    """As `backtester stress` would leave it in ``stress.json``."""
    draw = np.random.default_rng(5).normal
    axes = {
        "costs": _costs(), "crises": _crises(), "delay": _delay(), "luck": _luck(draw),
        "noise": _noise(draw), "periods": _periods(), "seeds": _seeds(draw), "symbols": _symbols(draw),
        "thresholds": _thresholds(), "windows": _windows(draw),
    }  # fmt: skip
    return {
        "run": "c0ffee" * 10,
        "sentence": "Of 10 ways to change the circumstances the result survives 4. It is caught as a fluke "
        "by 3: without 2013 nothing of the gain is left, half of the seeds lose it, and one random "
        "strategy in five with the same turnover earned as much.",
        "answer": "no",
        "baseline": BASE,
        "axes": axes,
        "skipped": {
            "size": "The prices have no volume.",
            "model": "The model `last_return` has neither lookback nor units.",
        },
    }


def _costs() -> dict[str, Any]:
    gains = {0: 0.31, 1: 0.25, 2: 0.2, 5: 0.09, 10: -0.06, 20: -0.4, 50: -1.3}
    return axis(
        "Costs", "From which cost a side on is the gain over buy-and-hold gone?", "inconclusive",
        "The gain is gone from 7.8 bp a side on; the run paid 3 bp.",
        cases=[case(f"{bp} bp a side", gain, cost_bp=float(bp)) for bp, gain in gains.items()],
        pictures=[
            picture("line", "Gain by cost a side", x="cost_bp", x_label="Cost a side, basis points"),
            picture("bars", "Gain by cost a side, as bars"),
        ],
        facts={"break_even_bp": 7.8, "paid_bp": 3.0},
    )  # fmt: skip


def _delay() -> dict[str, Any]:
    gains = [0.11, 0.08, 0.09, 0.05, 0.06]
    return axis(
        "Delay", "Is the gain still there if every forecast is acted on some bars later?", "yes",
        "One bar later the gain is 0.11 instead of 0.14; even five bars later it is 0.06.",
        cases=[case(str(n), gain, delay=n) for n, gain in enumerate(gains, start=1)],
        pictures=[picture("bars", "Gain by delay", x="delay", x_label="Bars later")],
    )  # fmt: skip


def _luck(draw: Any) -> dict[str, Any]:
    cases = [
        case("Random strategies, the best 5 %", 0.24), case("Shuffled forecasts, the best 5 %", 0.2),
        case("Resampled returns, the worst 5 %", -0.35),
    ]  # fmt: skip
    return axis(
        "Luck", "Would a strategy without any skill have earned as much?", "no",
        "19 % of 1,000 random strategies with the same turnover and exposure earned as much or more.",
        cases=cases,
        pictures=[
            picture("histogram", "Random strategies", draws=[round(x, 5) for x in draw(0.02, 0.14, 1000)]),
            picture("histogram", "Shuffled forecasts", draws=[round(x, 5) for x in draw(-0.03, 0.1, 1000)]),
        ],
        facts={"p_value_random": 0.19, "p_value_shuffled": 0.0004, "draws": 1000, "share_below": 0.81,
               "quantiles": [-0.21, 0.02, 0.24], "p_value": None},
    )  # fmt: skip


def _periods() -> dict[str, Any]:
    gains = [0.2, -0.11, 0.05, 1.9, -0.3, 0.12, -0.2, 0.08, 0.01, -0.15, 0.22, 0.18]
    years = [case(str(2010 + n), gain, year=2010 + n) for n, gain in enumerate(gains)]
    without = [
        case("Without 2013", -0.02, left_out="2013"), case("Without 2020", 0.12, left_out="2020"),
        case("First half", 0.3, half="first"),
    ]  # fmt: skip
    return axis(
        "Periods", "Was the gain made all along, or in one stroke of luck?", "no",
        "All of the gain was made in 2013: without it the Sharpe ratio is 0.02 below buy-and-hold's.",
        cases=[*years, *without],
        pictures=[
            picture("bars", "Gain by calendar year", x="year", x_label="Year"),
            picture("bars", "Gain without one year", x="left_out", x_label="Year left out"),
        ],
        facts={"share_of_best_5_days": 0.83, "best_year": "2013"},
        notes=["A year with fewer than 60 bars is left out."],
    )  # fmt: skip


def _crises() -> dict[str, Any]:
    spans = {
        "Dot-com bust, 2000-03-24 to 2002-10-09": 0.4,
        "Global financial crisis, 2007-10-09 to 2009-03-09": 0.7,
        "Euro debt, 2011-05-02 to 2011-10-03": -0.2,
        "Covid crash, 2020-02-19 to 2020-03-23": 0.15,
    }
    before = case("Black Monday, 1987-10-14 to 1987-10-19", None, note="Before the first forecast.")
    return axis(
        "Crises", "How did it fare in the crises that every investor remembers?", "yes",
        "In 3 of 4 crises the strategy did better than buy-and-hold.",
        cases=[*(case(label, gain) for label, gain in spans.items()), before],
        pictures=[picture("bars", "Gain in each crisis")],
    )  # fmt: skip


def _seeds(draw: Any) -> dict[str, Any]:
    gains = [0.14, *draw(0.02, 0.15, 9)]
    return axis(
        "Seeds", "Do other random numbers in the training give the same answer?", "no",
        "Over 10 seeds the gain is 0.04 ± 0.14; the run had one of the luckier ones.",
        cases=[case(f"Seed {n}", gain, seed=n) for n, gain in enumerate(gains)],
        pictures=[picture("strip", "Gain by seed")],
        retrained=True, tried=1,
        facts={"seeds": 10, "sharpe_difference": {"mean": 0.0412, "sd": 0.1377, "place": 2}},
    )  # fmt: skip


def _noise(draw: Any) -> dict[str, Any]:
    cases = [
        case(f"{bp} bp, draw {n}", gain, noise=f"{bp} bp of noise")
        for bp, spread in ((1, 0.03), (5, 0.2))
        for n, gain in enumerate(draw(0.1, spread, 12), start=1)
    ]
    return axis(
        "Noise", "Does the forecast hang on the last digit of the prices?", "yes",
        "With 5 bp of noise on every price the gain is 0.12 in the median.",
        cases=cases, pictures=[picture("strip", "Gain with noise on the prices", group="noise")],
        retrained=True,
    )  # fmt: skip


def _symbols(draw: Any) -> dict[str, Any]:
    cases = [
        case(f"S{n:02d}", gain, symbol=f"S{n:02d}") for n, gain in enumerate(draw(0.05, 0.3, 40), start=1)
    ]
    return axis(
        "Other symbols", "Is it the market, or this one price series?", "inconclusive",
        "On 40 other symbols the gain is positive in 22.",
        cases=cases, pictures=[picture("bars", "Gain by symbol", x="symbol")],
        retrained=True, tried=12,
    )  # fmt: skip


def _thresholds() -> dict[str, Any]:
    cases = [
        case(
            f"enter {enter:g} bp, leave {leave:g} bp", 0.14 - 0.004 * abs(enter - 5) - 0.02 * abs(leave),
            enter_bp=enter, exit_bp=leave,
        )
        for enter in (0.0, 2.0, 5.0, 10.0, 20.0)
        for leave in (-10.0, -5.0, 0.0, 2.0)
        if leave < enter
    ]  # fmt: skip
    return axis(
        "Thresholds", "Is the strategy's own threshold a plateau or a needle?", "yes",
        "The result lies on a plateau: 8 of 19 neighbours keep the conclusion.",
        cases=cases,
        pictures=[picture("heatmap", "Gain by thresholds", x="enter_bp", y="exit_bp",
                          x_label="Enter above, bp", y_label="Leave below, bp")],
        tried=8,
    )  # fmt: skip


def _windows(draw: Any) -> dict[str, Any]:
    cases = []
    for kind in ("rolling", "expanding"):
        for train in (500, 1000, 1500):
            for test in (31, 63, 126):
                made = case(f"{kind}, train {train}, test {test}", float(draw(0.06, 0.1)),
                            kind=kind, train=train, test=f"{kind}, test {test}")  # fmt: skip
                made["figures"]["rmse_ratio"] = round(1.001 + 0.004 * abs(float(draw())), 6)
                cases.append(made)
    return axis(
        "Windows", "Would another training window have said the same?", "inconclusive",
        "The error is larger than that of the last price in all 18 windows.",
        cases=cases, figure="rmse_ratio",
        pictures=[
            picture("line", "RMSE ratio by training window", figure="rmse_ratio", figure_label="RMSE ratio",
                    x="train", x_label="Bars of training", group="test", baseline=1.0021),
            picture("heatmap", "RMSE ratio by window", figure="rmse_ratio", figure_label="RMSE ratio",
                    x="train", y="test", x_label="Bars of training", y_label="", baseline=1.0021),
        ],
        retrained=True,
    )  # fmt: skip


def nasty(text: str) -> dict[str, Any]:
    """The same with ``text`` wherever a user's text may stand, and gaps wherever there may be one."""
    found = stress()
    strange = case(text, 0.1, note=text, place=text)
    kinds = ("bars", "line", "strip", "heatmap", "histogram", "a kind of the future")
    pictures = [
        picture(kind, text, figure_label=text, x="place", y="place", group="place", x_label=text,
                y_label=text, draws=[0.1, None, 0.3], baseline=None if number % 2 else 0.1)
        for number, kind in enumerate(kinds)
    ]  # fmt: skip
    empty = picture("line", "Nothing", figure="unknown", baseline=math.nan)
    found["axes"] = {
        text: axis(text, text, "inconclusive", text, cases=[strange, strange, case("bare", None)],
                   pictures=pictures, notes=[text], facts={text: text, "flag": True}),
        "none": axis("No case", "None?", "inconclusive", "There is nothing.", cases=[], pictures=[empty]),
    }  # fmt: skip
    found |= {"sentence": text, "skipped": {text: text}, "baseline": {"sharpe": None}}
    return found
