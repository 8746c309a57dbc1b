"""The program as its users meet it: real processes, exit codes, stdout and stderr."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pandas as pd
import pytest

from tests.markets import random_walk

QUICK = """
[folds]
train = 120
test = 60
[model]
kind = "sklearn.linear_model:Ridge"
lookback = 5
[execution]
workers = 1
store = "store"
[verdict]
draws = 199
"""


def backtester(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backtester.cli", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "quick.toml").write_text(QUICK)
    frame = random_walk(300, seed=1).frame
    frame.reset_index().to_csv(folder / "walk.csv", index=False)
    frame.reset_index().to_parquet(folder / "walk.parquet")
    return folder


@pytest.fixture(scope="module")
def ran(place: Path) -> subprocess.CompletedProcess[str]:
    return backtester("run", "quick.toml", "--csv", "walk.csv", cwd=place)


@pytest.mark.parametrize("command", ["run", "plan", "report", "runs", "fetch", "init"])
def test_every_command_explains_itself_with_an_example(command: str, place: Path):
    result = backtester(command, "--help", cwd=place)
    assert result.returncode == 0
    assert f"backtester {command}" in result.stdout


def test_run_prints_the_comparison_and_the_page_on_stdout(ran: subprocess.CompletedProcess[str], place: Path):
    assert ran.returncode == 0, ran.stderr
    for word in ("Strategy", "Buy-and-hold", "Last price", "Last return", "Sharpe ratio"):
        assert word in ran.stdout
    page = ran.stdout.strip().splitlines()[-1].removeprefix("Report: ")
    assert (place / page).is_file()


def test_a_model_without_a_loss_is_not_called_failed(ran: subprocess.CompletedProcess[str]):
    assert "failed" not in ran.stderr


def test_progress_goes_to_stderr_as_plain_lines(ran: subprocess.CompletedProcess[str]):
    assert "training 3/3" in ran.stderr
    assert "fold 2" in ran.stderr
    assert "s left" in ran.stderr
    assert "training" not in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr


def test_run_as_json_is_the_summary_with_its_place(place: Path, ran: subprocess.CompletedProcess[str]):
    result = backtester("run", "quick.toml", "--csv", "walk.parquet", "--json", cwd=place)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["symbols"] == ["walk"]
    summary = json.loads((place / told["directory"] / "summary.json").read_text())
    assert told["forecast"] == summary["forecast"]


def test_set_changes_a_key_of_the_recipe(place: Path):
    result = backtester(
        *("run", "quick.toml", "--csv", "walk.csv", "--json"),
        *("--set", "broker.commission_bp=50", "--set", "strategy.kind=long_short"),
        cwd=place,
    )
    directory = place / json.loads(result.stdout)["directory"]
    recipe = json.loads((directory / "run.json").read_text())["recipe"]
    assert recipe["broker"]["commission_bp"] == 50.0
    assert recipe["strategy"]["kind"] == "long_short"


def test_plan_shows_folds_and_writes_nothing(place: Path, tmp_path: Path):
    arguments = ("plan", str(place / "quick.toml"), "--csv", str(place / "walk.csv"))
    result = backtester(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "3 folds, 3 networks" in result.stdout
    assert "training 3 networks" in result.stdout
    assert "# test" in result.stdout
    assert list(tmp_path.iterdir()) == []
    told = json.loads(backtester(*arguments, "--json", "--quick", cwd=tmp_path).stdout)
    assert [fold["test_samples"] for fold in told["folds"]] == [60, 60, 60]
    assert told["folds"][0]["train_samples"] == 120 - 12 - 1 - 4 - 1


def test_plan_predicts_time_and_memory_and_keeps_nothing(place: Path, tmp_path: Path):
    recipe = write(tmp_path, "r.toml", QUICK.replace("workers = 1", "workers = 2"))
    arguments = ("plan", str(recipe), "--csv", str(place / "walk.csv"), "--json")
    estimate = json.loads(backtester(*arguments, cwd=tmp_path).stdout)["estimate"]
    assert (estimate["networks"], estimate["stored"], estimate["workers"]) == (3, 0, 2)
    parts = ("startup_seconds", "training_seconds", "report_seconds")
    assert all(estimate[part] > 0 for part in parts)
    assert estimate["total_seconds"] == pytest.approx(sum(estimate[part] for part in parts))
    assert estimate["worker_bytes"] > 5e7
    assert not (tmp_path / "store").exists()


def test_plan_fits_a_narrow_terminal(place: Path, tmp_path: Path):
    arguments = ("plan", str(place / "quick.toml"), "--csv", str(place / "walk.csv"), "--quick")
    result = backtester(*arguments, cwd=tmp_path, COLUMNS="40")
    picture = result.stdout.split("tests")[1].splitlines()[6:]
    assert max(len(line) for line in picture) <= 40


def test_runs_lists_what_was_run(place: Path, tmp_path: Path, ran: subprocess.CompletedProcess[str]):
    result = backtester("runs", cwd=place)
    assert result.returncode == 0
    assert "quick-walk-" in result.stdout
    # With a registry of its own: trials of other tests, whose directories are gone, have no state.
    told = json.loads(backtester("runs", "--json", cwd=place, XDG_DATA_HOME=str(tmp_path)).stdout)
    assert told
    assert all(run["state"] == "done" for run in told)


def test_report_draws_the_pages_again(place: Path, ran: subprocess.CompletedProcess[str]):
    page = place / ran.stdout.strip().splitlines()[-1].removeprefix("Report: ")
    before = page.read_bytes()
    page.unlink()
    result = backtester("report", str(page.parent), cwd=place)
    assert result.returncode == 0, result.stderr
    assert page.read_bytes() == before


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def csv(rows: str) -> str:
    return f"Date,Open,High,Low,Close,Volume\n{rows}"


GOOD_ROW = "2020-01-02,10,11,9,10.5,100\n"

BAD_PRICES = {
    "missing column": ("Date,Open\n2020-01-02,10\n", "Close"),
    "conflicting duplicate dates": (csv(GOOD_ROW + GOOD_ROW.replace("10.5", "10.4")), "2020-01-02"),
    "blank close": (csv(GOOD_ROW + "2020-01-03,10,11,9,,100\n"), "line 3"),
    "text": (csv(GOOD_ROW + "2020-01-03,10,11,9,null,100\n"), "null"),
    "zero price": (csv(GOOD_ROW + "2020-01-03,10,11,9,0,100\n"), "line 3"),
    "negative price": (csv(GOOD_ROW + "2020-01-03,10,11,9,-3,100\n"), "-3"),
    "empty": ("", "empty"),
    "header only": (csv(""), "no "),
}


@pytest.mark.parametrize("case", BAD_PRICES)
def test_bad_prices_give_one_clear_message_exit_3_and_no_run_directory(case: str, tmp_path: Path):
    text, said = BAD_PRICES[case]
    write(tmp_path, "bad.csv", text)
    result = backtester("run", "lstm", "--csv", "bad.csv", cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert "error: " in result.stderr
    assert said.lower() in result.stderr.lower()
    assert "bad.csv" in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_too_few_rows_says_how_many_are_needed_and_found(tmp_path: Path):
    frame = random_walk(100, seed=1).frame.reset_index()
    frame.to_csv(tmp_path / "short.csv", index=False)
    result = backtester("run", "lstm", "--csv", "short.csv", cwd=tmp_path)
    assert result.returncode == 3
    assert "751" in result.stderr
    assert "100" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "lstm", "--csv", "absent.csv"), 3, "absent.csv"),
        (("run", "lstm", "--sample", "SPX"), 3, "SPY"),
        (("run", "lstn"), 4, "lstm"),
        (("run", "lstm", "--set", "model.lookbak=3"), 4, "lookback"),
        (("run", "lstm", "--set", "model.units=many"), 4, "units"),
        (("run", "lstm", "--set", "training.epochs=0"), 4, "epochs"),
        (("run", "lstm", "--set", "model.lookback=800"), 4, "750"),
        (("run", "lstm", "--set", "strategy.kind=mine.py:Absent"), 4, "mine.py"),
        (("run", "lstm", "--sample", "SPY", "--csv", "x.csv"), 2, "More than one source"),
        (("run",), 2, "No recipe is named"),
        (("run", "lstm", "--from", "x"), 2, "Name no recipe"),
        (("run", "--from", "nowhere"), 2, "--out"),
        (("audit",), 2, "Nothing to audit"),
        (("verify", "nowhere"), 4, "no run here"),
        (("run", "lstm", "--bogus"), 2, "--bogus"),
        (("report", "nowhere"), 4, "nowhere"),
        (("runs", "nowhere"), 2, "nowhere"),
        (("run", "lstm", "--executor", "cloud"), 4, "processes"),
        (("fetch", ""), 2, "symbol is empty"),
        (("fetch", "SPY", "--start", "2020-01-02", "--end", "2019-01-02"), 2, "is after the end"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_says_why(arguments: tuple[str, ...], code: int, said: str, tmp_path: Path):
    result = backtester(*arguments, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path: Path):
    result = backtester("--debug", "run", "lstn", cwd=tmp_path)
    assert "Traceback" in result.stderr


def test_version_needs_no_command(tmp_path: Path):
    result = backtester("--version", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.strip() == metadata.version("walkforward-backtester")


PRINTING = """
from backtester.backtest import ForecastStrategy

