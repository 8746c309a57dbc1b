import os
import stat
from pathlib import Path

import pytest

from backtester.errors import StorageError
from backtester.files import make_folder, write_bytes, write_json


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


def test_mode_follows_the_umask(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


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
