"""A system as it was published, in the words and figures of its section of the page.

Its figures stand beside those of the walk-forward test and are never joined with them: other days, other
rules, and a test that what was tested may have leaked into.
"""

from __future__ import annotations

from typing import Any

from backtester.published import PublishedRecord
from backtester.reporting import words
from backtester.reporting.published import Published, price, times_last_price
from backtester.reporting.published_table import COLUMNS, table_groups
from backtester.reporting.split import is_single
from backtester.run_directory import RunRecord

__all__ = ["published_section"]


def published_section(record: RunRecord, *, published: Published) -> dict[str, Any]:
    """Plain values for the template.

    Parameters
    ----------
    record : a finished run
    published : its system as published
    """
    figures = published.figures
    return {
        "mode": _mode_words(figures),
        "cards": [_card(figures), _walk_forward_card(record)],
        "sentence": figures["sentence"],
        "winner": _winner_of_both(record, figures=figures),
        "facts": _facts(figures),
        "columns": COLUMNS,
        "groups": table_groups(record, published=published),
        "failures": figures["failures"],
        "parts": [
            (part["title"], words.count(part["rows"]), price(part["rmse"]), price(part["last_price_rmse"]))
            for part in figures["parts"]
        ],
        "flaws": figures["flaws"],
        "examined": _examined(figures),
    }


def _mode_words(figures: PublishedRecord) -> str:
    train, test = figures["train"], figures["test"]
    return (
        f"Mode: as published. One split: trained on {words.plural(train['rows'], 'row')}, "
        f"{words.span(train['start'], train['end'])}; forecasts {words.plural(test['rows'], 'row')}, "
        f"{words.span(test['start'], test['end'])}, each by the {figures['lookback']} rows read before it."
    )


def _facts(figures: PublishedRecord) -> list[tuple[str, str]]:
    train, n_networks = figures["train"], len(figures["seeds"])
    watched = f", {train['validation']:,} for validation" if train["validation"] else ""
    order = "newest first: time runs backwards" if figures["order"] == "newest_first" else "oldest first"
    return [
        ("Source", figures["source"]),
        ("Series", f"{figures['column']} of {figures['symbol']}, {order}"),
        ("Rows", f"{figures['rows']:,}, {words.span(figures['start'], figures['end'])}"),
        ("Training samples", f"{train['samples']:,}{watched}"),
        ("Epochs", f"at most {figures['epochs']:,}"),
        ("Networks", "1" if n_networks == 1 else f"{n_networks}, each with a seed and a score of its own"),
    ]


def _card(figures: PublishedRecord) -> dict[str, Any]:
    """The headline of the published mode."""
    spread, n_networks = figures["rmse"], len(figures["seeds"])
    naive = figures["last_price"]["rmse"]
    if spread is None:
        said = f"Every network failed; the last price scores {price(naive)}."
    else:
        of = "" if n_networks == 1 else f", the mean of {n_networks} networks"
        said = f"RMSE {price(spread['mean'])}{of}; last price {price(naive)}. {_winner(figures)}"
    return {
        "title": "As published",
        "tag": "not out of sample",
        "kind": "published",
        "ratio": times_last_price(figures["ratio"]),
        "said": said,
    }


def _winner(figures: PublishedRecord) -> str:
    """Say who wins on the published days, and for how many networks."""
    ratios = [seed["ratio"] for seed in figures["seeds"] if seed["ratio"] is not None]
    if not ratios:
        return "The last price is never off here."
    below = sum(ratio < 1.0 for ratio in ratios)
    if below == 0:
        return "The last price wins." if len(ratios) == 1 else "The last price wins against each of them."
    if below == len(ratios):
        return "The score is below the last price's, and suspected of a leak first."
    return f"{below} of {len(ratios)} networks are below the last price, and suspected of a leak first."


def _winner_of_both(record: RunRecord, *, figures: PublishedRecord) -> str:
    """Say who wins in which of the two tests; empty where one of them has no score."""
    published, own = figures["ratio"], record.summary["forecast"]["rmse_ratio"]
    if published is None or own is None:
        return ""
    name = "in the single split" if is_single(record) else "walk-forward"
    if published >= 1.0 and own >= 1.0:
        return "The last price wins both times."
    if published >= 1.0:
        return f"As published the last price wins; {name} the forecast errs less."
    leak = "the published score below it is examined as a leak"
    if own >= 1.0:
        return f"{name[0].upper()}{name[1:]} the last price wins; {leak}."
    return f"The forecast errs less both times; {leak}."


def _walk_forward_card(record: RunRecord) -> dict[str, Any]:
    own = record.summary["forecast"]
    single = is_single(record)
    said = "There is no forecast to score."
    if not words.is_missing(own["rmse_ratio"]):
        wins = (
            "The last price wins."
            if own["rmse_ratio"] >= 1.0
            else "The forecast errs less; whether that is more than luck, the verdict says."
        )
        said = f"RMSE {price(own['rmse'])}; last price {price(own['rmse_last_price'])}. {wins}"
    return {
        "title": "Single split, by the rules of the house" if single else "Walk-forward",
        "tag": "out of sample",
        "kind": "honest",
        "ratio": times_last_price(own["rmse_ratio"]),
        "said": said,
    }


def _examined(figures: PublishedRecord) -> dict[str, Any]:
    """What was looked at before a score below the last price is believed."""
    found = figures["examined"]
    if found is None:
        return {"text": "", "rows": []}
    rows = [
        (
            str(seed["seed"]),
            price(seed["rmse"]),
            times_last_price(seed["ratio"]),
            words.probability(seed["p_value"]),
        )
        for seed in found["seeds"]
    ]
    counts = [
        ("Rows that are training targets too", words.count(found["in_training"])),
        ("Rows that stand in a training window", words.count(found["in_inputs"])),
        ("Rows that stand in their own window", words.count(found["in_own_window"])),
    ]
    return {"text": found["text"], "rows": rows, "counts": counts}