class Loud(ForecastStrategy):
    def target_exposure(self, forecast):
        print("decided on", forecast)
        return 1.0
"""


def test_what_a_users_strategy_prints_is_no_part_of_the_result(place: Path, tmp_path: Path):
    write(tmp_path, "loud.py", PRINTING)
    arguments = ("run", str(place / "quick.toml"), "--csv", str(place / "walk.csv"), "--json")
    result = backtester(*arguments, "--set", "strategy.kind=loud.py:Loud", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["symbols"] == ["walk"]
    assert "decided on" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_told_and_exits_8(place: Path, ran: subprocess.CompletedProcess[str]):
    command = [sys.executable, "-m", "backtester.cli", "run", "quick.toml", "--csv", "walk.csv"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            command, cwd=place, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 8, result.stderr
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_closed_stderr_costs_the_messages_alone(place: Path, ran: subprocess.CompletedProcess[str]):
    line = f"{shlex.quote(sys.executable)} -m backtester.cli run quick.toml --csv walk.csv 2>&-"
    result = subprocess.run(line, shell=True, cwd=place, stdout=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 0
    assert "Report: " in result.stdout


INTERRUPTED_IMPORT = """
import signal, sys
from backtester.cli import main
from backtester.cli.app import app

def stop():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("cannot import name 'x'") from None

