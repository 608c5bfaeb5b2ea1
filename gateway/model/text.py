"""Text of others, made fit to be shown."""


def printable(text: str) -> str:
    """Text that any terminal takes: control characters and broken UTF-8 are escaped."""
    escaped = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in escaped)
