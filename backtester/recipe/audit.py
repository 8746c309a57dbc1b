"""The section ``[audit]``: what to do where something sees the future."""

from __future__ import annotations

from pydantic import Field

from backtester.recipe.choices import OnLeak
from backtester.recipe.section import Section

__all__ = ["AuditSection"]


class AuditSection(Section):
    """What a run does about your own code that sees the future; never changes a figure."""

    on_leak: OnLeak = Field(default=OnLeak.REFUSE, strict=False)
    """`report` lets the run go on: its page says so in red, and its verdict is inconclusive."""
    cuts: int = Field(default=25, ge=4, le=100_000)
    """Bars after which the history is cut under your own features, half of them where folds begin."""
