import dataclasses
from types import SimpleNamespace

import pytest

from backtester.store import FoldStore
from backtester.stress.axes.costs import AXIS as COSTS
from backtester.stress.axes.seeds import AXIS as SEEDS
from backtester.stress.axes.windows import AXIS as WINDOWS
from backtester.stress.context import Variant
from backtester.stress.predicting import predict
from backtester.stress.retraining import ask_variants
from tests.markets import random_walk
from tests.questions import RIDGE, forecasts_of
from tests.stressed import context_of, effect

EXPANDING = {"train": 100, "test": 50, "scheme": "expanding"}


def timed(*, networks=10, seconds=20.0, **sections):
    """A run of which each network took two seconds, all workers at work."""
    context = context_of(random_walk(600, seed=1), effect, **({"folds": EXPANDING} | sections))
    context.record.manifest = {
        "timing": {"startup_seconds": 5.0, "training_seconds": seconds, "folds_trained": networks}
    }
    return context


def training_of(context, variants, *, store):
    """Seconds that these variants add to the start and to what needs no training."""
    axis = SimpleNamespace(key="own")
    nothing = predict(context, [(axis, [])], store=store).seconds
    found = predict(context, [(axis, ask_variants(context, variants))], store=store)
    return found, found.seconds - nothing - 5.0 - 0.15 * len(variants)


def test_the_run_itself_again_takes_what_it_took(tmp_path):
    context, store = timed(), FoldStore(folder=tmp_path)
    assert len(context.question.problem.folds) == 10
    found, seconds = training_of(context, [Variant(label="seed", changes={"seed": 3})], store=store)
    assert found.networks == 10
    # its folds grow from 100 to 550 bars: the last one alone would say 17 s of 10 for each
    assert seconds == pytest.approx(20.0)


def test_a_published_network_is_no_yardstick_for_the_others(tmp_path, monkeypatch):
    context, store = timed(seconds=2000.0), FoldStore(folder=tmp_path)
    published = dataclasses.replace(context.question, published=object())
    context = dataclasses.replace(context, question=published)
    monkeypatch.setattr(
        "backtester.stress.predicting.calibrate",
        lambda _: SimpleNamespace(startup_seconds=5.0, seconds_per_network=2.0),
    )
    _, seconds = training_of(context, [Variant(label="seed", changes={"seed": 3})], store=store)
    assert seconds == pytest.approx(20.0)


def test_what_is_trained_is_summed_over_the_folds_that_are_missing(tmp_path):
    context, store = timed(model=RIDGE), FoldStore(folder=tmp_path)
    variant = Variant(label="seed", changes={"seed": 3})
    (asked,) = ask_variants(context, [variant])
    forecasts_of(asked.question, store=store)
    last = store_key_of(asked, store=store, fold=9)
    last.unlink()
    found, seconds = training_of(context, [variant], store=store)
    assert found.networks == 1
    trains = [fold.train.stop - fold.train.start for fold in asked.question.problem.folds]
    assert seconds == pytest.approx(20.0 * trains[9] / sum(trains))


def store_key_of(asked, *, store, fold):
    from backtester.walkforward import open_work

    work = open_work(asked.question.problem, store=store)
    (key,) = [key for task, key in work.keys.items() if task.fold == fold]
    (path,) = list(store.folder.rglob(f"*{key}*"))
    return path


def test_a_network_that_several_axes_share_counts_once(tmp_path):
    context, store = timed(), FoldStore(folder=tmp_path)
    asked = ask_variants(context, SEEDS.variants(context))
    once = predict(context, [(SEEDS, asked)], store=store)
    twice = predict(context, [(SEEDS, asked), (WINDOWS, asked)], store=store)
    assert (twice.networks, twice.variants) == (once.networks, once.variants) == (100, 10)


def test_axes_that_train_nothing_are_told_as_short_as_they_are(tmp_path):
    found = predict(timed(), [(COSTS, [])], store=FoldStore(folder=tmp_path))
    assert (found.networks, found.variants) == (0, 0)
    assert found.seconds < 10.0


def test_a_users_own_strategy_takes_backtraders_time(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        return 1.0 if forecast > 0 else 0.0\n"
    )
    ours, store = timed(), FoldStore(folder=tmp_path / "store")
    mine = timed(folder=tmp_path, strategy={"kind": "mine.py:Mine"})
    seconds = [predict(context, [(COSTS, [])], store=store).seconds for context in (ours, mine)]
    assert seconds[1] > seconds[0] + 0.5
