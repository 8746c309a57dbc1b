from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from backtester.reporting.page import data_block, page_title, render_page


class Reader(HTMLParser):
    """Elements, their attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        self.elements.append((tag, dict(attrs)))
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "h2":
            self.headings[-1] += data
        if self.inside not in {"script", "style"}:
            self.text.append(data)


@pytest.fixture(scope="module")
def plain(plain_page):
    return plain_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nasty(nasty_page):
    return nasty_page.read_text(encoding="utf-8")


def test_the_page_goes_from_the_answer_to_the_files(plain):
    assert Reader(plain).headings == [
        "How the verdict came about",
        "What was asked",
        "Result, net of costs",
        "Equity and drawdown",
        "1. Does the forecast beat the last price?",
        "2. Does the strategy beat buy-and-hold at the same risk, after costs?",
        "3. Does it survive the number of variants tried?",
        "4. Does it survive stress?",
        "How much could this test have shown?",
        "Fold by fold",
        "Monthly returns",
        "Trades and exposure",
        "Costs",
        "Data",
        "Settings",
        "To get the same again",
        "Files of this run",
    ]


def test_nothing_is_loaded_from_anywhere(plain, nasty):
    for page in (plain, nasty):
        elements = Reader(page).elements
        assert not [attrs for _, attrs in elements if "src" in attrs]
        links = {attrs["href"] for _, attrs in elements if attrs.get("href")}
        assert not [link for link in links if not re.fullmatch(r"#[\w-]+|[\w.]+|data:,", link)]
        policy = next(
            attrs["content"] for _, attrs in elements if attrs.get("http-equiv") == "Content-Security-Policy"
        )
        assert policy.startswith("default-src 'none';")


def test_every_linked_file_exists(plain, plain_page):
    links = {attrs["href"] for tag, attrs in Reader(plain).elements if tag == "a"}
    files = {link for link in links if link and not link.startswith("#")}
    assert {"tearsheet_buy_and_hold.html", "tearsheet_last_price.html", "trades.csv"} <= files
    assert [name for name in files if not (plain_page.parent / name).is_file()] == []


def test_plotly_is_inside_once(plain):
    assert plain.count("plotly.js v") == 1


def test_any_text_is_shown_whole_and_stays_text(plain, nasty, nasty_text):
    reader = Reader(nasty)
    text = "".join(reader.text)
    assert len(nasty_text) == 300
    # title, answer, question, reason of the failed fold, symbol, note of the data
    assert text.count(nasty_text) >= 6
    tags = [tag for tag, _ in reader.elements]
    for page in (reader, Reader(plain)):
        programs = [attrs for tag, attrs in page.elements if tag == "script" and "type" not in attrs]
        assert len(programs) == 2
    assert "b" not in tags


def test_the_charts_are_json_that_cannot_leave_its_script(nasty):
    blocks = re.findall(r'<script type="application/json" id="figure-(\w+)">(.*?)</script>', nasty, re.DOTALL)
    assert [name for name, _ in blocks] == [
        "equity", "drawdown", "forecast_skill", "forecast_saved", "forecast_folds", "forecast", "prices",
        "return_difference", "sharpe", "cagr", "max_drawdown", "rolling_sharpe", "folds", "spans", "exposure",
    ]  # fmt: skip
    for _, block in blocks:
        assert "<" not in block
        assert json.loads(block)["data"]


def test_no_text_of_a_chart_can_end_its_script():
    text = json.dumps({"text": "</script><!-- <b> &lt; \u2028"}, ensure_ascii=False)
    block = str(data_block(text))
    assert not set("<>&\u2028") & set(block)
    assert json.loads(block) == json.loads(text)


def test_failed_folds_come_before_everything_else(plain, nasty):
    assert 'role="alert"' not in plain
    assert Reader(nasty).headings[0] == "1 fold of 28 failed: this run is incomplete"
    assert nasty.index('role="alert"') < nasty.index('id="asked"')


def test_a_curve_that_stayed_in_cash_has_a_dash_for_sharpe_and_a_word_why(plain, nasty):
    assert "Last price stayed in cash on every day" in plain
    assert "Strategy and last price stayed in cash on every day" in nasty
    row = re.search(r'<th scope="row">Sharpe ratio</th>(.*?)</tr>', nasty, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td>(.*?)</td>", row.group(1))[0] == "–"


def test_the_figures_are_those_of_the_summary(plain, plain_run):
    own = plain_run.summary["strategies"]["strategy"]
    assert f"<td>{100 * own['cagr']:.1f}%</td>" in plain
    assert f'<span class="value">{plain_run.summary["forecast"]["rmse_ratio"]:.4f}</span>' in plain
    assert plain_run.summary["answer"] in plain
    assert plain_run.summary["forecasts_sha256"] in plain


def test_the_same_run_gives_the_same_page(plain, plain_run):
    # the wall clock goes on while the page is drawn, and is written to run.json after it
    timing = plain_run.manifest["timing"] | {"wall_seconds": 99.0}
    record = dataclasses.replace(plain_run, manifest=plain_run.manifest | {"timing": timing})
    assert render_page(record, title=page_title(record)) == plain


def test_a_run_in_which_every_fold_failed_still_has_a_page(nasty_run):
    folds = [fold | {"state": "failed", "members": []} for fold in nasty_run.manifest["folds"]]
    nothing = dict.fromkeys(nasty_run.summary["forecast"]) | {"n": 0, "hit_rate_n": 0}
    record = dataclasses.replace(
        nasty_run,
        manifest=nasty_run.manifest | {"folds": folds},
        summary=nasty_run.summary
        | {
            "forecast": nothing,
            "folds_table": [row | {"rmse_ratio": None} for row in nasty_run.summary["folds_table"]],
        },
        forecasts=nasty_run.forecasts.assign(forecast=float("nan"), forecast_price=float("nan")),
    )
    page = render_page(record, title="Nothing")
    assert "28 folds of 28 failed" in page
    assert "and 20 more" in page
    assert "There is no forecast that could be compared with the last price." in page


def test_a_title_of_the_recipe_wins(plain_run, nasty_run, nasty_text):
    assert page_title(plain_run) == "lstm on SPY"
    assert page_title(nasty_run) == nasty_text
