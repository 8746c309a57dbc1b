"""A network of a run explained, from its directory and the store."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from typer.testing import CliRunner

import backtester
from backtester.claiming import claim_directory
from backtester.cli.app import app
from backtester.errors import LockedError, RecipeError, RunDirectoryError, StorageError, UsageError
from backtester.explaining.choosing import check_kind, choose_fold
from backtester.explaining.running import explain
from backtester.pipeline import redraw
from backtester.reporting.explain_page import render_explain, write_explain_page
from backtester.reporting.explain_text import explain_text
from backtester.run_directory import check_files, lock_directory
from backtester.store import FoldStore
from backtester.tasks import Task, TaskResult
from backtester.walkforward import open_work
from tests.markets import ar1
from tests.questions import forecasts_of
from tests.reporting.test_page import Reader

PAGE = "explain.html"
RECIPE = {
    "folds": {"train": 200, "test": 60, "validation": 0.1, "embargo": 5},
    "model": {"kind": "lstm", "lookback": 6, "units": [4, 3]},
    "training": {"epochs": 2, "members": 2},
    "verdict": {"draws": 199},
}
BARS = 350  # folds of 60, 60 and 25 bars
SYMBOL = "<b>AR&1</b>"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("explain")
    with pytest.MonkeyPatch.context() as patched:
        pages = "backtester.reporting.pages"
        patched.setattr(f"{pages}.write_index", lambda record: (record.directory / "index.html").touch())
        # drawn once for the tests of the page, below
        patched.setattr(f"{pages}.write_explain_page", lambda directory, *_, **__: (directory / PAGE).touch())
        yield folder


@pytest.fixture(scope="module")
def made(place: Path) -> backtester.Run:
    """A run whose networks were trained in this process: no worker starts."""
    changes = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    frame = ar1(BARS, seed=3, phi=0.3).frame
    asked = backtester.ask(RECIPE, prices=frame, symbol=SYMBOL, changes=changes)
    forecasts_of(asked, store=FoldStore(folder=place / "store"))
    return backtester.run(RECIPE, prices=frame, symbol=SYMBOL, out=place / "runs", changes=changes)


@pytest.fixture
def run(made: backtester.Run, tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    left_out = shutil.ignore_patterns("explain.*")
    return Path(shutil.copytree(made.directory, tmp_path / "run", ignore=left_out))


@pytest.fixture
def store(place: Path, tmp_path: Path, made: backtester.Run) -> FoldStore:
    """A copy of its store, to be changed; `made` has filled it."""
    return FoldStore(folder=Path(shutil.copytree(place / "store", tmp_path / "store")))


@pytest.fixture(scope="module")
def explained(made: backtester.Run, place: Path) -> dict:
    return explain(made, store=place / "store", units=[2]).values


def test_numpy_gives_the_stored_forecasts_of_every_fold_and_member(made, place):
    for fold in (0, 2):
        forecasts = []
        for member in range(2):
            found = explain(made.directory, fold=fold, member=member, store=place / "store").values
            assert found["agreement"]["largest"] < 1e-5
            assert found["agreement"]["in_table"] is True
            forecasts.append(found["forecast_bp"])
        table = made.forecasts[made.forecasts["fold"] == fold]["forecast"]
        np.testing.assert_allclose(np.mean(forecasts, axis=0), 1e4 * table, rtol=1e-4, atol=1e-3)


def test_the_last_fold_with_a_whole_test_span_is_taken(explained):
    assert (explained["fold"], explained["folds"], len(explained["dates"])) == (1, 3, 60)


def test_the_values_have_every_layer_and_draw_the_one_asked_for(explained, made, place):
    assert [cell["name"] for cell in explained["cells"]] == ["layer 1", "layer 2"]
    assert [cell["name"] for cell in explained["shown"]] == ["layer 1"]
    assert np.shape(explained["shown"][0]["maps"]["forget"]) == (4, 60)
    second = explain(made.directory, layer=2, store=place / "store").values["shown"]
    assert [np.shape(cell["maps"]["cell"]) for cell in second] == [(3, 60)]
    assert np.shape(explained["lags"]["size_bp"]) == (1, 6)


def test_explaining_again_gives_the_same_bytes(run, store, monkeypatch):
    monkeypatch.setattr("backtester.reporting.pages.write_explain_page", write_explain_page)
    first, second = (
        (explain(run, store=store.folder).page.read_bytes(), (run / "explain.json").read_bytes())
        for _ in range(2)
    )
    assert first == second
    assert b"<title>Inside the network" in first[0]
    (run / "explain.html").unlink()
    redraw(run)
    assert (run / "explain.html").read_bytes() == first[0]


def shown_verdict(run: Path) -> bool:
    """Whether the page has the verdict of the figures."""
    verdict = json.loads((run / "summary.json").read_text())["verdict"]["sentence"]
    return str(escape(verdict)) in (run / PAGE).read_text()


def test_a_run_that_is_judged_again_is_so_on_this_page_too(made, place, tmp_path, monkeypatch):
    run = Path(shutil.copytree(made.directory, tmp_path / made.directory.name))
    changes = {"execution.store": str(place / "store"), "execution.registry": str(tmp_path / "trials")}
    explain(run, store=place / "store")
    monkeypatch.setattr("backtester.reporting.pages.write_explain_page", write_explain_page)

    def aged() -> None:
        (run / PAGE).write_text("an older verdict")

    aged()
    backtester.open_run(run).stress(["costs"], changes={**changes, "stress.draws": 99})
    assert shown_verdict(run)
    aged()  # a fold had failed, and the run is made again
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**manifest, "state": "incomplete"}))
    frame = ar1(BARS, seed=3, phi=0.3).frame
    again = backtester.run(RECIPE, prices=frame, symbol=SYMBOL, out=tmp_path, changes=changes)
    assert again.directory == run
    assert shown_verdict(run)
    aged()
    redraw(run)
    assert shown_verdict(run)


def test_pages_are_not_drawn_where_another_process_writes(run):
    with lock_directory(run), pytest.raises(LockedError, match="in use"):
        redraw(run)
    (run / ".lock").unlink()
    (run / "run.json").unlink()
    with pytest.raises(RunDirectoryError, match="no run here"):
        redraw(run)
    assert not (run / ".lock").exists()


def test_the_training_ends_before_the_embargo(explained):
    dates = [f"{date:%Y-%m-%d}" for date in ar1(BARS, seed=3, phi=0.3).dates]
    assert explained["dates"][0] == dates[265]
    assert explained["trained"] == {"start": dates[60], "end": dates[259]}


def test_the_run_directory_stays_one(run, store):
    manifest = json.loads((run / "run.json").read_text())
    explain(run, store=store.folder)
    check_files(run)
    assert "explain.json" in (run / "SHA256SUMS").read_text()
    assert claim_directory(run, question_sha256=manifest["question_sha256"])
    assert backtester.open_run(run).record.manifest == manifest


def test_a_store_without_the_network_says_what_to_do(run, tmp_path):
    with pytest.raises(RunDirectoryError, match=r"member 0 is not there in the store .*empty") as caught:
        explain(run, store=tmp_path / "empty")
    assert "--store" in caught.value.advice
    assert "--out" in caught.value.advice
    assert not (run / PAGE).exists()


def entry(run: Path, store: FoldStore, *, fold: int = 1, member: int = 0) -> tuple[str, TaskResult]:
    """The store's entry of one network."""
    from backtester.reopening import reopen

    work = open_work(reopen(run).question.problem, store=store)
    task = Task(fold=fold, member=member)
    return work.keys[task], next(result for result in work.stored if result.task == task)


