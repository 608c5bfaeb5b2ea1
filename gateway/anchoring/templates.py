"""What a log is sent: a JSON value whose texts name parts of the checkpoint.

Only texts are filled, inside a value that is already parsed, so nothing in a checkpoint can change
the form of what is sent.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping

from gateway.anchoring.anchor import SignedCheckpoint
from gateway.model.json import JsonValue

_PART = re.compile(r"\{([A-Za-z0-9]+)\}")
_PARTS: Mapping[str, Callable[[SignedCheckpoint], str]] = {
    "note": lambda one: one.note,
    "noteBase64": lambda one: base64.b64encode(one.note.encode()).decode(),
    "noteSha256": lambda one: hashlib.sha256(one.note.encode()).hexdigest(),
    "origin": lambda one: one.origin,
    "size": lambda one: str(one.size),
    "root": lambda one: base64.b64encode(one.root).decode(),
    "number": lambda one: str(one.number),
}
PARTS = tuple(_PARTS)
"""What a text may name in braces."""


def fill(template: JsonValue, checkpoint: SignedCheckpoint) -> JsonValue:
    """The template with every ``{part}`` of a text replaced."""
    if isinstance(template, str):
        return _PART.sub(lambda found: _PARTS[found[1]](checkpoint), template)
    if isinstance(template, list):
        return [fill(one, checkpoint) for one in template]
    if isinstance(template, dict):
        return {name: fill(one, checkpoint) for name, one in template.items()}
    return template


def unknown_parts(template: JsonValue) -> Iterator[str]:
    """Names in braces that are no part of a checkpoint."""
    if isinstance(template, str):
        yield from (name for name in _PART.findall(template) if name not in _PARTS)
    elif isinstance(template, list):
        for one in template:
            yield from unknown_parts(one)
    elif isinstance(template, dict):
        for one in template.values():
            yield from unknown_parts(one)


def names_the_checkpoint(template: JsonValue) -> bool:
    """Whether the template sends the note, or at least its digest or root."""
    if isinstance(template, str):
        return any(name in ("note", "noteBase64", "noteSha256") for name in _PART.findall(template))
    if isinstance(template, list):
        return any(map(names_the_checkpoint, template))
    if isinstance(template, dict):
        return any(map(names_the_checkpoint, template.values()))
    return False
