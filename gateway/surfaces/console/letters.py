"""Letters that nobody sees, made visible: what people decide about must be what they read."""

import json
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
_KEPT = frozenset("\n\t\u200c\u200d")
"""White space, and what joins letters or keeps them apart in the words of some languages."""


def visible(text: str) -> str:
    """The text with each letter that is not seen, or that turns others around, as JSON escapes it.

    Unicode's bidirectional controls can have one text be read as another (Unicode Technical Report
    36, section 2.6).
    """
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n")  # as forms and mails end them; browsers show no difference
    return "".join(json.dumps(sign)[1:-1] if _is_unseen(sign) else sign for sign in lines)


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in _UNSEEN and sign not in _KEPT
