"""Disks that are full, small or read-only: exit 8, every file whole, and with room the run goes on."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.disks import NOBODY, Disk, immutable, mounted, must
from tests.faults.running import FETCH, RUN, Programs, Running, contents, prepare

FULL = "cannot be written (No space left on device)"
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", n_bytes=64 << 20) as disk:
        yield disk


def pages(path: Path) -> int:
    """Bytes that a file takes on a tmpfs."""
    return -(-path.stat().st_size // PAGE) * PAGE


def written(folder: Path) -> list[Path]:
    """What the chain wrote, in the order in which it did."""
    given = {"steady.py", "recipe.toml", "feed.csv"}
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in {*given, ".lock"})
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def check_stopped(stopped: Running, *, folder: Path, whole_contents: dict[str, str], said: str) -> None:
    assert stopped.code == 8, stopped.told
    assert said in stopped.told
    # what is there is there whole
    left = contents(folder)
    assert {name for name in left if left[name] != whole_contents.get(name)} == set()
    assert not list(folder.rglob(".*.unfinished"))
    for path in folder.glob("reports/*/run.json"):
        assert json.loads(path.read_text())["state"] in {"running", "reporting", "failed"}


def check_goes_on(programs: Programs, *, folder: Path, whole_contents: dict[str, str]) -> None:
    resumed = programs.run(folder)
    assert resumed.code == 0, resumed.told
    assert contents(folder) == whole_contents


def fill(disk: Disk, *, programs: Programs, at: Path, whole: Path, whole_contents: dict[str, str]) -> Running:
    """Let the disk be full in the middle of a file of the chain."""
    order = written(whole)
    before = sum(pages(path) for path in order[: order.index(at)])
    folder = prepare(disk.folder / "run")
    disk.resize(disk.used + before + pages(at) // 2 // PAGE * PAGE)
    stopped = programs.run(folder)
    check_stopped(stopped, folder=folder, whole_contents=whole_contents, said=FULL)
    disk.resize(64 << 20)
    check_goes_on(programs, folder=folder, whole_contents=whole_contents)
    shutil.rmtree(folder)
    return stopped


@pytest.mark.catalogue("F04")
def test_a_disk_that_is_full_in_the_middle_of_a_table(
    disk: Disk, programs: Programs, whole: Path, whole_contents: dict[str, str]
):
    (table,) = whole.glob("reports/*/orders.csv")
    fill(disk, programs=programs, at=table, whole=whole, whole_contents=whole_contents)


@pytest.mark.slow
@pytest.mark.catalogue("F04")
def test_a_disk_that_is_full_at_twenty_points_of_the_chain(
    disk: Disk, programs: Programs, whole: Path, whole_contents: dict[str, str]
):
    order = [path for path in written(whole) if path.name != "run.json"]
    folds = [path for path in order if path.suffix == ".fold"]
    others = [path for path in order if path not in folds]
    points = [*folds[::6], *others]
    points = sorted(
        points[:20] if len(points) >= 20 else [*points, *folds[1 : 21 - len(points)]], key=order.index
    )
    kinds = {path.suffix for path in points}
    assert {".parquet", ".csv", ".fold", ".trial", ".json", ".html"} <= kinds
    assert len(points) == 20
    for at in points:
        fill(disk, programs=programs, at=at, whole=whole, whole_contents=whole_contents)


@pytest.mark.catalogue("F05")
def test_a_limit_on_the_size_of_files(programs: Programs, whole_contents: dict[str, str], tmp_path: Path):
    folder = prepare(tmp_path / "run")
    stopped = programs.run(folder, largest_file=20_000)
    check_stopped(
        stopped, folder=folder, whole_contents=whole_contents, said="cannot be written (File too large)"
    )
    check_goes_on(programs, folder=folder, whole_contents=whole_contents)


PLACES = {"reports": "reports", "store": "store", "registry": "data/walkforward-backtester/trials"}


@pytest.mark.catalogue("F06")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["immutable", "read-only mount", "another user's"])
def test_a_place_that_cannot_be_written_is_told_before_the_training(
    how: str, place: str, programs: Programs, tmp_path: Path
):
    with ExitStack() as stack:
        user = NOBODY if how == "another user's" else 0
        if user:
            # below a folder that others may enter
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
            folder = prepare(Path(name) / "run")
            must("chown", "-R", str(NOBODY), name)
        else:
            folder = prepare(tmp_path / "run")
        closed = folder / PLACES[place]
        closed.mkdir(parents=True)
        if how == "immutable":
            stack.enter_context(immutable(closed))
        elif how == "read-only mount":
            stack.enter_context(mounted(closed, n_bytes=1 << 20)).close()
        else:
            for made in (folder / "data", folder / "data" / "walkforward-backtester"):
                if made.exists():
                    must("chown", str(NOBODY), made)
        stopped = programs.run(folder, FETCH, RUN, user=user)
        assert stopped.code == 8, stopped.told
        assert str(Path(PLACES[place]).name) in stopped.told
        assert "cannot be written" in stopped.told
        assert "Starting to train" not in stopped.told
        assert not list(closed.iterdir())
        assert not list(folder.rglob("*.fold"))
        assert not list(folder.glob("reports/*"))
