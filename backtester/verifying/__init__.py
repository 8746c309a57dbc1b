"""Whether a run directory is what the program wrote, and every figure follows from its files."""

from backtester.verifying.finding import Finding, Verification
from backtester.verifying.verification import verify_run

__all__ = ["Finding", "Verification", "verify_run"]
