"""The control from end to end: with made-up readings, and (slow) with real training."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backtester
from backtester.control import Control, control_digits, running
from backtester.control.data import bundled_digits, read_mnist
from backtester.control.problem import DigitsProblem
from backtester.control.training import Trained
from backtester.errors import FoldsFailedError, LockedError, RunDirectoryError, UsageError
from backtester.recipe import ExecutionSection, ReferenceModel
from backtester.run_directory import LOCK, lock_directory
from backtester.store import FoldStore
from tests.control.readings import reading


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "train", reading(0.02))


@pytest.mark.usefixtures("made_up")
def test_the_figures_of_the_summary_are_those_of_the_table(tmp_path: Path):
    control = control_digits(seeds=3, out=tmp_path / "c")
    assert json.loads((tmp_path / "c" / "summary.json").read_text()) == control.summary
    table = control.readings
    for found in control.summary["arrangements"]:
        mine = table[table["arrangement"] == found["key"]]
        right = (mine["label"] == mine["network"]).groupby(mine["seed"]).mean()
        assert found["network"]["accuracy"] == pytest.approx(right.mean())
        assert found["network"]["by_seed"] == pytest.approx(right.tolist())
        assert np.sum(found["confusion"]) == len(mine)
        low, high = found["network"]["interval"]
        assert low < found["network"]["accuracy"] < high
    held_out, other, shuffled = control.summary["arrangements"]
    assert held_out["images_tested"] == len(set(table[table["arrangement"] == "held_out"]["image"]))
    assert other["images_tested"] == 360
    assert shuffled["chance"] == pytest.approx(0.1, abs=0.005)
    assert control.passed
    assert "finds nothing" in control.answer


@pytest.mark.usefixtures("made_up")
def test_a_control_asked_again_leaves_the_same_bytes(tmp_path: Path):
    first = control_digits(seeds=1, out=tmp_path / "c")
    before = {path.name: path.read_bytes() for path in first.directory.iterdir()}
    control_digits(seeds=1, out=tmp_path / "c")
    assert {path.name: path.read_bytes() for path in first.directory.iterdir()} == before
    written = {"index.html", "summary.json", "readings.csv", "epochs.csv", "misread.csv"}
    assert set(before) == {*written, LOCK}


@pytest.mark.usefixtures("made_up")
def test_two_controls_at_once_do_not_mix_their_files(tmp_path: Path):
    (tmp_path / "c").mkdir()
    with lock_directory(tmp_path / "c"), pytest.raises(LockedError, match="in use"):
        control_digits(seeds=1, out=tmp_path / "c")
    assert [path.name for path in (tmp_path / "c").iterdir()] == [LOCK]
    control_digits(seeds=1, out=tmp_path / "c")  # a lock that a killed control left is no other content


def test_a_network_that_reads_too_few_fails_the_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "train", reading(0.06))
    control = control_digits(seeds=2, out=tmp_path / "c")
    assert (control.summary["found"], control.summary["nothing_found"]) == (False, True)
    assert not control.passed
    assert "97% are required" in control.answer


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("share", [0.3, 0.0])
def test_shuffled_labels_that_are_read_more_or_less_often_than_by_guessing_fail_the_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
):
    honest = reading(0.02)

    def leaking(problem: DigitsProblem, **_: Any) -> Trained:
        trained = honest(problem)
        for fold, split in enumerate(problem.splits):
            if split.arrangement == "shuffled" and "convolutional" in problem.model.kind:
                read = split.labels[split.test].copy()
                off = np.random.default_rng(0).random(len(read)) >= share
                read[off] = (read[off] + 1) % 10
                trained.results[fold] = replace(trained.results[fold], forecast=np.eye(10)[read])
        return trained

    monkeypatch.setattr(running, "train", leaking)
    control = control_digits(seeds=1, out=tmp_path / "c")
    assert (control.summary["found"], control.summary["nothing_found"]) == (True, False)


@pytest.mark.usefixtures("made_up")
def test_the_page_asks_for_nothing_and_escapes_the_name_of_a_picture(tmp_path: Path):
    picture = tmp_path / "<b>seven&.csv"
    np.savetxt(picture, np.eye(8), delimiter=",")
    control = control_digits(seeds=1, out=tmp_path / "c", image=picture)
    page = control.page.read_text(encoding="utf-8")
    html = page[: page.rindex("<script>/*")] if "<script>/*" in page else page.split("plotly.js v")[0]
    assert "default-src 'none'" in page
    assert "http://" not in html
    assert "https://" not in html
    assert "&lt;b&gt;seven&amp;.csv" in page
    assert "<b>seven" not in page
    told = control.summary["picture"]
    assert sum(told["probabilities"]) == pytest.approx(1.0)
    assert told["digit"] == int(np.argmax(told["probabilities"]))
    for arrangement in control.summary["arrangements"]:
        assert f"{100 * arrangement['network']['accuracy']:.1f}%" in page


@pytest.mark.usefixtures("made_up")
def test_a_folder_that_holds_something_else_is_left_as_it_is(tmp_path: Path):
    (tmp_path / "summary.json").write_text('{"kind": "run"}')
    with pytest.raises(RunDirectoryError, match="something else than a control"):
        control_digits(seeds=1, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
    with pytest.raises(RunDirectoryError, match="is a file"):
        control_digits(seeds=1, out=tmp_path / "summary.json")


def test_no_seed_is_refused():
    with pytest.raises(UsageError, match="0 seeds"):
        control_digits(seeds=0)


def test_the_package_exports_the_control():
    assert backtester.control_digits is control_digits


def upsampled(folder: Path) -> Path:
    """A file laid out as MNIST, of scikit-learn's digits made larger: 20x20 in the middle of 28x28."""
    digits = bundled_digits()
    large = np.zeros((len(digits.images), 28, 28), np.uint8)
    large[:, 4:24, 4:24] = np.repeat(np.repeat(digits.images * 15, 5, axis=1)[:, ::2], 5, axis=2)[:, :, ::2]
    np.savez(
        folder / "mnist.npz",
        x_train=large[:400],
        y_train=digits.labels[:400],
        x_test=large[400:500],
        y_test=digits.labels[400:500],
    )
    return folder / "mnist.npz"


