"""The schema as a subgraph, for a router that composes it with the schemas of other services."""

from gateway.surfaces.graphql.federation.serving import build_subgraph
from gateway.surfaces.graphql.federation.subgraph import Demand, print_subgraph

__all__ = ["Demand", "build_subgraph", "print_subgraph"]
