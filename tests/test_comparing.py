"""Runs beside each other: on the same dates, by the formulas of their own pages, and chosen from a set."""

import doctest
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backtester
from backtester.comparing import Comparison, compare_runs, words
from backtester.errors import RunDirectoryError, StorageError, UsageError
from backtester.judgement.blocks import block_length
from backtester.judgement.on_search import risk_matched_difference
from backtester.judgement.superior import superior
from backtester.metrics import cagr, max_drawdown, sharpe
from backtester.run_directory import DATA_FILES, write_checksums
from backtester.seeds import seed_of
from tests.compared_runs import make_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_runs(tmp_path_factory.mktemp("compared"))


@pytest.fixture(scope="module")
def three(runs: dict[str, Path]) -> Comparison:
    return compare_runs([runs[name] for name in ("first", "costly", "drift")])


@pytest.fixture
def copied(runs: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(runs["costly"], tmp_path / "copied"))


def summary_of(directory: Path) -> Any:
    return json.loads((directory / "summary.json").read_text())


# ---- figures ----


def test_on_its_own_dates_a_run_has_the_figures_of_its_own_page(three: Comparison, runs: dict[str, Path]):
    for name, entry in zip(("first", "costly", "drift"), three.figures["runs"], strict=True):
        own = summary_of(runs[name])
        gain = own["judgement"]["money"]["differences"]["buy_and_hold"]["sharpe"]
        assert entry["gain"] == {key: gain[key] for key in ("value", "interval", "p_value")}
        assert entry["r2_oos"] == pytest.approx(
            own["judgement"]["forecast"]["against"]["last_price"]["r2_oos"], abs=1e-12
        )
        assert entry["verdict"] == own["verdict"]["answer"]
        for series, found in (("strategy", entry), ("buy_and_hold", entry["buy_and_hold"])):
            for key in ("total_return", "cagr", "volatility", "sharpe", "max_drawdown"):
                assert found[key] == pytest.approx(own["strategies"][series][key], rel=1e-12)


def test_only_the_common_dates_count(runs: dict[str, Path]):
    found = compare_runs([runs["first"], runs["later"]])
    own = backtester.open_run(runs["first"]).returns
    common = own.index[100:]
    assert found.returns.index.equals(common)
    assert found.figures["dates"] == {
        "origin": f"{own.index[99]:%Y-%m-%d}",
        "start": f"{common[0]:%Y-%m-%d}",
        "end": f"{common[-1]:%Y-%m-%d}",
        "bars": 399,
        "years": 399 / 252,
    }
    strategy = own.loc[common, "strategy"].to_numpy()
    entry = found.figures["runs"][0]
    assert entry["sharpe"] == sharpe(strategy, periods_per_year=252)
    assert entry["cagr"] == cagr(strategy, periods_per_year=252)
    assert entry["max_drawdown"] == max_drawdown(strategy)
    assert found.figures["notes"] == [
        f"Every figure is of the 399 dates that all runs have, {common[0]:%Y-%m-%d} to "
        f"{common[-1]:%Y-%m-%d}. Dates left out: 100 of run 1."
    ]


def test_the_forecasts_count_that_were_for_the_common_dates(runs: dict[str, Path]):
    entry = compare_runs([runs["first"], runs["later"]]).figures["runs"][0]
    rows = backtester.open_run(runs["first"]).forecasts.iloc[100:-1]
    saved = 1 - ((rows["actual"] - rows["forecast"]) ** 2).sum() / (rows["actual"] ** 2).sum()
    assert entry["r2_oos"] == pytest.approx(saved, abs=1e-12)


def test_the_p_values_are_those_of_hansens_test_over_the_set(three: Comparison):
    holding = three.returns["Buy-and-hold"].to_numpy()
    names = [run["name"] for run in three.figures["runs"]]
    differences = np.column_stack(
        [risk_matched_difference(three.returns[name].to_numpy(), holding) for name in names]
    )
    block = math.ceil(np.median([block_length(column) for column in differences.T]))
    expected = superior(differences, block=block, draws=199, seed=seed_of(7, "comparison"))
    assert three.figures["block_length"] == block
    # the costlier run's buy-and-hold pays on the first day only
    assert [run["p_value"] for run in three.figures["runs"]] == pytest.approx(
        expected.p_values.tolist(), abs=0.01
    )
    assert three.figures["superior"]["p_value"] == min(run["p_value"] for run in three.figures["runs"])


