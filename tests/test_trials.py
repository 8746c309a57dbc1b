import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.errors import StorageError
from backtester.prices import read_prices, sample_names
from backtester.recipe import DataSection, Recipe, shareable_mapping
from backtester.run_directory import write_table
from backtester.trials import (
    SNAPSHOT_RETURNS,
    SNAPSHOT_TABLE,
    Trial,
    TrialRegistry,
    default_registry_folder,
    flat_settings,
    read_snapshot,
    same_market,
    snapshot,
)
from tests.markets import random_walk

Returns = tuple[pd.DatetimeIndex, np.ndarray]


def returns_of(close: pd.Series) -> Returns:
    moves = close.pct_change().iloc[1:]
    return pd.DatetimeIndex(moves.index), moves.to_numpy()


def walk(n_bars: int = 400, *, seed: int = 1) -> Returns:
    return returns_of(random_walk(n_bars, seed=seed).frame["close"])


def sample(symbol: str, *, price: str = "adjusted") -> Returns:
    data = DataSection.model_validate({"symbol": symbol, "price": price})
    return returns_of(read_prices(data, folder=Path()).frame["close"])


def trial(number: int = 0, *, on: Returns | None = None, **changes: object) -> Trial:
    dates, moves = on or walk()
    rng = np.random.default_rng(number)
    values = {
        "sha256": f"{number:064x}",
        "name": f"lstm-RW-{number:08x}",
        "recipe": "lstm",
        "symbol": "RW",
        "settings": {"seed": number, "model.units": [50]},
        "headline": {"rmse_ratio": 1.01, "sharpe": 0.1 + 0.2, "sharpe_buy_and_hold": 0.5, "verdict": None},
        "dates": dates,
        "returns": rng.integers(0, 2, len(dates)) * moves,
        "market": moves,
    }
    return Trial(**values | changes)


def test_a_trial_is_read_back_bit_for_bit(tmp_path: Path):
    registry, kept = TrialRegistry(folder=tmp_path / "trials"), trial(7)
    assert registry.register(kept)
    (read,) = registry.all()
    for name in ("sha256", "name", "recipe", "symbol", "settings", "headline"):
        assert getattr(read, name) == getattr(kept, name)
    assert read.dates.equals(kept.dates)
    assert read.returns.tobytes() == kept.returns.tobytes()
    assert read.market.tobytes() == kept.market.tobytes()


