import json
from pathlib import Path
from typing import Any

import pytest

from backtester.cli.runs_text import runs_text
from backtester.errors import UsageError
from backtester.listing import list_runs
from backtester.recipe import Recipe, recipe_from_mapping, shareable_mapping
from backtester.trials import Trial, TrialRegistry, flat_settings
from tests.test_trials import sample, trial, walk

SUMMARY = {
    "answer": "So it was.",
    "verdict": {"answer": "no"},
    "forecast": {"rmse_ratio": 1.2},
    "strategies": {"strategy": {"sharpe": 0.4}, "buy_and_hold": {"sharpe": None}},
}


def settings(**changes: object) -> dict[str, Any]:
    """A published recipe in full; changes by section__key."""
    mapping = shareable_mapping(Recipe())
    for path, value in changes.items():
        section, _, key = path.partition("__")
        if key:
            mapping[section][key] = value
        else:
            mapping[section] = value
    return shareable_mapping(recipe_from_mapping(mapping, name="lstm", folder=Path()).recipe)


def tried(number: int, *, registered: str = "", **changes: Any) -> Trial:
    on = changes.pop("on", None)
    return trial(
        number,
        on=on,
        settings=flat_settings(settings(**changes)),
        registered=registered or f"2030-{number:04}",
    )


def directory_of(
    folder: Path, name: str, *, state: str = "done", symbol: str = "RW", own: str = "", **changes: object
) -> Path:
    run = folder / name
    run.mkdir(parents=True)
    manifest = {
        "state": state,
        "reason": "",
        "started": "2030-01-01T00:00:00Z",
        "recipe_name": "lstm",
        "data": {"symbol": symbol},
        "recipe": settings(**changes),
    }
    (run / "run.json").write_text(json.dumps(manifest))
    if state in ("done", "incomplete"):
        (run / "summary.json").write_text(json.dumps(SUMMARY))
    if own:
        (run / "trials.csv").write_text(f"trial,own\n{'0' * 64},False\n{own},True\n")
    return run


@pytest.fixture
def registry(tmp_path: Path) -> TrialRegistry:
    return TrialRegistry(folder=tmp_path / "trials")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def differences(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry["differs"] for entry in entries]


