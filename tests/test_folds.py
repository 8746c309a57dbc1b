import doctest
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from backtester import folds as folds_module
from backtester.errors import PricesError, RecipeError
from backtester.folds import Fold, Folds, Part, folds_table, make_folds
from backtester.recipe.sections import Scheme

ROLLING, EXPANDING, SINGLE = Scheme.ROLLING, Scheme.EXPANDING, Scheme.SINGLE


def days(n_bars, start="2024-01-01", freq="D"):
    return pd.date_range(start, periods=n_bars, freq=freq)


def edges(folds):
    """(train start, validation start, validation stop, test start, test stop) of each fold."""
    return [
        (fold.train.start, fold.validation.start, fold.validation.stop, fold.test.start, fold.test.stop)
        for fold in folds
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [(0, 4, 4, 4, 6), (2, 6, 6, 6, 8), (4, 8, 8, 8, 10), (6, 10, 10, 10, 11)]),
        ({"validation": 0.25}, [(0, 3, 4, 4, 6), (2, 5, 6, 6, 8), (4, 7, 8, 8, 10), (6, 9, 10, 10, 11)]),
        ({"embargo": 1}, [(0, 4, 4, 5, 7), (2, 6, 6, 7, 9), (4, 8, 8, 9, 11)]),
        ({"phase": 1}, [(1, 5, 5, 5, 7), (3, 7, 7, 7, 9), (5, 9, 9, 9, 11)]),
        ({"scheme": EXPANDING}, [(0, 4, 4, 4, 6), (0, 6, 6, 6, 8), (0, 8, 8, 8, 10), (0, 10, 10, 10, 11)]),
        ({"scheme": SINGLE}, [(0, 4, 4, 4, 11)]),
        ({"scheme": SINGLE, "phase": 2, "embargo": 1}, [(2, 6, 6, 7, 11)]),
    ],
)
def test_each_setting_moves_its_own_edge(settings, expected):
    assert edges(make_folds(days(11), **{"train": 4, "test": 2, "validation": 0} | settings)) == expected


@pytest.mark.parametrize(
    ("train", "validation", "n_validation"),
    [(750, 0.1, 75), (755, 0.1, 76), (754, 0.1, 75), (100, 0.29, 29), (4, 0.1, 1), (4, 0.5, 2), (4, 0, 0)],
)
def test_the_validation_share_is_rounded_to_the_nearest_bar_and_is_never_lost(
    train, validation, n_validation
):
    fold = make_folds(days(train + 1), train=train, test=1, validation=validation)[0]
    assert fold.validation == slice(train - n_validation, train)


def test_calendar_test_spans_begin_on_the_same_day_of_the_month_over_weekends():
    calendar = days(200, start="2024-01-31", freq="B")
    folds = make_folds(calendar, train="3M", test="1M", validation=0)
    starts = [calendar[fold.test.start].date().isoformat() for fold in folds]
    # 2024-06-30 and 2024-08-31 are weekend days: the next Monday or Tuesday begins the span.
    assert starts == [
        "2024-04-30",
        "2024-05-30",
        "2024-07-01",
        "2024-07-30",
        "2024-08-30",
        "2024-09-30",
        "2024-10-30",
    ]


def test_a_calendar_training_window_is_the_span_before_the_first_bar_after_it():
    calendar = days(800, start="2021-01-01")
    folds = make_folds(calendar, train="1Y", test="6M", validation=0, embargo=10)
    windows = [(calendar[fold.train.start], calendar[fold.test.start - 10]) for fold in folds]
    assert [(str(first.date()), str(after.date())) for first, after in windows] == [
        ("2021-01-01", "2022-01-01"),
        ("2021-07-01", "2022-07-01"),
        ("2022-01-01", "2023-01-01"),
    ]


def test_bars_and_calendar_spans_may_be_mixed():
    calendar = days(10)
    assert edges(make_folds(calendar, train=4, test="3D", validation=0)) == [
        (0, 4, 4, 4, 7),
        (3, 7, 7, 7, 10),
    ]
    assert edges(make_folds(calendar, train="4D", test=3, validation=0)) == [
        (0, 4, 4, 4, 7),
        (3, 7, 7, 7, 10),
    ]


