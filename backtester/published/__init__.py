"""A system as it was published: its one split, its scaling, its score, and what is wrong with them.

Never mixed with the walk-forward: nothing here enters ``summary.json``, the judgement or the registry. A
recipe with a section ``[published]`` leaves two more files in the run directory, and none otherwise:

``published.csv``, one row for each forecast, in the order in which the source forecasts them

    target_date, window_start, window_end : sessions; the window's in the order in which it is read, so that
        both lie after the target where the source reads time backwards
    actual, last_price : in units of price; the last price is that of the row read before, in reversed rows
        the next session's
    forecast_1 .. forecast_k : of each network, in units of price, in the order of ``seeds``
    in_training, watched : true where the row is also a target of the training, or of its watched part
    straddles : true where the window reaches over the seam between two readings of the history
    scored : false for the row whose neighbour before it lies beyond that seam; it enters no score

``published.json``, a `PublishedRecord`
"""

from backtester.published.flaws import Flaw, find_flaws
from backtester.published.problem import JointProblem, PublishedProblem, published_problem
from backtester.published.record import (
    PUBLISHED_CSV,
    PUBLISHED_JSON,
    ExaminedRecord,
    FailureRecord,
    FlawRecord,
    PublishedRecord,
    SeedRecord,
)
from backtester.published.rows import Rows
from backtester.published.scoring import ratio, rmse
from backtester.published.wording import LAST_PRICE, price_text
from backtester.published.writing import read_published, write_published

__all__ = [
    "LAST_PRICE",
    "PUBLISHED_CSV",
    "PUBLISHED_JSON",
    "ExaminedRecord",
    "FailureRecord",
    "Flaw",
    "FlawRecord",
    "JointProblem",
    "PublishedProblem",
    "PublishedRecord",
    "Rows",
    "SeedRecord",
    "find_flaws",
    "price_text",
    "published_problem",
    "ratio",
    "read_published",
    "rmse",
    "write_published",
]
