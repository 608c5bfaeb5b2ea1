"""Documents made ready to run, run, answered from what is kept, and logged."""