def test_a_calendar_span_without_bars_makes_no_fold():
    calendar = days(6).append(days(4, start="2024-03-01"))
    assert edges(make_folds(calendar, train=4, test="1W", validation=0)) == [
        (0, 4, 4, 4, 6),
        (2, 6, 6, 6, 10),
    ]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_the_unit_of_the_dates_changes_nothing(unit):
    calendar = days(400)
    folds = make_folds(calendar.as_unit(unit), train="6M", test="2M")
    assert edges(folds) == edges(make_folds(calendar, train="6M", test="2M"))


@pytest.mark.parametrize(
    ("n_bars", "settings", "message"),
    [
        (
            0,
            {},
            "too few rows for one fold: 5 needed (folds.train = 4, embargo 0, phase 0, and at least one to",
        ),
        (4, {}, "too few rows for one fold: 5 needed"),
        (
            7,
            {"embargo": 2, "phase": 1},
            "8 needed (folds.train = 4, embargo 2, phase 1, and at least one to test), 7",
        ),
        (100, {"train": "1Y"}, "about 367 needed (folds.train = '1Y'"),
        (1, {"train": "2W"}, "about 11 needed"),
        (0, {"train": "2W"}, "about 11 needed"),
        (5, {"train": 10**30}, "needed"),
    ],
)
@pytest.mark.catalogue("D79")
def test_d79_too_few_rows_for_one_fold_names_the_rows_needed_and_found(n_bars, settings, message):
    with pytest.raises(PricesError) as caught:
        make_folds(days(n_bars), **{"train": 4, "test": 2} | settings)
    assert caught.value.exit_code == 3
    assert message in caught.value.message
    assert f"{n_bars} found." in caught.value.message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": "many"}, "folds.train = 'many'"),
        ({"train": 0}, "folds.train = 0"),
        ({"test": 0}, "folds.test = 0"),
        ({"validation": 0.51}, "folds.validation = 0.51"),
        ({"validation": float("nan")}, "folds.validation = nan"),
        ({"embargo": -1}, "folds.embargo = -1"),
        ({"phase": -1}, "folds.phase = -1"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value_and_what_is_allowed(settings, message):
    with pytest.raises(RecipeError) as caught:
        make_folds(days(20), **{"train": 4, "test": 2} | settings)
    assert caught.value.message.startswith(message)
    assert caught.value.advice.startswith("Allowed: ")


def test_a_training_window_without_bars_names_the_fold_and_its_date():
    calendar = days(6).append(days(4, start="2024-03-01"))
    with pytest.raises(RecipeError, match=r"folds.train = '2D'.* fold 1, tested from 2024-03-01, has 0 bars"):
        make_folds(calendar, train="2D", test="6D", validation=0)


def test_training_samples_are_purged_of_targets_beyond_their_part():
    fold = Fold(index=0, train=slice(10, 20), validation=slice(20, 26), test=slice(27, 30))
    # Windows of 3 bars from bar 10 + 2 on: the first origin is 14; 14..17 have targets up to 19.
    assert fold.origins(Part.TRAIN, lookback=3, horizon=2, warmup=2).tolist() == [14, 15, 16, 17]
    assert fold.origins(Part.VALIDATION, lookback=3, horizon=2, warmup=2).tolist() == [20, 21, 22, 23]
    assert fold.origins(Part.TEST, lookback=3, horizon=2, warmup=2).tolist() == [27, 28, 29]


def test_a_validation_window_reaches_back_into_train_but_not_before_the_warm_up():
    fold = Fold(index=0, train=slice(0, 4), validation=slice(4, 9), test=slice(9, 10))
    assert fold.origins(Part.VALIDATION, lookback=4, horizon=1, warmup=3).tolist() == [6, 7]


def test_a_part_may_be_given_by_its_name():
    fold = make_folds(days(30), train=20, test=5)[0]
    for part in Part:
        by_name = fold.origins(part.value, lookback=2, horizon=1, warmup=0)
        assert by_name.tolist() == fold.origins(part, lookback=2, horizon=1, warmup=0).tolist()


def test_no_validation_bars_give_no_validation_samples():
    fold = Fold(index=0, train=slice(0, 8), validation=slice(8, 8), test=slice(8, 10))
    assert fold.origins(Part.VALIDATION, lookback=2, horizon=1, warmup=0).tolist() == []


def test_origins_are_read_only():
    origins = Fold(index=0, train=slice(0, 8), validation=slice(8, 8), test=slice(8, 10)).origins(
        Part.TEST, lookback=2, horizon=1, warmup=0
    )
    with pytest.raises(ValueError, match="read-only"):
        origins[0] = 0


@pytest.mark.catalogue("C04")
def test_c04_a_window_as_long_as_the_training_window_names_both():
    fold = make_folds(days(30), train=20, test=5)[0]
    with pytest.raises(RecipeError) as caught:
        fold.origins(Part.TRAIN, lookback=20, horizon=1, warmup=0)
    assert "folds.train gives 20 bars, model.lookback = 20" in caught.value.message


@pytest.mark.catalogue("C07")
def test_c07_no_training_sample_left_names_all_that_took_them():
    fold = make_folds(days(30), train=20, test=5, validation=0.2)[0]
    assert len(fold.origins(Part.TRAIN, lookback=11, horizon=3, warmup=2)) == 1
    with pytest.raises(RecipeError) as caught:
        fold.origins(Part.TRAIN, lookback=11, horizon=3, warmup=3)
    assert caught.value.message == (
        "fold 0: no training sample is left: folds.train gives 20 bars, of which folds.validation takes 4; "
        "warm-up of the features 3, model.lookback = 11, target.horizon = 3."
    )


def test_validation_bars_without_a_sample_are_refused():
    fold = make_folds(days(30), train=20, test=5, validation=0.05)[0]
    with pytest.raises(RecipeError, match="no validation sample is left"):
        fold.origins(Part.VALIDATION, lookback=2, horizon=1, warmup=0)


@pytest.mark.parametrize(
    "parts",
    [
        (slice(0, 0), slice(0, 2), slice(2, 4)),
        (slice(0, 2), slice(2, 2), slice(2, 2)),
        (slice(0, 2), slice(3, 4), slice(4, 6)),
        (slice(0, 3), slice(3, 5), slice(4, 6)),
        (slice(-1, 3), slice(3, 5), slice(5, 6)),
    ],
)
def test_a_fold_with_empty_or_overlapping_parts_cannot_be_made(parts):
    with pytest.raises(RecipeError, match="fold 3: its parts are empty or out of order"):
        Fold(index=3, train=parts[0], validation=parts[1], test=parts[2])


def test_folds_are_a_sequence():
    folds = make_folds(days(11), train=4, test=2)
    assert [fold.index for fold in folds] == [0, 1, 2, 3]
    assert folds[-1] is folds[3]
    assert folds[1:3] == (folds[1], folds[2])
    assert folds[2] in folds


def test_folds_split_for_scikit_learn():
    from sklearn.dummy import DummyRegressor
    from sklearn.model_selection import cross_val_score

    folds = make_folds(days(11), train=4, test=3, validation=0.25, embargo=1)
    features, target = np.zeros((11, 1)), np.arange(11.0)
    split = [(train.tolist(), test.tolist()) for train, test in folds.split(features, target)]
    assert split == [([0, 1, 2, 3], [5, 6, 7]), ([3, 4, 5, 6], [8, 9, 10])]
    assert folds.get_n_splits(features) == 2
    scores = cross_val_score(
        DummyRegressor(), features, target, cv=folds, scoring="neg_mean_absolute_error", error_score="raise"
    )
    # The mean of bars 0-3 is 1.5, of bars 3-6 is 4.5; the middles of the test spans are 6 and 9.
    assert scores.tolist() == [-4.5, -4.5]


def test_split_refuses_rows_that_are_not_the_bars():
    folds = make_folds(days(11), train=4, test=3)
    with pytest.raises(PricesError, match="X has 10 rows; these folds were made for 11 bars"):
        next(folds.split(np.zeros((10, 1))))


def test_the_table_gives_dates_bars_and_samples_of_each_part():
    calendar = days(12)
    table = folds_table(
        make_folds(calendar, train=8, test=3, validation=0.25), calendar, lookback=2, horizon=1, warmup=1
    )
    assert table.loc[0].to_dict() == {
        "fold": 0,
        "train_start": pd.Timestamp("2024-01-01"),
        "train_end": pd.Timestamp("2024-01-06"),
        "train_bars": 6,
        "train_samples": 3,
        "validation_start": pd.Timestamp("2024-01-07"),
        "validation_end": pd.Timestamp("2024-01-08"),
        "validation_bars": 2,
        "validation_samples": 1,
        "test_start": pd.Timestamp("2024-01-09"),
        "test_end": pd.Timestamp("2024-01-11"),
        "test_bars": 3,
        "test_samples": 3,
    }
    assert table["test_bars"].tolist() == [3, 1]


def test_the_table_leaves_the_dates_of_an_absent_validation_blank():
    calendar = days(12)
    folds = make_folds(calendar, train=8, test=3, validation=0)
    table = folds_table(folds, calendar, lookback=2, horizon=1, warmup=1)
    assert table[["validation_start", "validation_end"]].isna().all().all()
    assert table["validation_bars"].tolist() == [0, 0]


def test_the_table_counts_no_samples_where_nothing_can_be_learnt_as_a_baseline_does_not_mind():
    calendar = days(6)
    folds = make_folds(calendar, train=2, test=2, validation=0.5)
    table = folds_table(folds, calendar, lookback=1, horizon=1, warmup=1)
    assert table["train_samples"].tolist() == [0, 0]
    assert table["validation_samples"].tolist() == [0, 0]
    assert table["test_samples"].tolist() == [2, 2]


BARS = st.integers(1, 60)
CALENDAR_SPANS = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 30), st.sampled_from("WDWDM"))
WRONG_LENGTHS = st.sampled_from([0, -1, "many", "", "0D", "30Y", "99999Y", "999999D", True])
LENGTHS = st.sampled_from([BARS, BARS, CALENDAR_SPANS, CALENDAR_SPANS, WRONG_LENGTHS]).flatmap(
    lambda kind: kind
)
N_BARS = st.sampled_from([st.integers(0, 20), st.integers(100, 200), st.integers(200, 300)])


