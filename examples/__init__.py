"""Examples that people read and the demo runs."""
