from __future__ import annotations

import dataclasses
import html
import json
import re
from typing import Any

import pytest

from backtester.reporting import figures
from backtester.reporting.judgement import verdict
from backtester.reporting.judgement_facts import direction_words, evidence
from backtester.reporting.page import render_page


@pytest.fixture(scope="module")
def plain(plain_page):
    return plain_page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nasty(nasty_page):
    return nasty_page.read_text(encoding="utf-8")


def changed(record, *path, **changes):
    """The same run with other figures at ``path`` in its summary."""
    summary = json.loads(json.dumps(record.summary))
    place: Any = summary
    for key in path:
        place = place[key]
    place.update(changes)
    return dataclasses.replace(record, summary=summary)


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_the_verdict_stands_above_everything_else(plain, plain_run):
    given = plain_run.summary["verdict"]
    assert html.escape(given["sentence"], quote=False) in plain
    assert plain.index(given["sentence"]) < plain.index(plain_run.summary["answer"]) < plain.index("<h2")
    assert re.search(r'<div class="verdict (yes|no|inconclusive)"', plain).group(1) == given["answer"]


@pytest.mark.parametrize(
    ("decided_by", "said"),
    [
        ("money", "Decided by question 2 of 4, money"),
        ("failed_folds", "Decided by failed folds"),
        (None, "All 4 questions are answered yes"),
    ],
)
def test_the_page_says_what_decided(plain_run, decided_by, said):
    page = render_page(changed(plain_run, "verdict", decided_by=decided_by), title="x")
    assert said in text_of(page)


def test_each_step_shows_its_figure_its_interval_and_its_reason(plain, plain_run):
    steps = re.findall(r'<li class="step .*?</li>', plain, re.DOTALL)
    questions = plain_run.summary["verdict"]["questions"]
    assert len(steps) == 4
    for step, question in zip(steps, questions, strict=True):
        for text in (question["question"], question["figure"]["name"], question["reason"]):
            assert text in text_of(step)
        assert f'class="badge {question["answer"]}"' in step
        assert "90% interval" in step
    assert ["decisive" in step.split(">")[0] for step in steps] == [
        question["key"] == plain_run.summary["verdict"]["decided_by"] for question in questions
    ]


def test_the_figure_of_a_step_is_in_the_unit_of_its_question(plain_run):
    steps = verdict(plain_run)["steps"]
    questions = {row["key"]: row["figure"] for row in plain_run.summary["verdict"]["questions"]}
    assert steps["forecast"]["value"] == f"{100 * questions['forecast']['value']:+.2f}%".replace("-", "−")
    assert steps["money"]["value"] == f"{questions['money']['value']:+.2f}".replace("-", "−")
    assert steps["search"]["value"].endswith("%")


def test_a_strip_keeps_the_order_of_what_it_shows(plain_run):
    figure = {"name": "x", "value": 0.1, "interval": [-0.2, 0.5], "unit": ""}
    questions = [row | {"figure": figure} for row in plain_run.summary["verdict"]["questions"]]
    strip = verdict(changed(plain_run, "verdict", questions=questions))["steps"]["money"]["strip"]
    assert 0 < strip["low"] < strip["zero"] < strip["value"] < strip["smallest"] < strip["high"] < 100


def test_what_an_interval_covers_follows_from_the_level(plain_run):
    record = changed(plain_run, "judgement", level=0.1, interval_level=0.8)
    page = render_page(record, title="x")
    assert "80% interval" in page
    # the verdict's own sentences are the judgement's, and say what they were made with
    assert "90% interval" not in re.sub(r"\(Sharpe ratio [^)]*\)|\(R² [^)]*\)", "", page)


def test_a_run_without_a_judgement_has_a_page_without_one(plain_run):
    summary = {key: value for key, value in plain_run.summary.items() if key not in {"judgement", "verdict"}}
    record = dataclasses.replace(plain_run, summary=summary)
    page = render_page(record, title="x")
    assert "Does the forecast beat the last price?" in page
    assert 'id="steps"' not in page
    assert "power" not in figures(record)


def test_a_yes_beside_an_interval_that_reaches_below_zero_is_explained(plain_run, plain):
    assert "A yes although the bar reaches below zero" not in plain
    figure = {"name": "R²", "value": 0.004, "interval": [-0.008, 0.015], "unit": ""}
    first, *others = plain_run.summary["verdict"]["questions"]
    record = changed(plain_run, "verdict", questions=[first | {"answer": "yes", "figure": figure}, *others])
    assert "A yes although the bar reaches below zero" in render_page(record, title="x")


def test_a_single_variant_is_no_search(plain_run, nasty, plain):
    assert "only variant that the registry held" in nasty
    assert 'id="chart-trials"' not in nasty
    assert "9 variants were scored" in plain
    found = plain_run.summary["judgement"]["search"]
    assert f"p = {found['p_value']:.3f}" in plain


def test_what_needs_retraining_is_said_to_be_open(plain, plain_run):
    assert "other windows and noise in the prices need retraining, which this run has not done" in plain
    assert "stress.html" not in plain
    axis = {"key": "seeds", "title": "Seeds", "answer": "no", "sentence": "One <good> seed of ten."}
    record = changed(plain_run, "judgement", "stress", axes=[axis])
    page = render_page(record, title="x")
    assert "need retraining" not in page
    assert 'href="stress.html"' in page
    assert "<b>Seeds</b>: One &lt;good&gt; seed of ten." in page


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (12.34, "", "12.3 bp; this run paid 2 bp"),
        (None, "no extra turnover", "none: the strategy trades no more than buy-and-hold"),
        (None, "no gross excess", "none: even without any costs"),
        (None, "no such cost", "none: a cost that high would ruin buy-and-hold first"),
    ],
)
def test_a_break_even_cost_that_does_not_exist_has_a_reason(plain_run, value, reason, said):
    record = changed(plain_run, "judgement", "money", "break_even_bp", value=value, reason=reason)
    assert said in dict(evidence(record)["money"])["Break-even cost a side"]


def test_a_forecast_that_never_changes_its_sign_knows_no_direction(plain_run):
    record = changed(plain_run, "judgement", "forecast", "direction", statistic=None, p_value=None)
    assert "no information on direction" in direction_words(record)
    assert "within what luck gives" in direction_words(
        changed(plain_run, "judgement", "forecast", "direction", p_value=0.5)
    )
    assert "more than luck explains" in direction_words(
        changed(plain_run, "judgement", "forecast", "direction", p_value=0.01)
    )


def test_a_strategy_in_cash_gets_reasons_instead_of_empty_charts(nasty):
    for name in ("sharpe_difference", "bootstrap", "stress", "power"):
        assert f'id="chart-{name}"' not in nasty
    assert nasty.count("return never varies, so it has no Sharpe ratio") >= 4


def test_every_picture_has_its_words(plain):
    pictures = re.findall(r'<figure class="chart">(.*?)</figure>', plain, re.DOTALL)
    assert len(pictures) == 21
    for picture in pictures:
        (label,) = re.findall(r'role="img" aria-label="([^"]+)"', picture)
        assert len(label) > 40
        assert "<figcaption>" in picture


def test_each_section_explains_itself_on_demand(plain):
    for key in ("steps", "forecast", "money", "search", "stress", "power"):
        section = plain[plain.index(f'<section id="{key}"') :]
        assert "<details" in section[: section.index("</section>")], key


def test_the_files_of_the_judgement_are_listed(plain):
    for name in ("baselines.csv", "variants.csv", "trials.csv", "trial_returns.csv"):
        assert f'<a href="{name}">' in plain
