"""How often the judgement says yes where there is nothing to find, and where there is something.

python -m benchmarks.calibration > docs/calibration.json
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from benchmarks.calibration_markets import MARKETS, N_BARS, SEED
from benchmarks.calibration_matrix import (
    LEVEL,
    TESTS,
    VERDICT_BOUND,
    Null,
    Outcome,
    bounds,
    matrix,
    outcome_of,
)
from benchmarks.calibration_search import search_once, searched
from benchmarks.figures import machine, print_answer, say
from benchmarks.work import TEST_BARS, TRAIN_BARS

__all__ = ["POWER", "main", "measure"]

POWER = 0.80
_POWERFUL = "ar1"
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # glibc gives large arrays back at once and asks for them again: 40 % of the time of a judgement
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
}


def measure(
    *, markets: int, searches: int, draws: int, workers: int, kinds: Sequence[str] = tuple(MARKETS)
) -> dict[str, Any]:
    """Judge simulated markets; the answer does not depend on the number of workers, but for the seconds.

    Parameters
    ----------
    markets : of each kind
    searches : random walks on which twenty variants are tried; 0 for none
    draws : bootstrap draws of each judgement
    workers : processes; 1 judges in this one
    kinds : of the markets
    """
    started = time.monotonic()
    with _mapping(workers) as run:
        outcomes = {
            kind: list(
                _told(
                    run(partial(_one_market, kind=kind, draws=draws), range(markets)),
                    what=kind,
                    total=markets,
                )
            )
            for kind in kinds
        }
        rows = list(
            _told(run(partial(search_once, draws=draws), range(searches)), what="search", total=searches)
        )
    cells = matrix(outcomes)
    answer: dict[str, Any] = {
        "benchmark": "calibration",
        "machine": machine(),
        "workers": workers,
        "seconds": round(time.monotonic() - started, 1),
        "markets_of_each_kind": markets,
        "bars": N_BARS,
        "years_judged": round((N_BARS - TRAIN_BARS) / 252, 2),
        "folds": {"train": TRAIN_BARS, "test": TEST_BARS},
        "draws": draws,
        "seed": SEED,
        "level": LEVEL,
        "bounds": {
            **dict(zip(("lower", "upper"), (round(b, 4) for b in bounds(markets)), strict=True)),
            "verdict": VERDICT_BOUND,
            "power": POWER,
        },
        "markets": {kind: _described(kind, rows=found) for kind, found in outcomes.items()},
        "tests": {name: test.what for name, test in TESTS.items()},
        "matrix": cells,
    }
    if rows:
        answer["search"] = searched(rows)
    return answer | {"missed": _missed(answer)}


def _one_market(index: int, *, kind: str, draws: int) -> Outcome:
    return outcome_of(kind, index=index, draws=draws)


class _mapping:  # noqa: N801  (a context manager, read as a word)
    """Gives a function like ``map`` that keeps the order and works on several processes."""

    def __init__(self, workers: int) -> None:
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            os.environ.update(_ENVIRONMENT)
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, mp_context=context)

    def __enter__(self) -> Callable[..., Iterator[Any]]:
        return map if self._pool is None else partial(self._pool.map, chunksize=4)

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _told(results: Iterator[Any], *, what: str, total: int) -> Iterator[Any]:
    started = time.monotonic()
    for done, result in enumerate(results, start=1):
        if done % 20 == 0 or done == total:
            say(f"{what}: {done} of {total}, {time.monotonic() - started:.0f} s.")
        yield result


def _described(kind: str, *, rows: Sequence[Outcome]) -> dict[str, Any]:
    market = MARKETS[kind]
    return {
        "what": market.what,
        "signal": market.signal,
        "sharpe_of_holding": market.drift,
        "gain": market.gain.value,
        "cost_bp": market.cost_bp,
        "strategy": dict(market.strategy),
        "means": {name: _mean([row.figures[name] for row in rows]) for name in rows[0].figures},
        "answers": {
            key: {
                answer: round(sum(row.answers[key] == answer for row in rows) / len(rows), 4)
                for answer in ("yes", "no", "inconclusive")
            }
            for key in rows[0].answers
        },
    }


def _mean(values: Sequence[float | None]) -> dict[str, float]:
    known = [value for value in values if value is not None]
    error = statistics.stdev(known) / len(known) ** 0.5 if len(known) > 1 else float("nan")
    return {"mean": round(statistics.mean(known), 5), "standard_error": round(error, 5)}


def _missed(answer: Mapping[str, Any]) -> list[str]:
    """Every promise that was not kept, in words."""
    found = [
        f"{name} on {kind}: {cell['rate']}"
        for name, row in answer["matrix"].items()
        for kind, cell in row.items()
        if cell["null"] != Null.NO and not cell["holds"]
    ]
    if _POWERFUL in answer["markets"]:
        power = answer["matrix"]["question_forecast"][_POWERFUL]["rate"]
        found += [f"power of question_forecast on {_POWERFUL}: {power}"] if power < POWER else []
    search = answer.get("search", {"holds": {}})
    return found + [
        f"search, {name}: {search['passed'][name]}" for name, holds in search["holds"].items() if not holds
    ]


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=400, help="of each kind")
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--draws", type=int, default=999)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print_answer(
        measure(
            markets=options.markets,
            searches=options.searches,
            draws=options.draws,
            workers=options.workers,
        )
    )


if __name__ == "__main__":
    main()
