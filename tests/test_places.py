"""Where things are kept for a user without a home: a folder in /tmp that nobody else had a hand in."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from backtester import places
from backtester.errors import StorageError
from backtester.places import temporary_folder, temporary_path
from backtester.prices.cache import default_cache
from backtester.store import default_store_folder
from backtester.trials import default_registry_folder


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def homeless(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places.platformdirs, "user_cache_path", no_home)
    monkeypatch.setattr(places.platformdirs, "user_data_path", no_home)
    return shared


def no_home(*_: object, **__: object) -> Path:
    raise RuntimeError("could not determine the home directory")


def test_without_a_home_all_is_below_one_folder_of_the_users_alone(homeless: Path):
    before = os.umask(0)
    try:
        folders = {default_store_folder(), default_registry_folder(), default_cache()}
    finally:
        os.umask(before)
    assert {folder.parent for folder in folders} == {temporary_path()}
    assert stat.S_IMODE(temporary_path().stat().st_mode) == 0o700


def test_a_folder_of_ours_that_others_may_read_is_closed(shared: Path):
    temporary_path().mkdir(mode=0o755)
    assert stat.S_IMODE(temporary_folder().stat().st_mode) == 0o700


def planted_link(path: Path) -> None:
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    path.symlink_to(elsewhere)


def planted_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "to-be-made")


def planted_file(path: Path) -> None:
    path.touch()


def planted_open_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


def planted_folder_of_another(path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make a folder that belongs to another user")
    path.mkdir(mode=0o700)
    os.chown(path, 12345, 12345)


@pytest.mark.parametrize(
    "plant",
    [planted_link, planted_dangling_link, planted_file, planted_open_folder, planted_folder_of_another],
)
def test_what_another_may_have_planted_is_refused_and_left_as_it_is(plant, homeless: Path):
    plant(temporary_path())
    before = sorted((path.name, path.lstat().st_mode) for path in homeless.iterdir())
    for asked in (temporary_folder, default_store_folder, default_registry_folder, default_cache):
        with pytest.raises(StorageError, match="cannot be trusted"):
            asked()
    assert sorted((path.name, path.lstat().st_mode) for path in homeless.iterdir()) == before
