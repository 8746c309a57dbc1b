"""Measurements against what a user would do instead, each runnable alone; see README.md here."""
