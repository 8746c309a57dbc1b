"""The benchmarks: that the contestants do the same work, not how fast they do it."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backtester.forecasters import ForecasterCache
from benchmarks import others
from benchmarks.figures import ratio
from benchmarks.memory import mb_per_fold
from benchmarks.rivals import NotInstalledError, run_rival
from benchmarks.scaling import NETWORKS
from benchmarks.work import BATCH_SIZE, EPOCHS, TEST_BARS, TRAIN_BARS, Work, write_samples

FOLDER = Path(__file__).parents[1] / "benchmarks"
MODULES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
CONTESTANTS = sorted(path.stem for path in (FOLDER / "contestants").glob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_each_module_can_be_imported(name: str):
    assert importlib.import_module(f"benchmarks.{name}").__all__


@pytest.mark.parametrize("name", CONTESTANTS)
def test_contestants_import_their_library_only_when_they_run(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FOLDER / "contestants"))
    module = importlib.import_module(name)
    assert hasattr(module, "compete")


@pytest.mark.parametrize("name", ["naive_keras", "scaling", "others"])
def test_a_benchmark_driver_loads_no_tensorflow(name: str):
    """Its threads and memory would be in the way of what is measured."""
    code = f"import sys, benchmarks.{name}; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=FOLDER.parent)


def test_the_work_is_28_whole_folds():
    folds = Work().question().problem.folds
    assert [fold.test.stop - fold.test.start for fold in folds] == [TEST_BARS] * 28
    assert [fold.train.stop - fold.train.start for fold in folds] == [TRAIN_BARS] * 28


def test_naive_loop_and_ours_do_the_same_work():
    work = Work(n_folds=2)
    naive = run_rival("keras_loop", work=work, n_folds=2)
    problem = work.question().problem
    samples = problem.samples(0)
    forecaster = ForecasterCache().get(
        problem.model,
        training=problem.training,
        n_features=len(problem.features.names),
        folder=problem.folder,
        code_sha256=problem.code_sha256,
    )
    forecaster.fit(samples.train, validation=samples.validation, seed=1)
    steps = int(forecaster._engine._optimizer.iterations.numpy())
    assert (naive.folds, naive.samples, naive.steps) == (len(problem.folds), len(samples.train), steps)
    assert naive.parameters == forecaster.n_parameters == 10_451
    assert steps == EPOCHS * -(-len(samples.train) // BATCH_SIZE) == 230
    assert len(samples.validation) == 0


def test_contestants_get_our_samples_and_the_series_they_are_cut_from(tmp_path: Path):
    work = Work(n_folds=2)
    write_samples(work, tmp_path / "samples.npz", n_folds=2)
    problem = work.question().problem
    with np.load(tmp_path / "samples.npz") as written:
        assert len(written.files) == 2 * 5
        np.testing.assert_array_equal(written["inputs_1"], problem.samples(1).train.inputs)
        np.testing.assert_array_equal(written["test_inputs_1"], problem.samples(1).test.inputs)
        series = written["series_1"]
        assert len(series) == TRAIN_BARS + TEST_BARS
        np.testing.assert_allclose(series[1:21], written["inputs_1"][0, :, 0], atol=1e-5)
        np.testing.assert_allclose(series[-20:], written["test_inputs_1"][-1, :, 0], atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_that_is_compared_is_a_recipe_that_can_be_asked(name: str):
    problem = NETWORKS[name].question().problem
    assert len(problem.folds) == 28
    assert (len(problem.samples(0).validation) > 0) == (name == "early_stopping")


def test_a_contestant_that_cannot_be_installed_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch):
    def environment_of(name: str) -> Path:
        if name == "darts":
            raise NotInstalledError("no room")
        return Path(name)

    monkeypatch.setattr(others, "environment_of", environment_of)
    pythons, missing = others._install()
    assert sorted(pythons) == ["neuralforecast", "pytorch"]
    assert missing == {"darts": "no room"}


def test_requirements_are_pins_and_nothing_else():
    for name in others.RIVALS:
        lines = (FOLDER / "requirements" / f"{name}.txt").read_text().splitlines()
        assert "torch==2.13.0" in lines
        assert all(line.count("==") == 1 and " " not in line for line in lines)


def test_ratio_is_taken_within_each_repetition():
    """A machine that is slow for one repetition is slow for both."""
    assert ratio([2.0, 20.0, 4.0], [1.0, 10.0, 4.0])["repetitions"] == [2.0, 2.0, 1.0]


def test_growth_of_memory_is_the_slope_over_folds():
    assert mb_per_fold([1, 2, 3, 4], [10.0, 10.5, 11.0, 11.5]) == pytest.approx(0.5)
