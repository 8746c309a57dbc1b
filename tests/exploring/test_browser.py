"""The page in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.exploring.test_page import CHARTS, folder, many_page, one, page  # noqa: F401 (fixtures)
from tests.reporting.test_browser import browser, open_page  # noqa: F401 (a fixture)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(("fixture", "charts"), [("page", CHARTS), ("many_page", {"growth", "correlation"})])
def test_the_page_opens_offline_without_complaint_and_fits(
    browser: Any,  # noqa: F811
    request: pytest.FixtureRequest,
    fixture: str,
    charts: set[str],
    width: int,
):
    path: Path = request.getfixturevalue(fixture)
    opened = open_page(browser, path, width=width)
    for name in sorted(charts):
        opened.page.wait_for_selector(f"#chart-{name}.drawn .main-svg", timeout=20_000)
    assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == []
    assert opened.complaints == []
    assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width
    opened.page.close()
