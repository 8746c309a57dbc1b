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
from backtester.reporting.published import published_of
from backtester.reporting.published_charts import published_captions, published_figures
from backtester.reporting.published_section import published_section
from backtester.run_directory import RunRecord, read_run
from tests.reporting.published import EPOCHS, TEST_ROWS, add_published

LEAK = "our score below it is examined as a leak."
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
    assert "As published, not out of sample: 90 forecasts of the close, one row ahead" in said
    # the scaler would be another without the test: a leak, and no figure is out of sample
    assert said.count("not out of sample") == 2


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
        f"{100 * figures_['seeds'][1]['direction']:.1f}% of {figures_['seeds'][1]['direction_n']}",
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
            "Walk-forward the last price wins; as published our score below it is examined as a leak.",
        ),
        (
            (0.8,),
            0.99,
            "The forecast errs less both times; as published our score below it is examined as a leak.",
        ),
        (
            (0.8, 1.5),
            1.004,
            "As published 1 of 2 networks is below the last price, which is examined as a leak; walk-forward "
            "the last price wins.",
        ),
        ((), 1.004, ""),
    ],
)
def test_it_is_said_who_wins_in_which_test(plain_run, tmp_path, errors, own, said):
    record = published_run(plain_run, tmp_path, errors=errors)
    published = published_of(record)
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
    assert f"What is wrong with this test: {len(figures_['flaws'])} flaws" in said


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


def test_the_heads_say_what_is_forecast_and_what_a_network_learns_from_in_either_test(page):
    said = Text(section(page)).said
    assert "one row ahead, 2016-03-21 to 2016-07-22; trained once on 2,404 rows" in said
    assert "of the close, 1 session ahead from log_return, 2009-11-17 to 2016-07-22" in said
    assert "; trained on 750 bars, again every 63 bars" in said
    assert "How much a network learned from, and how old that is when it forecasts" in said


def test_the_tag_and_the_caption_follow_from_what_was_found(plain_run, tmp_path, page, backwards):
    assert "Two tests, of which one has the other's days among its own" in unescape(page)
    assert "Two tests, of different days and prices" in page_of(backwards)
    record = published_run(plain_run, tmp_path, errors=(1.2,))
    figures_ = json.loads((record.directory / "published.json").read_text())
    figures_["flaws"] = [flaw for flaw in figures_["flaws"] if not flaw["leak"]]
    (record.directory / "published.json").write_text(json.dumps(figures_))
    said = Text(section(page_of(record))).said
    assert said.count("one split; not counted as out of sample") == 2
    assert "not out of sample" not in said


def test_a_single_split_beside_the_published_one_is_called_walk_forward_nowhere(plain_run, tmp_path):
    directory = Path(shutil.copytree(plain_run.directory, tmp_path / "run"))
    manifest = json.loads((directory / "run.json").read_text())
    manifest["recipe"]["folds"]["scheme"] = "single"
    (directory / "run.json").write_text(json.dumps(manifest))
    figures_ = add_published(directory, errors=(1.2,))
    assert "; single split, the close 1 session ahead from log_return: RMSE" in figures_["sentence"]
    found = section(page_of(read_run(directory)))
    assert "walk-forward" not in found.lower()
    assert 'aria-label="As published and single split"' in found
    assert "The network of the other test is trained once on 750 bars." in Text(found).said


# ---- backwards in time ----


def test_read_backwards_the_row_before_is_not_called_a_last_price(backwards):
    found = section(page_of(backwards))
    rows, said = rows_of(found), Text(found).said
    assert list(rows)[:2] == ["Our network", "Row read before (the next session's price), the same rows"]
    assert rows["Our network"][3] == "–"
    card, _, rest = said.partition("Walk-forward out of sample")
    assert "last price" not in card.replace("stands for the last price", "")
    assert "RMSE over that of the row before; below 1 is better" in card
    assert "90 forecasts (89 scored, without the one beyond the seam) of the close, one session back" in rest
    assert "As published the row read before (the next session's price) wins; walk-forward the last" in rest
    assert "The first row, beyond the seam: in no score1" in rest


def test_read_backwards_the_chart_names_the_next_session_and_leaves_the_seam_out(backwards):
    chart = charts_of(backwards)["published_prices"]
    line = trace(chart, "Next session's price")
    assert "Last price" not in [drawn.name for drawn in chart.data]
    assert line.y[0] is None
    assert all(value is not None for value in line.y[1:])
    assert "next session's price thin grey" in words_of(backwards)["published_prices"]


# ---- below the last price ----


def test_a_score_below_the_last_price_is_examined_before_it_is_believed(plain_run, tmp_path):
    said = Text(section(page_of(published_run(plain_run, tmp_path, errors=(0.8, 1.2))))).said
    assert "1 of 2 networks is below the last price, and suspected of a leak first." in said
    assert "Below the last price: examined as a leak before it is believed" in said
    assert "1 of 2 networks scored below the last price. Examined as a leak" in said
    assert "Samples that the training has too, number for number" in said
    assert "p < 0.001" in said


def test_a_score_in_the_source_below_the_last_price_is_examined_too(plain_run, tmp_path):
    said = Text(section(page_of(published_run(plain_run, tmp_path, errors=(1.2,), score=0.9)))).said
    assert "Below the last price: examined as a leak before it is believed" in said
    assert "(0.900x). Its forecasts are not given, so that no paired test can be made of them." in said
    assert "Networks below it" not in said


def test_where_the_last_price_wins_there_is_nothing_to_examine(page):
    assert "examined as a leak" not in page


# ---- charts ----


def charts_of(record: RunRecord) -> dict[str, Any]:
    published = published_of(record)
    assert published is not None
    return published_figures(published)


def words_of(record: RunRecord) -> dict[str, str]:
    published = published_of(record)
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
    published = published_of(three)
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
    assert "Every network failed; last price" in said
    (failure,) = json.loads((record.directory / "published.json").read_text())["failures"]
    assert f"The network of seed {failure['seed']} gave nothing: the loss is no number" in said
    assert "Networksnone: 1 failed" in said
    assert "No network was trained to its end." in said


def test_networks_that_failed_are_counted_beside_those_that_did_not(plain_run, tmp_path):
    record = published_run(plain_run, tmp_path, errors=(1.2, 1.3), failed=3)
    said = Text(section(page_of(record))).said
    assert "(mean of 2 networks, 3 failed), last price" in said
    assert "the mean of 2 networks (3 failed); last price" in said
    assert "2, each with a seed and a score of its own; 3 failed" in said
    assert said.count("gave nothing: the loss is no number") == 3


@pytest.mark.parametrize("name", ["published.csv", "published.json"])
def test_a_damaged_file_of_the_mode_is_told(plain_run, tmp_path, name):
    record = published_run(plain_run, tmp_path)
    (record.directory / name).write_text('{"source": "x"}' if name.endswith("json") else "a,b\n1,2\n")
    with pytest.raises(StorageError, match=re.escape(name)):
        page_of(record)