def test_the_order_of_the_runs_changes_no_figure(three: Comparison, runs: dict[str, Path]):
    turned = compare_runs([runs[name] for name in ("drift", "costly", "first")])
    before = {run["name"]: run for run in three.figures["runs"]}
    for run in turned.figures["runs"]:
        assert run == before[run["name"]] | {"run": run["run"]}


def test_the_same_files_give_the_same_figures(three: Comparison, runs: dict[str, Path]):
    again = compare_runs([runs[name] for name in ("first", "costly", "drift")])
    assert again.figures == three.figures
    pd.testing.assert_frame_equal(again.returns, three.returns)


def test_only_settings_that_differ_are_told(three: Comparison):
    assert [run["differs"] for run in three.figures["runs"]] == [
        {"broker.commission_bp": cost, "model.kind": model}
        for cost, model in ((0.0, "last_return"), (40.0, "last_return"), (0.0, "mean_return"))
    ]


def test_the_trials_that_are_not_compared_are_counted(runs: dict[str, Path]):
    # `drift` was judged beside `first` and `costly`, which was before it
    found = compare_runs([runs["first"], runs["drift"]]).figures
    assert found["other_trials"] == 1
    assert [run["other_trials"] for run in found["runs"]] == [0, 1]
    assert compare_runs([runs["first"], runs["costly"]]).figures["other_trials"] == 0


def test_a_strategy_that_stayed_in_cash_has_no_gain_and_no_p(runs: dict[str, Path]):
    found = compare_runs([runs["cash"], runs["first"]]).figures
    cash, first = found["runs"]
    assert cash["sharpe"] is None
    assert cash["gain"] == {"value": None, "interval": [None, None], "p_value": None}
    assert cash["p_value"] is None
    assert first["p_value"] is not None
    assert found["best"] == 2
    json.dumps(found, allow_nan=False)


def test_two_that_stayed_in_cash_are_not_compared_by_luck(runs: dict[str, Path], tmp_path: Path):
    other = Path(shutil.copytree(runs["cash"], tmp_path / "other"))
    change_manifest(other, question_sha256="0" * 64)
    found = compare_runs([runs["cash"], other]).figures
    assert found["best"] is None
    assert found["superior"]["p_value"] is None
    assert found["sentence"].startswith("None of these 2 runs has a Sharpe ratio to compare")
    assert found["notes"] == ["Runs 1 and 2 have the same settings; their prices, code or program differ."]


# ---- several markets ----


def test_runs_on_two_markets_are_each_held_against_their_own_asset(runs: dict[str, Path]):
    found = compare_runs([runs["walk"], runs["first"], runs["drift"]])
    assert [run["market"] for run in found.figures["runs"]] == [1, 2, 2]
    labels = [market["label"] for market in found.figures["markets"]]
    assert labels == ["Buy-and-hold of AR (run 1)", "Buy-and-hold of AR (run 2)"]  # one symbol, two assets
    for name, label in zip(("walk", "first"), labels, strict=True):
        held = backtester.open_run(runs[name]).returns["buy_and_hold"]
        assert found.returns[label].tolist() == held.tolist()
    assert any(note.startswith("These runs are on 2 markets") for note in found.figures["notes"])
    assert "buy-and-hold of its own asset" in found.figures["sentence"]


def test_what_was_made_between_common_dates_is_compounded_into_the_next(runs: dict[str, Path]):
    found = compare_runs([runs["gaps"], runs["first"]])
    own = backtester.open_run(runs["first"]).returns["strategy"]
    dates = found.returns.index
    assert len(dates) < len(own.loc[dates[0] : dates[-1]])
    column = found.returns[runs["first"].name]
    whole = (1 + own.loc[dates[0] : dates[-1]]).prod()
    assert (1 + column).prod() == pytest.approx(whole, rel=1e-12)
    between = own.loc[dates[0] : dates[10]].iloc[1:]
    assert (1 + column.iloc[1:11]).prod() == pytest.approx((1 + between).prod(), rel=1e-12)
    assert any("is compounded into the next common date" in note for note in found.figures["notes"])
    entry = found.figures["runs"][1]
    assert entry["bars_between"] == len(own.loc[dates[0] : dates[-1]]) - len(dates)


def test_one_asset_with_gaps_is_still_one_market(runs: dict[str, Path]):
    found = compare_runs([runs["gaps"], runs["first"]]).figures
    assert [run["market"] for run in found["runs"]] == [1, 1]


# ---- what is refused ----


def refused(directories: list[Path], error: type[Exception], *, match: str, code: int) -> None:
    with pytest.raises(error, match=match) as caught:
        compare_runs(directories)
    assert caught.value.exit_code == code  # type: ignore[attr-defined]


