"""Entry point of ``python -m backtester.cli``."""

from backtester.cli.program import main

main()