def test_each_run_tells_what_differs_from_the_others_on_its_market(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    registry.register(tried(2, model__units=[25]))
    registry.register(tried(3, model__units=[25], seed=3))
    assert differences(list_runs(reports, registry=registry)) == [
        {"seed": 7, "model.units": [50]},
        {"seed": 7, "model.units": [25]},
        {"seed": 3, "model.units": [25]},
    ]


def test_a_trial_without_company_differs_in_nothing(registry: TrialRegistry, reports: Path):
    registry.register(tried(1, seed=3))
    (entry,) = list_runs(reports, registry=registry)
    assert entry["differs"] == {}
    assert entry["trials_on_market"] == 1


def test_where_it_ran_and_how_the_page_was_called_tell_no_runs_apart(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    registry.register(tried(2, execution__workers=3, report__title="x", data__refresh=True, seed=2))
    assert differences(list_runs(reports, registry=registry)) == [{"seed": 7}, {"seed": 2}]


def test_what_follows_from_the_kind_of_model_is_not_told(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    registry.register(tried(2, model={"kind": "last_return", "lookback": 20}))
    registry.register(tried(3, model={"kind": "m:f", "lookback": 20}))
    registry.register(tried(4, model={"kind": "m:f", "lookback": 20, "parameters": {"alpha": 2.0}}))
    assert differences(list_runs(reports, registry=registry)) == [
        {"model.kind": "lstm"},
        {"model.kind": "last_return"},
        {"model.kind": "m:f"},
        {"model.kind": "m:f", "model.parameters.alpha": 2.0},
    ]


def test_a_key_of_a_newer_version_tells_no_runs_apart(registry: TrialRegistry, reports: Path):
    older = flat_settings(settings())
    del older["broker.fill"]
    registry.register(trial(1, settings=older))
    registry.register(tried(2, seed=2))
    assert differences(list_runs(reports, registry=registry)) == [{"seed": 7}, {"seed": 2}]


def test_a_trial_whose_directory_is_gone_is_told_as_deleted(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    registry.register(tried(2, seed=2))
    directory_of(reports, tried(2).name, seed=2)
    first, second = list_runs(reports, registry=registry)
    assert (first["state"], second["state"]) == ("deleted", "done")
    assert first["rmse_ratio"] == 1.01
    assert first["sharpe_buy_and_hold"] == 0.5
    assert (second["rmse_ratio"], second["verdict"], second["answer"]) == (1.2, "no", "So it was.")
    assert second["sharpe_buy_and_hold"] is None


def test_a_single_split_is_told_from_a_walk_forward_test(registry: TrialRegistry, reports: Path):
    registry.register(tried(1, folds__scheme="single"))
    registry.register(tried(2))
    directory_of(reports, "split", folds__scheme="single")
    entries = list_runs(reports, registry=registry)
    assert [entry["scheme"] for entry in entries] == ["single", "rolling", "single"]
    for width in (60, 120):
        lines = runs_text(entries, width=width).splitlines()
        named = [line for line in lines if "[single split]" in line]
        assert len(named) == 2
        assert entries[0]["name"] in named[0]
        assert "split [single split]" in named[1]


def test_a_directory_tells_its_trial_whatever_it_is_called(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    directory_of(reports, "moved", own=tried(1).sha256)
    (entry,) = list_runs(reports, registry=registry)
    assert (entry["name"], entry["state"], entry["trial"]) == ("moved", "done", tried(1).sha256)


def test_one_trial_judged_by_two_thresholds_is_two_runs_and_one_trial(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    for level in (0.05, 0.1):
        directory_of(reports, f"at-{level}", own=tried(1).sha256, verdict__level=level)
    entries = list_runs(reports, registry=registry)
    assert differences(entries) == [{"verdict.level": 0.05}, {"verdict.level": 0.1}]
    assert [entry["trials_on_market"] for entry in entries] == [1, 1]


def test_markets_are_told_apart_by_their_returns_and_the_newest_is_last(
    registry: TrialRegistry, reports: Path
):
    spy, raw = sample("SPY"), sample("SPY", price="raw")
    registry.register(tried(1, on=spy, registered="2030-03"))
    registry.register(tried(2, on=(raw[0][200:], raw[1][200:]), registered="2030-01"))
    registry.register(tried(3, on=sample("AAPL"), registered="2030-02"))
    entries = list_runs(reports, registry=registry)
    assert [int(entry["trial"], 16) for entry in entries] == [3, 2, 1]
    assert [entry["market"] for entry in entries] == [1, 2, 2]
    assert [entry["trials_on_market"] for entry in entries] == [1, 2, 2]


def test_spans_that_overlap_one_after_another_are_one_market(registry: TrialRegistry, reports: Path):
    dates, moves = sample("SPY")
    for number, start in ((1, 0), (2, 1000), (3, 500)):
        registry.register(tried(number, on=(dates[start : start + 1100], moves[start : start + 1100])))
    assert {entry["trials_on_market"] for entry in list_runs(reports, registry=registry)} == {3}


def test_unfinished_runs_come_after_the_trials_and_tell_what_differs(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    directory_of(reports, "a", state="interrupted", seed=2)
    directory_of(reports, "b", state="running", seed=3)
    entries = list_runs(reports, registry=registry)
    assert [entry["state"] for entry in entries] == ["deleted", "interrupted", "running"]
    assert differences(entries) == [{}, {"seed": 2}, {"seed": 3}]
    assert [entry["market"] for entry in entries] == [1, None, None]


def test_what_is_damaged_is_told_and_hides_nothing(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    registry.register(tried(2, seed=2))
    (registry.folder / f"{tried(2).sha256}.trial").write_bytes(b"x")
    (directory_of(reports, "half") / "run.json").write_text('{"state": "done"')
    (directory_of(reports, "keyless") / "run.json").write_text('{"state": "done"}')
    (directory_of(reports, "odd") / "summary.json").write_text('{"answer": 3, "verdict": 3}')
    entries = list_runs(reports, registry=registry)
    assert [entry["state"] for entry in entries] == ["deleted", *["damaged"] * 4]
    assert [entry["name"] for entry in entries[1:4]] == ["half", "keyless", "odd"]
    assert all(entry["reason"] for entry in entries[1:])
    assert entries[4]["name"] == f"{tried(2).sha256}.trial"


def test_a_damaged_directory_of_a_known_trial_keeps_its_figures(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    (directory_of(reports, tried(1).name) / "run.json").write_text("")
    (entry,) = list_runs(reports, registry=registry)
    assert entry["state"] == "damaged"
    assert entry["rmse_ratio"] == 1.01


def test_every_entry_has_the_same_keys(registry: TrialRegistry, reports: Path):
    registry.register(tried(1))
    directory_of(reports, "a", state="running")
    (directory_of(reports, "b") / "run.json").write_text("")
    assert len({tuple(entry) for entry in list_runs(reports, registry=registry)}) == 1


def test_an_absent_folder_is_an_error_unless_it_may_be_absent(registry: TrialRegistry, tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        list_runs(tmp_path / "nowhere", registry=registry)
    registry.register(tried(1))
    assert len(list_runs(tmp_path / "nowhere", registry=registry, must_exist=False)) == 1


@pytest.fixture
def many(registry: TrialRegistry, reports: Path) -> list[dict[str, Any]]:
    for number in range(1, 4):
        registry.register(
            tried(number, seed=number, model__units=[number, 5], features__columns=["log_return"] * number)
        )
    registry.register(tried(4, on=sample("AAPL")))
    registry.register(tried(5, on=walk(200, seed=9), seed=1))
    registry.register(tried(6, on=walk(200, seed=9), seed=1))
    directory_of(reports, tried(2).name, own=tried(2).sha256, seed=2)
    directory_of(reports, "quick-RW-" + "very_long_name" * 9, state="failed")
    (directory_of(reports, "broken\x1b[2J") / "run.json").write_text("")
    return list_runs(reports, registry=registry)


@pytest.mark.parametrize("width", [20, 40, 60, 72, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, many: list[dict[str, Any]]):
    text = runs_text(many, width=width)
    assert max(map(len, text.splitlines())) <= width
    joined = "".join(text.split())
    for entry in many:
        assert entry["name"].replace("\x1b", "?") in joined
    assert "\x1b" not in text


def test_the_text_tells_trials_figures_and_differences(many: list[dict[str, Any]]):
    text = runs_text(many, width=120)
    assert "RW, 2000-01-04 to 2001-07-13: 3 trials" in text
    assert "model.units = [50], seed = 2" in text
    assert "[deleted or elsewhere]" in text
    assert "RW, not in the registry" in text
    assert "[failed]" in text
    assert "Damaged" in text
    line = next(line for line in text.splitlines() if tried(2).name in line)
    assert line.split()[:4] == ["1.200", "0.40", "–", "no"]


def test_two_trials_of_the_same_settings_say_that_something_else_differs(many: list[dict[str, Any]]):
    text = " ".join(runs_text(many, width=120).split())
    assert text.count("the settings of another trial; prices, code or program differ") == 2


def test_columns_stand_below_their_headings(many: list[dict[str, Any]]):
    lines = runs_text(many, width=120).splitlines()
    heading = next(line for line in lines if "ratio" in line)
    line = next(line for line in lines if tried(2).name in line)
    assert heading.index("ratio") + len("ratio") == line.index("1.200") + len("1.200")
    assert heading.index("verdict") == line.index("no")
