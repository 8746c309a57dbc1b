"""Hostile names on every page that the program writes, and what no file may say of where it was made."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.pages import FILE, SECRET, TEXT, USER
from tests.reporting.test_browser import browser, open_page  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.catalogue("C29")]

CHECKOUT = Path(__file__).parents[2]
EMPTY = {"meta", "link", "br", "img", "input", "hr", "col", "wbr"}
# elements whose text stands by itself, whatever its direction
APART = {"bdi", "title", "dd", "option"}
N_PAGES = 15


class Parsed(HTMLParser):
    """Elements with their attributes, and each text with the elements around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.around: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[frozenset[str], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.around.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.around[-1:]):
            self.texts.append((frozenset(self.around), data))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all pages, made by a process with a home, a user and a secret in its environment."""
    place = tmp_path_factory.mktemp("hostile")
    (place / f"home-of-{USER}").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place / f"home-of-{USER}"),
        "USER": USER,
        "LOGNAME": USER,
        "API_TOKEN": SECRET,
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-m", "tests.hostile.pages", str(place)]
    done = subprocess.run(
        command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(json.loads(done.stdout)) == N_PAGES
    return place / FILE


@pytest.fixture(scope="module")
def pages(place: Path) -> dict[str, str]:
    """Every page's text by its path."""
    return {str(path.relative_to(place)): path.read_text(encoding="utf-8") for path in place.rglob("*.html")}


def test_every_page_has_a_policy_first_and_nothing_from_elsewhere(pages):
    for name, page in pages.items():
        parsed = Parsed(page)
        policies = [
            a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"
        ]
        assert [str(text).split(";")[0] for text in policies] == ["default-src 'none'"], name
        # what stands before it is not under it
        first = min(page.find(f"<{tag}") for tag in ("script", "style", "link", "title") if f"<{tag}" in page)
        assert page.index("Content-Security-Policy") < first, name
        for tag, attributes in parsed.elements:
            assert tag not in {"iframe", "object", "embed", "base", "form", "applet"}, name
            assert not [key for key in attributes if key.startswith("on")], name
            for key in ("src", "href", "srcset", "poster", "action", "data", "xlink:href"):
                link = attributes.get(key) or ""
                assert not re.match(r"\s*(\w+:|//)", link) or link.startswith("data:"), (name, link)
        assert not re.search(r"url\(\s*['\"]?(?!data:|#)\w*:?//", page.split("plotly.js v")[0]), name


def test_what_a_user_wrote_is_text_and_whole(pages):
    for name, page in pages.items():
        parsed = Parsed(page)  # which ends each element where it should
        tags = {tag for tag, _ in parsed.elements}
        assert not [
            a for tag, a in parsed.elements if tag == "img" and not (a["src"] or "").startswith("data:")
        ]
        assert "alert('x')" not in re.sub(r"(?s)<title>.*?</title>", "", page).split("<body")[0], name
        assert {"html", "head", "title", "body"} <= tags, name
        shown = "".join(text for _, text in parsed.texts)
        assert TEXT in shown or FILE in shown or "compared" in name, name
    runs = [
        page for name, page in pages.items() if name.endswith(("index.html", "stress.html", "explain.html"))
    ]
    whole = ["".join(text for around, text in Parsed(page).texts if "title" in around) for page in runs]
    assert (
        sum(TEXT in title for title in whole) == 5
    )  # three runs, stress and explain; the control has its own


def test_no_text_turns_the_words_around_it(pages):
    for name, page in pages.items():
        for around, text in Parsed(page).texts:
            isolated = re.sub("\u2068[^\u2069]*\u2069", "", text)
            assert "\u202e" not in isolated or around & APART, (name, text)


def test_data_of_charts_cannot_leave_their_script(pages):
    for name, page in pages.items():
        for block in re.findall(r'(?s)<script type="application/json"[^>]*>(.*?)</script>', page):
            assert "<" not in block, name
            json.loads(block)


def test_what_a_model_could_not_open_is_named_without_its_folder(place, pages):
    (failed,) = (place / "failed").iterdir()
    reasons = {fold["reason"] for fold in json.loads((failed / "run.json").read_text())["folds"]}
    assert any("'levels.csv'" in reason for reason in reasons)
    assert not any("secret" in reason for reason in reasons)
    assert "levels.csv" in pages[str((failed / "index.html").relative_to(place))]


def test_no_file_tells_home_user_secret_or_place(place):
    telling = {
        "home": str(place.parent / f"home-of-{USER}"),
        "user": USER,
        "secret": SECRET,
        "folder": str(place.parent),
        "checkout": str(CHECKOUT),
        "interpreter": sys.prefix,
    }
    if len(socket.gethostname()) > 5:  # a shorter name may stand anywhere
        telling["host"] = socket.gethostname()
    if len(getpass.getuser()) > 5:
        telling["account"] = getpass.getuser()
    files = [path for path in place.rglob("*") if path.is_file()]
    assert len(files) > 40
    found = {
        f"{path.name}: {what}"
        for path in files
        for what, text in telling.items()
        if text.encode() in path.read_bytes()
    }
    assert found == set()


@pytest.mark.parametrize("width", [1440, 390])
def test_each_page_opens_without_a_request_a_dialog_or_a_complaint_and_fits(browser: Any, place, width):  # noqa: F811
    for path in sorted(place.rglob("*.html")):
        opened = open_page(browser, path, width=width)
        opened.page.wait_for_load_state("load")
        assert [url for url in opened.requests if not url.startswith(("file://", "data:"))] == [], path.name
        assert opened.complaints == [], path.name
        assert opened.page.evaluate("document.scrollingElement.scrollWidth") <= width, path.name
        assert opened.page.evaluate("document.querySelectorAll('img[src=x], script[src]').length") == 0
        opened.page.close()
