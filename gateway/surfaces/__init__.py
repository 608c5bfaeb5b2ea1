"""Doors: how callers reach the gateway. No rule lives in a door."""
