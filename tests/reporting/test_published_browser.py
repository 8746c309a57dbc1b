"""The page with a published system in a real browser: offline, without complaint, no wider than a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from backtester.reporting.page import page_title, render_page
from backtester.run_directory import read_run
from tests.reporting.conftest import NASTY, make_run
from tests.reporting.published import add_published
from tests.reporting.test_browser import browser, open_page

__all__ = ["browser"]

CHARTS = ("published_prices", "published_close_up", "published_loss", "exposure")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, options in {
        "three": {},
        "backwards": {"errors": (1.5,), "backwards": True, "watched": False},
        "nasty": {"errors": (0.8, 1.2), "text": f"<script>alert(1)</script>{NASTY}"},
    }.items():
        directory = tmp_path_factory.mktemp(name) / "run"
        make_run(directory)
        add_published(directory, **options)  # type: ignore[arg-type]
        record = read_run(directory)
        found[name] = directory / "index.html"
        found[name].write_text(render_page(record, title=page_title(record)), encoding="utf-8")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["three", "backwards", "nasty"])
def test_the_published_section_opens_offline_without_complaint_and_fits(browser, pages, name, width):
    opened = open_page(browser, pages[name], width=width)
    for chart in CHARTS:
        opened.page.wait_for_selector(f"#chart-{chart}.drawn .main-svg", timeout=20_000)
    assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
    assert opened.complaints == []
    scrolling = opened.page.evaluate(
        "[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]"
    )
    assert scrolling[0] <= scrolling[1]
    opened.page.close()
