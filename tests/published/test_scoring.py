"""Scores, flaws and the examination, on rows small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from backtester.models.forecaster import FitReport
from backtester.published import PublishedProblem, Rows
from backtester.published.examination import examine
from backtester.published.flaws import find_flaws
from backtester.published.scoring import forecast_frame, part_records, seed_record, spread_record
from backtester.recipe import PublishedSection, ScalerKind
from backtester.tasks import BESIDE, Task, TaskResult
from tests.published.test_rows import AGAIN, DAYS, PRICES, rows


def result(forecast: list[float], *, member: int = 0) -> TaskResult:
    return TaskResult(
        task=Task(fold=BESIDE, member=member),
        seed=100 + member,
        forecast=np.array(forecast),
        report=FitReport(epochs=2, loss=(0.5, 0.25)),
    )


def problem(*, prices: np.ndarray = PRICES, kind: str = "minmax", **section: object) -> PublishedProblem:
    settings = PublishedSection.model_validate({"train": 7} | section)
    return PublishedProblem(
        section=settings,
        rows=Rows.of(prices, dates=DAYS, section=settings, lookback=2, source_name="ten.csv"),
        scaler_kind=ScalerKind(kind),
    )


def flaws(**section: object) -> dict[str, str]:
    return {flaw["key"]: flaw["text"] for flaw in find_flaws(problem(**section), symbol="TEN")}


def test_a_network_is_scored_in_prices_beside_the_last_price():
    # actual 107, 108, 109; last price 106, 107, 108: off by 1 throughout
    record = seed_record(result([107.0, 110.0, 107.0]), rows=rows())
    assert record["rmse"] == pytest.approx(np.sqrt((0 + 4 + 4) / 3))
    assert record["mae"] == pytest.approx(4 / 3)
    assert record["ratio"] == pytest.approx(record["rmse"] / 1.0)
    assert (record["direction"], record["direction_n"]) == (pytest.approx(2 / 3), 3)
    assert (record["seed"], record["epochs"], record["loss"]) == (100, 2, [0.5, 0.25])


def test_a_forecast_of_the_last_price_has_no_direction():
    record = seed_record(result([106.0, 107.0, 109.0]), rows=rows())
    assert (record["direction"], record["direction_n"]) == (1.0, 1)
    assert seed_record(result([106.0, 107.0, 108.0]), rows=rows())["direction"] is None


def test_the_spread_over_seeds_has_no_deviation_for_one():
    first, second = (seed_record(result([107.0 + x, 108.0 + x, 109.0 + x]), rows=rows()) for x in (1.0, 3.0))
    assert spread_record([first, second]) == {
        "mean": 2.0,
        "sd": pytest.approx(np.sqrt(2)),
        "min": 1.0,
        "max": 3.0,
    }
    assert spread_record([first]) == {"mean": 1.0, "sd": None, "min": 1.0, "max": 1.0}
    assert spread_record([]) is None


def test_rows_of_different_kinds_are_scored_by_themselves():
    split = rows(**AGAIN)
    off = split.actual + np.array([10.0, 10.0, 1.0, 1.0, 1.0, 1.0])
    assert part_records(split, results=[result(off.tolist())]) == [
        {
            "key": "straddles",
            "title": "Windows across the seam",
            "rows": 2,
            "rmse": 10.0,
            "last_price_rmse": pytest.approx(np.sqrt((81 + 1) / 2)),
        },
        {
            "key": "in_training",
            "title": "Rows that were trained on",
            "rows": 4,
            "rmse": 1.0,
            "last_price_rmse": 1.0,
        },
    ]
    assert part_records(rows(), results=[]) == []


def test_the_table_says_of_each_forecast_what_it_was_made_from():
    frame = forecast_frame(rows(**AGAIN), results=[result([1.0] * 6), result([2.0] * 6, member=1)])
    assert list(frame) == [
        "target_date",
        "window_start",
        "window_end",
        "actual",
        "last_price",
        "forecast_1",
        "forecast_2",
        "in_training",
        "straddles",
    ]
    third = frame.iloc[2]
    assert (third["target_date"], third["window_start"], third["window_end"]) == (DAYS[7], DAYS[9], DAYS[8])


def test_a_plain_split_has_the_flaws_of_every_one():
    assert list(flaws()) == ["scaler_on_test", "one_split", "no_baseline", "one_seed"]
    assert list(flaws(scaler_rows="train", seeds=3)) == ["one_split", "no_baseline"]
    assert list(flaws(kind="none", seeds=3)) == ["one_split", "no_baseline"]


def test_a_scaler_that_saw_the_test_is_told_by_what_it_changes():
    # the training rows go from 100 to 106, all of them to 109
    assert "would span 0.00 to 1.50 instead of 0 to 1" in flaws()["scaler_on_test"]
    falling = np.array([100.0, 109.0, *np.linspace(108.0, 101.0, 8)])
    assert (
        "Here it changes nothing: both extremes, 100.00 and 109.00,"
        in flaws(prices=falling)["scaler_on_test"]
    )
    assert "would be another" in flaws(kind="standard")["scaler_on_test"]


def test_a_test_that_reads_the_training_again_backwards_is_counted_out():
    found = flaws(**AGAIN)
    assert list(found)[:4] == ["time_reversed", "seam", "targets_trained", "targets_in_inputs"]
    assert found["time_reversed"].startswith("5 of 6 forecasts are made from sessions after")
    assert found["seam"].startswith("2 of 6 windows join")
    assert "after 2020-01-01 comes 2020-01-14" in found["seam"]
    assert found["targets_trained"].startswith("4 of 6 rows that are forecast are targets")
    assert found["targets_in_inputs"].startswith("The other 2 rows")


def test_a_loss_watched_on_the_test_is_told():
    assert "validation_is_test" in flaws(validation_on_test=True)


@pytest.mark.parametrize(("score", "words"), [(1.5, "loses to it"), (0.5, "is below it")])
def test_a_published_score_is_held_to_the_last_price(score, words):
    text = flaws(scores={"TEN": score})["no_baseline"]
    assert f"The published RMSE of {score:g}" in text
    assert words in text


def test_a_score_of_other_prices_is_not_shown():
    scores = {"scores": {"TEN": 1.5}}
    assert problem(**scores, scored_until="2020-01-14").score("TEN") == 1.5
    assert problem(**scores, scored_until="2020-01-15").score("TEN") is None
    assert problem(**scores).score("OTHER") is None


def test_a_network_above_the_last_price_needs_no_examination():
    assert examine(rows(), results=[result([105.0, 106.0, 107.0])]) is None


def test_a_score_below_the_last_price_is_examined_as_a_leak():
    good = result([106.5, 107.2, 108.6])
    found = examine(rows(), results=[good, result([100.0, 100.0, 100.0], member=1)])
    assert found is not None
    assert [seed["seed"] for seed in found["seeds"]] == [100]
    assert (found["in_training"], found["in_inputs"], found["in_own_window"]) == (0, 0, 0)
    assert "1 of 2 networks scored below the last price. Examined as a leak" in found["text"]
    assert "p-value of the paired test, times 2 networks," in found["text"]


def test_a_score_on_trained_rows_is_no_forecast():
    split = rows(**AGAIN)
    found = examine(split, results=[result(split.actual.tolist())])
    assert found is not None
    assert (found["in_training"], found["in_inputs"]) == (4, 6)
    assert "That is no forecast: of the 6 rows 4 were targets of the training" in found["text"]


def test_samples_are_the_scaled_windows_before_each_target():
    samples = problem(scaler_rows="train").samples()
    assert samples.train.inputs.shape == (5, 2, 1)
    assert samples.test.inputs[0, :, 0].tolist() == pytest.approx([5 / 6, 1.0])
    assert samples.test.targets.tolist() == pytest.approx([7 / 6, 8 / 6, 9 / 6])
    assert len(samples.validation) == 0
    assert samples.to_forecast(samples.test.targets).tolist() == pytest.approx([107.0, 108.0, 109.0])


def test_a_watched_test_is_the_validation_and_nothing_else_changes():
    plain, watched = problem().samples(), problem(validation_on_test=True).samples()
    assert watched.validation.targets.tolist() == plain.test.targets.tolist()
    assert np.array_equal(watched.train.inputs, plain.train.inputs)


def test_what_changes_the_samples_changes_the_fingerprint():
    def told(**section: object) -> tuple[object, bytes]:
        found = problem(**section).fingerprint()
        return repr(sorted(found.settings.items())), found.arrays[0].tobytes()

    changed = [
        told(),
        told(train=6),
        told(validation=0.4),
        told(scaler_rows="train"),
        told(validation_on_test=True),
        told(order="newest_first"),
        told(kind="standard"),
        told(prices=PRICES + 1.0),
    ]
    assert len(set(changed)) == len(changed)
    assert told(source="somewhere", scores={"TEN": 2.0}, seeds=3) == told()
