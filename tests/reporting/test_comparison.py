from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from backtester.comparing import Comparison, compare_runs
from backtester.errors import RunDirectoryError
from backtester.reporting.comparison import render_comparison, write_comparison
from backtester.reporting.comparison_charts import comparison_figures, growth, run_line
from backtester.reporting.comparison_words import compared_table, compared_text
from backtester.run_directory import RunRecord
from tests.reporting.conftest import make_run
from tests.reporting.test_browser import browser, open_page  # noqa: F401 - a fixture
from tests.reporting.test_page import Reader

NASTY_NAME = "<b>\u202e\x1b[31m&amp;\"'{{ x }}</script> ß\U0001f4c8" + "W" * 90


@pytest.fixture(scope="module")
def compared(
    plain_run: RunRecord, nasty_run: RunRecord, tmp_path_factory: pytest.TempPathFactory
) -> Comparison:
    """A plain run, one in cash with a failed fold and text that is no text, and one that trades."""
    folder = tmp_path_factory.mktemp("compared")
    nasty = shutil.copytree(nasty_run.directory, folder / NASTY_NAME.replace("/", "|"))
    (nasty / "index.html").touch()
    third = make_run(folder / "third", text="other")
    return compare_runs([plain_run.directory, nasty, third.directory])


@pytest.fixture(scope="module")
def page(compared: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_comparison(compared, path=tmp_path_factory.mktemp("page") / "comparison.html")


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


# ---- the page ----


def test_the_page_goes_from_the_sentence_to_the_runs(text: str, compared: Comparison):
    assert Reader(text).headings == [
        "Beside each other, net of costs",
        "How sure is each gain over buy-and-hold?",
        "Equity",
        "What differs",
        "The runs",
    ]
    shown = "".join(Reader(text).text)
    assert shown.index(compared.figures["sentence"]) < shown.index("Beside each other")


def test_the_page_loads_nothing_and_links_to_the_runs(text: str, page: Path, compared: Comparison):
    elements = Reader(text).elements
    assert not [attributes for _, attributes in elements if "src" in attributes]
    links = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    pages = [page.parent / unquote(link) for link in links if not link.startswith("#")]
    assert [found.resolve() for found in pages] == [
        (Path(run["directory"]) / "index.html").resolve()
        for run in compared.figures["runs"]
        if (Path(run["directory"]) / "index.html").exists()
    ]
    policy = next(
        attributes["content"]
        for _, attributes in elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert str(policy).startswith("default-src 'none';")
    assert text.count("plotly.js v") == 1


def test_any_text_stays_text(text: str, compared: Comparison):
    reader = Reader(text)
    tags = [tag for tag, _ in reader.elements]
    assert "b" not in tags
    assert (
        len([1 for tag, attributes in reader.elements if tag == "script" and "type" not in attributes]) == 2
    )
    shown = "".join(reader.text)
    assert compared.figures["runs"][1]["name"] in shown
    blocks = re.findall(r'<script type="application/json" id="figure-(\w+)">(.*?)</script>', text, re.DOTALL)
    assert [name for name, _ in blocks] == ["gains", "equity"]
    for _, block in blocks:
        assert "<" not in block
        names = json.dumps(json.loads(block), ensure_ascii=False)
        assert "<b>?" not in names  # plotly reads markup


def test_the_figures_on_the_page_are_those_of_the_comparison(text: str, compared: Comparison):
    best = compared.figures["runs"][0]
    row = re.search(r'<tr><th scope="row"><span class="number">1</span>.*?</tr>', text)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row.group())
    assert cells[0] == f"{100 * best['cagr']:.1f}%".replace("-", "−")
    assert cells[1] == f"{best['sharpe']:.2f}".replace("-", "−")
    assert cells[3] == f"<strong>{best['gain']['value']:+.2f}</strong>".replace("-", "−")
    assert cells[5] == f"{best['p_value']:.3f}"


def test_charts_have_words_for_those_who_cannot_see_them(text: str, compared: Comparison):
    labels = {
        attributes["data-figure"]: attributes["aria-label"] or ""
        for _, attributes in Reader(text).elements
        if attributes.get("role") == "img"
    }
    for run in compared.figures["runs"]:
        assert f"run {run['run']} " in labels["gains"].lower()
        assert f"run {run['run']} made" in labels["equity"]
    assert "buy-and-hold made" in labels["equity"]


def test_the_same_runs_give_the_same_page(text: str, page: Path, compared: Comparison):
    again = compare_runs([Path(run["directory"]) for run in compared.figures["runs"]])
    assert render_comparison(again, folder=page.parent) == text


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_opens_offline_without_complaint_and_fits(browser, page: Path, width: int):  # noqa: F811
    opened = open_page(browser, page, width=width)
    for name in ("gains", "equity"):
        opened.page.wait_for_selector(f"#chart-{name}.drawn .main-svg", timeout=20_000)
    opened.page.click("text=Logarithmic")
    opened.page.wait_for_function("document.getElementById('chart-equity').layout.yaxis.type === 'log'")
    assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
    assert opened.complaints == []
    assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
    opened.page.close()


# ---- where it is written ----


def test_a_page_of_ours_is_replaced(compared: Comparison, tmp_path: Path):
    path = write_comparison(compared, path=tmp_path / "new" / "page.html")
    before = path.read_bytes()
    path.write_bytes(before[:-100])
    assert write_comparison(compared, path=path).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"notes of mine", b"<!DOCTYPE html>\n<title>another page</title>"])
