"""What takes values of scalars that are exactly as the scalar is written, coming or going.

Most are, and nothing of them needs to be changed or looked at further.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

from graphql import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from gateway.surfaces.graphql.compiled.irregular import EXACT

Convert = Callable[[Any], Any]


def as_written(scalar: str, otherwise: Convert, *, is_nullable: bool) -> Convert:
    """What gives a value of the scalar of this name back if it is as written.

    What is not, and every value of a scalar that is not GraphQL's own, goes to ``otherwise``.
    """
    if scalar in EXACT:
        return _exact(EXACT[scalar], otherwise, is_nullable=is_nullable)
    return _NUMBERS[scalar](otherwise) if scalar in _NUMBERS else otherwise


def _exact(wanted: type, otherwise: Convert, *, is_nullable: bool) -> Convert:
    as_they_are = {wanted, type(None)} if is_nullable else {wanted}

    def convert(value: Any) -> Any:
        return value if type(value) in as_they_are else otherwise(value)

    return convert


def _int(otherwise: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if type(value) is int and GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
            return value
        return otherwise(value)

    return convert


def _float(otherwise: Convert) -> Convert:
    def convert(value: Any) -> Any:
        return value if type(value) is float and isfinite(value) else otherwise(value)

    return convert


_NUMBERS = {"Int": _int, "Float": _float}
