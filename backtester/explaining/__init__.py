"""What a trained LSTM does over its test span: gates, cell state, memory, and what its forecast hangs on."""