def test_a_damaged_entry_is_said(run, store):
    key, _ = entry(run, store)
    store.path(key).write_bytes(b"nothing")
    with pytest.raises(RunDirectoryError, match="is damaged"):
        explain(run, store=store.folder)


def test_weights_that_give_other_forecasts_are_refused(run, store):
    key, result = entry(run, store)
    weights = tuple(weight * np.float32(1.01) for weight in result.weights)
    store.write(key, dataclasses.replace(result, weights=weights))
    with pytest.raises(RunDirectoryError, match="does not give the run's forecasts"):
        explain(run, store=store.folder)
    assert not (run / PAGE).exists()


def test_weights_of_another_shape_are_refused(run, store):
    key, result = entry(run, store)
    store.write(key, dataclasses.replace(result, weights=result.weights[:-1]))
    with pytest.raises(StorageError, match="do not fit"):
        explain(run, store=store.folder)


def test_a_missing_neighbour_leaves_the_table_uncompared(run, store):
    key, _ = entry(run, store, member=1)
    store.remove(key)
    assert explain(run, store=store.folder).values["agreement"]["in_table"] is None


def test_a_changed_table_is_refused(run, store):
    path = run / "forecasts.csv"
    path.write_text(path.read_text().replace("2000", "2001", 1))
    with pytest.raises(StorageError, match="checksum"):
        explain(run, store=store.folder)


@pytest.mark.parametrize(
    ("wanted", "said", "advice"),
    [
        ({"fold": 3}, "--fold 3: this run has 3 folds", "0 to 2"),
        ({"fold": -1}, "--fold -1", "0 to 2"),
        ({"member": 2}, "--member 2: each fold of this run has 2 networks", "0 to 1"),
        ({"layer": 3}, "--layer 3: this network has 2 LSTM layers", "1 to 2"),
        ({"units": [4]}, "--unit 4: this layer has 4 units", "0 to 3"),
        ({"units": [0, 1, 2, 3, 0, 1, 2]}, "--unit: 7 units are too many", "at most 6"),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(made, place, wanted, said, advice):
    with pytest.raises(UsageError, match=said) as caught:
        explain(made.directory, store=place / "store", **wanted)
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("last_return", "learns nothing: it has no gates"),
        ("sklearn.linear_model:Ridge", "is a model of scikit-learn, no network"),
        ("mine.py:build", "is your own"),
    ],
)
def test_a_model_without_known_gates_is_refused(kind, said):
    with pytest.raises(RecipeError, match=said) as caught:
        check_kind(kind)
    assert "lstm or bidirectional" in caught.value.advice


