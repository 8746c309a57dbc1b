"""One module an axis."""
