"""An independent checker of what clients saw, what the record says and what happened."""
