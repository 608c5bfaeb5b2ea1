"""The AuthZEN door: a standard policy decision point over HTTP."""

from gateway.surfaces.authzen.routes import authzen_routes

__all__ = ["authzen_routes"]
