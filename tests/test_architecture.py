"""The rules of the house, held by the code itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import backtester

PACKAGE = Path(backtester.__file__).parent
ROOT = PACKAGE.parent

# A part may import itself and those before it; parts on one line are equals.
FLOW = (
    ("errors", "network_library", "seeds", "suggest"),
    ("files", "references", "shipped", "spans"),
    ("places",),
    ("recipe",),
    ("prices",),
    ("features",),
    ("folds",),
    ("samples",),
    ("models",),
    ("training",),
    ("trainable",),
    ("forecasters",),
    ("tasks",),
    ("store", "trials", "execution"),
    ("forecasts",),
    ("walkforward",),
    ("metrics",),
    ("exploring",),
    ("backtest",),
    ("judgement",),
    ("summary",),
    ("checksums", "manifest_shape"),
    ("run_directory",),
    ("claiming", "judging"),
    ("comparing",),
    ("published",),
    ("reporting",),
    ("question",),
    ("calibration", "manifest", "listing", "run_code"),
    ("planning", "results", "reopening"),
    ("stress", "explaining", "forecasting", "control"),
    ("audit", "verifying"),
    ("pipeline",),
    ("repeating",),
    ("api", "explored"),
    ("cli",),
)
# Plain files that are copied, not imported.
APART = {"starter"}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in APART)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "backtester":
                names |= {f"backtester.{alias.name}" for alias in node.names}
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("backtester.")}


def test_every_part_has_its_place_in_the_flow():
    parts = {part_of(path) for path in MODULES} - {"__init__"}
    assert parts == {part for line in FLOW for part in line}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path):
    level = {part: rank for rank, line in enumerate(FLOW) for part in line}
    mine = part_of(path)
    if mine == "__init__":
        return
    for other in imported_parts(path) - {mine}:
        # forecasts.py is a plain type that anyone may name
        assert other == "forecasts" or level[other] < level[mine], f"{mine} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_outgrows_its_reader(path: Path):
    assert len(path.read_text().splitlines()) <= 350


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(result.stdout.splitlines()[-1].split())


HEAVY = {
    "tensorflow",
    "keras",
    "backtrader",
    "quantstats",
    "plotly",
    "matplotlib",
    "yfinance",
    "sklearn",
    "pandas",
    "numpy",
    "pydantic",
}


def test_help_loads_no_heavy_library():
    code = (
        "sys.argv = ['backtester', '--help']\n"
        "from backtester.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert loaded_by(code) & HEAVY == set()


def test_importing_the_package_loads_no_heavy_library():
    assert loaded_by("import backtester") & HEAVY == set()


def test_asking_a_question_does_not_load_tensorflow():
    code = "import backtester\nbacktester.ask('lstm')"
    assert loaded_by(code) & {"tensorflow", "keras", "quantstats", "matplotlib", "yfinance"} == set()


def tracked_files() -> list[Path]:
    result = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in result.stdout.splitlines()]


def test_no_file_names_a_folder_of_one_machine_or_a_package_index():
    roots = "|".join(("work", "root", "home", "farm"))
    import re

    wrong = re.compile(rf"(?<![\w.~])/({roots})/\w|--(extra-)?index-url|https?://\S+/simple\b")
    found = []
    for path in tracked_files():
        if not path.is_file() or path.suffix in {".png", ".csv"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in wrong.finditer(text)]
    assert found == []
