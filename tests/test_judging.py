"""A run is judged from its own files, as one of all trials on its market."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest

import backtester
from backtester.cli.app import app
from backtester.errors import InconclusiveError, StorageError
from backtester.judgement import judge, verdict
from backtester.judging import evidence_of
from backtester.pipeline import Listener
from backtester.run_directory import read_tables
from backtester.trials import TrialRegistry
from tests.markets import random_walk

DRIFT = {
    "folds": {"train": 200, "test": 100, "validation": 0.0},
    "model": {"kind": "last_return"},
    "strategy": {"kind": "long_short"},
    "verdict": {"draws": 199},
}


@pytest.fixture(autouse=True)
def without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages take seconds and are not what is tested here."""
    monkeypatch.setattr(
        "backtester.pipeline.write_report", lambda record: (record.directory / "index.html").touch()
    )


def run(place: Path, **changes: object) -> backtester.Run:
    return backtester.run(
        DRIFT,
        prices=random_walk(700, seed=4).frame,
        symbol="RW",
        out=place / "runs",
        changes={"execution.registry": str(place / "trials"), **changes},
    )


def test_the_judgement_can_be_repeated_from_the_files(tmp_path: Path):
    done = run(tmp_path)
    evidence = evidence_of(read_tables(done.directory), recipe=done.record.manifest["recipe"])
    judgement = judge(evidence)
    assert json.loads(json.dumps(judgement)) == done.judgement
    assert verdict(judgement, settings=evidence.settings, failed_folds=0) == done.verdict


def test_an_identical_rerun_is_no_new_trial(tmp_path: Path):
    first = run(tmp_path)
    shutil.rmtree(first.directory)
    assert run(tmp_path).judgement["search"]["trials"] == 1
    assert len(TrialRegistry(folder=tmp_path / "trials").all()) == 1


def test_judging_by_other_thresholds_is_no_new_trial(tmp_path: Path):
    run(tmp_path)
    again = run(tmp_path, **{"verdict.level": 0.1})
    assert again.judgement["search"]["trials"] == 1


def test_deleting_a_run_does_not_erase_its_trial(tmp_path: Path):
    first = run(tmp_path)
    shutil.rmtree(first.directory)
    second = run(tmp_path, **{"strategy.threshold_bp": 30.0})
    assert second.judgement["search"]["trials"] == 2
    assert len(second.record.trials) == second.record.trial_returns.shape[1] == 2


def test_the_first_of_two_tries_is_judged_again_when_asked_again(tmp_path: Path):
    first = run(tmp_path)
    run(tmp_path, **{"strategy.threshold_bp": 30.0})
    assert backtester.open_run(first.directory).judgement["search"]["trials"] == 1  # its files are its own
    again = run(tmp_path)
    assert again.judgement["search"]["trials"] == 2
    assert len(again.judgement["search"]["table"]) == 2
    assert again.summary["strategies"] == first.summary["strategies"]


