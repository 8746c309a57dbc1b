"""The command line: parse, call the pipeline, print.

Little is imported here: an interruption is only told in our words once `main` has begun.
"""

from backtester.cli.program import main

__all__ = ["main"]
