from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from backtester.recipe import Recipe
from backtester.recipe.keys import section_classes, section_names

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_fresh(generate):
    assert [path.name for path in generate.stale()] == []


def test_the_check_fails_on_a_stale_page_and_writes_nothing(generate, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    generate.main([])
    assert generate.main(["--check"]) == 0
    page = tmp_path / "recipe.md"
    page.write_text("old\n", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/recipe.md is stale: run `make docs`\n"
    assert page.read_text(encoding="utf-8") == "old\n"


def test_the_recipe_page_has_every_section_kind_and_key_with_a_meaning(generate):
    page = generate.recipe_page()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", page, re.MULTILINE)
    expected = ["seed"]
    for section in section_names():
        assert f"\n## [{section}]\n" in page
        for cls in dict.fromkeys(section_classes(section).values()):
            expected += cls.model_fields
    assert [row[0] for row in rows] == expected
    for key, *cells in rows:
        assert all(cell.strip() for cell in cells), key
    kinds = {kind for name in section_names() for kind in section_classes(name)} - {"", "reference"}
    headings = "".join(re.findall(r"^### .+$", page, re.MULTILINE))
    assert {kind for kind in kinds if f"`{kind}`" not in headings} == set()


def test_every_section_of_the_recipe_is_documented(generate):
    assert [*section_names(), "seed"] == [*list(Recipe.model_fields)[1:], "seed"]


def test_the_command_line_page_has_the_help_of_every_command(generate):
    page = generate.cli_page()
    if page is None:
        pytest.skip("this checkout has no command line")
    from typer.main import get_command

    from backtester.cli.app import app

    for name, command in get_command(app).commands.items():
        assert command.help, name
        assert f"\n## `backtester {name}`\n\n```text\nUsage: backtester {name} " in page


def test_making_the_pages_imports_no_heavy_library():
    code = (
        "import runpy, sys\n"
        "runpy.run_path('docs/generate.py')['pages']()\n"
        "heavy = {'tensorflow', 'keras', 'backtrader', 'quantstats', 'plotly', 'yfinance'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=DOCS.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
