"""Entry point of ``python -m backtester.cli``."""

from backtester.cli.app import main

main()
