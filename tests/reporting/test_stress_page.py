from __future__ import annotations

import html
import json
import re

import pytest

from backtester.reporting.stress_page import render_stress, write_stress_page
from backtester.reporting.stress_text import stress_text
from backtester.reporting.stress_words import fact_rows, figure_name, key_words, ranked_axes, writer_of
from tests.reporting.stressed import axis, case, nasty, picture, stress
from tests.reporting.test_browser import browser, open_page  # noqa: F401 (a fixture)
from tests.reporting.test_page import Reader

TITLE = "Does an LSTM on SPY pay after costs?"


@pytest.fixture(scope="module")
def page():
    return render_stress(stress(), title=TITLE)


@pytest.fixture(scope="module")
def strange_page(nasty_stress, nasty_text):
    return render_stress(nasty_stress, title=nasty_text)


@pytest.fixture(scope="module")
def nasty_stress(nasty_text):
    return nasty(nasty_text)


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def section(page, anchor):
    return re.search(rf'<section id="{anchor}".*?</section>', page, re.DOTALL).group()


def one_axis(**changes):
    """A stress test with one axis."""
    found = stress()
    found["axes"] = {"only": axis("Only", "Q?", "yes", "S.", **changes)}
    return found


def test_the_page_goes_from_the_answer_over_the_gravest_axes_to_the_files(page):
    headings = Reader(page).headings
    assert headings == [
        "Where the result holds, and where it does not",
        "Luck", "Periods", "Seeds",
        "Costs", "Other symbols", "Windows",
        "Crises", "Delay", "Noise", "Thresholds",
        "Not tried",
        "Files",
    ]  # fmt: skip
    assert page.index(stress()["sentence"]) < page.index("<h2")


def test_each_row_of_the_overview_has_its_answer_its_figures_and_a_link(page):
    overview = section(page, "overview")
    for key, found in ranked_axes(stress()):
        row = re.search(rf'<tr><th scope="row"><a href="#axis-{key}">.*?</tr>', overview, re.DOTALL).group()
        assert f'class="badge {found["answer"]}"' in row
        assert f"{100 * found['overview']['stands']:.0f}%" in row
        assert f'<section id="axis-{key}"' in page
    windows = text_of(
        re.search(r'<tr><th scope="row"><a href="#axis-windows">.*?</tr>', overview, re.DOTALL)[0]
    )
    assert "RMSE ratio, 18 cases" in windows
    assert "1.0021" in windows


def test_each_axis_shows_question_sentence_pictures_facts_and_notes(page):
    for key, found in stress()["axes"].items():
        shown = section(page, f"axis-{key}")
        for text in (found["question"], found["sentence"], *found["notes"]):
            assert text in text_of(shown)
        assert shown.count('role="img"') == len(found["pictures"])
        for shown_picture in found["pictures"]:
            assert shown_picture["title"] in text_of(shown)
    assert "<dt>p-value, shuffled</dt><dd>&lt; 0.001</dd>" in section(page, "axis-luck")
    assert "Trained anew for each case" in section(page, "axis-seeds")
    assert "12 of these could have been chosen as the strategy" in section(page, "axis-symbols")
    assert "counts as a variant tried" in section(page, "axis-seeds")
    assert "chosen as the strategy" not in section(page, "axis-costs")
    assert "Nothing was trained" in section(page, "axis-costs")


def test_the_verdict_of_the_stress_test_stands_on_top_with_its_reason():
    found = stress() | {"answer": "no", "reason": "The gain is gone at double cost."}
    head = render_stress(found, title="x").split("<h2")[0]
    assert 'class="verdict no"' in head
    assert head.index("The gain is gone at double cost.") < head.index(found["sentence"])
    undecided = render_stress(found | {"answer": None, "reason": ""}, title="x").split("<h2")[0]
    assert 'class="verdict' not in undecided
    assert undecided.count(found["sentence"]) == 1


def test_an_axis_that_was_asked_until_it_said_yes_says_so():
    earlier = [{"answer": "no", "settings": {}}, {"answer": "inconclusive", "settings": {}}]
    shown = section(
        render_stress(one_axis(cases=[case("a", 0.1)], pictures=[], earlier=earlier), title="x"), "axis-only"
    )
    assert "Asked 2 times before with other cases; it then said: no, inconclusive." in shown