@pytest.mark.usefixtures("made_up")
def test_mnist_has_its_own_test_images_and_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    control = control_digits(mnist=upsampled(tmp_path))
    assert control.directory == Path("reports/control-mnist")
    assert [found["key"] for found in control.summary["arrangements"]] == ["given", "shuffled"]
    given = control.summary["arrangements"][0]
    assert (given["train"], given["validation"], given["test"]) == (360, 40, 100)
    assert (given["required"], control.summary["seeds"]) == (0.99, 1)
    assert control.summary["network"]["epochs"] == 15
    assert control.summary["network"]["batch_size"] == 128
    read_mnist(tmp_path / "mnist.npz")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Control:
    folder = tmp_path_factory.mktemp("control")
    return control_digits(out=folder / "c", store=folder / "store", workers=2)


@pytest.mark.slow
def test_the_training_code_finds_digits_and_finds_nothing_under_shuffled_labels(trained: Control):
    held_out, other, shuffled = (found["network"] for found in trained.summary["arrangements"])
    assert held_out["accuracy"] >= 0.97
    assert len(held_out["by_seed"]) == 5
    # other people's writing is harder; scikit-learn's own logistic regression reads 0.90 of it
    assert 0.88 <= other["accuracy"] < held_out["accuracy"]
    assert trained.summary["arrangements"][1]["logistic"]["accuracy"] == pytest.approx(0.90, abs=0.01)
    assert shuffled["accuracy"] == pytest.approx(0.10, abs=0.021)  # 3 standard deviations of 1,797 guesses
    assert trained.passed
    assert trained.summary["notes"] == []
    assert trained.n_trained == 26


@pytest.mark.slow
def test_a_finished_control_trains_nothing_and_reads_a_picture(trained: Control, tmp_path: Path):
    digits = bundled_digits()
    np.save(tmp_path / "zero.npy", digits.images[0])
    again = control_digits(
        out=tmp_path / "c", store=trained.directory.parent / "store", image=tmp_path / "zero.npy"
    )
    assert again.n_trained == 0
    assert {**again.summary, "picture": None} == trained.summary
    assert (again.summary["picture"]["digit"], int(digits.labels[0])) == (0, 0)
    assert again.summary["picture"]["agreeing"] == 5


@pytest.mark.slow
def test_a_file_laid_out_as_mnist_is_trained_with_keras_own_network(tmp_path: Path):
    control = control_digits(
        mnist=upsampled(tmp_path), out=tmp_path / "c", store=tmp_path / "store", workers=2
    )
    assert control.summary["network"]["parameters"] == 34_826
    assert control.summary["arrangements"][0]["network"]["accuracy"] > 0.7
    assert control.summary["nothing_found"]


@pytest.mark.slow
def test_a_fit_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = running.logistic_problem

    def broken(*args: Any, **kwargs: Any) -> DigitsProblem:
        problem = whole(*args, **kwargs)
        return replace(
            problem, model=ReferenceModel(kind=problem.model.kind, lookback=8, parameters={"C": -1.0})
        )

    from backtester.control.splits import splits_of
    from backtester.control.training import train

    problem = broken(bundled_digits(), splits=splits_of(bundled_digits(), seeds=1))
    with pytest.raises(FoldsFailedError, match="3 of 3 fits of the control failed"):
        train(
            problem,
            store=FoldStore(folder=tmp_path),
            execution=ExecutionSection(workers=1),
            on_progress=lambda _: None,
        )
