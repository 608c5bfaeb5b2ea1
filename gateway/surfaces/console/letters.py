"""Letters that nobody sees, made visible: what people decide about must be what they read."""

import json
import re
import unicodedata

from gateway.model.text import UNSEEN

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_KEPT = frozenset("\n\t\u200c\u200d")
"""White space, and what joins letters or keeps them apart in the words of some languages."""

_TO_BE_LOOKED_AT = re.compile("[^ -~]")
"""Any sign but those that every text is made of, which JSON of megabytes has few of."""


def visible(text: str) -> str:
    """The text with each letter that is not seen, or that turns others around, as JSON escapes it.

    Unicode's bidirectional controls can have one text be read as another (Unicode Technical Report
    36, section 2.6).
    """
    if not text.isascii():
        text = UNSEEN.sub(_escaped, text)
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n")  # as forms and mails end them; browsers show no difference
    return _TO_BE_LOOKED_AT.sub(_as_seen, lines)


def _as_seen(found: re.Match[str]) -> str:
    sign = found[0]
    is_unseen = unicodedata.category(sign) in _UNSEEN and sign not in _KEPT
    return _escaped(found) if is_unseen else sign


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
