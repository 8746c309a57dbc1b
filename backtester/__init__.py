"""Walk-forward tests of neural price forecasts."""