@st.composite
def calendars(draw):
    """Up to 300 sessions with weekends, holidays and a long gap."""
    n_bars = draw(draw(N_BARS))
    chances = np.random.default_rng(draw(st.integers(0, 1000)))
    steps = chances.choice([1, 2, 3, 4, 40], p=[0.7, 0.1, 0.15, 0.04, 0.01], size=n_bars)
    start = np.datetime64("1999-12-30") + draw(st.integers(0, 70))
    return pd.DatetimeIndex(start + np.cumsum(steps).astype("timedelta64[D]"))


SETTINGS = st.fixed_dictionaries(
    {
        "train": LENGTHS,
        "test": LENGTHS,
        "validation": st.floats(0, 0.5) | st.sampled_from([0, 0.1, 0.25, -0.1, 0.6, float("nan")]),
        "scheme": st.sampled_from(Scheme),
        "embargo": st.integers(0, 20) | st.sampled_from([0, 0, -1]),
        "phase": st.integers(0, 20) | st.sampled_from([0, 0, -1]),
    }
)


CHECKED = tried(max_examples=500, deadline=None, derandomize=True)


def make_or_none(calendar, settings):
    try:
        return make_folds(calendar, **settings)
    except (PricesError, RecipeError):
        return None


@CHECKED
@given(calendar=calendars(), settings=SETTINGS)
def test_any_settings_give_ordered_disjoint_tiling_folds_or_an_error_of_ours(calendar, settings):
    folds = make_or_none(calendar, settings)
    if folds is None:
        return
    assert isinstance(folds, Folds)
    assert len(folds) >= 1
    for fold in folds:
        assert 0 <= fold.train.start < fold.train.stop == fold.validation.start <= fold.validation.stop
        assert fold.test.start - fold.validation.stop == settings["embargo"]
        assert (fold.validation.stop > fold.validation.start) == (settings["validation"] > 0)
    tested = np.concatenate([np.arange(fold.test.start, fold.test.stop) for fold in folds])
    assert tested.tolist() == list(range(folds[0].test.start, len(calendar)))


