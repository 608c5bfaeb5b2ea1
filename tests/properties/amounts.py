"""How many examples the properties that take long are tried on."""

import math
import os

SHARE = float(os.environ.get("EXAMPLES", "0.25"))
"""The part of its examples that a property is tried on: a quarter in ``make test``, so that it
stays short, and all of them in ``make soak``. More than 1 is a search: ``make search``."""


def examples(many: int) -> int:
    """How many of ``many`` examples to try."""
    return math.ceil(many * SHARE)
