"""How the demo talks: chapters, sentences, and claims that were checked."""


class ClaimError(Exception):
    """A claim of the demo does not hold."""


def chapter(title: str) -> None:
    """Begin a chapter."""
    print(f"\n{title}\n")


def say(sentence: str) -> None:
    """Tell something."""
    print(f"   {sentence}")


def claim(what: str, held: bool) -> None:
    """Claim something that was checked.

    Raises:
        ClaimError: it does not hold.
    """
    print(f" {'✓' if held else '✗'} {what}")
    if not held:
        raise ClaimError(what)
