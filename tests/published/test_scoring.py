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
    return {flaw.key: flaw.text for flaw in find_flaws(problem(**section), symbol="TEN")}


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
    off = split.actual + np.array([10.0, 9.0, 1.0, 1.0, 1.0, 1.0])
    assert part_records(split, results=[result(off.tolist())]) == [
        {
            "key": "first",
            "title": "The first row, beyond the seam: in no score",
            "rows": 1,
            "rmse": 10.0,
            "last_price_rmse": None,
        },
        {
            "key": "straddles",
            "title": "Windows across the seam",
            "rows": 1,
            "rmse": 9.0,
            "last_price_rmse": 1.0,
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


def test_the_row_beyond_the_seam_enters_no_score_neither_of_a_network_nor_of_the_last_price():
    # read newest first and again, the first row would be off by 9, all others by 1
    split = rows(**AGAIN)
    record = seed_record(result((split.actual + np.array([50.0, *[2.0] * 5])).tolist()), rows=split)
    assert (record["rmse"], record["mae"], record["ratio"]) == (2.0, 2.0, 2.0)


def test_a_direction_backwards_in_time_is_none():
    split = rows(**AGAIN)
    record = seed_record(result((split.actual + 0.25).tolist()), rows=split)
    assert (record["direction"], record["direction_n"]) == (None, 0)
    forwards = rows(**AGAIN | {"order": "oldest_first"})
    record = seed_record(result((forwards.actual + 0.25).tolist()), rows=forwards)
    assert (record["direction"], record["direction_n"]) == (1.0, 5)


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
        "watched",
        "straddles",
        "scored",
    ]
    third = frame.iloc[2]
    assert (third["target_date"], third["window_start"], third["window_end"]) == (DAYS[7], DAYS[9], DAYS[8])


def test_a_plain_split_has_the_flaws_of_every_one():
    assert list(flaws()) == ["scaler_on_test", "one_split", "no_baseline", "one_seed"]
    assert list(flaws(scaler_rows="train", seeds=3)) == ["one_split", "no_baseline"]
    assert list(flaws(kind="none", seeds=3)) == ["one_split", "no_baseline"]


def test_one_seed_stays_a_flaw_of_a_score_in_the_source_where_ours_are_several():
    several = problem(seeds=3, scores={"TEN": 1.5})
    (text,) = [flaw.text for flaw in find_flaws(several, symbol="TEN", rmses=(1.2, 1.7, 1.5))
               if flaw.key == "one_seed"]  # fmt: skip
    assert text.startswith("The score in the source is of one network.")
    assert text.endswith("Ours, 3 that differ by their seed alone, range from 1.200 to 1.700.")
    assert "one_seed" in [flaw.key for flaw in find_flaws(several, symbol="TEN")]
    assert "one_seed" not in [flaw.key for flaw in find_flaws(several, symbol="OTHER")]


def test_a_scaler_that_saw_the_test_is_told_by_what_it_changes():
    # the training rows go from 100 to 106, all of them to 109
    assert "would span 0.00 to 1.50 instead of 0 to 1" in flaws()["scaler_on_test"]
    falling = np.array([100.0, 109.0, *np.linspace(108.0, 101.0, 8)])
    assert (
        "Here it changes nothing: both extremes, 100.0 and 109.0," in flaws(prices=falling)["scaler_on_test"]
    )
    assert "would be another" in flaws(kind="standard")["scaler_on_test"]


def test_a_scaler_that_changes_nothing_is_the_least_of_the_flaws_and_no_leak():
    falling = np.array([100.0, 109.0, *np.linspace(108.0, 101.0, 8)])
    harmless = find_flaws(problem(prices=falling), symbol="TEN")
    assert (harmless[-1].key, harmless[-1].leak) == ("scaler_on_test", False)
    telling = find_flaws(problem(), symbol="TEN")
    assert (telling[0].key, telling[0].leak) == ("scaler_on_test", True)


def test_a_test_that_reads_the_training_again_backwards_is_counted_out():
    found = flaws(**AGAIN)
    assert list(found)[:4] == ["time_reversed", "targets_trained", "targets_in_inputs", "seam"]
    assert found["time_reversed"].startswith("5 of 6 forecasts are made from sessions after")
    assert found["seam"].startswith("2 of 6 windows join")
    assert "after 2020-01-01 comes 2020-01-14" in found["seam"]
    assert found["targets_trained"].startswith("4 of 6 rows that are forecast are targets")
    assert found["targets_in_inputs"].startswith("The other 2 rows")
    assert (
        "The row read before (the next session's price), which learns nothing, has an RMSE of 1.000 on the 5 "
        "rows here that have one." in found["no_baseline"]
    )


def test_each_flaw_names_the_forecasts_that_have_it():
    marked = {flaw.key: flaw.rows.tolist() for flaw in find_flaws(problem(**AGAIN), symbol="TEN")}
    assert marked["time_reversed"] == [False, *[True] * 5]
    assert marked["seam"] == [True, True, *[False] * 4]
    assert marked["targets_trained"] == [False, False, *[True] * 4]
    assert marked["targets_in_inputs"] == [True, True, *[False] * 4]
    assert marked["one_split"] == [True] * 6


def test_a_second_reading_in_the_order_of_time_is_told_by_its_seam_alone():
    found = flaws(**AGAIN | {"order": "oldest_first"})
    assert "time_reversed" not in found
    assert "newest first" not in " ".join(found.values())
    assert "after 2020-01-14 comes 2020-01-01" in found["seam"]
    assert "The last price, which learns nothing" in found["no_baseline"]


def test_rows_that_are_watched_are_told_apart_from_those_that_train():
    found = flaws(**AGAIN | {"validation": 0.4, "test_rows": 10})
    assert found["targets_trained"].startswith("4 of 10 rows")
    assert found["targets_watched"].startswith("3 of 10 rows that are forecast are those that are watched")


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


@pytest.mark.parametrize(
    "changes",
    [
        {"train": 0.8},
        {"train": 6},
        {"order": "newest_first"},
        {"column": "open"},
        {"test": "again", "test_rows": 3},
    ],
)
def test_a_score_of_another_split_is_not_shown(changes):
    """Ten rows, of which three are forecast: the closes, oldest first, the rest."""
    given = {"scores": {"TEN": 1.5}, "scored_rows": {"TEN": [10, 3]}}
    assert problem(**given).score("TEN") == 1.5
    assert problem(**given | changes).score("TEN") is None
    assert problem(**given | {"scored_rows": {"TEN": [11, 3]}}).score("TEN") is None


def test_a_network_above_the_last_price_needs_no_examination():
    assert examine(problem(), results=[result([105.0, 106.0, 107.0])], symbol="TEN") is None


def test_a_score_below_the_last_price_is_examined_as_a_leak():
    good = result([106.5, 107.2, 108.6])
    clean = problem(scaler_rows="train")
    found = examine(clean, results=[good, result([100.0, 100.0, 100.0], member=1)], symbol="TEN")
    assert found is not None
    assert [seed["seed"] for seed in found["seeds"]] == [100]
    counts = ("in_training", "watched", "in_inputs", "repeated", "later")
    assert [found[key] for key in counts] == [0] * 5  # type: ignore[literal-required]
    assert not found["scaler_changes"]
    assert "The scaler" not in found["text"]
    # 0.047 of the one below, times the two that were trained
    assert found["text"].endswith("is 0.095: chance is enough to explain it.")
    assert "1 of 2 networks scored below the last price. Examined as a leak" in found["text"]
    assert "p-value of the paired test, times 2 networks," in found["text"]


def test_a_score_on_trained_rows_is_no_forecast():
    again = problem(**AGAIN)
    found = examine(again, results=[result(again.rows.actual.tolist())], symbol="TEN")
    assert found is not None
    # the four that were targets have the same window in the second reading
    assert (found["in_training"], found["in_inputs"], found["repeated"]) == (4, 6, 4)
    assert "That is no forecast: of the 6 rows 4 were targets of the training" in found["text"]
    assert "below the row read before (the next session's price)" in found["text"]


def test_a_sample_that_comes_back_is_found_by_its_numbers_where_the_cut_does_not_tell():
    prices = np.array([100.0, 104.0, 102.0, 103.0, 101.0, 105.0, 100.0, 104.0, 102.0, 103.0])
    copied = problem(prices=prices)
    found = examine(copied, results=[result(copied.rows.actual.tolist())], symbol="TEN")
    assert found is not None
    # 100, 104 → 102 and 104, 102 → 103 are samples of the training
    assert (found["in_training"], found["in_inputs"], found["repeated"]) == (0, 0, 2)
    assert "2 are samples of the training, number for number" in found["text"]


def test_a_scaler_that_told_of_the_test_is_a_leak_of_a_score_below_the_last_price():
    saw = problem()
    found = examine(saw, results=[result([106.5, 107.2, 108.6])], symbol="TEN")
    assert found is not None
    assert found["scaler_changes"]
    assert "But the scaler, fitted on all rows, is another without those that are forecast" in found["text"]


def test_a_score_in_the_source_below_the_last_price_is_examined_though_ours_are_above():
    poor = result([100.0, 100.0, 100.0])
    found = examine(problem(scores={"TEN": 0.5}), results=[poor], symbol="TEN")
    assert found is not None
    assert (found["seeds"], found["published_rmse"]) == ([], 0.5)
    assert "The score in the source, 0.5, is below the last price's 1.000 (0.500x)." in found["text"]
    assert "no paired test" in found["text"]
    assert examine(problem(scores={"TEN": 1.5}), results=[poor], symbol="TEN") is None


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