def test_a_file_of_someone_else_is_left_as_it_is(compared: Comparison, tmp_path: Path, content: bytes):
    path = tmp_path / "comparison.html"
    path.write_bytes(content)
    with pytest.raises(RunDirectoryError, match="is not a page of `backtester compare`"):
        write_comparison(compared, path=path)
    assert path.read_bytes() == content


def test_the_report_of_a_run_is_not_replaced(compared: Comparison, plain_page: Path):
    before = plain_page.read_bytes()
    with pytest.raises(RunDirectoryError, match="is not a page of"):
        write_comparison(compared, path=plain_page)
    assert plain_page.read_bytes() == before


def test_a_folder_and_a_link_to_nowhere_are_refused(compared: Comparison, tmp_path: Path):
    with pytest.raises(RunDirectoryError, match="is a folder"):
        write_comparison(compared, path=tmp_path)
    link = tmp_path / "link.html"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunDirectoryError, match="is not a page of"):
        write_comparison(compared, path=link)
    assert link.is_symlink()


# ---- charts ----


def test_each_curve_begins_at_100_before_the_first_return(compared: Comparison):
    curves = growth(compared)
    assert (curves.iloc[0] == 100.0).all()
    assert len(curves) == len(compared.returns) + 1
    assert curves.index.is_monotonic_increasing
    expected = 100 * (1 + compared.returns).prod()
    pd.testing.assert_series_equal(curves.iloc[-1], expected, check_names=False)


def test_every_run_and_every_benchmark_has_its_curve_and_its_interval(compared: Comparison):
    charts = comparison_figures(compared)
    assert [trace.name for trace in charts["equity"].data] == ["Run 1", "Run 2", "Run 3", "Buy-and-hold"]
    labels = [note.text for note in charts["gains"].layout.annotations]
    assert sum(label.startswith("<b>1</b> ") for label in labels) == 1
    assert "not defined" in labels


def test_32_runs_have_lines_that_differ():
    lines = [(run_line(number)["color"], run_line(number)["dash"]) for number in range(1, 33)]
    assert len(set(lines)) == 32


# ---- the terminal ----


@pytest.mark.parametrize("width", [30, 40, 60, 78, 79, 80, 100, 112, 113, 114, 160])
def test_the_text_fits_the_terminal(compared: Comparison, width: int):
    lines = compared_text(compared.figures, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("width", [40, 80, 130])
def test_the_text_has_a_row_for_each_run_whatever_the_width(compared: Comparison, width: int):
    shown = compared_text(compared.figures, width=width)
    for run in compared.figures["runs"]:
        assert re.search(rf"^ *{run['run']} ", shown, re.MULTILINE)
        assert f"{100 * run['cagr']:.1f}%".replace("-0.0", "0.0") in shown
        assert run["verdict"] in shown
    assert "Buy-and-hold: return" in " ".join(shown.split())
    assert " ".join(shown.split()).endswith(compared.figures["sentence"])


def test_no_name_moves_the_cursor_or_turns_the_line_around(compared: Comparison, text: str):
    for shown in (compared_text(compared.figures, width=120), *Reader(text).text):
        assert not {"\x1b", "\u202e"} & set(shown)


def test_settings_are_written_as_in_a_recipe(compared: Comparison):
    figures = copy.deepcopy(compared.figures)
    figures["runs"][0]["differs"] = {"model.units": [25, 10], "data.start": None, "model.kind": "lstm"}
    shown = " ".join(compared_text(figures, width=80).split())
    assert 'model.units = [25, 10], data.start = left out, model.kind = "lstm"' in shown


def test_the_table_has_a_row_for_each_run_and_a_column_for_each_setting(compared: Comparison):
    figures = copy.deepcopy(compared.figures)
    figures["runs"][0]["differs"] = {"seed": 7}
    table = compared_table(figures)
    assert len(table) == 3
    assert table["seed"].tolist() == [7, None, None]
    assert pd.isna(table["gain"].iloc[1])
    assert table["p_value"].dtype == "float64"
