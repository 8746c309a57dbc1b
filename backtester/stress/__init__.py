"""Stress: how far a result carries over to other periods, costs, seeds, windows, markets."""
