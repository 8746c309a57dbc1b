import numpy as np
import pytest

from backtester.backtest import check_fill
from backtester.errors import RecipeError
from backtester.prices.table import NoteKind
from backtester.recipe.sections import Fill
from tests.backtest.markets import make_prices


def prices_with_share(share, *, n_bars=101, shift=0.0):
    """The last 100 bars: this share of them opens at the previous close."""
    close = 100.0 + np.arange(n_bars)
    opens = np.append(close[0], close[:-1]) * (1.0 + shift)
    opens[1 + round(share * (n_bars - 1)) :] += 0.5
    return make_prices(open=opens, close=close)


def test_the_next_close_needs_a_horizon_of_two():
    prices = make_prices(close=[100.0, 101.0, 102.0])
    with pytest.raises(RecipeError, match="a one-bar forecast has expired"):
        check_fill(prices, fill=Fill.NEXT_CLOSE, horizon=1, first_bar=1)
    assert check_fill(prices, fill=Fill.NEXT_CLOSE, horizon=2, first_bar=1) == ()


@pytest.mark.catalogue("D26")
def test_d26_the_next_open_needs_an_open():
    prices = make_prices(close=[100.0, 101.0, 102.0])
    with pytest.raises(RecipeError, match=r"test\.csv has no column 'open'") as caught:
        check_fill(prices, fill=Fill.NEXT_OPEN, horizon=1, first_bar=1)
    assert "next_close" in caught.value.advice


@pytest.mark.parametrize("shift", [0.0, 1e-9])
@pytest.mark.catalogue("D71")
def test_d71_made_up_opens_are_refused_from_ninety_percent_on(shift):
    with pytest.raises(RecipeError, match="90% of the 100 traded bars") as caught:
        check_fill(prices_with_share(0.90, shift=shift), fill=Fill.NEXT_OPEN, horizon=1, first_bar=1)
    assert "next_close" in caught.value.advice


@pytest.mark.parametrize(("share", "warns"), [(0.89, True), (0.20, True), (0.19, False), (0.0, False)])
def test_made_up_opens_are_warned_of_from_twenty_percent_on(share, warns):
    notes = check_fill(prices_with_share(share), fill=Fill.NEXT_OPEN, horizon=1, first_bar=1)
    assert [note.kind for note in notes] == [NoteKind.WARNING] * warns


def test_only_traded_bars_count():
    prices = prices_with_share(0.9)
    assert check_fill(prices, fill=Fill.NEXT_OPEN, horizon=1, first_bar=91) == ()
    with pytest.raises(RecipeError, match="100% of the 90"):
        check_fill(
            make_prices(open=prices.column("open")[:91], close=prices.column("close")[:91]),
            fill=Fill.NEXT_OPEN,
            horizon=1,
            first_bar=0,
        )
