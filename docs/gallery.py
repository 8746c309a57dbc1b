"""Draw the gallery from finished runs: ``python -m docs.gallery RUN...``.

Each RUN is the directory of a finished run of a system, or of ``backtester control digits``. Its page is
opened in a headless Chromium, an excerpt goes to ``docs/images/systems``, and the pictures and measured
figures into ``docs/gallery.md`` and ``docs/systems``. Systems without a run stay as they are.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backtester.control.summary import KIND
from backtester.errors import StorageError, UsageError
from backtester.files import make_folder, write_bytes
from backtester.published import LAST_PRICE, PublishedRecord, price_text, read_published
from backtester.recipe import load_recipe, shareable_mapping

__all__ = ["SYSTEMS", "filled", "main", "measured_table", "system_of"]

FOLDER = Path(__file__).resolve().parent
PAGE = "index.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WIDTH, HEIGHT, TALLEST = 1120, 900, 1900
SYSTEMS: Mapping[str, str] = {
    "lstm50": "one LSTM layer of 50 units",
    "bidirectional": "a convolution and three bidirectional LSTM layers",
    "nifty50": "four LSTM layers, read backwards in time",
    "csv-early-stopping": "one LSTM layer with early stopping",
    "stacked": "two LSTM layers",
    "digits": "handwritten digits, the positive control",
}
"""Name of the recipe or control, and what it is."""
# the head, the two tests and their picture: what tells one system from another
_EXCERPT = """
main > section:not(#published) { display: none }
#published .pair, #published > .note, #published > .box + .alarm { display: none }
main { padding-bottom: 24px }
"""
# what changes no figure of a system on given prices, the prices themselves, and how many networks are trained
_FREE_SECTIONS = frozenset({"data", "execution", "report", "stress", "audit"})
_FREE_KEYS = frozenset({"published.seeds"})
_HEAD = (
    "| prices | networks | RMSE as published | last price | ratio | published score "
    "| walk-forward RMSE | last price | ratio |\n|---|---|---|---|---|---|---|---|---|\n"
)


def system_of(directory: Path) -> str:
    """Tell which system a run is of: by its recipe, or ``digits`` for the control.

    Raises
    ------
    UsageError : it is not a finished run of one of the systems, as its recipe has it
    """
    if not (directory / PAGE).is_file():
        raise UsageError(f"{directory}: no page here ({PAGE} is missing).", advice="Name finished runs.")
    if not (directory / "run.json").is_file():
        if _read(directory / "summary.json").get("kind") == KIND:
            return "digits"
        raise UsageError(f"{directory}: neither a run nor the control.", advice="Leave it out.")
    manifest = _read(directory / "run.json")
    name = str(manifest.get("recipe_name", ""))
    if name not in SYSTEMS:
        raise UsageError(
            f"{directory}: a run of {name!r}, which is none of {', '.join(SYSTEMS)}.",
            advice="Leave it out.",
        )
    if manifest.get("state") != "done":
        raise UsageError(f"{directory}: is {manifest.get('state')!r}, not done.", advice="Run it to its end.")
    changed = _changed(manifest.get("recipe", {}), name=name)
    if changed:
        raise UsageError(
            f"{directory}: a run of {name} with other settings than the recipe ({', '.join(changed)}).",
            advice=f"Run `backtester run {name}` with other prices or other published.seeds at most.",
        )
    return name


def _changed(recipe: Mapping[str, Any], *, name: str) -> list[str]:
    """Keys of a run that differ from the built-in recipe; a single split is among them."""
    mine, theirs = (
        {
            f"{section}.{key}": value
            for section, values in mapping.items()
            if section not in _FREE_SECTIONS
            for key, value in (values.items() if isinstance(values, Mapping) else [("", values)])
        }
        for mapping in (recipe, json.loads(json.dumps(shareable_mapping(load_recipe(name).recipe))))
    )
    absent = object()
    keys = sorted(
        key
        for key in (mine.keys() | theirs.keys()) - _FREE_KEYS
        if mine.get(key, absent) != theirs.get(key, absent)
    )
    return [key.rstrip(".") for key in keys]


def measured_table(directories: Sequence[Path]) -> str:
    """Make the table of what came out, a row for each run, from its own files.

    Parameters
    ----------
    directories : runs of one system that hold ``published.json``
    """
    rows = [
        _row(published, summary=_read(directory / "summary.json"))
        for directory in directories
        if (published := read_published(directory)) is not None
    ]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(published: PublishedRecord, *, summary: Mapping[str, Any]) -> list[str]:
    spread, naive, own = published["rmse"], published["last_price"]["rmse"], summary["forecast"]
    given, test = published["published_rmse"], published["test"]
    if spread is None:
        scored = "–"
    elif spread["sd"] is None:
        scored = _price(spread["mean"])
    else:
        scored = (
            f"{_price(spread['mean'])} ± {price_text(spread['sd'], like=spread['mean'])} "
            f"({_price(spread['min'])} to {_price(spread['max'])})"
        )
    n, n_failed = len(published["seeds"]), len(published["failures"])
    rows = f"{test['rows']:,} rows"
    if test["scored"] < test["rows"]:
        rows += f" ({test['scored']:,} scored)"
    backwards = "" if published["baseline"] == LAST_PRICE else " (next session’s)"
    return [
        f"{published['symbol']}, {rows}, {test['start']} to {test['end']}".replace("|", " "),
        f"{n} of {n + n_failed} ({n_failed} failed)" if n_failed else str(n),
        scored,
        f"{_price(naive)}{backwards}",
        _ratio(published["ratio"]),
        "–" if given is None else f"{given:g}",
        _price(own["rmse"]),
        _price(own["rmse_last_price"]),
        _ratio(own["rmse_ratio"]),
    ]


def _price(value: float | None) -> str:
    return "–" if value is None else price_text(value)


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def filled(page: str, *, mark: str, text: str) -> str:
    r"""Put a text between ``<!-- mark -->`` and the end of that mark, in place of what is there.

    Raises
    ------
    UsageError : the page has no such mark

    Examples
    --------
    >>> filled("<!-- a -->\nold\n<!-- /a -->\n", mark="a", text="new\n")
    '<!-- a -->\nnew\n<!-- /a -->\n'
    """
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark.partition(':')[0]} -->"
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not place.search(page):
        raise UsageError(f"A page of docs/ has lost its mark {begin.strip()!r}.", advice="Put it back.")
    return place.sub(lambda _: f"{begin}{text}{end}", page, count=1)


def _read(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error}).") from error
    return value


def _edit(path: Path, *, mark: str, text: str) -> None:
    write_bytes(path, filled(path.read_text(encoding="utf-8"), mark=mark, text=text).encode("utf-8"))


def _draw(pictures: Iterable[tuple[Path, Path]]) -> None:
    """Open each page and keep its excerpt as a PNG."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise UsageError(
            f"No browser in PATH (looked for {', '.join(BROWSERS)}).", advice="Install Chromium."
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        for page, picture in pictures:
            opened = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            opened.goto(page.resolve().as_uri())
            # charts draw one after the other; the last one to be drawn ends the waiting
            opened.wait_for_function(
                "[...document.querySelectorAll('[data-figure]')].every(p => p.classList.contains('drawn'))",
                timeout=60_000,
            )
            if opened.locator("#published").count():
                opened.add_style_tag(content=_EXCERPT)
            whole = opened.evaluate("document.body.scrollHeight")
            published = opened.locator("#published").count() > 0
            height = min(whole, TALLEST) if published else HEIGHT
            make_folder(picture.parent)
            clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
            write_bytes(picture, _small(opened.screenshot(full_page=True, clip=clip)))
            opened.close()
        browser.close()


def _small(picture: bytes) -> bytes:
    """Keep 128 colours of a PNG: a page has few, and a third of the bytes is left."""
    from PIL import Image

    small = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            small, format="PNG", optimize=True
        )
    return small.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Redraw the gallery from the runs that are named."""
    parser = argparse.ArgumentParser(prog="python -m docs.gallery", description=__doc__)
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="directory of a finished run")
    parser.add_argument("--docs", type=Path, default=FOLDER, help="the folder that is written to")
    given = parser.parse_args(arguments)
    systems: dict[str, list[Path]] = {}
    for directory in given.runs:
        systems.setdefault(system_of(directory), []).append(directory)
    # of several runs of a system the first is the one in the picture
    pictures = {name: given.docs / "images" / "systems" / f"{name}.png" for name in systems}
    _draw((systems[name][0] / PAGE, pictures[name]) for name in systems)
    for name, directories in systems.items():
        alt = f"Excerpt of the page of {name}: {SYSTEMS[name]}"
        _edit(
            given.docs / "gallery.md",
            mark=f"picture: {name}",
            text=f"![{alt}](images/systems/{name}.png)\n",
        )
        page = given.docs / "systems" / f"{name}.md"
        _edit(page, mark="picture", text=f"![{alt}](../images/systems/{name}.png)\n")
        told = [directory for directory in directories if read_published(directory) is not None]
        if told:
            _edit(page, mark="measured", text=f"\n{measured_table(told)}\n")
        print(f"{name}: {pictures[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