@CHECKED
@given(
    calendar=calendars(),
    settings=SETTINGS,
    lookback=st.integers(1, 30),
    horizon=st.integers(1, 10),
    warmup=st.integers(0, 10),
)
@example(
    calendar=days(60),
    settings={"train": 30, "test": 7, "validation": 0.2, "scheme": ROLLING, "embargo": 0, "phase": 0},
    lookback=5,
    horizon=3,
    warmup=2,
)
def test_no_sample_knows_anything_of_a_later_part(calendar, settings, lookback, horizon, warmup):
    sizes = {"lookback": lookback, "horizon": horizon, "warmup": warmup}
    for fold in make_or_none(calendar, settings) or ():
        try:
            train, validation = (fold.origins(part, **sizes) for part in (Part.TRAIN, Part.VALIDATION))
        except RecipeError:
            continue
        assert train.max() + horizon < fold.train.stop
        assert train.min() - lookback + 1 >= fold.train.start + warmup
        if len(validation):
            assert validation.min() >= fold.validation.start
            assert validation.max() + horizon < fold.validation.stop
        test = fold.origins(Part.TEST, **sizes)
        assert test.tolist() == list(range(fold.test.start, fold.test.stop))


@CHECKED
@given(calendar=calendars(), settings=SETTINGS, cut=st.floats(0, 1))
def test_later_bars_never_change_an_earlier_fold(calendar, settings, cut):
    shorter = make_or_none(calendar[: int(cut * len(calendar))], settings)
    if shorter is None:
        return
    longer = make_or_none(calendar, settings)
    if longer is None:  # a later fold may have no bars to train on; the earlier ones are as they were
        return
    assert longer.folds[: len(shorter) - 1] == shorter.folds[:-1]
    last, same = shorter[-1], longer[len(shorter) - 1]
    assert (last.train, last.validation, last.test.start) == (same.train, same.validation, same.test.start)


