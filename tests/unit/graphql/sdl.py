"""Changes between schemas that are written down, for tests."""

from gateway.contracts.changes import Change
from gateway.surfaces.graphql.schema.sdl_changes import sdl_changes
from gateway.surfaces.graphql.schema.sdl_file import schema_of


def changes_between(old: str, new: str) -> list[Change]:
    """Every change from one SDL to another, the worst first."""
    return sdl_changes(*(schema_of(text, "s.graphql") for text in (old, new)))