def change_manifest(directory: Path, **changes: Any) -> None:
    manifest = json.loads((directory / "run.json").read_text()) | changes
    (directory / "run.json").write_text(json.dumps(manifest))


def test_fewer_than_two_runs_are_refused(runs: dict[str, Path]):
    refused([], UsageError, match="fewer than two runs", code=2)
    refused([runs["first"]], UsageError, match="fewer than two runs", code=2)


def test_a_folder_named_twice_is_refused_whatever_it_is_called(runs: dict[str, Path], tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(runs["first"])
    refused([runs["first"], runs["drift"], link], UsageError, match="link: is named twice", code=2)


def test_a_copy_of_a_run_is_refused(runs: dict[str, Path], copied: Path):
    refused([runs["costly"], copied], UsageError, match="is the same run as", code=2)


def test_runs_without_common_dates_are_refused_with_their_spans(runs: dict[str, Path]):
    match = r"have 0 dates in common; 60 are needed \(.*: 20\d\d-\d\d-\d\d to .*; .*\)"
    refused([runs["first"], runs["far"]], UsageError, match=match, code=2)


def test_sixty_common_dates_are_enough_and_one_fewer_are_not(
    runs: dict[str, Path], copied: Path, monkeypatch: pytest.MonkeyPatch
):
    """The tables are cut down to their last dates."""
    table = pd.read_csv(copied / "returns.csv")
    for n_dates in (59, 60):
        table.tail(n_dates).to_csv(copied / "returns.csv", index=False)
        write_checksums(copied)
        if n_dates < 60:
            refused([runs["first"], copied], UsageError, match="have 59 dates in common", code=2)
        else:
            assert compare_runs([runs["first"], copied]).figures["dates"]["bars"] == 60


def test_an_unfinished_run_is_refused(runs: dict[str, Path], copied: Path):
    change_manifest(copied, state="interrupted")
    refused([runs["first"], copied], RunDirectoryError, match="not finished", code=4)


def test_a_folder_without_a_run_is_refused(runs: dict[str, Path], tmp_path: Path):
    refused([runs["first"], tmp_path], RunDirectoryError, match="no run here", code=4)


@pytest.mark.parametrize("name", DATA_FILES)
def test_a_file_that_lost_its_end_is_found(runs: dict[str, Path], copied: Path, name: str):
    path = copied / name
    path.write_bytes(path.read_bytes()[:-40])
    refused([runs["first"], copied], StorageError, match=name, code=8)


def test_a_file_that_is_gone_is_told(runs: dict[str, Path], copied: Path):
    (copied / "returns.csv").unlink()
    refused([runs["first"], copied], StorageError, match=r"returns\.csv", code=8)
    shutil.copy(runs["costly"] / "returns.csv", copied)
    (copied / "SHA256SUMS").unlink()
    refused([runs["first"], copied], StorageError, match="SHA256SUMS: cannot be checked", code=8)


@pytest.mark.parametrize("lost", ["verdict", "judgement", "symbols"])
def test_a_run_of_an_older_version_is_told(runs: dict[str, Path], copied: Path, lost: str):
    summary = summary_of(copied)
    del summary[lost]
    (copied / "summary.json").write_text(json.dumps(summary))
    write_checksums(copied)
    refused([runs["first"], copied], StorageError, match="copied: is a run of another version", code=8)


def test_a_manifest_without_its_recipe_is_told(runs: dict[str, Path], copied: Path):
    change_manifest(copied, recipe={})
    refused([copied, runs["first"]], StorageError, match=r"run\.json: .* recipe\.seed is missing", code=8)


def test_a_comparison_changes_no_run(runs: dict[str, Path]):
    before = {path: path.read_bytes() for path in runs["first"].parent.rglob("*") if path.is_file()}
    backtester.compare(list(runs.values())[:5])
    assert {path: path.read_bytes() for path in runs["first"].parent.rglob("*") if path.is_file()} == before


def test_a_run_with_failed_folds_is_told_apart(runs: dict[str, Path], copied: Path):
    folds = json.loads((copied / "run.json").read_text())["folds"]
    change_manifest(copied, folds=[folds[0] | {"state": "failed"}, *folds[1:]], state="incomplete")
    found = compare_runs([runs["first"], copied]).figures
    assert found["notes"][-1].startswith("Run 2 is incomplete: 1 of 5 folds have no forecast")


# ---- the sentence ----


def sentence_of(*gains: float | None, p: float = 0.01, others: int = 0, markets: int = 1) -> str:
    known = [gain for gain in gains if gain is not None]
    figures = {
        "runs": [
            {
                "run": i + 1,
                "name": f"lstm-{i + 1}",
                "gain": {"value": gain, "interval": [-0.1, 0.9]},
                "p_value": p,
                "other_trials": others,
                "p_value_all_trials": 0.3,
            }
            for i, gain in enumerate(gains)
        ],
        "best": gains.index(max(known)) + 1 if known else None,
        "markets": [{}] * markets,
        "level": 0.05,
        "interval_level": 0.9,
        "other_trials": others,
    }
    return words.sentence(figures)


def test_the_sentence_says_whether_luck_explains_the_best():
    assert sentence_of(0.1, 0.4) == (
        "The best of these 2 runs is run 2 (lstm-2): its Sharpe ratio is 0.40 a year above that of "
        "buy-and-hold (90% interval −0.10 to +0.90). Chosen from 2, a gain this large is unlikely by luck "
        "(p = 0.010)."
    )
    assert "Chosen from 3, luck would give as large a gain often enough (p = 0.250)." in sentence_of(
        0.1, 0.4, None, p=0.25
    )
    assert "(p < 0.001)" in sentence_of(0.1, 0.4, p=0.0001)


def test_the_sentence_names_the_trials_that_are_not_there():
    assert sentence_of(0.1, 0.4, others=16).endswith(
        " When these runs were judged, the registry held 16 more trials on this market, which this leaves "
        "out; beside all that were known then, run 2 has p = 0.300."
    )
    assert "1 more trial on these markets" in sentence_of(0.1, 0.4, others=1, markets=2)


def test_without_a_gain_there_is_no_best_to_praise():
    assert sentence_of(-0.3, -0.1) == (
        "None of these 2 runs has a higher Sharpe ratio than buy-and-hold. The nearest is run 2 (lstm-2): "
        "−0.10 a year (90% interval −0.10 to +0.90)."
    )
    assert sentence_of(None, None) == (
        "None of these 2 runs has a Sharpe ratio to compare: their returns never vary."
    )


def test_the_examples_in_the_docstrings_are_so():
    assert doctest.testmod(words).failed == 0


# ---- from Python ----


def test_runs_or_their_folders_can_be_compared_from_python(runs: dict[str, Path], tmp_path: Path):
    found = backtester.compare([backtester.open_run(runs["first"]), str(runs["costly"])])
    assert found.sentence == found.summary["sentence"]
    assert list(found.table.index) == [runs["first"].name, runs["costly"].name]
    assert found.table["broker.commission_bp"].tolist() == [0.0, 40.0]
    assert found.table.loc[runs["first"].name, "gain"] == found.summary["runs"][0]["gain"]["value"]
    assert list(found.returns) == [runs["first"].name, runs["costly"].name, "Buy-and-hold"]
    assert list(found.figures) == ["equity", "gains"]
    assert found.sentence.split(" (")[0] in found._repr_html_()
    page = found.write(tmp_path / "folder" / "page.html")
    assert page.read_text().startswith("<!DOCTYPE html>")


# ---- single splits ----


def as_single_split(directory: Path, *, number: int) -> Path:
    """Make the manifest of a copied run that of a single split; it has no checksum."""
    manifest = json.loads((directory / "run.json").read_text())
    manifest["recipe"]["folds"]["scheme"] = "single"
    manifest["question_sha256"] = str(number)
    (directory / "run.json").write_text(json.dumps(manifest))
    return directory


def test_a_single_split_is_not_put_beside_a_walk_forward_test(copied: Path, runs: dict[str, Path]):
    single = as_single_split(copied, number=1)
    for order in ([single, runs["first"]], [runs["first"], single]):
        with pytest.raises(UsageError, match="is a single split, trained once") as refused:
            compare_runs(order)
        assert str(single) in refused.value.message
        assert str(runs["first"]) in refused.value.message
        assert "--set folds.scheme=rolling" in (refused.value.advice or "")


def test_single_splits_are_compared_and_named(copied: Path, runs: dict[str, Path], tmp_path: Path):
    other = Path(shutil.copytree(runs["first"], tmp_path / "other"))
    found = compare_runs([as_single_split(copied, number=1), as_single_split(other, number=2)]).figures
    assert [run["scheme"] for run in found["runs"]] == ["single", "single"]
    assert found["notes"][0].startswith("These runs are single splits, not walk-forward tests")


def test_walk_forward_tests_are_not_called_single_splits(three: Comparison):
    assert not [note for note in three.figures["notes"] if "single split" in note]
