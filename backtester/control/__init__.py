"""The positive control: the code that trains on prices must find what is there to be found.

It stands apart: nothing of it enters a run of prices, the registry of trials, or a verdict.
"""

from backtester.control.running import Control, control_digits

__all__ = ["Control", "control_digits"]
