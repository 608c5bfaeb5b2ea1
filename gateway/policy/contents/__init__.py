"""The policy files as text: reading and writing folders, edits, differences, history."""
