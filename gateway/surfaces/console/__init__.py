"""The operator console: pages over the public GraphQL API, for people who decide."""

from gateway.surfaces.console.app import console_routes
from gateway.surfaces.console.asking import documents
from gateway.surfaces.console.desk import Desk

__all__ = ["Desk", "console_routes", "documents"]
