"""What one request brings to an operation."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


def _nothing() -> None:
    return None


class Request(NamedTuple):
    """The variables as they were sent, and what resolvers are given.

    ``root_value`` is the event where a subscription is answered; ``max_coercion_errors`` is how
    many faults of variables are told. ``check`` is called before graphql-core judges variables, of
    which it takes long over large ones: it may raise, and then nothing is run.
    """

    variables: Mapping[str, Any]
    context: object = None
    root_value: object = None
    max_coercion_errors: int = 50
    check: Callable[[], None] = _nothing