@CHECKED
@given(calendar=calendars(), settings=SETTINGS)
def test_a_rolling_training_window_in_bars_keeps_its_length(calendar, settings):
    if settings["scheme"] is ROLLING and isinstance(settings["train"], int):
        windows = [fold.training_window for fold in make_or_none(calendar, settings) or ()]
        assert all(window.stop - window.start == settings["train"] for window in windows)


def test_the_example_of_the_page_is_true():
    fold, *rest = make_folds(days(11), train=4, test=3, validation=0.25)
    assert edges([fold, *rest]) == [(0, 3, 4, 4, 7), (3, 6, 7, 7, 10), (6, 9, 10, 10, 11)]
    expanding = make_folds(days(11), train=4, test=3, validation=0.25, scheme=EXPANDING)[1]
    assert edges([expanding]) == [(0, 5, 7, 7, 10)]
    single = make_folds(days(11), train=4, test=3, validation=0.25, scheme=SINGLE)
    assert edges(single) == [(0, 3, 4, 4, 11)]
    embargoed = make_folds(days(11), train=4, test=3, validation=0.25, embargo=1)[0]
    assert edges([embargoed]) == [(0, 3, 4, 5, 8)]
    shifted = make_folds(days(11), train=4, test=3, validation=0.25, phase=1)[0]
    assert edges([shifted]) == [(1, 4, 5, 5, 8)]


def test_the_code_of_the_page_runs():
    page = (Path(__file__).parents[1] / "docs" / "folds.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {}
    exec(code, names)
    assert len(names["scores"]) == len(names["folds"]) == 7


def test_the_examples_are_true():
    assert doctest.testmod(folds_module).failed == 0
