"""What one request brings to an operation."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Request(NamedTuple):
    """The variables as they were sent, and what resolvers are given.

    ``root_value`` is the event where a subscription is answered; ``max_coercion_errors`` is how
    many faults of variables are told.
    """

    variables: Mapping[str, Any]
    context: object = None
    root_value: object = None
    max_coercion_errors: int = 50
