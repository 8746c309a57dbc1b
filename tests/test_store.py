from pathlib import Path

import numpy as np
import pytest

from backtester.errors import StorageError
from backtester.models import FitReport
from backtester.store import DamagedEntry, FoldStore
from backtester.tasks import Task, TaskResult

TASK = Task(fold=3, member=1)
KEY = "ab" + "0" * 62


def result() -> TaskResult:
    rng = np.random.default_rng(0)
    return TaskResult(
        task=TASK,
        seed=5,
        forecast=rng.normal(size=63),
        report=FitReport(epochs=2, loss=(0.9, 0.1 + 0.2), validation_loss=(1.0, 1.1)),
        weights=(
            rng.normal(size=(3, 4)).astype(np.float32),
            rng.normal(size=4).astype(np.float32),
        ),
        note="slow",
    )


def test_read_gives_back_what_was_written_bit_for_bit(tmp_path: Path):
    store, kept = FoldStore(folder=tmp_path), result()
    store.write(KEY, kept)
    read = store.read(KEY, task=TASK)
    assert isinstance(read, TaskResult)
    assert (read.task, read.seed, read.report, read.note) == (TASK, 5, kept.report, "slow")
    assert read.forecast.tobytes() == kept.forecast.tobytes()
    assert [w.tobytes() for w in read.weights] == [w.tobytes() for w in kept.weights]
    assert [w.shape for w in read.weights] == [(3, 4), (4,)]


def test_more_than_ten_weights_keep_their_order(tmp_path: Path):
    import dataclasses

    weights = tuple(np.full(2, i, dtype=np.float32) for i in range(12))
    store = FoldStore(folder=tmp_path)
    store.write(KEY, dataclasses.replace(result(), weights=weights))
    read = store.read(KEY, task=TASK)
    assert isinstance(read, TaskResult)
    assert [w[0] for w in read.weights] == list(range(12))


@pytest.mark.catalogue("F22")
def test_an_entry_of_another_library_version_is_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = FoldStore(folder=tmp_path)
    with monkeypatch.context() as before:
        before.setattr("backtester.store._versions", lambda: {"keras": "2.0", "scikit-learn": "1.0"})
        store.write(KEY, result())
    monkeypatch.setattr("backtester.store._versions", lambda: {"keras": "3.0", "scikit-learn": "1.0"})
    read = store.read(KEY, task=TASK)
    assert isinstance(read, TaskResult)
    assert (read.note, read.other_versions) == ("slow", "keras 2.0, now 3.0")


def test_unknown_key_reads_as_absent(tmp_path: Path):
    assert FoldStore(folder=tmp_path).read(KEY, task=TASK) is None


@pytest.mark.catalogue("F07", "F08", "F09")
def test_every_damage_is_detected(tmp_path: Path):
    store, rng = FoldStore(folder=tmp_path), np.random.default_rng(1)
    store.write(KEY, result())
    path = store.path(KEY)
    whole = path.read_bytes()
    for _ in range(200):
        damaged = bytearray(whole)
        kind = rng.integers(3)
        if kind == 0:
            damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        elif kind == 1:
            del damaged[rng.integers(len(whole)) :]
        else:
            damaged.insert(rng.integers(len(whole)), 7)
        path.write_bytes(damaged)
        assert isinstance(store.read(KEY, task=TASK), DamagedEntry), kind
    path.write_bytes(b"")
    assert store.read(KEY, task=TASK) == DamagedEntry(key=KEY, reason="empty")


@pytest.mark.catalogue("F10")
def test_entry_of_another_format_version_is_not_used(tmp_path: Path):
    store = FoldStore(folder=tmp_path)
    store.write(KEY, result())
    path = store.path(KEY)
    path.write_bytes(path.read_bytes().replace(b"fold 2\n", b"fold 1\n", 1))
    assert isinstance(store.read(KEY, task=TASK), DamagedEntry)


def test_keys_lists_entries_and_nothing_else(tmp_path: Path):
    store = FoldStore(folder=tmp_path)
    store.write(KEY, result())
    (tmp_path / "ab" / ".half.fold.tmp").touch()
    assert store.keys() == (KEY,)


def test_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        FoldStore(folder=tmp_path / "file").write(KEY, result())
