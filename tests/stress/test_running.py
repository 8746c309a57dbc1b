"""A stress run from end to end, with a regressor that trains in no time."""

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import backtester
from backtester.cli.app import app
from backtester.errors import (
    FoldsFailedError,
    RecipeError,
    RunDirectoryError,
    StorageError,
    UserCodeError,
)
from backtester.execution import Executor, open_executor
from backtester.execution.messages import Refused
from backtester.judging import registry_of
from backtester.pipeline import redraw
from backtester.run_directory import CHECKSUMS, read_run, write_checksums
from backtester.stress.choosing import AXES, choose_axes
from backtester.stress.running import plan_stress, stress_run
from backtester.trials import TrialRegistry
from tests.markets import ar1

ROOT = Path(__file__).parents[2]
RIDGE = {
    "folds": {"train": 200, "test": 100, "validation": 0.0},
    "model": {"kind": "sklearn.linear_model:Ridge", "lookback": 3},
    "strategy": {"kind": "long_short"},
    "broker": {"commission_bp": 0.0, "slippage_bp": 0.0},
    "verdict": {"draws": 199},
}
QUICK = {"stress.draws": 99, "execution.workers": 1}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("stress")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "backtester.reporting.pages.write_index", lambda record: (record.directory / "index.html").touch()
        )
        yield folder


@pytest.fixture(scope="module")
def made(place: Path) -> backtester.Run:
    changes = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    return backtester.run(
        RIDGE, prices=ar1(900, seed=3, phi=0.3).frame, symbol="AR", out=place / "runs", changes=changes
    )


def settings(place: Path, **changes: object) -> dict[str, object]:
    where = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    return {**QUICK, **where, **changes}


@pytest.fixture(scope="module")
def stressed(made: backtester.Run, place: Path) -> backtester.Run:
    return made.stress(["costs", "phase", "windows", "symbols"], changes=settings(place))


def test_each_axis_leaves_its_cases_and_its_answer(stressed: backtester.Run):
    axes = stressed.stressed["axes"]
    assert sorted(axes) == ["costs", "phase", "windows"]
    for axis in axes.values():
        assert axis["answer"] in {"yes", "no", "inconclusive"}
        others = [case for case in axis["cases"] if not case["own"]]
        assert axis["overview"]["cases"] == len(others) == len(axis["cases"]) - 1 > 1
        assert axis["pictures"]
    assert axes["phase"]["retrained"]
    assert not axes["costs"]["retrained"]


def test_an_axis_with_nothing_to_go_through_is_left_out_and_says_why(stressed: backtester.Run):
    assert "symbols" in stressed.stressed["skipped"]["symbols"].lower()


def test_the_verdict_reads_what_the_axes_say(stressed: backtester.Run):
    axes = stressed.stressed["axes"]
    told = {axis["key"]: axis["answer"] for axis in stressed.judgement["stress"]["axes"]}
    assert told == {key: axis["answer"] for key, axis in axes.items()}


def test_what_could_have_been_chosen_is_a_trial_and_a_phase_is_not(stressed: backtester.Run, place: Path):
    n_windows = len(stressed.stressed["axes"]["windows"]["cases"])
    registered = registry_of(
        plan_stress(stressed.directory, axes=["costs"], changes=settings(place)).context.recipe
    ).all()
    assert 1 < len(registered) <= n_windows + 1
    assert len({trial.settings["folds.phase"] for trial in registered}) == 1
    assert stressed.judgement["search"]["trials"] == len(registered)


def test_a_second_time_nothing_is_trained(stressed: backtester.Run, place: Path):
    plan = plan_stress(stressed.directory, axes=["phase", "windows"], changes=settings(place))
    assert plan.prediction.networks == 0
    progress: list[object] = []
    before = (stressed.directory / "stress.json").read_bytes()
    stress_run(plan, step=lambda _: None, on_progress=progress.append)
    assert progress == []
    assert (stressed.directory / "stress.json").read_bytes() == before


def test_axes_of_an_earlier_stress_run_stay(stressed: backtester.Run, place: Path):
    again = stressed.stress(["delay"], changes=settings(place))
    assert {"costs", "delay", "phase", "windows"} <= set(again.stressed["axes"])


def test_checksums_cover_what_stress_wrote(stressed: backtester.Run):
    assert "  stress.json\n" in (stressed.directory / "SHA256SUMS").read_text()


def test_the_axis_in_the_docs_works(made: backtester.Run, place: Path, monkeypatch: pytest.MonkeyPatch):
    text = (ROOT / "docs" / "stress.md").read_text()
    (place / "weekdays.py").write_text(re.findall(r"```python\n(from .*?)```", text, flags=re.DOTALL)[-1])
    monkeypatch.chdir(place)
    found = made.stress(["weekdays.py:AXIS"], changes=settings(place)).stressed["axes"]["weekdays"]
    assert found["cases"][0]["label"] == "without Monday"
    assert found["sentence"].startswith("It is lowest without ")


