"""The command line: parse, call the pipeline, print."""

from backtester.cli.app import app, main

__all__ = ["app", "main"]
