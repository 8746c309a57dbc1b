"""The command line: parse, call the pipeline, print.

Little is imported here: an interruption is told in words of ours only once it is.
"""

import sys

try:
    from backtester.cli.program import main
except KeyboardInterrupt:
    sys.stderr.write("error: Interrupted.\n")
    sys.exit(130)

__all__ = ["main"]
