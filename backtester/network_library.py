"""Loading curl_cffi, on which yfinance rests and through it QuantStats, beside TensorFlow."""

from __future__ import annotations

import os
import sys

__all__ = ["load_network_library"]


def load_network_library() -> None:
    """Load curl_cffi so that it finds its own functions, before yfinance or QuantStats is imported.

    TensorFlow brings a curl of its own, for all to see: loaded after it, curl_cffi would call that one, and
    every request of this process would fail as "unknown option". Once loaded wrongly, it stays so.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    try:
        import curl_cffi  # noqa: F401 - for its effect
    finally:
        sys.setdlopenflags(flags)
