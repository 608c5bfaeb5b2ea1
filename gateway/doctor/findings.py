"""What an examination finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.json import JsonObject
from gateway.model.problem import Problem


class State(StrEnum):
    """How something is: a gateway starts with warnings, and not with what failed."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a ``check`` found: its ``state``, told in words, and how to mend it where it is not ok.

    ``code`` is that of the problem that a start would tell, where it would tell one.
    """

    check: str
    state: State
    told: str
    remedy: str = ""
    code: str | None = None

    def to_json(self) -> JsonObject:
        """The finding as JSON."""
        return {
            "check": self.check,
            "state": self.state.value,
            "told": self.told,
            "remedy": self.remedy or None,
            "code": self.code,
        }


def ok(check: str, told: str) -> Finding:
    """All is well."""
    return Finding(check, State.OK, told)


def warning(check: str, told: str, remedy: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(check, State.WARNING, told, remedy)


def failed(check: str, told: str, remedy: str) -> Finding:
    """A gateway would not start, or not work."""
    return Finding(check, State.FAILED, told, remedy)


def skipped(check: str, told: str) -> Finding:
    """It could not be looked at, and why."""
    return Finding(check, State.SKIPPED, told)


def failures(check: str, found: Problem, most: int = 20) -> Iterator[Finding]:
    """What a problem says, one finding for each of its issues, but not above ``most``."""
    page = f"see docs/errors/{found.code}.md"
    if not found.issues:
        yield Finding(check, State.FAILED, found.detail, page, found.code)
        return
    for issue in found.issues[:most]:
        place = "" if issue.path in issue.message else f"{issue.path}: "
        yield Finding(check, State.FAILED, f"{place}{issue.message}", page, issue.code)
    if len(found.issues) > most:
        told = f"and {len(found.issues) - most} more like these"
        yield Finding(check, State.FAILED, told, page, found.code)