app.command("stop")(stop)
sys.argv = ["backtester", "stop"]
main()
"""


def test_an_import_that_fails_as_it_is_interrupted_is_told_as_interrupted(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 130
    assert result.stderr == "error: Interrupted.\n"


def test_init_makes_a_folder_that_runs_and_overwrites_nothing(tmp_path: Path):
    assert backtester("init", "demo", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "README.md",
        "recipe.toml",
        "strategy.py",
    ]
    quick = ("--set", "training.epochs=1", "--set", "folds.test=500", "--set", "execution.store=store")
    result = backtester("run", "recipe.toml", *quick, cwd=tmp_path / "demo")
    assert result.returncode == 0, result.stderr
    again = backtester("init", "demo", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists" in again.stderr


SLOW = """
import time
import numpy as np

class Slow:
    def fit(self, X, y):
        time.sleep(0.4)
        self.mean = y.mean()

    def predict(self, X):
        return np.full(len(X), self.mean)
"""


@pytest.mark.catalogue("F02")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_its_folds_and_goes_on(stop: signal.Signals, tmp_path: Path):
    write(tmp_path, "slow.py", SLOW)
    recipe = QUICK.replace("sklearn.linear_model:Ridge", "slow.py:Slow").replace("test = 60", "test = 10")
    write(tmp_path, "slow.toml", recipe)
    random_walk(300, seed=1).frame.reset_index().to_csv(tmp_path / "walk.csv", index=False)
    command = [sys.executable, "-m", "backtester.cli", "run", "slow.toml", "--csv", "walk.csv"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("training"):
                break
        time.sleep(0.5)
        process.send_signal(stop)
        rest = process.stderr.read()
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    (manifest,) = (tmp_path / "reports").glob("*/run.json")
    assert json.loads(manifest.read_text())["state"] == "interrupted"
    result = backtester("run", "slow.toml", "--csv", "walk.csv", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    timing = json.loads(manifest.read_text())["timing"]
    assert timing["folds_reused"] >= 1
    assert timing["folds_trained"] + timing["folds_reused"] == 18
    frame = pd.read_csv(manifest.parent / "forecasts.csv")
    assert frame["forecast"].notna().all()


@pytest.mark.catalogue("F16", "F18")
def test_a_failed_fold_ends_with_exit_9_and_its_reason(tmp_path: Path):
    write(
        tmp_path,
        "bad.py",
        SLOW.replace("time.sleep(0.4)", "assert X[0, 0] < 10").replace("y.mean()", "np.nan"),
    )
    write(tmp_path, "bad.toml", QUICK.replace("sklearn.linear_model:Ridge", "bad.py:Slow"))
    random_walk(300, seed=1).frame.reset_index().to_csv(tmp_path / "walk.csv", index=False)
    result = backtester("run", "bad.toml", "--csv", "walk.csv", cwd=tmp_path)
    assert result.returncode == 9, result.stderr
    assert "3 of 3 folds" in result.stderr
    assert "not finite" in result.stderr
    assert "Traceback" not in result.stderr
