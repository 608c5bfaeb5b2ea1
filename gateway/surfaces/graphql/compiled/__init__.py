"""Validated operations compiled to closures, which answer as graphql-core would, to the byte."""

from gateway.surfaces.graphql.compiled.coercing import InputCoercers, left_to_core
from gateway.surfaces.graphql.compiled.conditions import condition_variables
from gateway.surfaces.graphql.compiled.irregular import UnsupportedError, is_coroutine
from gateway.surfaces.graphql.compiled.operations import CompiledOperations, coerced
from gateway.surfaces.graphql.compiled.replaying import Core, ready_executor
from gateway.surfaces.graphql.compiled.request import Request

__all__ = [
    "CompiledOperations",
    "Core",
    "InputCoercers",
    "Request",
    "UnsupportedError",
    "coerced",
    "condition_variables",
    "is_coroutine",
    "left_to_core",
    "ready_executor",
]