def test_the_time_of_a_trial_is_kept_in_utc(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    before = pd.Timestamp.now("UTC").floor("s")
    registry.register(trial())
    assert before <= pd.Timestamp(registry.all()[0].registered) <= pd.Timestamp.now("UTC")


def test_an_identical_rerun_is_no_new_trial(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    assert registry.register(trial(1, name="first"))
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    assert not registry.register(trial(1, name="again"))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert file.read_bytes() == before


def test_returns_that_differ_in_their_last_bits_are_no_other_trial(tmp_path: Path):
    registry, replayed = TrialRegistry(folder=tmp_path), trial(1)
    registry.register(replayed)
    real = trial(1, returns=replayed.returns * (1.0 + 1e-13) + 1e-15)
    assert registry.identify(real).sha256 == replayed.sha256
    other = trial(1, returns=replayed.returns + 1e-8)
    assert registry.identify(other).sha256 != replayed.sha256


def test_a_ruin_is_the_same_trial_again(tmp_path: Path):
    _, moves = walk()
    ruined = np.where(np.arange(len(moves)) < 100, moves, np.nan)
    registry = TrialRegistry(folder=tmp_path)
    registry.register(trial(1, returns=ruined))
    assert registry.identify(trial(1, returns=ruined.copy())).sha256 == f"{1:064x}"


def test_trials_are_told_by_id(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    for number in (9, 2, 300):
        registry.register(trial(number))
    assert [int(found.sha256, 16) for found in registry.all()] == [2, 9, 300]


def test_a_registry_that_is_not_there_is_empty_and_stays_so(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path / "trials")
    assert registry.read() == ((), ())
    assert registry.on_market(*walk()) == ()
    assert list(tmp_path.iterdir()) == []


def test_the_registry_is_for_its_owner_alone(tmp_path: Path):
    folder = tmp_path / "data" / "trials"
    TrialRegistry(folder=folder).register(trial())
    assert folder.stat().st_mode & 0o777 == 0o700


RACE = """
import os, sys
from pathlib import Path
from backtester.trials import TrialRegistry
from tests.test_trials import trial

registry = TrialRegistry(folder=Path(sys.argv[1]))
trials = [trial(number) for number in range(12)]
same = trial(99)
gate, opener = os.pipe()
for mine in trials:
    if os.fork() == 0:
        os.close(opener)
        os.read(gate, 1)  # until the last one is ready
        new = registry.register(mine)
        first = registry.register(same)
        os._exit(8 * (not new) + 2 * first)
os.close(gate)
os.close(opener)
print(sum(os.waitstatus_to_exitcode(os.wait()[1]) for _ in trials))
"""


def test_twelve_processes_at_once_leave_twelve_trials_and_one_of_what_all_of_them_ran(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(result.stdout) == 2, "each was new, and one of the twelve was first with the same"
    registry = TrialRegistry(folder=tmp_path)
    assert [int(found.sha256, 16) for found in registry.all()] == [*range(12), 99]
    assert registry.damaged() == ()
    assert len(list(tmp_path.iterdir())) == 13


def test_a_folder_without_hard_links_holds_trials_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    registry = TrialRegistry(folder=tmp_path)
    assert registry.register(trial())
    assert not registry.register(trial())
    assert len(registry.all()) == len(list(tmp_path.iterdir())) == 1


def test_every_damage_is_found_and_leaves_the_other_trials(tmp_path: Path):
    registry, rng = TrialRegistry(folder=tmp_path), np.random.default_rng(1)
    registry.register(trial(1))
    registry.register(trial(2))
    path = tmp_path / f"{1:064x}.trial"
    whole = path.read_bytes()
    for _ in range(100):
        damaged = bytearray(whole)
        kind = rng.integers(3)
        if kind == 0:
            damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        elif kind == 1:
            del damaged[rng.integers(len(whole)) :]
        else:
            damaged.insert(rng.integers(len(whole)), 7)
        path.write_bytes(damaged)
        found, (told,) = registry.read()
        assert [int(one.sha256, 16) for one in found] == [2]
        assert told.file == path.name
    path.write_bytes(b"")
    assert registry.damaged()[0].reason == "empty"


def test_a_copy_under_another_name_is_no_second_trial(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    registry.register(trial(1))
    (tmp_path / f"{2:064x}.trial").write_bytes((tmp_path / f"{1:064x}.trial").read_bytes())
    assert len(registry.all()) == 1
    assert "another trial" in registry.damaged()[0].reason


def test_a_folder_in_place_of_a_trial_is_damage_and_no_crash(tmp_path: Path):
    (tmp_path / f"{1:064x}.trial").mkdir()
    assert len(TrialRegistry(folder=tmp_path).damaged()) == 1


def test_a_registry_that_is_a_file_is_damage_to_read_and_an_error_to_write(tmp_path: Path):
    file = tmp_path / "trials"
    file.touch()
    assert len(TrialRegistry(folder=file).damaged()) == 1
    with pytest.raises(StorageError):
        TrialRegistry(folder=file).register(trial())


def test_running_again_repairs_a_damaged_trial(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    registry.register(trial(1))
    path = tmp_path / f"{1:064x}.trial"
    path.write_bytes(path.read_bytes()[:-1])
    assert registry.register(trial(1))
    assert len(registry.all()) == 1
    assert registry.damaged() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "../../etc"},
        {"returns": np.zeros(3)},
        {"market": np.zeros((399, 1))},
        {"dates": walk()[0][::-1]},
    ],
    ids=["id", "lengths", "shape", "order"],
)
def test_a_trial_that_makes_no_sense_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match="must be"):
        trial(**wrong)


def test_a_returns_series_that_ends_in_ruin_is_kept(tmp_path: Path):
    dates, moves = walk()
    ruined = np.where(np.arange(len(dates)) < 100, moves, np.nan)
    registry = TrialRegistry(folder=tmp_path)
    registry.register(trial(returns=ruined))
    np.testing.assert_array_equal(registry.all()[0].returns, ruined)


def test_the_default_folder_is_the_users_and_is_not_made_by_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_registry_folder() == tmp_path / "walkforward-backtester" / "trials"
    assert list(tmp_path.iterdir()) == []


# The same market


@pytest.mark.parametrize("symbol", sample_names())
def test_adjusted_and_raw_prices_are_one_market(symbol: str):
    assert same_market(*sample(symbol), other=sample(symbol, price="raw"))


@pytest.mark.parametrize(("one", "other"), list(combinations(sample_names(), 2)))
def test_two_assets_are_two_markets_though_one_follows_the_other(one: str, other: str):
    for price in ("adjusted", "raw"):
        assert not same_market(*sample(one), other=sample(other, price=price))


def test_a_later_start_is_the_same_market():
    dates, moves = sample("SPY")
    for start in (500, 1500, len(dates) - 70):
        assert same_market(dates, moves, other=(dates[start:], moves[start:]))
        assert same_market(dates[start:], moves[start:], other=(dates, moves))


def test_spans_that_share_less_than_half_of_the_shorter_are_two_markets():
    dates, moves = sample("SPY")
    early = dates[:1200], moves[:1200]
    assert same_market(*early, other=(dates[500:1700], moves[500:1700]))
    assert not same_market(*early, other=(dates[700:1900], moves[700:1900]))


def test_fewer_than_sixty_common_days_tell_nothing():
    dates, moves = sample("SPY")
    assert same_market(dates[:60], moves[:60], other=(dates, moves))
    assert not same_market(dates[:59], moves[:59], other=(dates, moves))


def test_the_same_few_bars_are_the_same_market():
    dates, moves = sample("SPY")
    assert same_market(dates[:20], moves[:20], other=(dates[:20], moves[:20].copy()))


def test_a_few_missing_days_do_not_hide_a_market():
    data = DataSection(symbol="SPY")
    close = read_prices(data, folder=Path()).frame["close"]
    fewer = close.drop(close.index[10::40])
    assert same_market(*returns_of(close), other=returns_of(fewer))


def test_weekly_bars_are_another_market():
    close = read_prices(DataSection(symbol="SPY"), folder=Path()).frame["close"]
    assert not same_market(*returns_of(close), other=returns_of(close[::5]))


def test_prices_rounded_to_cents_are_the_same_market():
    close = read_prices(DataSection(symbol="SPY"), folder=Path()).frame["close"]
    assert same_market(*returns_of(close), other=returns_of(close.round(2)))


def test_two_assets_that_stand_still_most_days_are_two_markets():
    dates, moves = walk(1000, seed=1)
    _, others = walk(1000, seed=2)
    trades = np.arange(len(dates)) % 12 == 0
    assert not same_market(dates, np.where(trades, moves, 0.0), other=(dates, np.where(trades, others, 0.0)))


def test_the_unit_of_the_dates_does_not_matter():
    dates, moves = walk()
    assert same_market(dates.as_unit("ns"), moves, other=(dates.as_unit("s"), moves))


def test_prices_of_one_stock_from_two_sources_are_one_market(shared_data: Path):
    def closes(path: Path) -> pd.Series:
        frame = pd.read_csv(path, index_col="Date", parse_dates=True)
        return frame["Close"].sort_index()

    for symbol in ("AAPL", "NKE", "F"):
        close = closes(shared_data / "sp500_panel" / f"{symbol}.csv.gz")
        assert not same_market(*returns_of(close), other=sample("SPY")), symbol
    assert same_market(*returns_of(closes(shared_data / "sp500_panel" / "AAPL.csv.gz")), other=sample("AAPL"))
    spy = returns_of(closes(shared_data / "SPY.csv"))
    assert same_market(*spy, other=sample("SPY"))
    assert not same_market(*spy, other=sample("SP500"))


def test_a_renamed_asset_does_not_hide_its_trials(tmp_path: Path):
    registry = TrialRegistry(folder=tmp_path)
    spy, aapl = sample("SPY"), sample("AAPL")
    registry.register(trial(1, on=spy, symbol="SPY"))
    registry.register(trial(2, on=(spy[0][300:], spy[1][300:]), symbol="renamed"))
    registry.register(trial(3, on=sample("SPY", price="raw"), symbol="SPY"))
    registry.register(trial(4, on=aapl, symbol="SPY"))
    assert [int(found.sha256, 16) for found in registry.on_market(*spy)] == [1, 2, 3]
    assert [int(found.sha256, 16) for found in registry.on_market(*aapl)] == [4]


# The snapshot


@pytest.fixture
def kept(tmp_path: Path) -> tuple[list[Trial], pd.DatetimeIndex]:
    dates, moves = walk()
    early, late = (dates[:300], moves[:300]), (dates[100:], moves[100:])
    trials = [
        trial(3 << 208, on=late, recipe="007"),
        trial(1 << 208, on=early, recipe="NA", symbol="TRUE"),
        trial(2 << 208, on=(dates, moves)),
    ]
    chosen = late[0].as_unit("ns")
    frames = snapshot(trials, dates=chosen, own=trials[0].sha256)
    for name, frame in zip((SNAPSHOT_TABLE, SNAPSHOT_RETURNS), frames, strict=True):
        write_table(tmp_path / name, frame)
    return trials, chosen


def test_a_snapshot_holds_every_trial_on_the_dates_of_the_run(
    kept: tuple[list[Trial], pd.DatetimeIndex], tmp_path: Path
):
    (late, early, whole), dates = kept
    table, returns = read_snapshot(tmp_path)
    assert list(table.columns) == ["trial", "recipe", "symbol", "start", "end", "bars", "own"]
    assert list(table["trial"]) == [early.sha256, whole.sha256, late.sha256]
    assert list(table["recipe"]) == ["NA", "lstm", "007"]
    assert list(table["symbol"]) == ["TRUE", "RW", "RW"]
    assert list(table["bars"]) == [300, 399, 299]
    assert list(table["own"]) == [False, False, True]
    assert list(table["start"]) == [early.dates[0], whole.dates[0], late.dates[0]]
    assert list(table["end"]) == [early.dates[-1], whole.dates[-1], late.dates[-1]]
    assert list(returns.columns) == ["date", *(one.sha256[:12] for one in (early, whole, late))]
    assert (returns["date"] == dates).all()
    assert returns[late.sha256[:12]].to_numpy().tobytes() == late.returns.tobytes()
    assert returns[whole.sha256[:12]].to_numpy().tobytes() == whole.returns[100:].tobytes()
    assert returns[early.sha256[:12]].to_numpy()[:200].tobytes() == early.returns[100:].tobytes()
    assert returns[early.sha256[:12]][200:].isna().all()


def test_a_snapshot_says_nothing_of_when_and_where(
    kept: tuple[list[Trial], pd.DatetimeIndex], tmp_path: Path
):
    trials, dates = kept
    later = [replace(one, registered="2031-01-01T00:00:00Z", name="elsewhere") for one in trials[::-1]]
    frames = snapshot(later, dates=dates, own=trials[0].sha256)
    for name, frame in zip((SNAPSHOT_TABLE, SNAPSHOT_RETURNS), frames, strict=True):
        write_table(tmp_path / f"again-{name}", frame)
        assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()


def test_the_dates_of_a_snapshot_are_days(kept: object, tmp_path: Path):
    assert (tmp_path / SNAPSHOT_RETURNS).read_text().splitlines()[1].split(",")[0] == "2000-05-23"


def test_a_snapshot_of_one_trial_and_of_none(tmp_path: Path):
    dates, _ = walk()
    for trials in ([], [trial(1)]):
        frames = snapshot(trials, dates=dates, own=f"{1:064x}")
        for name, frame in zip((SNAPSHOT_TABLE, SNAPSHOT_RETURNS), frames, strict=True):
            write_table(tmp_path / name, frame)
        table, returns = read_snapshot(tmp_path)
        assert len(table) == len(trials) == len(returns.columns) - 1
        assert len(returns) == len(dates)


@pytest.mark.parametrize("name", [SNAPSHOT_TABLE, SNAPSHOT_RETURNS])
def test_a_snapshot_that_is_damaged_is_told(kept: object, name: str, tmp_path: Path):
    path = tmp_path / name
    text = path.read_text()
    for wrong in ("", "a,b\n1,2\n", text.replace("000000000001", "zzz"), text[: len(text) // 3] + ',"'):
        path.write_text(wrong)
        with pytest.raises(StorageError):
            read_snapshot(tmp_path)
    path.unlink()
    with pytest.raises(StorageError):
        read_snapshot(tmp_path)


def test_settings_are_the_published_recipe_key_by_key():
    flat = flat_settings(shareable_mapping(Recipe()))
    assert flat["seed"] == 7
    assert flat["model.units"] == [50]
    assert flat["data.start"] is None
    assert not any(isinstance(value, dict) for value in flat.values())
    assert json.loads(json.dumps(flat)) == flat
