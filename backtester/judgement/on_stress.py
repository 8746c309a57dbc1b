"""Question 4 of the verdict: whether the result survives stress."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from backtester.judgement.answers import Answer, answered_with, or_else
from backtester.judgement.wording import listed, uncapitalised
from backtester.recipe import VerdictSection

__all__ = ["REQUIRED_AXES", "stress_question"]

REQUIRED_AXES = ("seeds", "windows")
"""Axes of stress without which question 4 has no yes."""


def stress_question(judgement: Mapping[str, Any], settings: VerdictSection) -> dict[str, Any]:
    """Answer the question about stress from the figures of a judgement; docs/verdict.md says how.

    Parameters
    ----------
    judgement : from `judge`
    settings : the recipe's ``[verdict]``

    Returns
    -------
    dict of JSON values, see `answered_with`
    """
    checks, axes = judgement["stress"]["checks"], judgement["stress"]["axes"]
    failed = [check["label"] for check in checks if check["answer"] == Answer.NO]
    fallen = [f"on the axis {axis['title'].lower()}" for axis in axes if axis["answer"] == Answer.NO]
    undecided = [check["label"] for check in checks if check["answer"] == Answer.INCONCLUSIVE]
    required = [axis for axis in axes if axis["key"] in REQUIRED_AXES]
    worst = min(checks, key=lambda check: or_else(check["sharpe_difference"]["value"], math.inf))
    answer = Answer.INCONCLUSIVE
    if all(check["sharpe_difference"]["value"] is None for check in checks):
        reason = "The strategy has no Sharpe ratio to compare: its return never varied."
    elif or_else(judgement["money"]["differences"]["buy_and_hold"]["sharpe"]["value"], 0.0) <= 0.0:
        answer = Answer.NO if failed or fallen else Answer.INCONCLUSIVE
        sure = f", and surely none of interest {listed(failed)}" if failed else ""
        reason = f"There is no gain over buy-and-hold that stress could take away{sure}."
    elif failed or fallen:
        # a check fails by its interval, an axis by the rule for its cases
        points = "its point estimate" if len(fallen) == 1 else "their point estimates"
        how = "" if failed else f", by {points}"
        answer, reason = Answer.NO, f"The gain over buy-and-hold is gone {listed(failed + fallen)}{how}."
    elif undecided:
        reason = f"The gain over buy-and-hold is no longer sure {listed(undecided)}."
    elif len(required) < len(REQUIRED_AXES):
        reason = (
            "It holds at double cost, one bar later, in each half and without its best days; other seeds and "
            "windows have not been tried (`backtester stress`)."
        )
    elif any(axis["answer"] != Answer.YES for axis in required):
        axis = next(axis for axis in required if axis["answer"] != Answer.YES)
        reason = f"Other {axis['key']} leave it open: {uncapitalised(axis['sentence'])}"
    else:
        answer = Answer.YES
        holding = sum(axis["answer"] == Answer.YES for axis in axes)
        reason = (
            "It holds at double cost, one bar later, in each half, without its best days, with other seeds "
            f"and windows; of {len(axes)} axes of stress it holds on {holding}, and it fails on none."
        )
    return answered_with(
        answer,
        reason,
        figure={
            "name": f"Worst Sharpe ratio above buy-and-hold's ({worst['label']})",
            "value": worst["sharpe_difference"]["value"],
            "interval": worst["sharpe_difference"]["interval"],
            "unit": "a year",
        },
        p_value=None,
        smallest=settings.smallest_sharpe,
        judgement=judgement,
        years_to_decide=judgement["power"]["years_for_smallest"],
    )
