"""Text of others, made fit to be shown."""

import re

_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"

UNSEEN = re.compile(
    f"[{_BLANKS}]|(?<![^\\x00-\\x7f])[{_SELECTORS}]|(?<=[{_BLANKS}{_SELECTORS}])[{_SELECTORS}]"
)
"""Signs that leave no trace although Python calls them printable: fillers and blanks (Unicode,
Default_Ignorable_Code_Point), and variation selectors that have no letter or picture to vary."""


def printable(text: str) -> str:
    """Text that any terminal takes: control characters, broken UTF-8 and signs that nobody sees are
    escaped."""
    escaped = text.encode("utf-8", "backslashreplace").decode()
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in escaped)
    if shown.isascii():
        return shown
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)
