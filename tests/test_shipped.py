import pytest

from backtester import shipped
from backtester.errors import StorageError
from backtester.shipped import builtin_folder


def test_strategies_and_recipes_are_found():
    assert (builtin_folder("strategies") / "long_or_cash.py").is_file()
    assert builtin_folder("recipes").is_dir()


def test_a_folder_inside_the_package_goes_first(tmp_path, monkeypatch):
    package = tmp_path / "site" / "backtester"
    (package / "builtin" / "strategies").mkdir(parents=True)
    (tmp_path / "site" / "strategies").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert builtin_folder("strategies") == package / "builtin" / "strategies"


def test_a_broken_installation_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "backtester")
    with pytest.raises(StorageError, match="built-in strategies are missing"):
        builtin_folder("strategies")
