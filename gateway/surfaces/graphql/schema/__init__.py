"""The schema: types from contracts, what a caller sees of it, its text, and how two differ."""
