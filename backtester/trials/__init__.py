"""The trial registry: every configuration ever tried on a market, with the returns it made.

The best of twenty tries looks good by luck alone, so a verdict must know all twenty; docs/trials.md.
"""

from backtester.trials.market import same_market
from backtester.trials.registry import (
    DamagedTrial,
    TrialRegistry,
    default_registry_folder,
    temporary_registry_folder,
)
from backtester.trials.settings import varying_settings
from backtester.trials.snapshot import SNAPSHOT_RETURNS, SNAPSHOT_TABLE, read_snapshot, snapshot
from backtester.trials.trial import Trial, flat_settings, same_returns

__all__ = [
    "SNAPSHOT_RETURNS",
    "SNAPSHOT_TABLE",
    "DamagedTrial",
    "Trial",
    "TrialRegistry",
    "default_registry_folder",
    "flat_settings",
    "read_snapshot",
    "same_market",
    "same_returns",
    "snapshot",
    "temporary_registry_folder",
    "varying_settings",
]
