"""The page of the positive control: what was found where something is, and where nothing is."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from backtester.files import write_bytes
from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS, COLOURS, DASHES
from backtester.reporting.control_charts import TITLES, control_figures
from backtester.reporting.page import data_block, page_environment
from backtester.run_directory import PAGE, SUMMARY, read_json

__all__ = ["render_control_page", "write_control_page"]

_MOST_SHOWN = 40
_DATA_NAMES = {"digits": "scikit-learn's digits", "mnist": "MNIST"}
_MEANINGS = {
    "held_out": "Of each digit a fifth; each seed holds out another one.",
    "other_writers": "The last 360 images, mostly by others: the data lie in the order of writers.",
    "given": "As the file sets them apart.",
    "shuffled": "The same images and network; all labels, those of the test too, exchanged at random.",
}
_FILES = (
    (SUMMARY, "every figure of this page"),
    ("readings.csv", "every test image, what was read, and how surely"),
    ("epochs.csv", "the losses of every epoch"),
    ("misread.csv", "the images that were read wrongly, with their pixels"),
)


def write_control_page(directory: Path) -> Path:
    """Draw the page of a control from the files of its directory.

    Raises
    ------
    StorageError : a file is missing or damaged; the disk is full or read-only
    """
    path = directory / PAGE
    write_bytes(path, render_control_page(directory).encode("utf-8"))
    return path


def render_control_page(directory: Path) -> str:
    """Text of the page."""
    from plotly.offline import get_plotlyjs

    summary = read_json(directory / SUMMARY)
    epochs = pd.read_csv(directory / "epochs.csv")
    misread = pd.read_csv(directory / "misread.csv")
    charts = control_figures(summary, epochs=epochs)
    return (
        page_environment()
        .get_template("control.html.j2")
        .render(
            title=f"Positive control on {_DATA_NAMES[summary['data']['name']]}",
            data_name=_DATA_NAMES[summary["data"]["name"]],
            colours=COLOURS,
            dashes=DASHES,
            answers=ANSWERS,
            summary=summary,
            badge_text=("Passed", "✓") if summary["passed"] else ("Failed", "✗"),
            rows=[_row(arrangement) for arrangement in summary["arrangements"]],
            facts_rows=_facts(summary),
            charts={name: data_block(chart.to_json()) for name, chart in charts.items()},
            alternatives=_captions(summary, epochs=epochs),
            short={},
            misread=[_image(row, summary=summary) for row in misread.head(_MOST_SHOWN).to_dict("records")],
            n_misread=len(misread),
            picture=_picture(summary["picture"]),
            files=_FILES,
            plotly=Markup(get_plotlyjs()),
        )
    )


def _row(arrangement: Mapping[str, Any]) -> dict[str, Any]:
    passed, key = arrangement["passed"], arrangement["key"]
    if passed is None:
        asked, result = words.DASH, ("", "", "")
    else:
        asked = (
            f"at least {_share(arrangement['required'], digits=0)}"
            if arrangement["required"]
            else "about 10%"
        )
        result = ("yes", "Passed", "✓") if passed else ("no", "Failed", "✗")
    return {
        "title": TITLES[key],
        "meaning": _MEANINGS[key],
        "network": _share(arrangement["network"]["accuracy"]),
        "network_interval": _interval(arrangement["network"]["interval"]),
        "logistic": _share(arrangement["logistic"]["accuracy"]),
        "logistic_interval": _interval(arrangement["logistic"]["interval"]),
        "images": f"{words.count(arrangement['images_tested'])}",
        "asked": asked,
        "result": result,
    }


def _share(value: float, *, digits: int = 1) -> str:
    return words.percent(value, digits=digits)


def _interval(ends: list[float]) -> str:
    low, high = (words.number(100.0 * end, digits=1) for end in ends)
    return f"{low} to {high}"


def _facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    data, network, first = summary["data"], summary["network"], summary["arrangements"][0]
    epochs = [n for arrangement in summary["arrangements"] for n in arrangement["epochs"]]
    return [
        ("Images", f"{words.count(data['images'])} of {data['width']}×{data['height']} pixels"),
        (
            "Split",
            f"{words.count(first['train'])} train, {words.count(first['validation'])} validate, "
            f"{words.count(first['test'])} test",
        ),
        ("Networks", f"{len(epochs)}, from {words.plural(summary['seeds'], 'seed')}"),
        ("Weights of a network", words.count(network["parameters"])),
        (
            "Epochs",
            f"{min(epochs)} to {max(epochs)} of at most {network['epochs']}; stopped after "
            f"{network['patience']} without a better validation loss",
        ),
        (
            "Step",
            f"{network['optimizer'].title()} at {network['learning_rate']:g}, {network['batch_size']} images",
        ),
    ]


def _captions(summary: Mapping[str, Any], *, epochs: pd.DataFrame) -> dict[str, str]:
    first, last = summary["arrangements"][0], summary["arrangements"][-1]
    lowest = epochs.groupby("arrangement")["validation_loss"].min()
    level = words.percent(summary["interval_level"], digits=0)
    seeds = "" if summary["seeds"] == 1 else f", all {summary['seeds']} seeds together"
    return {
        "accuracy": f"Share of test images read rightly, with its {level} interval (Wilson 1927); "
        "an image that several seeds have read counts once for the interval. Dashed: guessing, 10%.",
        "found": f"True labels: per cent of each digit shown that was read as each{seeds}; "
        f"{words.count(first['network']['wrong'])} of {words.count(first['network']['readings'])} "
        "readings are off the diagonal.",
        "nothing": f"Shuffled labels: there is no diagonal, {words.count(last['network']['wrong'])} of "
        f"{words.count(last['network']['readings'])} readings are wrong.",
        "losses": "Validation loss, minus the logarithm of the probability given to the label; a line for "
        f"each seed. Guessing costs {math.log(10.0):.3f}; the lowest is {lowest[first['key']]:.3f} under "
        f"true labels and {lowest[last['key']]:.3f} under shuffled ones.",
    }


def _image(row: Mapping[Any, Any], *, summary: Mapping[str, Any]) -> dict[str, Any]:
    data = summary["data"]
    levels = np.array([int(level) for level in str(row["pixels"]).split()]).reshape(
        data["height"], data["width"]
    )
    return {
        "source": _png(np.rint(levels * (255.0 / data["white"])).astype(np.uint8)),
        "label": int(row["label"]),
        "read": int(row["network"]),
        "share": words.percent(float(row["probability"]), digits=0),
        "number": int(row["image"]),
    }


def _picture(picture: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if picture is None:
        return None
    shares = picture["probabilities"]
    return {
        "name": picture["name"],
        "steps": picture["steps"],
        "digit": picture["digit"],
        "networks": picture["networks"],
        "agreeing": picture["agreeing"],
        "source": _png(np.array(picture["pixels"], dtype=np.uint8)),
        "rows": [
            {
                "digit": digit,
                "share": words.percent(share),
                "width": round(100.0 * share, 2),
                "largest": digit == picture["digit"],
            }
            for digit, share in enumerate(shares)
        ],
        "share": words.percent(max(shares)),
    }


def _png(levels: NDArray[np.uint8]) -> str:
    """Address that holds a grey picture itself."""
    height, width = levels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    )
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
