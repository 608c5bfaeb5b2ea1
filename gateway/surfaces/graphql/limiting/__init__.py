"""What bounds operations: counted, priced and timed before and while they run."""
