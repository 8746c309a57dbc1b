import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backtester.errors import StorageError
from backtester.files import create_bytes, make_folder, write_bytes, write_json


def test_written_file_holds_the_bytes_and_leaves_nothing_else(tmp_path: Path):
    write_bytes(tmp_path / "a", b"one")
    write_bytes(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_failed_rename_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_bytes(tmp_path / "a", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_mode_follows_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.files._UMASK", 0o027)
    write_bytes(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_umask_is_that_of_the_process_and_stays(tmp_path: Path):
    code = (
        "import os; from pathlib import Path; from backtester.files import write_bytes; "
        "write_bytes(Path('a'), b''); print(os.umask(0))"
    )
    script = f"umask 027; exec '{sys.executable}' -c \"{code}\""
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 0o027
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_new_folder_is_flushed_in_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flushed = []
    monkeypatch.setattr("backtester.files._sync_folder", flushed.append)
    make_folder(tmp_path / "above" / "below")
    assert flushed == [tmp_path, tmp_path / "above"]


def test_nothing_is_writable_by_everyone_whatever_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.files._UMASK", 0)
    before = os.umask(0)
    try:
        make_folder(tmp_path / "above" / "below")
        write_bytes(tmp_path / "above" / "below" / "a", b"")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted((tmp_path / "above").rglob("*"))]
    assert [oct(mode) for mode in modes] == ["0o775", "0o664"]
    assert stat.S_IMODE((tmp_path / "above").stat().st_mode) == 0o775


def test_a_link_is_replaced_not_followed(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").symlink_to(outside)
    write_bytes(tmp_path / "run" / "a", b"new")
    assert outside.read_bytes() == b"precious"


def test_json_refuses_nan(tmp_path: Path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a", {"x": float("nan")})
    assert os.listdir(tmp_path) == []


def test_folder_below_a_file_is_a_storage_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        make_folder(tmp_path / "file" / "below")


KILLED = """
import os, signal, sys
from pathlib import Path
from backtester import files
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
files.write_bytes(Path(sys.argv[1]), b"new")
"""


def test_what_a_killed_write_left_is_removed_by_the_next_one_and_nothing_else(tmp_path: Path):
    write_bytes(tmp_path / "a", b"old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = (path for path in tmp_path.iterdir() if path.name != "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_bytes(b"precious")
    others = {".a.swp", ".a.0123456789abcdef", "a.0123456789abcdef.unfinished", ".a.k3j2h1g0"}
    for name in others:
        (tmp_path / name).touch()
    link = ".a.0123456789abcdef.unfinished"
    (tmp_path / link).symlink_to(outside)
    write_bytes(tmp_path / "b", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", link, *others}, left
    assert outside.read_bytes() == b"precious"


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sync, inner = os.fsync, []

    def written_meanwhile(descriptor: int) -> None:
        sync(descriptor)
        if not inner:
            inner.append(True)
            write_bytes(tmp_path / "b", b"second")

    monkeypatch.setattr(os, "fsync", written_meanwhile)
    write_bytes(tmp_path / "a", b"first")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"first", "b": b"second"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file that belongs to another user")
def test_what_belongs_to_another_user_is_left_alone(tmp_path: Path):
    theirs = tmp_path / ".a.0123456789abcdef.unfinished"
    theirs.touch()
    os.chown(theirs, 12345, 12345)
    write_bytes(tmp_path / "a", b"mine")
    assert theirs.exists()


def test_of_two_that_create_a_file_one_does(tmp_path: Path):
    assert create_bytes(tmp_path / "a", b"first")
    assert not create_bytes(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path: Path):
    write_bytes(tmp_path / ("a" * 255), b"x")
    assert os.listdir(tmp_path) == ["a" * 255]
