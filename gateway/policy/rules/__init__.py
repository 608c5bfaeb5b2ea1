"""The notation of policy files: rows, models, selectors, conditions, and their lint."""
