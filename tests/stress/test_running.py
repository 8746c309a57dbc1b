"""A stress run from end to end, with a regressor that trains in no time."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import backtester
from backtester.errors import RecipeError, RunDirectoryError, UserCodeError
from backtester.judging import registry_of
from backtester.stress.choosing import AXES, choose_axes
from backtester.stress.running import plan_stress, stress_run
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
        for where in ("backtester.pipeline", "backtester.stress.running"):
            patched.setattr(f"{where}.write_report", lambda record: (record.directory / "index.html").touch())
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
        assert axis["overview"]["cases"] == len(axis["cases"]) > 1
        assert axis["pictures"]
    assert axes["phase"]["retrained"]
    assert not axes["costs"]["retrained"]


def test_an_axis_with_nothing_to_go_through_is_left_out_and_says_why(stressed: backtester.Run):
    assert "symbols" in stressed.stressed["skipped"]["symbols"].lower()


def test_the_verdict_reads_what_the_axes_say(stressed: backtester.Run):
    axes = stressed.stressed["axes"]
    told = {axis["key"]: axis["answer"] for axis in stressed.judgement["stress"]["retrained"]}
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