def test_a_run_of_a_baseline_is_refused_before_anything_else(run):
    manifest = json.loads((run / "run.json").read_text())
    manifest["recipe"]["model"] = {"kind": "mean_return", "lookback": 1}
    (run / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(RecipeError, match="'mean_return' learns nothing"):
        explain(run)


def test_failed_folds_are_passed_over_and_told():
    folds = [
        {"index": 0, "state": "done", "test_bars": 60, "reason": ""},
        {"index": 1, "state": "failed", "test_bars": 60, "reason": "it diverged"},
        {"index": 2, "state": "done", "test_bars": 20, "reason": ""},
    ]
    assert choose_fold(folds, wanted=None) == 0
    with pytest.raises(RunDirectoryError, match=r"fold 1 failed \(it diverged"):
        choose_fold(folds, wanted=1)
    with pytest.raises(RunDirectoryError, match="every fold"):
        choose_fold(folds[1:2], wanted=None)


NASTY = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def page(explained) -> str:
    return render_explain(explained, verdict={"answer": "no", "sentence": f"No: {NASTY}"}, title=NASTY)


def test_the_page_asks_for_nothing_and_escapes_what_it_shows(page):
    assert NASTY not in page
    assert SYMBOL not in page
    assert "default-src 'none'" in page
    headings = Reader(page).headings
    for wanted in ("What is seen", "Every LSTM layer", "What the forecast hangs on"):
        assert wanted in headings


def test_the_page_says_that_it_is_no_evidence_and_links_to_the_verdict(page):
    head = page[: page.index('<section id="seen"')]
    assert "no evidence of skill" in head
    assert "No: &lt;script&gt;" in head
    assert '<a href="index.html">How the verdict came about</a>' in head


def test_each_picture_is_drawn_and_told_in_words(page):
    drawn = ["bands_0", "window_0", "memory_0", "lags", "line"]
    drawn += [f"map_0_{part}" for part in ("forget", "input", "output", "cell")]
    for name in drawn:
        assert f'data-figure="{name}" role="img" aria-label="' in page, name
    assert "Unit 2" in page


def test_a_run_without_verdict_and_a_forecast_that_never_varies_are_told(explained):
    flat = {**explained, "line": {**explained["line"], "share": None}}
    page = render_explain(flat, verdict=None, title="T")
    assert 'data-figure="line"' not in page
    assert "there is nothing to explain" in page
    assert "This run was not judged." in page


def test_the_terminal_has_the_sentence_first(explained):
    told = explain_text(explained, width=100)
    assert told.split("\n\n")[0].replace("\n", " ") == explained["sentence"]
    assert max(map(len, told.splitlines())) <= 100


def test_the_command_prints_the_values_for_a_script(made, place):
    done = CliRunner().invoke(
        app, ["explain", str(made.directory), "--store", str(place / "store"), "--fold", "0", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["fold"] == 0
    assert Path(found["page"]).name == "explain.html"


@pytest.mark.slow
def test_a_bidirectional_network_is_explained_in_both_directions(place):
    model = {"kind": "bidirectional", "lookback": 9, "filters": 4, "units": [4, 3], "dense": [3]}
    recipe = {
        **RECIPE,
        "model": model,
        "features": {"columns": ["close"], "scaler": "minmax"},
        "target": {"kind": "close", "scaler": "minmax"},
        "training": {"epochs": 2},
    }
    changes = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    frame = ar1(BARS, seed=4, phi=0.3).frame
    asked = backtester.ask(recipe, prices=frame, symbol="BOTH", changes=changes)
    forecasts_of(asked, store=FoldStore(folder=place / "store"))
    run = backtester.run(recipe, prices=frame, symbol="BOTH", out=place / "runs", changes=changes)
    found = explain(run, store=place / "store", layer=2).values
    assert found["agreement"]["largest"] < 1e-5
    assert [cell["name"] for cell in found["cells"]] == [
        "layer 1, forward",
        "layer 1, backward",
        "layer 2, forward",
        "layer 2, backward",
    ]
    assert len(found["window_dates"]) == 9 - 3 + 1  # steps behind the convolution
    page = render_explain(found, verdict=None, title="T")
    assert "Layer 2, reading backward" in page
    assert 'data-figure="bands_1"' in page
