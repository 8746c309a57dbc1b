from dataclasses import replace

import numpy as np
import pytest

from backtester.control.data import Dataset, bundled_digits
from backtester.control.problem import logistic_problem, network_problem
from backtester.control.splits import N_LAST, Split, splits_of
from backtester.tasks import Task, task_key


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return bundled_digits()


@pytest.fixture(scope="module")
def splits(digits: Dataset) -> tuple[Split, ...]:
    return splits_of(digits, seeds=5)


def of(splits: tuple[Split, ...], arrangement: str) -> list[Split]:
    return [split for split in splits if split.arrangement == arrangement]


def test_no_image_is_in_two_parts_and_each_is_in_one(digits: Dataset, splits: tuple[Split, ...]):
    for split in splits:
        parts = np.concatenate([split.train, split.validation, split.test])
        assert sorted(parts.tolist()) == list(range(len(digits.images)))


def test_five_seeds_hold_out_every_image_once_and_of_each_digit_a_fifth(
    digits: Dataset, splits: tuple[Split, ...]
):
    tests = [split.test for split in of(splits, "held_out")]
    assert sorted(np.concatenate(tests).tolist()) == list(range(len(digits.images)))
    whole = np.bincount(digits.labels)
    for test in tests:
        assert (np.abs(np.bincount(digits.labels[test]) - whole / 5) < 1).all()


def test_the_last_images_are_those_of_other_writers(digits: Dataset, splits: tuple[Split, ...]):
    for split in of(splits, "other_writers"):
        assert split.test.tolist() == list(range(1797 - N_LAST, 1797))


def test_shuffling_keeps_how_often_each_digit_is_in_each_part_and_nothing_else(
    digits: Dataset, splits: tuple[Split, ...]
):
    for split in of(splits, "shuffled"):
        for part in (split.train, split.validation, split.test):
            np.testing.assert_array_equal(np.bincount(split.labels[part]), np.bincount(digits.labels[part]))
        # 10 % +- 0.7 % of the labels stay by chance
        assert 0.07 < np.mean(split.labels == digits.labels) < 0.13
    for split in (*of(splits, "held_out"), *of(splits, "other_writers")):
        np.testing.assert_array_equal(split.labels, digits.labels)


def test_one_seed_more_leaves_the_keys_of_those_before_it(digits: Dataset, splits: tuple[Split, ...]):
    few, many = (network_problem(digits, splits=s) for s in (splits_of(digits, seeds=2), splits))
    assert len(few.tasks()) == 6
    assert [task_key(few, task) for task in few.tasks()] == [
        task_key(many, task) for task in many.tasks()[:6]
    ]


def test_the_key_changes_with_a_pixel_and_a_label(digits: Dataset, splits: tuple[Split, ...]):
    task = Task(fold=0, member=0)
    pixel, labels = digits.images.copy(), splits[0].labels.copy()
    pixel[0, 0, 0] += 1
    labels[splits[0].train[0]] += 1
    keys = {
        task_key(network_problem(data, splits=used), task)
        for data, used in (
            (digits, splits),
            (replace(digits, images=pixel), splits),
            (digits, (replace(splits[0], labels=labels),)),
        )
    }
    assert len(keys) == 3


def test_logistic_regression_learns_from_the_validation_images_too_and_once_for_the_same_images(
    digits: Dataset, splits: tuple[Split, ...]
):
    problem = logistic_problem(digits, splits=splits)
    learned = problem.samples(0)
    assert len(learned.validation) == 0
    assert len(learned.train) == len(splits[0].train) + len(splits[0].validation)
    assert [splits[fold].arrangement for fold in problem.trained].count("other_writers") == 1
    assert len(problem.trained) == 11


def test_pixels_are_scaled_by_the_largest_level_that_there_can_be(digits: Dataset, splits: tuple[Split, ...]):
    samples = network_problem(digits, splits=splits).samples(1)
    assert samples.train.inputs.dtype == np.float32
    assert (samples.train.inputs.min(), samples.train.inputs.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(samples.test.inputs, digits.images[-N_LAST:] / 16)
    np.testing.assert_array_equal(samples.test.targets, digits.labels[-N_LAST:])
