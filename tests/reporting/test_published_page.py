from __future__ import annotations

import dataclasses
import json
import math
import re
import shutil
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from backtester.errors import StorageError
from backtester.reporting.page import page_title, render_page
from backtester.reporting.published import read_published
from backtester.reporting.published_charts import published_captions, published_figures
from backtester.reporting.published_section import published_section
from backtester.run_directory import RunRecord, read_run
from tests.reporting.published import EPOCHS, TEST_ROWS, add_published

LEAK = "the published score below it is examined as a leak."
HEADING = "As published, beside the honest test"


class Text(HTMLParser):
    """What a reader sees of a page, and the tags in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.parts: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.tags.append(tag)

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in {"script", "style"}:
            self.parts.append(data)

    @property
    def said(self) -> str:
        return " ".join("".join(self.parts).split())


def published_run(plain_run: RunRecord, folder: Path, **options) -> RunRecord:
    directory = Path(shutil.copytree(plain_run.directory, folder / "run"))
    add_published(directory, **options)
    return read_run(directory)


def page_of(record: RunRecord) -> str:
    return render_page(record, title=page_title(record))


def section(page: str) -> str:
    found = re.search(r'<section id="published".*?</section>', page, re.DOTALL)
    assert found is not None
    return found.group(0)


@pytest.fixture(scope="module")
def three(plain_run, tmp_path_factory):
    return published_run(plain_run, tmp_path_factory.mktemp("three"))


@pytest.fixture(scope="module")
def page(three):
    return page_of(three)


@pytest.fixture(scope="module")
def backwards(plain_run, tmp_path_factory):
    return published_run(
        plain_run, tmp_path_factory.mktemp("backwards"), errors=(1.5,), backwards=True, watched=False
    )


def rows_of(page: str) -> dict[str, list[str]]:
    table = re.search(r'<table class="beside">(.*?)</table>', page, re.DOTALL)
    assert table is not None
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table.group(1), re.DOTALL)
    return {unescape(label): re.findall(r"<td>(.*?)</td>", cells) for label, cells in rows}


# ---- a run without ----


@pytest.fixture(scope="module")
def plain(plain_run):
    return page_of(plain_run)


def test_a_run_without_the_mode_has_no_word_of_it(plain):
    assert HEADING not in plain
    assert "published" not in plain
    assert "Walk-forward test" in plain


# ---- the two modes ----


def test_the_mode_is_named_and_marked_as_not_out_of_sample(page):
    said = Text(section(page)).said
    assert HEADING in said
    assert "Mode: as published. One split" in said
    assert "do not count as out of sample" in said
    assert "As published, not out of sample: 90 forecasts" in said


def test_the_table_has_score_of_the_source_networks_and_last_price_of_both_modes(page, three):
    figures_ = json.loads((three.directory / "published.json").read_text())
    rows, own = rows_of(page), three.summary["forecast"]
    naive = figures_["last_price"]["rmse"]
    assert list(rows) == [
        "Score in the source",
        "Our 3 networks, mean ± sd",
        "seed 100",
        "seed 101",
        "seed 102",
        "Last price, the same rows",
        "This run's forecast",
        "Last price, the same bars",
        f"This run's forecast, on the {TEST_ROWS} published days",
    ]
    assert rows["Score in the source"][:2] == [f"{1.12 * naive:.3f}", "1.120×"]
    assert rows["Our 3 networks, mean ± sd"][:2] == [
        f"{figures_['rmse']['mean']:.3f} ± {figures_['rmse']['sd']:.3f}",
        f"{figures_['ratio']:.3f}×",
    ]
    assert rows["seed 101"] == [
        f"{figures_['seeds'][1]['rmse']:.3f}",
        f"{figures_['seeds'][1]['ratio']:.3f}×",
        f"{figures_['seeds'][1]['mae']:.3f}",
        f"51.0% of {TEST_ROWS}",
        str(EPOCHS),
    ]
    assert rows["Last price, the same rows"][0] == f"{naive:.3f}"
    assert rows["This run's forecast"][0] == f"{own['rmse']:.3f}"
    assert rows["Last price, the same bars"][0] == f"{own['rmse_last_price']:.3f}"


def test_the_same_days_are_scored_only_where_they_are_of_the_same_prices(plain_run, tmp_path):
    record = published_run(plain_run, tmp_path)
    path = record.directory / "published.csv"
    lines = path.read_text().splitlines()
    day, start, end, actual, *rest = lines[-1].split(",")
    path.write_text("\n".join([*lines[:-1], ",".join([day, start, end, str(2 * float(actual)), *rest])]))
    assert not [label for label in rows_of(page_of(record)) if "published days" in label]


def test_the_same_days_are_those_of_the_walk_forward_table(page, three):
    rows = three.forecasts.dropna(subset=["actual"]).tail(TEST_ROWS)
    close = rows["last_price"] * rows["actual"].map(math.exp)
    rmse = float(((rows["forecast_price"] - close) ** 2).mean() ** 0.5)
    assert rows_of(page)[f"This run's forecast, on the {TEST_ROWS} published days"][0] == f"{rmse:.3f}"


def test_a_source_without_a_score_has_no_row_for_it(backwards):
    rows = rows_of(page_of(backwards))
    assert "Score in the source" not in rows
    assert "Our network" in rows


def test_each_card_says_who_wins(page):
    said = Text(section(page)).said
    assert "The last price wins against each of them." in said
    assert "RMSE over the last price’s; below 1 is better" in said


@pytest.mark.parametrize(
    ("errors", "own", "said"),
    [
        ((1.2,), 1.004, "The last price wins both times."),
        ((1.2,), 0.99, "As published the last price wins; walk-forward the forecast errs less."),
        (
            (0.8,),
            1.004,
            "Walk-forward the last price wins; the published score below it is examined as a leak.",
        ),
        (
            (0.8,),
            0.99,
            "The forecast errs less both times; the published score below it is examined as a leak.",
        ),
        ((), 1.004, ""),
    ],
)
def test_it_is_said_who_wins_in_which_test(plain_run, tmp_path, errors, own, said):
    record = published_run(plain_run, tmp_path, errors=errors)
    published = read_published(record)
    assert published is not None
    summary = record.summary | {"forecast": record.summary["forecast"] | {"rmse_ratio": own}}
    values = published_section(dataclasses.replace(record, summary=summary), published=published)
    assert values["winner"] == said


def test_the_sentence_and_every_flaw_stand_on_the_page(page, three):
    figures_ = json.loads((three.directory / "published.json").read_text())
    said = Text(section(page)).said
    assert figures_["sentence"] in said
    for flaw in figures_["flaws"]:
        assert f"{flaw['title']}. {flaw['text']}" in said
    assert "What is wrong with this test: 2 flaws" in said


def test_no_published_figure_reaches_the_rest_of_the_page(page, plain):
    """But for the list of files, the way there and the charts, the page is that of the run itself."""
    own = Text(plain).said
    rest = Text(page.replace(section(page), "")).said
    for line in (
        "The same system as it was published stands beside this test; its figures do not count as out "
        "of sample.",
        "published.csveach forecast of the system as published; not out of sample",
        "published.jsonits figures and flaws; not out of sample",
    ):
        assert line in rest
        rest = rest.replace(line, "")
    assert rest.split() == own.split()


# ---- below the last price ----


def test_a_score_below_the_last_price_is_examined_before_it_is_believed(plain_run, tmp_path):
    said = Text(section(page_of(published_run(plain_run, tmp_path, errors=(0.8, 1.2))))).said
    assert "1 of 2 networks are below the last price, and suspected of a leak first." in said
    assert "Below the last price: examined as a leak before it is believed" in said
    assert "No row is in its own window." in said
    assert "p = 0.030" in said


def test_where_the_last_price_wins_there_is_nothing_to_examine(page):
    assert "examined as a leak" not in page


# ---- charts ----


def charts_of(record: RunRecord) -> dict[str, Any]:
    published = read_published(record)
    assert published is not None
    return published_figures(published)


def words_of(record: RunRecord) -> dict[str, str]:
    published = read_published(record)
    assert published is not None
    return published_captions(published)


def trace(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_actual_is_blue_predicted_red_and_last_price_thin_grey(three):
    for name in ("published_prices", "published_close_up"):
        chart = charts_of(three)[name]
        assert trace(chart, "Actual").line.color == "#0b5fa5"
        assert trace(chart, "Predicted, mean of 3").line.color == "#c62d1f"
        assert trace(chart, "Last price").line.color == "#6b7280"
        assert trace(chart, "Last price").line.width == 1
        assert trace(chart, "Lowest to highest network").fill == "tonexty"
    assert len(trace(charts_of(three)["published_prices"], "Actual").x) == TEST_ROWS
    assert len(trace(charts_of(three)["published_close_up"], "Actual").x) == 60


def test_the_close_up_says_whether_the_forecast_follows(three):
    words = words_of(three)["published_close_up"]
    assert words.startswith("The last 60 rows.")
    assert words.endswith("it follows the price a row late.")
    published = read_published(three)
    assert published is not None
    table = published.forecasts
    for share, said in ((1.0, "it is nearer to the price it is for than to the one before."),
                        (0.5, "it is as far from the one as from the other.")):  # fmt: skip
        between = table["last_price"] + share * (table["actual"] - table["last_price"])
        moved = dataclasses.replace(
            published, forecasts=table.assign(**dict.fromkeys(published.predicted, between))
        )
        assert published_captions(moved)["published_close_up"].endswith(said)


def test_losses_of_training_and_validation_stand_by_epoch(three, backwards):
    chart = charts_of(three)["published_loss"]
    assert [line.name for line in chart.data] == [
        *["Training loss"] * 3,
        *["Validation loss (on the test rows)"] * 3,
    ]
    assert [line.showlegend for line in chart.data] == [True, False, False] * 2
    assert list(chart.data[0].x) == list(range(1, EPOCHS + 1))
    assert {line.name for line in charts_of(backwards)["published_loss"].data} == {"Training loss"}
    assert words_of(backwards)["published_loss"].endswith("Nothing was held out to watch.")


def test_time_that_runs_backwards_is_drawn_as_it_is_read_and_said(backwards):
    chart = charts_of(backwards)["published_prices"]
    assert chart.layout.xaxis.autorange == "reversed"
    assert len(chart.layout.shapes) == 2
    said = words_of(backwards)["published_prices"]
    assert "newest first: time runs from right to left" in said
    assert "60 rows that the networks were trained on" in said
    assert "30 rows whose window reaches across the seam" in said
    assert "RMSE by kind of row" in page_of(backwards)


# ---- what may go wrong ----


def test_any_text_stays_text(plain_run, tmp_path, nasty_text):
    text = "<script>alert(1)</script><img src=x onerror=alert(1)>" + nasty_text
    record = published_run(plain_run, tmp_path, errors=(0.8,), text=text)
    found = section(page_of(record))
    assert {"img", "b"} & set(Text(found).tags) == set()
    assert Text(found).tags.count("script") == 3
    assert escape(text, quote=False)[:30] in found
    # source, symbol, sentence, a flaw's title and text, what was examined
    assert unescape(re.sub(r"<[^>]*>", "", found)).count(text) >= 6


def test_networks_that_all_failed_leave_the_last_price(plain_run, tmp_path):
    record = published_run(plain_run, tmp_path, errors=())
    said = Text(section(page_of(record))).said
    assert "Every network failed; the last price scores" in said
    assert "The network of seed 7 gave nothing: the loss is no number" in said
    assert "No network was trained to its end." in said


@pytest.mark.parametrize("name", ["published.csv", "published.json"])
def test_a_damaged_file_of_the_mode_is_told(plain_run, tmp_path, name):
    record = published_run(plain_run, tmp_path)
    (record.directory / name).write_text('{"source": "x"}' if name.endswith("json") else "a,b\n1,2\n")
    with pytest.raises(StorageError, match=re.escape(name)):
        page_of(record)
