import json
import os
from pathlib import Path

import pytest

from backtester.models import FitReport
from backtester.store import FoldStore
from backtester.tasks import Task, TaskResult
from tests.cli.test_cli import backtester

TASK = Task(fold=0, member=0)


@pytest.fixture
def store(tmp_path: Path) -> FoldStore:
    import numpy as np

    made = FoldStore(folder=tmp_path / "store")
    for i in range(3):
        result = TaskResult(task=TASK, seed=1, forecast=np.zeros(3), report=FitReport(epochs=1))
        made.write(f"{i}{i}" + "0" * 62, result)
    return made


def test_list_says_how_much_there_is(store: FoldStore, tmp_path: Path):
    assert "3 trained networks" in backtester("store", "list", "--store", "store", cwd=tmp_path).stdout
    told = json.loads(backtester("store", "list", "--store", "store", "--json", cwd=tmp_path).stdout)
    assert tuple(told["entries"]) == store.keys()
    assert told["bytes"] == store.size() > 0


def test_check_finds_a_damaged_entry_and_prune_removes_it_alone(store: FoldStore, tmp_path: Path):
    assert backtester("store", "check", "--store", "store", cwd=tmp_path).returncode == 0
    broken = store.keys()[1]
    store.path(broken).write_bytes(store.path(broken).read_bytes()[:-1])
    checked = backtester("store", "check", "--store", "store", cwd=tmp_path)
    assert checked.returncode == 8
    assert f"{broken}: its checksum differs" in checked.stdout
    assert "1 entries removed" in backtester("store", "prune", "--store", "store", cwd=tmp_path).stdout
    assert store.keys() == (f"00{'0' * 62}", f"22{'0' * 62}")


def test_prune_removes_what_is_older_than_asked(store: FoldStore, tmp_path: Path):
    old = store.path(store.keys()[2])
    os.utime(old, (1e9, 1e9))
    backtester("store", "prune", "--older-than", "30", "--store", "store", cwd=tmp_path)
    assert len(store.keys()) == 2
    assert not old.exists()


def test_an_absent_store_is_empty(tmp_path: Path):
    assert "0 trained networks" in backtester("store", "list", "--store", "no", cwd=tmp_path).stdout
