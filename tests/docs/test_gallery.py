"""The gallery is drawn from finished runs, and what it says of them is what their files say."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from backtester.cli.app import app
from backtester.errors import UsageError
from backtester.recipe import load_recipe, shareable_mapping
from backtester.shipped import builtin_folder
from tests.docs.test_readme import anchors, name_of, parse, printed_commands
from tests.reporting.conftest import make_run
from tests.reporting.published import add_published

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((DOCS / "systems").glob("*.md"))


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_gallery", DOCS / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def finished(
    folder: Path, *, recipe: str, errors: tuple[float, ...], failed: int = 0, **changes: object
) -> Path:
    """The files of a run that the gallery reads, and no more; changes by section__key, or state."""
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<p>page</p>")
    settings = shareable_mapping(load_recipe(recipe).recipe)
    settings["data"] |= {"symbol": "SPY", "start": "2001-01-02"}
    settings["execution"]["workers"] = 3
    manifest = {"recipe_name": recipe, "state": changes.pop("state", "done"), "recipe": settings}
    for name, value in changes.items():
        section, _, key = name.partition("__")
        settings[section] = settings[section] | {key: value} if key else value
    (folder / "run.json").write_text(json.dumps(manifest))
    forecast = {"rmse": 3.3, "rmse_last_price": 3.0, "rmse_ratio": 1.1}
    (folder / "summary.json").write_text(json.dumps({"forecast": forecast}))
    days = [f"2020-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    lines = [f"{day},{100 + i % 7}" for i, day in enumerate(days)]
    (folder / "prices.csv").write_text("\n".join(["date,close", *lines]))
    add_published(folder, errors=errors, failed=failed)
    return folder


# ---- the pages ----


def test_every_system_has_a_page_a_recipe_and_a_place_in_the_gallery(gallery):
    assert {page.stem for page in PAGES} == {*gallery.SYSTEMS, "README"}
    assert set(gallery.SYSTEMS) - {"digits"} <= {
        path.stem for path in builtin_folder("recipes").glob("*.toml")
    }
    text = (DOCS / "gallery.md").read_text()
    assert re.findall(r"<!-- picture: (\S+) -->", text) == list(gallery.SYSTEMS)
    for name in gallery.SYSTEMS:
        page = (DOCS / "systems" / f"{name}.md").read_text()
        for mark in ("picture", "measured"):
            emptied = gallery.filled(page, mark=mark, text="")
            assert f"<!-- {mark} -->\n<!-- /{mark} -->" in emptied
            # what stands there is a picture or a table, and nothing else of the page is lost
            assert re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", page, re.DOTALL).group(1).strip()  # type: ignore[union-attr]
            assert len(emptied) < len(page)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for target in [target for target in targets if "://" not in target]:
        place, _, anchor = target.partition("#")
        goal = (page.parent / place).resolve() if place else page
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal), target


@pytest.mark.parametrize(
    "command",
    [pytest.param(command, id=command) for page in PAGES for command in printed_commands(page)],
)
def test_every_printed_command_parses(command: str):
    parse(get_command(app), shlex.split(command)[1:], name="backtester")


# ---- the script ----


def test_what_is_measured_is_what_the_files_of_the_runs_say(gallery, tmp_path):
    runs = [
        finished(tmp_path / "a", recipe="stacked", errors=(1.2, 1.4)),
        finished(tmp_path / "b", recipe="stacked", errors=(1.3,)),
    ]
    lines = gallery.measured_table(runs).splitlines()
    assert len(lines) == 4
    for run, line, networks in zip(runs, lines[2:], ("2", "1"), strict=True):
        figures = json.loads((run / "published.json").read_text())
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[0].startswith("SPY, 90 rows, 2020-")
        assert cells[1] == networks
        assert cells[2].startswith(f"{figures['rmse']['mean']:.3f}")
        assert (" ± " in cells[2]) == (networks == "2")
        assert cells[3:5] == [f"{figures['last_price']['rmse']:.3f}", f"{figures['ratio']:.3f}"]
        assert cells[6:] == ["3.300", "3.000", "1.100"]


def test_networks_that_failed_are_counted_in_the_table(gallery, tmp_path):
    run = finished(tmp_path / "a", recipe="stacked", errors=(1.2, 1.3), failed=3)
    (line,) = gallery.measured_table([run]).splitlines()[2:]
    assert line.split("|")[2].strip() == "2 of 5 (3 failed)"


def test_pictures_and_figures_come_to_their_places_and_the_rest_stays(gallery, tmp_path, monkeypatch, capsys):
    docs = tmp_path / "docs"
    shutil.copytree(DOCS / "systems", docs / "systems")
    shutil.copy(DOCS / "gallery.md", docs / "gallery.md")
    before = {page.name: page.read_text() for page in (docs / "systems").iterdir()}
    drawn = []
    monkeypatch.setattr(gallery, "_draw", lambda pictures: drawn.extend(pictures))
    run = finished(tmp_path / "run", recipe="stacked", errors=(1.2,))
    assert gallery.main([str(run), "--docs", str(docs)]) == 0
    assert drawn == [(run / "index.html", docs / "images" / "systems" / "stacked.png")]
    page = (docs / "systems" / "stacked.md").read_text()
    assert "](../images/systems/stacked.png)\n<!-- /picture -->" in page
    assert gallery.measured_table([run]) in page
    assert "](images/systems/stacked.png)\n<!-- /picture -->" in (docs / "gallery.md").read_text()
    after = {path.name: path.read_text() for path in (docs / "systems").iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["stacked.md"]
    assert gallery.main([str(run), "--docs", str(docs)]) == 0
    assert (docs / "systems" / "stacked.md").read_text() == page


def test_a_run_of_something_else_is_refused_before_anything_is_drawn(gallery, tmp_path):
    other = finished(tmp_path / "run", recipe="lstm", errors=(1.2,))
    with pytest.raises(UsageError, match="a run of 'lstm', which is none of lstm50"):
        gallery.main([str(other)])
    with pytest.raises(UsageError, match=r"no page here \(index.html is missing\)"):
        gallery.main([str(tmp_path)])
    (tmp_path / "index.html").write_text("a page")
    (tmp_path / "summary.json").write_text('{"kind": "stress"}')
    with pytest.raises(UsageError, match="neither a run nor the control"):
        gallery.system_of(tmp_path)
    (tmp_path / "summary.json").write_text('{"kind": "control digits"}')
    assert gallery.system_of(tmp_path) == "digits"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training__epochs": 1}, r"other settings than the recipe \(training.epochs\)"),
        ({"seed": 8}, r"other settings than the recipe \(seed\)"),
        ({"published__train": 0.5, "model__units": [8]}, r"recipe \(model.units, published.train\)"),
        ({"folds__scheme": "single"}, r"recipe \(folds.scheme\)"),
        ({"state": "incomplete"}, "is 'incomplete', not done"),
        ({"state": "running"}, "is 'running', not done"),
    ],
)
def test_a_run_that_is_not_the_systems_own_is_refused(gallery, tmp_path, changes, said):
    with pytest.raises(UsageError, match=said):
        gallery.system_of(finished(tmp_path / "run", recipe="stacked", errors=(1.2,), **changes))


def test_other_prices_and_more_networks_are_a_run_of_the_system_still(gallery, tmp_path):
    run = finished(tmp_path / "run", recipe="stacked", errors=(1.2,), published__seeds=5)
    assert gallery.system_of(run) == "stacked"


def test_a_page_that_lost_its_mark_is_told(gallery):
    with pytest.raises(UsageError, match="has lost its mark '<!-- measured -->'"):
        gallery.filled("text", mark="measured", text="x")
    assert doctest.testmod(gallery).failed == 0


@pytest.mark.slow
def test_the_excerpt_of_a_page_becomes_a_small_picture(gallery, tmp_path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not any(map(shutil.which, gallery.BROWSERS)):
        pytest.skip("no browser in PATH")
    from backtester.reporting.page import page_title, render_page
    from backtester.run_directory import read_run

    record = make_run(tmp_path / "run")
    add_published(record.directory)
    record = read_run(record.directory)
    (record.directory / "index.html").write_text(render_page(record, title=page_title(record)))
    picture = tmp_path / "images" / "page.png"
    gallery._draw([(record.directory / "index.html", picture)])
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    assert len(content) < 300_000