def test_an_axis_of_the_users_that_fails_is_told_with_its_line(
    made: backtester.Run, place: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = (
        "class A:\n    key = title = question = 'a'\n    def variants(self, context):\n        return ()\n"
    )
    broken += "    def conclude(self, context, outcomes):\n        return 1 / 0\nAXIS = A()\n"
    (place / "broken.py").write_text(broken)
    monkeypatch.chdir(place)
    with pytest.raises(UserCodeError, match=r"stress axis 'a' failed.*ZeroDivisionError"):
        made.stress(["broken.py:AXIS"], changes=settings(place))


@pytest.mark.parametrize(
    ("axes", "changes", "message"),
    [
        (["seed"], {}, r"there is no such axis"),
        (["costs"], {"model.units": [5]}, r"model.units: would make it another run"),
        (["costs"], {"stress.sedes": 5}, r"stress.sedes"),
    ],
)
def test_what_cannot_be_stressed_is_refused_and_nothing_is_written(
    made: backtester.Run, place: Path, axes: list[str], changes: dict[str, object], message: str
):
    before = sorted(path.name for path in made.directory.iterdir())
    with pytest.raises(RecipeError, match=message):
        made.stress(axes, changes=settings(place, **changes))
    assert sorted(path.name for path in made.directory.iterdir()) == before


def test_a_run_of_another_version_is_refused(made: backtester.Run, place: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(made.directory, copy)
    manifest = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(manifest | {"question_sha256": "0" * 64}))
    with pytest.raises(RunDirectoryError, match="cannot be asked again here"):
        plan_stress(copy, axes=["costs"], changes=settings(place))


def test_every_axis_that_comes_along_says_what_it_asks():
    axes = choose_axes((), folder=Path())
    assert [axis.key for axis in axes] == list(AXES)
    assert all(axis.title and axis.question.endswith("?") for axis in axes)


@pytest.fixture
def copied(made: backtester.Run, tmp_path: Path) -> Path:
    """The run without any stress, to do what one likes with."""
    copy = tmp_path / made.directory.name
    shutil.copytree(made.directory, copy)
    for name in ("stress.json", "stress.html"):
        (copy / name).unlink(missing_ok=True)
    return copy


def stress_of(directory: Path, axes: list[str], place: Path, **changes: object) -> dict[str, Any]:
    plan = plan_stress(directory, axes=axes, changes=settings(place, **changes))
    stress_run(plan, step=lambda _: None, on_progress=lambda _: None)
    return json.loads((directory / "stress.json").read_text())


def no_executor(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    @contextlib.contextmanager
    def fail(*_: object, tasks: Sequence[object], **__: object) -> Iterator[Executor]:
        if tasks:
            raise error
        with open_executor(*_, tasks=tasks, **__) as idle:
            yield idle

    monkeypatch.setattr("backtester.stress.retraining.open_executor", fail)


@pytest.mark.parametrize(
    "error", [FoldsFailedError("The last training process ended."), RecipeError("Ray is not installed.")]
)
def test_an_executor_that_cannot_start_ends_the_stress_run_and_leaves_what_was_there(
    copied: Path, place: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    stress_of(copied, ["costs"], place)
    before = {path.name: path.read_bytes() for path in copied.iterdir() if path.name != ".lock"}
    no_executor(monkeypatch, error)
    with pytest.raises(type(error), match=str(error)):
        stress_of(copied, ["costs", "seeds"], place, **{"stress.seeds": 3})
    assert {path.name: path.read_bytes() for path in copied.iterdir() if path.name != ".lock"} == before


def test_variants_that_are_all_refused_do_not_replace_what_was_found_earlier(
    copied: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    found = stress_of(copied, ["phase"], place)["axes"]["phase"]
    no_executor(monkeypatch, Refused.of(RecipeError("too large a network")).error())
    again = stress_of(copied, ["phase", "seeds"], place, **{"stress.phases": 7, "stress.seeds": 3})["axes"]
    assert again["phase"] == found
    assert again["seeds"]["answer"] == "inconclusive"
    assert again["seeds"]["cases"][1]["note"] == "too large a network"


def test_a_registry_that_cannot_be_written_is_told_before_the_training(
    copied: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    no_executor(monkeypatch, AssertionError("trained"))
    registry = {"execution.registry": str(tmp_path / "file" / "trials"), "stress.seeds": 4}
    with pytest.raises(StorageError):
        stress_of(copied, ["seeds"], place, **registry)
    assert not (copied / "stress.json").exists()


def test_a_variant_that_was_tried_by_stress_is_the_same_trial_when_it_is_run(copied: Path, place: Path):
    stress_of(copied, ["windows"], place)
    registry = TrialRegistry(folder=place / "trials")
    known = {trial.sha256: trial for trial in registry.all()}
    record = read_run(copied)
    changes = {
        "folds.train": 100, "folds.test": 50, "execution.store": str(place / "store"),
        "execution.registry": str(place / "trials"),
    }  # fmt: skip
    backtester.run(RIDGE, prices=record.prices, symbol="AR", out=place / "runs", changes=changes)
    assert {trial.sha256 for trial in registry.all()} == set(known)
    assert any(
        trial.settings["folds.train"] == 100 and trial.settings["folds.test"] == 50
        for trial in known.values()
    )


def test_settings_that_trade_alike_count_once_and_the_count_is_told(
    copied: Path, place: Path, tmp_path: Path
):
    found = stress_of(
        copied, ["thresholds", "costs"], place, **{"execution.registry": str(tmp_path / "trials")}
    )
    registered = TrialRegistry(folder=tmp_path / "trials").all()
    tried = found["axes"]["thresholds"]["tried"]
    assert len(registered) == 1 + tried
    # long and short at thresholds of 0 to 20 bp; exposures are no trials, nor what trades like another
    assert 1 <= tried <= 4
    assert found["axes"]["costs"]["tried"] == 0
    assert f"{tried} of these" in (copied / "stress.html").read_text() or tried == 1


def test_an_axis_asked_again_leaves_a_trace_where_other_cases_come_out(copied: Path, place: Path):
    first = stress_of(copied, ["phase", "costs"], place)["axes"]
    assert first["phase"]["settings"]["phases"] == 4
    assert first["phase"]["earlier"] == []
    again = stress_of(copied, ["phase", "costs"], place, **{"stress.phases": 2})["axes"]
    assert again["phase"]["settings"]["phases"] == 2
    (earlier,) = again["phase"]["earlier"]
    assert (earlier["answer"], earlier["settings"]["phases"]) == (first["phase"]["answer"], 4)
    assert again["costs"]["earlier"] == []
    kept = stress_of(copied, ["costs"], place, **{"stress.costs_bp": [1.0, 3.0]})["axes"]
    assert kept["phase"] == again["phase"]
    assert len(kept["costs"]["earlier"]) == 1


def test_the_answer_of_the_verdict_stands_in_what_stress_wrote(copied: Path, place: Path):
    found = stress_of(copied, ["costs"], place)
    asked = next(
        question
        for question in json.loads((copied / "summary.json").read_text())["verdict"]["questions"]
        if question["key"] == "stress"
    )
    assert (found["answer"], found["reason"]) == (asked["answer"], asked["reason"])
    digest = hashlib.sha256((copied / "stress.json").read_bytes()).hexdigest()
    assert f"{digest}  stress.json\n" in (copied / CHECKSUMS).read_text()
    page = (copied / "stress.html").read_text()
    assert f'class="verdict {asked["answer"]}"' in page
    (copied / "stress.html").unlink()
    redraw(copied)
    assert (copied / "stress.html").read_text() == page
    (copied / "stress.json").write_text('{"axes": 3}')
    with pytest.raises(StorageError, match=r"stress\.json: is not the file that the run wrote"):
        redraw(copied)
    write_checksums(copied)
    with pytest.raises(StorageError, match=r"stress\.json: is not as the program writes it"):
        redraw(copied)


@pytest.mark.parametrize("part", ["judge_run", "write_checksums"])
def test_a_stress_run_that_stops_while_it_writes_is_mended_by_the_same_again(
    copied: Path, place: Path, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
):
    registry = {"execution.registry": str(tmp_path / "trials")}

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"backtester.stress.running.{part}", stop)
        with pytest.raises(KeyboardInterrupt):
            stress_of(copied, ["phase", "thresholds"], place, **registry)
    counted = len(TrialRegistry(folder=tmp_path / "trials").all())
    assert counted > 1
    found = stress_of(copied, ["phase", "thresholds"], place, **registry)
    assert all(axis["earlier"] == [] for axis in found["axes"].values())
    assert len(TrialRegistry(folder=tmp_path / "trials").all()) == counted
    assert found["answer"] in {"yes", "no", "inconclusive"}
    known = dict(line.split("  ")[::-1] for line in (copied / CHECKSUMS).read_text().splitlines())
    for name, digest in known.items():
        assert hashlib.sha256((copied / name).read_bytes()).hexdigest() == digest, name


OWN_AXIS = """
from tests.stress.test_running import Mine
class Axis(Mine):
    key = {key!r}
AXIS = Axis()
"""


class Mine:
    title, question = "Mine", "Is it mine?"

    def variants(self, context: object) -> tuple[()]:
        return ()

    def conclude(self, context: object, outcomes: object) -> None:
        return None


def test_axes_of_ones_own_need_keys_of_their_own(tmp_path: Path):
    for name, key in (("a", "costs"), ("b", "mine"), ("c", "mine")):
        (tmp_path / f"{name}.py").write_text(OWN_AXIS.format(key=key))
    with pytest.raises(RecipeError, match=r"a.py:AXIS.*has the key 'costs', as an axis that comes along has"):
        choose_axes(["a.py:AXIS"], folder=tmp_path)
    with pytest.raises(RecipeError, match=r"c.py:AXIS.*has the key 'mine', as 'b.py:AXIS' has"):
        choose_axes(["b.py:AXIS", "c.py:AXIS"], folder=tmp_path)
    assert [axis.key for axis in choose_axes(["b.py:AXIS", "costs"], folder=tmp_path)] == ["mine", "costs"]


def test_the_help_names_keys_that_can_be_set():
    told = CliRunner().invoke(app, ["stress", "--help"], env={"COLUMNS": "200"}).output
    assert "stress.seeds=20" in told
    assert "model.units" not in told
