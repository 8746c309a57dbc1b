"""The forecast of the next session, with an interval whose coverage was measured walk-forward."""
