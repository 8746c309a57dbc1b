"""What is written of both modes, and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backtester.errors import StorageError
from backtester.published import PublishedRecord, price_text, read_published
from backtester.published.writing import published_record
from backtester.recipe import recipe_from_mapping
from backtester.tasks import BESIDE, Task, TaskFailure
from backtester.walkforward import Beside
from tests.markets import random_walk
from tests.published.test_scoring import result
from tests.questions import RIDGE, question

FORECAST = {"rmse": 2.0, "rmse_last_price": 1.5, "rmse_ratio": 4 / 3}
SECTIONS: dict[str, Any] = {
    "features": {"columns": ["close"], "scaler": "minmax"},
    "target": {"kind": "close", "scaler": "minmax"},
}


def record(
    *, off: tuple[float, ...] = (3.0,), failed: int = 0, published: dict[str, Any] | None = None, **more: Any
) -> PublishedRecord:
    """Each network is off by so much throughout; nothing is trained."""
    sections = (
        {"folds": {"train": 120, "test": 30}, "training": {"epochs": 2, "patience": 0}} | SECTIONS | more
    )
    split = {"train": 0.8, "seeds": len(off) + failed} | (published or {})
    joint = question(random_walk(300, seed=5), published=split, **sections).joint
    assert joint is not None
    actual = joint.published.rows.actual
    return published_record(
        joint,
        beside=Beside(
            results=tuple(result((actual + miss).tolist(), member=i) for i, miss in enumerate(off)),
            failures=tuple(
                TaskFailure(task=Task(fold=BESIDE, member=len(off) + i), reason="no number")
                for i in range(failed)
            ),
        ),
        forecast=FORECAST,
        recipe=recipe_from_mapping(sections | {"model": RIDGE}, name="small", folder=Path()).recipe,
    )


def test_the_sentence_of_a_plain_split_names_its_flaws_the_gravest_first():
    made = record()
    naive = price_text(made["last_price"]["rmse"])
    assert made["sentence"] == (
        f"As published (one split, scaler fitted on all rows): RMSE 3.000, last price {naive}; walk-forward: "
        "RMSE 2.000, last price 1.500."
    )


def test_the_sentence_of_a_reversed_test_says_so_first_and_names_both_series():
    again = {"order": "newest_first", "test": "again", "test_rows": 40, "train": 290, "column": "open"}
    made = record(published=again)
    assert made["sentence"].startswith(
        "As published (read backwards in time, 35 of 40 rows trained on, 5 of 40 windows across a seam, "
        "one split, scaler fitted on all rows), the open one session back: RMSE 3.000, row read before "
        "(the next session's price) "
    )
    assert made["sentence"].endswith(
        "; walk-forward, the close 1 session ahead: RMSE 2.000, last price 1.500."
    )
    assert made["test"]["rows"] == made["test"]["scored"] + 1 == 40


def test_the_sentence_names_features_and_horizon_that_differ():
    further = record(target={"kind": "close", "horizon": 2, "scaler": "minmax"})
    assert ", the close one row ahead: RMSE" in further["sentence"]
    assert "; walk-forward, the close 2 sessions ahead: RMSE" in further["sentence"]
    other = record(features={"columns": ["log_return"]})
    assert "; walk-forward, the close 1 session ahead from log_return: RMSE" in other["sentence"]


def test_the_sentence_of_a_single_split_does_not_speak_of_a_walk_forward():
    made = record(folds={"scheme": "single", "train": 120})
    assert "; single split: RMSE 2.000" in made["sentence"]
    assert "walk-forward" not in made["sentence"].lower()
    assert (made["walk_forward"]["train"], made["walk_forward"]["test"]) == (120, None)


@pytest.mark.parametrize(
    ("off", "failed", "said"),
    [
        ((3.0, 5.0), 0, "RMSE 4.000 (mean of 2 networks), "),
        ((3.0, 5.0), 3, "RMSE 4.000 (mean of 2 networks, 3 failed), "),
        ((3.0,), 4, "RMSE 3.000 (1 network, 4 failed), "),
        ((), 5, "no network was trained (5 failed), "),
    ],
)
def test_the_sentence_counts_the_networks_that_gave_something(off, failed, said):
    made = record(off=off, failed=failed)
    assert said in made["sentence"]
    assert (len(made["seeds"]), len(made["failures"])) == (len(off), failed)


def test_a_low_price_keeps_its_digits():
    assert [price_text(value) for value in (0.00042131, 0.042131, 0.42131, 4.2131, 421.31, -0.042131)] == [
        "0.0004213",
        "0.04213",
        "0.4213",
        "4.213",
        "421.3",
        "-0.04213",
    ]
    assert (price_text(0.5, like=904.02), price_text(0.5, like=14.5)) == ("0.5", "0.500")


def test_a_file_of_another_version_is_told_by_what_it_lacks(tmp_path):
    assert read_published(tmp_path) is None
    made: dict[str, Any] = dict(record())
    (tmp_path / "published.json").write_text(json.dumps(made))
    assert read_published(tmp_path) == json.loads(json.dumps(made))
    del made["sentence"]
    made["test"] = {key: value for key, value in made["test"].items() if key != "scored"}
    (tmp_path / "published.json").write_text(json.dumps(made))
    with pytest.raises(StorageError, match=r"published\.json: cannot be read \(without sentence\)"):
        read_published(tmp_path)
    (tmp_path / "published.json").write_text(json.dumps(made | {"sentence": "x"}))
    with pytest.raises(StorageError, match=r"\(without test\.scored\)"):
        read_published(tmp_path)
