"""What is in a price file: its form, its quirks, and what its numbers look like. Numbers in, values out."""
