from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from backtester.reporting import comparison_table, comparison_text


def figures(**changes):
    own = {
        "total_return": 0.5, "cagr": 0.1, "volatility": 0.2, "sharpe": 0.55, "max_drawdown": -0.3,
        "turnover": 12.3, "trades": 1234, "exposure": 0.6, "costs": 1234567.8,
    }  # fmt: skip
    return own | changes


SUMMARY = {
    "strategies": {
        "strategy": figures(),
        "buy_and_hold": figures(total_return=-0.25, max_drawdown=0.4),
        "last_price": dict.fromkeys(figures(), 0) | {"sharpe": None},
        "last_return": figures(sharpe=-1.5),
    }
}


def test_the_table_fits_a_terminal_of_80_columns():
    assert comparison_text(SUMMARY).splitlines() == [
        "                        Strategy  Buy-and-hold    Last price   Last return",
        "Total return               50.0%        -25.0%          0.0%         50.0%",
        "Return a year              10.0%         10.0%          0.0%         10.0%",
        "Volatility a year          20.0%         20.0%          0.0%         20.0%",
        "Sharpe ratio                0.55          0.55             –         -1.50",
        "Largest drawdown          -30.0%        -40.0%          0.0%        -30.0%",
        "Turnover a year            12.3x         12.3x          0.0x         12.3x",
        "Trades                     1,234         1,234             0         1,234",
        "Average exposure           60.0%         60.0%          0.0%         60.0%",
        "Costs                  1,234,568     1,234,568             0     1,234,568",
    ]


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_gets_the_same_figures_two_by_two(width):
    text = comparison_text(SUMMARY, width=width)
    assert max(map(len, text.splitlines())) <= width
    wide = [line.split("  ") for line in comparison_text(SUMMARY).splitlines()[1:]]
    figures_of = [{cell.strip() for cell in line[1:] if cell.strip()} for line in wide]
    assert all(cell in text for cells in figures_of for cell in cells)
    assert text.count("Sharpe ratio") == 2


def test_the_frame_has_numbers_and_nan_for_what_does_not_exist(plain_run):
    table = comparison_table(plain_run)
    assert list(table.columns) == ["strategy", "buy_and_hold", "last_price", "last_return"]
    assert table.loc["cagr", "buy_and_hold"] == plain_run.summary["strategies"]["buy_and_hold"]["cagr"]
    assert np.isnan(table.loc["sharpe", "last_price"])


def test_the_text_needs_no_drawing_library():
    code = (
        "import sys; from backtester.reporting import comparison_text; "
        "comparison_text({'strategies': {'strategy': {}}}); "
        "print(sorted({'plotly', 'matplotlib', 'quantstats', 'pandas', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
