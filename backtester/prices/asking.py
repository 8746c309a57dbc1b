"""Asking Yahoo for one symbol until it answers: how often, and which of two parts is taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from backtester.errors import PricesError
from backtester.prices.answers import Judged, judge, lost_to
from backtester.prices.cache import Copy
from backtester.prices.yahoo import Answer, Yahoo, Yfinance, ask_once

__all__ = ["Asked", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer that was taken.

    Parameters
    ----------
    judged : None where no bars came
    short : why it looks like a part of what there is, or of what the kept copy has
    """

    answer: Answer
    judged: Judged | None
    short: tuple[str, ...]
    n_attempts: int


def ask(symbol: str, yahoo: Yahoo, *, start: date | None, end: date | None, old: Copy | None) -> Asked:
    """Ask until Yahoo answers; a part is asked for once more, and the larger part taken.

    Raises
    ------
    PricesError : what came first is no table of prices
    """
    download = yahoo.download or Yfinance()
    answer = Answer(answered=False, said="no answer")
    best: Asked | None = None
    n_attempts = 0
    for wait in (0.0, *yahoo.pauses.again_seconds):
        if wait:
            yahoo.pauses.sleep(wait)
        n_attempts += 1
        try:
            answer = ask_once(symbol, download, start=start, end=end)
            if not answer.answered:
                if not answer.connected and n_attempts > 1:
                    break
                continue
            if answer.frame is None:
                break
            judged = judge(answer, symbol=symbol, start=start, end=end, today=yahoo.day)
        except PricesError:
            if best is not None:
                return best
            raise
        short = (*judged.short, *(lost_to(judged.frame, old=old) if old else ()))
        asked = Asked(answer=answer, judged=judged, short=short, n_attempts=n_attempts)
        if not short:
            return asked
        if best is not None:
            return max(best, asked, key=_n_rows)
        best = asked
    return best or Asked(answer=answer, judged=None, short=(), n_attempts=n_attempts)


def _n_rows(asked: Asked) -> int:
    return 0 if asked.judged is None else len(asked.judged.frame)
