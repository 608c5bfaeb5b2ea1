"""Types of objects that are made at run time, for msgspec to turn into code."""

from collections.abc import Iterable
from typing import Any

import msgspec


def struct(members: Iterable[tuple[str, Any, Any]], *, takes_others: bool) -> type[msgspec.Struct]:
    """The type of objects with these members: each a name, the type of its values, and what stands
    for it where an object lacks it (``msgspec.NODEFAULT`` where none may).

    Objects with other members are refused unless it ``takes_others``, which then are left out.
    """
    fields = [
        (f"member{at}", kind, msgspec.field(default=absent, name=name))
        for at, (name, kind, absent) in enumerate(members)
    ]
    made = msgspec.defstruct(
        "Made", fields, kw_only=True, gc=False, forbid_unknown_fields=not takes_others
    )
    # msgspec looks at a type when it is first used, and crashes where another thread uses it
    # meanwhile: it is to look now.
    msgspec.json.Decoder(made)
    # msgspec keeps the annotations of each type for ever, and with them the types that they name
    # (https://github.com/msgspec/msgspec/issues/1193). It has read them now.
    made.__annotations__.clear()
    return made