def test_the_run_itself_is_marked_and_not_among_the_worst():
    cases = [case("mine", -9.0) | {"own": True}, *(case(f"c{n}", n / 100.0) for n in range(30))]
    shown = section(render_stress(one_axis(cases=cases, pictures=[]), title="x"), "axis-only")
    assert "mine" not in shown.split('<details class="folded">')[0].split("<thead>")[1]
    assert '<tr class="own"><th scope="row"><bdi>mine</bdi>' in shown


def test_draws_of_chance_have_no_range():
    cases = [case(f"c{n}", n / 100.0) for n in range(5)]
    for chance in (False, True):
        page = render_stress(one_axis(cases=cases, pictures=[], chance=chance), title="x")
        assert ('class="strip"' in section(page, "overview")) is not chance


def test_what_was_not_tried_is_listed_with_its_reason(page):
    assert "The prices have no volume." in section(page, "skipped")
    complete = stress()
    del complete["skipped"]
    assert 'id="skipped"' not in render_stress(complete, title="x")


def test_a_long_table_is_folded_and_its_worst_cases_stand_open(page):
    symbols = section(page, "axis-symbols")
    opened, folded = symbols.split('<details class="folded">')
    worst = min(stress()["axes"]["symbols"]["cases"], key=lambda found: found["figures"]["sharpe_difference"])
    assert opened.count("<tr><th") == 1 + 10
    assert re.search(r"<tbody>\s*<tr><th[^>]*><bdi>(.*?)</bdi>", opened).group(1) == worst["label"]
    assert folded.count("<tr><th") == 1 + 40
    assert "folded" not in section(page, "axis-noise")


def test_a_case_without_figures_says_why():
    refused = case("Refused", None, note="Too few bars.")
    shown = render_stress(one_axis(cases=[refused], pictures=[picture("bars", "Nothing")]), title="x")
    assert "Too few bars." in section(shown, "axis-only")
    assert "There is no figure to draw." in section(shown, "axis-only")
    assert "data-figure" not in section(shown, "axis-only")


@pytest.mark.parametrize(
    ("gain", "said"), [(0.1, "there is a gain"), (-0.1, "there is no gain"), (None, None)]
)
def test_the_page_says_which_conclusion_may_fall(gain, said):
    found = one_axis(cases=[case("a", 0.1)], pictures=[picture("bars", "x")])
    found["baseline"] = {"sharpe_difference": gain}
    shown = render_stress(found, title="x")
    assert (f"Conclusion of this run: {said}" in shown) if said else ("Conclusion of this run" not in shown)


def test_a_figure_that_is_the_same_in_every_case_is_said_once(page):
    delay = section(page, "axis-delay")
    assert "The same in every case: Sharpe of holding 0.48, RMSE ratio 1.0021" in text_of(delay)
    assert "RMSE ratio</th>" not in delay


def test_the_first_page_and_the_figures_are_linked_and_nothing_else(page, strange_page):
    for shown in (page, strange_page):
        elements = Reader(shown).elements
        links = {attrs["href"] for _, attrs in elements if attrs.get("href")}
        ids = {attrs["id"] for _, attrs in elements if attrs.get("id")}
        assert links - {f"#{name}" for name in ids} == {"index.html", "stress.json", "data:,"}
        assert not [attrs for _, attrs in elements if "src" in attrs]
        policy = next(attrs for _, attrs in elements if attrs.get("http-equiv") == "Content-Security-Policy")
        assert policy["content"].startswith("default-src 'none'; script-src 'unsafe-inline'")


def test_no_id_is_given_twice(page, strange_page):
    for shown in (page, strange_page):
        ids = [attrs["id"] for _, attrs in Reader(shown).elements if attrs.get("id")]
        assert len(ids) == len(set(ids))


def test_axes_whose_keys_look_alike_or_like_the_page_have_links_of_their_own():
    found = stress()
    keys = ("overview", "a b", "a-b", "überall", "файл", "files", "a-b-1")
    found["axes"] = dict.fromkeys(keys, found["axes"]["delay"])
    ids = [attrs["id"] for _, attrs in Reader(render_stress(found, title="x")).elements if attrs.get("id")]
    assert len(ids) == len(set(ids))


