"""What kind of test a run is: walk-forward, or a single split."""

from __future__ import annotations

from backtester.run_directory import RunRecord

__all__ = ["is_single", "split_name", "split_warning"]


def is_single(record: RunRecord) -> bool:
    """Whether the model was trained once, and tested on all the rest."""
    return bool(record.manifest["recipe"]["folds"]["scheme"] == "single")


def split_name(record: RunRecord) -> str:
    """Name the test as the head of a page does."""
    return "Single split" if is_single(record) else "Walk-forward test"


def split_warning(record: RunRecord) -> str:
    """Say what a single split cannot show; empty for a walk-forward test."""
    if not is_single(record):
        return ""
    return (
        "This is a single split, not a walk-forward test: trained once and tested on all that follows. The "
        "verdict is of this one split; how it would fare with another training span is not known."
    )
