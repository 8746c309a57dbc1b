from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHARTS = ["forecast", "prices", "equity", "drawdown", "folds", "spans", "exposure"]
CHARTS += ["forecast_skill", "forecast_saved", "forecast_folds", "return_difference", "sharpe", "cagr"]
CHARTS += ["max_drawdown", "rolling_sharpe"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser in PATH (looked for {', '.join(BROWSERS)})")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A page in the browser, with all that it asked for and complained about."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def open_page(browser: Any, path: Path, *, width: int) -> Opened:
    page = browser.new_page(viewport={"width": width, "height": 900})
    opened = Opened(page=page)
    page.on("request", lambda request: opened.requests.append(request.url))
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    page.goto(path.as_uri())
    return opened


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("run", ["plain_page", "nasty_page"])
def test_the_page_opens_offline_without_complaint_and_fits(browser, request, run, width):
    path = request.getfixturevalue(run)
    opened = open_page(browser, path, width=width)
    for name in CHARTS:
        opened.page.wait_for_selector(f"#chart-{name}.drawn .main-svg", timeout=20_000)
    assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
    assert opened.complaints == []
    scrolling = opened.page.evaluate(
        "[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]"
    )
    assert scrolling[0] <= scrolling[1]
    opened.page.close()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("run", ["plain_page", "nasty_page"])
def test_the_tear_sheets_open_offline_without_complaint_and_fit(browser, request, run, width):
    folder = request.getfixturevalue(run).parent
    for benchmark in ("buy_and_hold", "last_price"):
        opened = open_page(browser, folder / f"tearsheet_{benchmark}.html", width=width)
        assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
        assert opened.complaints == []
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
        opened.page.close()


def test_hovering_over_a_span_tells_its_dates(browser, plain_page, plain_run):
    opened = open_page(browser, plain_page, width=1440)
    opened.page.wait_for_selector("#chart-exposure.drawn")
    chart = opened.page.locator("#chart-equity")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    for step in (0, 5):
        opened.page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + 200)
    label = opened.page.locator("#chart-equity .hoverlayer")
    label.get_by_text("trained").wait_for(timeout=10_000)
    text = label.text_content()
    assert any(
        f"trained {fold['train_start']} to {fold['train_end']}" in text
        and f"tested {fold['test_start']} to {fold['test_end']}" in text
        for fold in plain_run.manifest["folds"]
    )
    opened.page.close()


def test_the_equity_chart_changes_its_scale(browser, plain_page):
    opened = open_page(browser, plain_page, width=1440)
    opened.page.wait_for_selector("#chart-exposure.drawn")
    opened.page.click("text=Logarithmic")
    opened.page.wait_for_function("document.getElementById('chart-equity').layout.yaxis.type === 'log'")
    assert opened.page.get_attribute("[data-scale=log]", "aria-pressed") == "true"
    assert opened.page.get_attribute("[data-scale=linear]", "aria-pressed") == "false"
    opened.page.close()