def test_text_of_the_user_is_text(strange_page, nasty_text):
    shown = strange_page
    assert '<script>alert("x")' not in shown
    assert "<b>ß</b>" not in shown
    assert shown.count("<script") == shown.count("</script>")
    assert html.escape(nasty_text[:40]) in shown.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")


def test_the_same_figures_give_the_same_bytes(tmp_path):
    first, second = (write_stress_page(tmp_path, stress(), title=TITLE).read_bytes() for _ in range(2))
    assert first == second
    again = json.loads(json.dumps(stress(), sort_keys=True))
    assert write_stress_page(tmp_path, again, title=TITLE).read_bytes() == first
    assert (tmp_path / "stress.html").is_file()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_opens_offline_without_complaint_and_fits(browser, tmp_path, nasty_stress, width):  # noqa: F811
    for found in (stress(), nasty_stress):
        opened = open_page(browser, write_stress_page(tmp_path, found, title=TITLE), width=width)
        opened.page.wait_for_function(
            "[...document.querySelectorAll('[data-figure]')].every(place => place.matches('.drawn'))"
        )
        assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
        assert opened.complaints == []
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
        opened.page.close()


@pytest.mark.parametrize("width", [46, 80, 110])
def test_the_overview_fits_the_terminal(width, nasty_stress):
    for found in (stress(), nasty_stress):
        lines = stress_text(found, width=width).split("\n")
        assert max(map(len, lines)) <= width
        assert all(line == line.rstrip() for line in lines)


def test_the_terminal_has_every_axis_with_its_figures_and_its_sentence():
    lines = stress_text(stress(), width=100).split("\n")
    seeds = next(line for line in lines if line.startswith("Seeds"))
    assert seeds.split() == ["Seeds", "✗", "no", "+0.14", "+0.04", "-0.22", "60%", "10"]
    text = " ".join(" ".join(lines).split())
    for found in stress()["axes"].values():
        assert found["sentence"] in text
    assert "Size: The prices have no volume." in text
    assert text.index("Periods") < text.index("Costs") < text.index("Crises")


def test_no_text_of_an_axis_moves_the_cursor():
    found = one_axis(cases=[case("a", 0.1)], pictures=[picture("bars", "x")])
    found["axes"]["only"] |= {"title": "\x1b[31mred\nline", "sentence": "\x07bell"}
    assert all(letter.isprintable() or letter == "\n" for letter in stress_text(found))


def test_without_any_axis_there_is_a_page_and_a_text():
    found = stress() | {"axes": {}}
    assert "Not tried" in render_stress(found, title="x")
    assert "Not tried" in stress_text(found)


def test_axes_keep_their_order_among_those_of_the_same_answer():
    found = stress() | {"order": ["seeds", "luck", "thresholds", "costs", "delay"]}
    assert [key for key, _ in ranked_axes(found)] == [
        "seeds", "luck", "periods", "costs", "symbols", "windows", "thresholds", "delay", "crises", "noise",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("break_even_bp", 7.8, "7.8"),
        ("n_draws", 1000, "1,000"),
        ("p_value", 0.19, "0.190"),
        ("p_value_best", 0.0001, "< 0.001"),
        ("share_below", 0.805, "80.5%"),
        ("sharpe_difference", -0.125, "−0.12"),
        ("sharpe_difference", {"mean": 0.041, "place": 2}, "mean 0.04, place 2"),
        ("variance", 0.00012345, "0.000123"),
        ("cells", [1, 2], "1, 2"),
        ("flat", True, "yes"),
        ("year", "2013", "2013"),
        ("nothing", None, "–"),
        ("zero", 0.0, "0"),
    ],
)
def test_a_fact_is_written_as_a_reader_sees_it(key, value, text):
    assert fact_rows({key: value}) == [(figure_name(key), text)]


def test_a_fact_that_says_nothing_is_left_out():
    assert fact_rows({"reason": ""}) == []


@pytest.mark.parametrize(
    ("figure", "value", "text"),
    [("rmse_ratio", 1.00213, "1.0021"), ("return_difference", 0.02, "+2.0%"), ("own", 3.0, "3"),
     ("own", 3.14159, "3.14"), ("own", 0.01234, "0.0123"), ("p_value", 0.0123, "0.012")],
)  # fmt: skip
def test_figures_beside_each_other_have_the_same_decimals(figure, value, text):
    assert writer_of(figure, [value])(value) == text
    assert key_words("train_bars") == "Train bars"
