"""What is installed elsewhere: the wheel, from an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_recipes_strategies_samples_and_licences(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, below in (("recipes", "recipes"), ("strategies", "strategies")):
        for path in (ROOT / folder).glob("*.*"):
            assert f"backtester/builtin/{below}/{path.name}" in names
    for path in (ROOT / "backtester" / "prices" / "samples").iterdir():
        assert f"backtester/prices/samples/{path.name}" in names
    for path in (ROOT / "backtester" / "starter").glob("*.*"):
        assert f"backtester/starter/{path.name}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "docs/", "reports/")) for name in names)


@pytest.mark.slow
def test_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    environment = os.environ | {"PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def backtester(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "backtester.cli", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    where = subprocess.run(
        [sys.executable, "-c", "import backtester; print(backtester.__file__)"],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
    assert backtester("init", "demo", cwd=empty).returncode == 0
    quick = ("--set", "training.epochs=1", "--set", "folds.test=600")
    for recipe in ("recipe.toml", "lstm"):
        result = backtester("run", recipe, *quick, cwd=empty / "demo")
        assert result.returncode == 0, result.stderr
        assert "Buy-and-hold" in result.stdout
    assert len(list((empty / "demo" / "reports").glob("*/index.html"))) == 2