def test_a_question_that_is_judged_again_keeps_valid_checksums(tmp_path: Path):
    run(tmp_path)
    run(tmp_path, **{"strategy.threshold_bp": 30.0})
    again = run(tmp_path)
    for line in (again.directory / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((again.directory / name).read_bytes()).hexdigest() == digest


def test_asking_again_with_nothing_new_computes_nothing(tmp_path: Path):
    said: list[str] = []
    run(tmp_path)
    backtester.run(
        DRIFT,
        prices=random_walk(700, seed=4).frame,
        symbol="RW",
        out=tmp_path / "runs",
        changes={"execution.registry": str(tmp_path / "trials")},
        listener=Listener(step=said.append),
    )
    assert said == ["This question was answered before; nothing is computed."]


def test_another_market_is_not_a_trial_on_this_one(tmp_path: Path):
    run(tmp_path)
    other = backtester.run(
        DRIFT,
        prices=random_walk(700, seed=5).frame,
        symbol="RW",
        out=tmp_path / "runs",
        changes={"execution.registry": str(tmp_path / "trials")},
    )
    assert other.judgement["search"]["trials"] == 1


@pytest.fixture
def walk_csv(tmp_path: Path) -> Path:
    path = tmp_path / "walk.csv"
    random_walk(700, seed=4).frame.reset_index().to_csv(path, index=False)
    return path


def command_line(place: Path, csv: Path, *changes: str) -> list[str]:
    command = ["run", "lstm", "--csv", str(csv), "--out", str(place / "runs")]
    for change in (
        "folds.train=200",
        "verdict.draws=199",
        f"execution.registry={place / 'trials'}",
        *changes,
    ):
        command += ["--set", change]
    return command


def test_an_inconclusive_run_exits_with_6_only_where_a_verdict_is_required(tmp_path: Path, walk_csv: Path):
    # the interval of so short a history reaches beyond this tiny effect
    command = command_line(tmp_path, walk_csv, "model.kind=mean_return", "verdict.smallest_r2=1e-9")
    app(command, standalone_mode=False)
    with pytest.raises(InconclusiveError, match=r"Inconclusive: .* cannot decide") as caught:
        app([*command, "--require-verdict"], standalone_mode=False)
    assert caught.value.exit_code == 6


def test_a_no_is_a_verdict(tmp_path: Path, walk_csv: Path, capsys: pytest.CaptureFixture[str]):
    """The forecast is the last price itself: that it does not beat it is decided."""
    command = command_line(tmp_path, walk_csv, "model.kind=last_price")
    app([*command, "--require-verdict", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["verdict"]["answer"] == "no"


def test_a_run_with_a_failed_fold_counts_as_a_trial_of_its_own(tmp_path: Path):
    """Its figures were seen; the whole run that follows is another one."""
    (tmp_path / "mine.py").write_text(FAILS_ONCE.format(place=str(tmp_path / "repaired")))
    changes = {
        "model.kind": f"{tmp_path / 'mine.py'}:Fitted",
        "target.scaler": "none",
        "execution.workers": 1,
        "execution.store": str(tmp_path / "store"),
    }
    with_a_hole = run(tmp_path, **changes)
    assert with_a_hole.verdict["decided_by"] == "failed_folds"
    assert with_a_hole.judgement["search"]["trials"] == 1
    (tmp_path / "repaired").touch()
    whole = run(tmp_path, **changes)
    assert whole.judgement["search"]["trials"] == 2
    kept = [trial.returns.tolist() for trial in TrialRegistry(folder=tmp_path / "trials").all()]
    assert sorted(kept) == sorted(
        [with_a_hole.returns["strategy"].tolist(), whole.returns["strategy"].tolist()]
    )
    own = whole.record.trials.set_index("trial").query("own").index[0]
    assert whole.record.trial_returns[own[:12]].tolist() == whole.returns["strategy"].tolist()


def test_other_returns_under_one_id_are_another_trial(tmp_path: Path):
    """Code can read what its hash does not cover, such as an environment variable."""
    first = run(tmp_path)
    registry = TrialRegistry(folder=tmp_path / "trials")
    (trial,) = registry.all()
    other = registry.identify(dataclasses.replace(trial, returns=trial.returns[::-1].copy()))
    assert other.sha256 != trial.sha256
    assert registry.register(other)
    assert registry.identify(trial).sha256 == trial.sha256
    shutil.rmtree(first.directory)
    assert run(tmp_path).judgement["search"]["trials"] == 2


def test_another_registry_does_not_undo_the_trials_a_run_was_judged_beside(tmp_path: Path):
    run(tmp_path)
    run(tmp_path, **{"strategy.threshold_bp": 30.0})
    assert run(tmp_path).judgement["search"]["trials"] == 2
    elsewhere = {"execution.registry": str(tmp_path / "other")}
    run(tmp_path, **elsewhere, **{"strategy.threshold_bp": 50.0})
    assert run(tmp_path, **elsewhere).judgement["search"]["trials"] == 3


def test_judging_again_that_was_interrupted_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(tmp_path)
    run(tmp_path, **{"strategy.threshold_bp": 30.0})
    with monkeypatch.context() as interrupted:
        interrupted.setattr("backtester.judging.judge", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    assert run(tmp_path).judgement["search"]["trials"] == 2


def test_a_damaged_table_is_told_before_anything_is_registered_from_it(tmp_path: Path):
    first = run(tmp_path)
    table = first.directory / "returns.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-40]))
    elsewhere = {"execution.registry": str(tmp_path / "other")}
    with pytest.raises(StorageError, match=r"returns.csv: is not the file that the run wrote"):
        run(tmp_path, **elsewhere)
    assert TrialRegistry(folder=tmp_path / "other").all() == ()


def test_damaged_trials_are_said(tmp_path: Path):
    run(tmp_path)
    (path,) = (tmp_path / "trials").glob("*.trial")
    path.write_bytes(path.read_bytes()[:-5])
    other = run(tmp_path, **{"strategy.threshold_bp": 30.0})
    assert any(
        "1 files of the trial registry are damaged" in note["text"] for note in other.record.manifest["notes"]
    )


def test_leverage_is_no_gain_and_idle_cash_no_loss_whatever_the_risk_free_rate(tmp_path: Path):
    """The account pays and earns no interest, so neither changes the Sharpe ratio beside buy-and-hold's."""
    always = {"model.kind": "last_price", "strategy.kind": "long_or_cash", "strategy.threshold_bp": -50.0}
    half = run(tmp_path, **always, **{"strategy.max_exposure": 0.5, "broker.risk_free_rate": 0.05})
    low, high = half.judgement["money"]["differences"]["buy_and_hold"]["sharpe"]["interval"]
    assert low <= 0.02
    assert high >= -0.02


FAILS_ONCE = """
from pathlib import Path
import numpy as np

class Fitted:
    def fit(self, X, y):
        if y.mean() > 0 and not Path({place!r}).exists():
            raise ValueError("not yet")
        self.mean = y.mean()

    def predict(self, X):
        return np.full(len(X), self.mean)
"""
