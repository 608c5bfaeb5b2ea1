"""Decisions asked in the terms of subject, action and resource, one by one or as a search."""
