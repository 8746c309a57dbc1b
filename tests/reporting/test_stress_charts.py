from __future__ import annotations

import json
import math

import pytest

from backtester.reporting.stress_charts import picture_figure, picture_words
from tests.reporting.stressed import case, picture, stress

KINDS = ("bars", "line", "strip", "heatmap", "histogram")


def drawn(figure, kind=None):
    return [trace for trace in figure.data if kind is None or trace.type == kind]


def heights(figure):
    """Ends of the bars by place."""
    found = {}
    for trace in drawn(figure, "bar"):
        lying = trace.orientation == "h"
        places, lengths = (trace.y, trace.x) if lying else (trace.x, trace.y)
        found |= dict(zip(places, (trace.base + length for length in lengths), strict=True))
    return [value for _, value in sorted(found.items(), reverse=drawn(figure, "bar")[0].orientation == "h")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_drawn(kind):
    found = [
        (axis, shown)
        for axis in stress()["axes"].values()
        for shown in axis["pictures"]
        if shown["kind"] == kind
    ]
    assert found
    for axis, shown in found:
        figure = picture_figure(shown, axis["cases"])
        assert len(figure.data)
        json.loads(figure.to_json())


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_no_figure_nothing_is_drawn_and_the_caption_says_so(kind):
    shown = picture(kind, "x", x="a", y="b", draws=[None, math.nan], baseline=None)
    for cases in ([], [case("refused", None)]):
        assert len(picture_figure(shown, cases).data) == 0
        assert picture_words(shown, cases) == "There is no figure to draw."


@pytest.mark.parametrize(("labels", "side"), [(["1", "2"], "v"), (["a long name", "another one"], "h")])
def test_bars_with_long_names_lie_under_them(labels, side):
    figure = picture_figure(picture("bars", "x"), [case(labels[0], 0.3), case(labels[1], -0.1)])
    assert {trace.orientation for trace in drawn(figure, "bar")} == {side}
    assert heights(figure) == pytest.approx([0.3, -0.1])


def test_a_ratio_of_errors_is_drawn_from_one():
    cases = [case("1", 0.1), case("2", 0.1)]
    cases[1]["figures"]["rmse_ratio"] = 0.99
    figure = picture_figure(picture("bars", "x", figure="rmse_ratio", baseline=1.0021), cases)
    assert {trace.base for trace in drawn(figure, "bar")} == {1.0}
    assert heights(figure) == pytest.approx([1.0021, 0.99])


@pytest.mark.parametrize("kind", ["bars", "line", "strip"])
def test_a_case_in_which_the_conclusion_falls_looks_different_without_colour(kind):
    cases = [case("1", 0.3, at=1), case("2", -0.1, at=2), case("3", 0.1, at=3)]
    shown = picture(kind, "x", x="at")
    figure = picture_figure(shown, cases)
    if kind == "bars":
        looks = [trace.marker.pattern.shape for trace in drawn(figure, "bar") for _ in trace.x]
        assert looks == [None, None, "/"]
        assert len({trace.marker.color for trace in drawn(figure, "bar")}) == 2
    else:
        (dots,) = (trace for trace in drawn(figure, "scatter") if trace.mode == "markers")
        assert list(dots.marker.symbol) == ["circle", "x", "circle"]
    assert "another conclusion than that of this run (1 of 3)" in picture_words(shown, cases)


def test_only_what_is_worse_is_red():
    cases = [case("1", 0.3), case("2", -0.2)]
    cases[0]["stands"], cases[1]["stands"] = False, True
    figure = picture_figure(picture("bars", "x", baseline=-0.1), cases)
    assert len({trace.marker.color for trace in drawn(figure, "bar")}) == 1
    assert {trace.marker.pattern.shape for trace in drawn(figure, "bar")} == {None, "/"}


def test_a_picture_over_a_coordinate_shows_the_cases_that_lie_on_it():
    cases = [case("2010", 0.1, year=2010), case("without 2010", 0.2, left_out="2010")]
    shown = picture("bars", "x", x="left_out")
    assert heights(picture_figure(shown, cases)) == pytest.approx([0.2])
    assert "1 case;" in picture_words(shown, cases)


def test_a_line_is_drawn_for_each_group_through_the_middle_of_its_cases():
    cases = [case(f"{at} {n}", gain, at=at, of="a") for at in (1, 2) for n, gain in enumerate((0, 0.1, 0.5))]
    cases += [case("b", 0.3, at=1, of="b")]
    figure = picture_figure(picture("line", "x", x="at", group="of"), cases)
    lines = {trace.name: trace for trace in drawn(figure) if trace.mode == "lines"}
    assert list(lines["a"].y) == [0.1, 0.1]
    assert list(lines["b"].y) == [0.3]
    assert "This run +0.14" in lines


def test_places_far_apart_lie_on_a_scale_of_tenfold_steps():
    cases = [case(str(n), 0.1, capital=10.0**n) for n in range(4, 9)]
    assert picture_figure(picture("line", "x", x="capital"), cases).layout.xaxis.type == "log"
    assert picture_figure(picture("line", "x", x="capital"), cases[:2]).layout.xaxis.type != "log"


def test_no_two_dots_of_a_strip_hide_each_other():
    cases = [case(str(n), 0.1 + (n == 30)) for n in range(31)]
    figure = picture_figure(picture("strip", "x"), cases)
    (dots,) = drawn(figure, "scatter")
    assert len(set(zip(dots.x, dots.y, strict=True))) == 31
    assert max(map(abs, dots.y)) < 0.5


def test_the_cell_of_the_run_itself_is_framed_and_names_are_read_downwards():
    cases = [case(f"{x} {y}", 0.07 * x, x=x, y=y) for x in (1, 2) for y in ("a", "b")]
    figure = picture_figure(picture("heatmap", "x", x="x", y="y"), cases)
    (frame,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (frame.x0 + frame.x1) / 2 == 1
    assert figure.layout.yaxis.autorange == "reversed"
    assert [list(row) for row in figure.data[0].z] == [[0.07, 0.14], [0.07, 0.14]]


def test_cells_are_coloured_around_doing_nothing_and_the_better_is_always_blue():
    cases = [case("a", 0.1, x=1, y=1), case("b", -0.3, x=2, y=1)]
    gain = picture_figure(picture("heatmap", "x", x="x", y="y"), cases).data[0]
    assert (gain.zmin, gain.zmax) == pytest.approx((-0.3, 0.3))
    shown = picture("heatmap", "x", x="x", y="y", figure="rmse_ratio", baseline=None)
    ratio = picture_figure(shown, cases).data[0]
    assert (ratio.zmin + ratio.zmax) / 2 == pytest.approx(1.0)
    assert [colour for _, colour in ratio.colorscale] == [colour for _, colour in gain.colorscale][::-1]


@pytest.mark.parametrize(
    ("figure", "good"), [("sharpe_difference", "3 of 4 (75.0%)"), ("rmse_ratio", "1 of 4 (25.0%)")]
)
def test_a_histogram_says_how_many_draws_are_as_good(figure, good):
    shown = picture("histogram", "x", figure=figure, draws=[0.1, 0.2, None, 0.3, 0.4], baseline=0.15)
    assert f"{good} are as good as this run or better" in picture_words(shown, [])
    (bars,) = drawn(picture_figure(shown, []), "bar")
    assert sum(bars.y) == 4


def test_a_name_of_the_user_is_no_markup_for_a_chart():
    cases = [case('<a href="x">%{y}</a>', 0.1, at="<u>"), case("plain", 0.2, at="b")]
    for kind in ("bars", "line", "strip", "heatmap"):
        figure = picture_figure(picture(kind, "x", x="at", y="at", x_label="<i>"), cases)
        # plotly writes < as an escape, which would hide it here
        text = json.dumps(json.loads(figure.to_json()))
        assert "<a" not in text
        assert "<u>" not in text
        assert "<i>" not in text
        # what plotly fills in stands alone, and the name is data
        for trace in figure.data:
            assert trace.hovertemplate in {None, "%{customdata}<extra></extra>", "%{text}<extra></extra>"}


def test_the_words_beside_a_picture_do_not_count_the_run_itself():
    cases = [case("mine", -9.0) | {"own": True}, case("a", 1.0), case("b", 3.0)]
    told = picture_words(picture("strip", "x"), cases)
    assert "2 cases from +1.00 to +3.00, median +2.00; this run +0.14." in told
    assert "The conclusion stands in each." in told
