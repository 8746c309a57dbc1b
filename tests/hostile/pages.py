"""Every page that the program writes, with hostile names wherever a user can put one.

``python -m tests.hostile.pages FOLDER`` works in a folder of a hostile name within FOLDER, by the command
line, and prints where the pages are.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from tests.markets import ar1

__all__ = ["FILE", "SECRET", "TEXT", "USER"]

# markup, quotes, placeholders of templates, emoji, right to left, an override of direction, no place to break
TEXT = (
    "<script>alert('x')</script>\"'&amp;</title><!-- {{title}} [[note]] {% raw %} "
    "<img src=x onerror=alert(1)> \U0001f4c8 \u0645\u0631\u062d\u0628\u0627 \u202egnp " + "W" * 300
)[:300]
# the same, as a file's name may have it
FILE = "<img src=x onerror=alert(2)>\"'&{{x}} \U0001f4c8 \u0645\u0631\u062d\u0628\u0627 \u202egnp"
USER = "zaphod-the-user"
SECRET = "towel-and-token-42"
STRATEGY = """\
from backtester.backtest import ForecastStrategy


class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 else 0.0
"""


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a text of JSON is one of TOML


RECIPE = f"""
[data]
source = "csv"
path = {quoted(FILE + ".csv")}
symbol = {quoted(TEXT)}
[features]
columns = ["close"]
scaler = "minmax"
[target]
kind = "close"
scaler = "minmax"
[model]
kind = "lstm"
lookback = 5
units = [3]
[training]
epochs = 1
patience = 0
[folds]
train = 150
test = 120
validation = 0.0
[strategy]
kind = {quoted(FILE + ".py:Mine")}
[verdict]
draws = 199
[report]
title = {quoted(TEXT)}
[published]
source = {quoted(TEXT)}
train = 0.8
scores = {{ {quoted(TEXT)} = 1.0 }}
"""


# fails in some folds over a file in a folder of the user's, whose name stands in no file of this test
MODEL = """\
import numpy as np


class Broken:
    def fit(self, inputs, targets):
        if inputs[0, 0] > 0:
            open("/home/" + "-".join(("zaphod", "the", "user")) + "/secret project/levels.csv")

    def predict(self, inputs):
        return np.zeros(len(inputs))
"""
BROKEN = """
[features]
columns = ["log_return"]
[model]
kind = "broken.py:Broken"
lookback = 5
[folds]
train = 150
test = 40
validation = 0.0
[verdict]
draws = 199
"""


def write_inputs(folder: Path) -> None:
    for name, seed in ((FILE, 1), (f"{FILE} 2", 2)):
        frame = ar1(520, seed=seed, phi=0.1).frame
        frame.assign(**{TEXT: TEXT}).to_csv(folder / f"{name}.csv")
    (folder / f"{FILE}.py").write_text(STRATEGY, encoding="utf-8")
    (folder / f"{FILE}.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "broken.py").write_text(MODEL, encoding="utf-8")
    (folder / "broken.toml").write_text(BROKEN, encoding="utf-8")
    damaged = (folder / f"{FILE}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    cells = damaged[9].split(",", 2)
    damaged[9] = f'{cells[0]},"{TEXT.replace(chr(34), chr(34) * 2)}",{cells[2]}'
    (folder / f"{FILE} damaged.csv").write_text("".join(damaged), encoding="utf-8")
    np.savetxt(folder / f"{FILE}.digit.csv", np.eye(8), delimiter=",")


def command(*words: str | Path, ends_with: int = 0) -> None:
    from backtester.cli import main

    sys.argv = ["backtester", *map(str, words)]
    try:
        main()
    except SystemExit as left:
        if (left.code or 0) != ends_with:
            raise


def make_pages(folder: Path) -> list[Path]:
    """Write every page, with paths from the root on wherever a path is asked for."""
    recipe, runs = folder / f"{FILE}.toml", folder / "runs"
    command("run", recipe, "--out", runs, "--workers", "1")
    (first,) = runs.iterdir()
    command("run", recipe, "--csv", folder / f"{FILE}.csv", "--out", runs, "--workers", "1",
            "--set", f"data.symbol={TEXT}", "--set", "broker.commission_bp=40")  # fmt: skip
    (second,) = set(runs.iterdir()) - {first}
    command("stress", first, "--axis", "costs", "--axis", "periods", "--axis", "symbols",
            "--symbols", folder / f"{FILE} 2.csv", "--workers", "1", "--set", "stress.draws=99")  # fmt: skip
    command("forecast", first)
    command("explain", first)
    command("compare", first, second, "--out", folder / f"{FILE} compared.html")
    prices = [folder / f"{FILE}.csv", folder / f"{FILE} 2.csv"]
    command("explore", *prices, "--out", folder / f"{FILE} explored.html")
    command("run", folder / "broken.toml", "--csv", folder / f"{FILE}.csv", "--out", folder / "failed",
            "--workers", "1", "--set", f"data.symbol={TEXT}", ends_with=9)  # fmt: skip
    # refused, after a page that says why
    damaged = folder / f"{FILE} damaged.csv"
    command("explore", damaged, "--symbol", TEXT, "--out", folder / "refused.html", ends_with=3)
    picture = folder / f"{FILE}.digit.csv"
    command("control", "digits", "--seeds", "1", "--image", picture, "--out", folder / "control")
    return sorted(folder.rglob("*.html"))


if __name__ == "__main__":
    place = Path(sys.argv[1]) / FILE
    place.mkdir()
    os.chdir(place)  # own code is looked up in the folder that a command is given in
    write_inputs(place)
    with redirect_stdout(sys.stderr):
        written = make_pages(place)
    print(json.dumps([str(path) for path in written]))
