"""A system as it was published, in the words and figures of its section of the page.

Its figures stand beside those of the walk-forward test and are never joined with them: other days, other
rules, and a test that what was tested may have leaked into.
"""

from __future__ import annotations

from typing import Any

from backtester.published import LAST_PRICE, PublishedRecord
from backtester.reporting import words
from backtester.reporting.published import Published, price, times_last_price
from backtester.reporting.published_table import beside, not_counted, sentence_case, training_words
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
        "mode": _mode_words(published),
        "cards": [_card(published), _walk_forward_card(record)],
        "sentence": figures["sentence"],
        "winner": _winner_of_both(record, figures=figures),
        "difference": _difference(published),
        "names": f"As published and {figures['walk_forward']['name']}",
        "facts": _facts(published),
        **beside(record, published=published),
        "failures": figures["failures"],
        "parts": [
            (part["title"], words.count(part["rows"]), price(part["rmse"]), price(part["last_price_rmse"]))
            for part in figures["parts"]
        ],
        "before": "Row before" if published.reversed else "Last price",
        "below": figures["baseline"],
        "flaws": figures["flaws"],
        "examined": _examined(figures),
    }


def _mode_words(published: Published) -> str:
    figures = published.figures
    train, test = figures["train"], figures["test"]
    mode = (
        f"Mode: as published. One split: trained on {words.plural(train['rows'], 'row')}, "
        f"{words.span(train['start'], train['end'])}; forecasts {words.plural(test['rows'], 'row')}, "
        f"{words.span(test['start'], test['end'])}, each by the {figures['lookback']} rows read before it."
    )
    if published.reversed:
        mode += (
            f" The rows are read newest first, so that the {figures['baseline']} stands for the last price."
        )
    return mode


def _difference(published: Published) -> str:
    """Say what else differs between the two tests, beside the rules."""
    rows = words.plural(published.figures["train"]["rows"], "row")
    single = published.figures["walk_forward"]["test"] is None
    each = "The network of the other test is" if single else "Walk-forward each network is"
    return (
        f"The tests differ by more than their rules. As published a network is trained once on {rows}. "
        f"{each} {training_words(published)}. How much a network learned from, and how old that is when it "
        "forecasts, are part of either error."
    )


def _facts(published: Published) -> list[tuple[str, str]]:
    figures = published.figures
    train, n_networks, n_failed = figures["train"], len(figures["seeds"]), len(figures["failures"])
    watched = f", {train['validation']:,} for validation" if train["validation"] else ""
    order = "newest first: time runs backwards" if published.reversed else "oldest first"
    return [
        ("Source", figures["source"]),
        ("Series", f"{figures['column']} of {figures['symbol']}, {order}"),
        ("Rows", f"{figures['rows']:,}, {words.span(figures['start'], figures['end'])}"),
        ("Training samples", f"{train['samples']:,}{watched}"),
        ("Epochs", _epochs_words(figures)),
        ("Networks", _networks_words(n_networks, n_failed=n_failed)),
    ]


def _epochs_words(figures: PublishedRecord) -> str:
    made = {seed["epochs"] for seed in figures["seeds"]}
    asked = f"{figures['epochs']:,}"
    if made <= {figures["epochs"]}:
        return asked
    lowest, highest = min(made), max(made)
    return f"{lowest:,}{f' to {highest:,}' if highest > lowest else ''}, of at most {asked}"


def _networks_words(n_networks: int, *, n_failed: int) -> str:
    failed = f"{n_failed} failed" if n_failed else ""
    if n_networks == 0:
        return f"none: {failed}" if failed else "none"
    each = "1" if n_networks == 1 else f"{n_networks}, each with a seed and a score of its own"
    return f"{each}; {failed}" if failed else each


def _card(published: Published) -> dict[str, Any]:
    """The headline of the published mode."""
    figures = published.figures
    spread, n_networks = figures["rmse"], len(figures["seeds"])
    naive = f"{figures['baseline']} {price(figures['last_price']['rmse'])}"
    if spread is None:
        said = f"Every network failed; {naive}."
    else:
        of = "" if n_networks == 1 else f", the mean of {n_networks} networks"
        of += f" ({len(figures['failures'])} failed)" if figures["failures"] else ""
        said = f"RMSE {price(spread['mean'])}{of}; {naive}. {_winner(figures)}"
    over = "that of the row before" if published.reversed else "the last price’s"
    return {
        "title": "As published",
        "tag": not_counted(published),
        "kind": "published",
        "ratio": times_last_price(figures["ratio"]),
        "unit": f"RMSE over {over}; below 1 is better",
        "said": said,
    }


def _below(figures: PublishedRecord) -> tuple[int, int]:
    """How many networks are below the baseline, of how many that can be held to it."""
    ratios = [seed["ratio"] for seed in figures["seeds"] if seed["ratio"] is not None]
    return sum(ratio < 1.0 for ratio in ratios), len(ratios)


def _winner(figures: PublishedRecord) -> str:
    """Say who wins on the published days, and for how many networks."""
    below, n = _below(figures)
    baseline = figures["baseline"]
    if n == 0:
        return f"The {baseline} is never off here."
    if below == 0:
        return f"The {baseline} wins{'' if n == 1 else ' against each of them'}."
    if below == n:
        return f"Our score is below that of the {baseline}, and suspected of a leak first."
    return f"{below} of {n} networks {_are(below)} below the {baseline}, and suspected of a leak first."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _winner_of_both(record: RunRecord, *, figures: PublishedRecord) -> str:
    """Say who wins in which of the two tests, by the same count as `_winner`; empty where one has none."""
    below, n = _below(figures)
    own, baseline = record.summary["forecast"]["rmse_ratio"], figures["baseline"]
    if n == 0 or own is None:
        return ""
    name = "in the single split" if is_single(record) else "walk-forward"
    others = "the last price wins" if own >= 1.0 else "the forecast errs less"
    if below == 0 and own >= 1.0 and baseline == LAST_PRICE:
        return "The last price wins both times."
    if below == 0:
        return f"As published the {baseline} wins; {name} {others}."
    leak = "our score below it is examined as a leak"
    if below < n:
        return (
            f"As published {below} of {n} networks {_are(below)} below the {baseline}, which is examined as "
            f"a leak; {name} {others}."
        )
    if own >= 1.0:
        return f"{sentence_case(name)} the last price wins; as published {leak}."
    return f"The forecast errs less both times; as published {leak}."


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
        "unit": "RMSE over the last price’s; below 1 is better",
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
        ("Rows that were watched in training", words.count(found["watched"])),
        ("Samples that the training has too, number for number", words.count(found["repeated"])),
        ("Rows that are told from later sessions", words.count(found["later"])),
        ("Another scaler without these rows", "yes" if found["scaler_changes"] else "no"),
    ]
    return {"text": found["text"], "rows": rows, "counts": counts}
