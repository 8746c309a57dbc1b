"""The measured calibration as tables and a picture.

python -m benchmarks.calibration_page docs/calibration.json docs/images/search.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["draw_search", "main", "tables"]

_GROUPS: Mapping[str, str] = {
    "clark_west_last_price": "Forecast",
    "ledoit_wolf": "Money",
    "superior": "Search",
    "question_forecast": "Verdict",
}
"""The first test of each group, and its heading."""
_CURVES = (
    ("naive", "#d55e00", "as if the only one:\nSharpe ratio above 0"),
    ("alone", "#8a4b9c", "as if the only one:\nabove buy-and-hold"),
    ("adjusted", "#0b5fa5", "as one of twenty:\nthe verdict's question 3"),
)
_ALONG: Mapping[str, Any] = {"rotation": 45, "transform_rotates_text": True, "ha": "center", "va": "center"}
_INK, _MUTED, _RULE = "#1a2230", "#566072", "#e3e7ed"


def tables(answer: Mapping[str, Any]) -> dict[str, str]:
    """Give the tables of docs/calibration.md, in Markdown.

    Parameters
    ----------
    answer : of ``benchmarks.calibration``

    Returns
    -------
    dict : ``markets``, ``matrix``, ``answers``, ``stress``, ``search``
    """
    return {
        "markets": _markets(answer),
        "matrix": _matrix(answer),
        "answers": _answers(answer),
        "stress": _stress(answer),
        "search": _search(answer),
    }


def _table(head: Sequence[str], *, rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _mean(figure: Mapping[str, float], *, scale: float = 1.0) -> str:
    value, error = scale * figure["mean"], scale * figure["standard_error"]
    return f"{value:+.2f} ± {error:.2f}".replace("-", "−")


def _markets(answer: Mapping[str, Any]) -> str:
    rows = []
    for key, market in answer["markets"].items():
        means = market["means"]
        holding = f"{market['sharpe_of_holding']:g}"
        gain = _mean(means["sharpe_gain"])
        rows.append([f"`{key}`", market["what"], holding, gain, _mean(means["r2_mean_return"], scale=100.0)])
    head = [
        "market",
        "what it is",
        "Sharpe ratio of holding",
        "gain in Sharpe ratio",
        "R² against the mean, %",
    ]
    return _table(head, rows=rows)


def _matrix(answer: Mapping[str, Any]) -> str:
    kinds, rows = list(answer["markets"]), []
    for name, what in answer["tests"].items():
        if name in _GROUPS:
            rows.append([f"*{_GROUPS[name]}*", *[""] * len(kinds)])
        rows.append([what, *(_cell(answer["matrix"][name][kind]) for kind in kinds)])
    return _table(["% of markets", *(f"`{kind}`" for kind in kinds)], rows=rows)


def _cell(cell: Mapping[str, Any]) -> str:
    shown = _percent(cell["rate"])
    return {"exact": f"**{shown}**", "yes": shown, "no": f"({shown})"}[cell["null"]]


def _answers(answer: Mapping[str, Any]) -> str:
    rows = []
    for key, market in answer["markets"].items():
        said = market["answers"]
        first = answer["matrix"]["first_three"][key]["rate"]
        rows.append(
            [
                f"`{key}`",
                _three(said["forecast"]),
                _three(said["money"]),
                _percent(first),
                _three(said["verdict"]),
            ]
        )
    return _table(
        [
            "yes / no / inconclusive, %",
            "question 1: forecast",
            "question 2: money",
            "1 to 3 all yes",
            "verdict",
        ],
        rows=rows,
    )


def _three(said: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * said[answer]:.0f}" for answer in ("yes", "no", "inconclusive"))


def _stress(answer: Mapping[str, Any]) -> str:
    real = {key: market for key, market in answer["markets"].items() if market["gain"] == "positive"}
    checks = [key for key in next(iter(answer["markets"].values()))["answers"] if key.startswith("stress.")]
    rows = [
        [
            f"`{check.removeprefix('stress.')}`",
            *(_three(market["answers"][check]) for market in real.values()),
        ]
        for check in checks
    ]
    return _table(["yes / no / inconclusive, %", *(f"`{key}`" for key in real)], rows=rows)


def _search(answer: Mapping[str, Any]) -> str:
    search, n = answer["search"], answer["search"]["repetitions"]
    words = {
        "naive": "its Sharpe ratio is above 0, as if it were the only one",
        "alone": "it beats buy-and-hold, as if it were the only one",
        "adjusted": "question 3: it beats buy-and-hold, as one of twenty",
        "deflated": "deflated Sharpe ratio",
        "first_three": "questions 1 to 3 all yes",
        "verdict": "verdict yes",
    }
    rows = [[what, f"{round(n * search['passed'][name])} of {n}"] for name, what in words.items()]
    return _table(["said of the best of twenty", "searches"], rows=rows)


def draw_search(answer: Mapping[str, Any], *, path: Path) -> None:
    """Draw in what share of searches the best variant's p-value was below each level.

    Parameters
    ----------
    answer : of ``benchmarks.calibration``
    path : of the SVG
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {"svg.hashsalt": "search", "svg.fonttype": "none", "font.size": 11, "text.color": _INK}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(8.6, 4.4), layout="constrained")
        axes = figure.subplots()
        level, found = answer["level"], answer["search"]
        axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        axes.axvline(level, color=_MUTED, linewidth=1.0)
        for name, colour, words in _CURVES:
            values = np.sort(found["p_values"][name])
            shares = np.arange(1, len(values) + 1) / len(values)
            below = round(found["passed"][name] * found["repetitions"])
            axes.step(
                [0.0, *values, 1.0],
                [0.0, *shares, 1.0],
                where="post",
                color=colour,
                linewidth=2.2,
                label=f"{words}\n{below} of {found['repetitions']} below {100 * level:g} %",
            )
        axes.text(0.7, 0.73, "a test that keeps its level", color=_MUTED, fontsize=9, **_ALONG)
        axes.text(level + 0.008, 0.97, f"{100 * level:g} %", color=_MUTED, fontsize=10, va="center")
        axes.set(
            xlim=(0, 1),
            ylim=(0, 1.01),
            xlabel="p-value of the best variant",
            ylabel="share of searches with a smaller one",
        )
        axes.set_title(
            f"The best of {found['variants']} variants on a random walk, {found['repetitions']} times",
            loc="left",
            fontsize=12,
            color=_INK,
        )
        axes.grid(color=_RULE, linewidth=0.8)
        axes.set_axisbelow(True)
        for side, spine in axes.spines.items():
            spine.set_visible(side in {"left", "bottom"})
            spine.set_color("#b8c0cc")
        axes.tick_params(colors=_MUTED)
        axes.xaxis.label.set_color(_MUTED)
        axes.yaxis.label.set_color(_MUTED)
        axes.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=10, labelspacing=1.4
        )
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def main() -> None:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("answer", type=Path, help="what benchmarks.calibration printed")
    parser.add_argument("picture", type=Path, help="the SVG to write")
    options = parser.parse_args()
    answer = json.loads(options.answer.read_text())
    draw_search(answer, path=options.picture)
    for name, table in tables(answer).items():
        print(f"<!-- {name} -->\n{table}\n")


if __name__ == "__main__":
    main()
