"""What to do about a change, in words that several rules share, and how a rule is written down."""

from gateway.contracts.changes.change import Level, Rule

KEEP = "Keep it, and bring in a new version of the contract beside it."
OLD_CLIENTS = "Have clients stop using it first; look in the operation log for who does."
REGENERATE = "Clients with generated types must be generated anew, and treat what is new."
NOTHING = "Nothing; clients may use it when they like."
UNUSED = "Nothing; clients that treat it may leave that out."
RIGHTS = (
    "Look at the rules that select contracts by this (docs/policies.md) and tell those concerned."
)
TEXT = "Nothing."
PRIVACY = "Have whoever answers for personal data agree (docs/personal-data.md)."


def breaking(code: str, meaning: str, remedy: str, reverse: str) -> Rule:
    """A rule for what breaks; ``reverse`` are codes, separated by blanks."""
    return Rule(code, Level.BREAKING, meaning, remedy, frozenset(reverse.split()))


def dangerous(code: str, meaning: str, remedy: str, reverse: str) -> Rule:
    """A rule for what somebody had better look at; ``reverse`` as above."""
    return Rule(code, Level.DANGEROUS, meaning, remedy, frozenset(reverse.split()))


def safe(code: str, meaning: str, remedy: str, reverse: str) -> Rule:
    """A rule for what nobody need care about; ``reverse`` as above."""
    return Rule(code, Level.SAFE, meaning, remedy, frozenset(reverse.split()))
