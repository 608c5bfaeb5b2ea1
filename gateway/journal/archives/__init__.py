"""Stretches of the record as files: written, removed from the database, checked and put back."""
