"""gateway doctor"""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from gateway.cli.options import FAILED, OK, with_setting_flags
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.doctor import Finding, State, examine, failures, is_well, ok
from gateway.environment import load_settings
from gateway.model.problem import ProblemError

_TONES = {
    State.OK: Tone.GOOD,
    State.WARNING: Tone.WARNING,
    State.FAILED: Tone.BAD,
    State.SKIPPED: Tone.QUIET,
}
_WIDTHS = (9, 20)


@click.command()
@with_setting_flags
@with_output
def doctor(*, flags: dict[str, Any], out: Output) -> None:
    """Look at all that a gateway needs, and say how to mend what it lacks.

    Looks at settings, folders, database, record, contracts, policies, keys, clock and port. Works
    before the first start and beside a running gateway; starts and changes nothing. Exits with 1 if
    something failed, with 0 where there are warnings at most.
    """
    findings: list[Finding] = []
    for finding in _findings(flags):
        findings.append(finding)
        if not out.as_json:
            _show(finding, out)
    counts = Counter(finding.state for finding in findings)
    if out.as_json:
        told = {state.value: counts[state] for state in State}
        well = is_well(findings)
        out.json({"isWell": well, **told, "findings": [one.to_json() for one in findings]})
    elif out.for_people:
        out.line(", ".join(_counted(state, counts[state]) for state in State if counts[state]))
    sys.exit(OK if is_well(findings) else FAILED)


def _counted(state: State, count: int) -> str:
    is_plural = state is State.WARNING and count > 1
    return f"{count} {state.value}{'s' if is_plural else ''}"


def _findings(flags: dict[str, Any]) -> Iterator[Finding]:
    """What there is to find; without valid settings they are all there is to look at."""
    try:
        settings = load_settings(**flags)
    except ProblemError as error:
        yield from failures("settings", error.problem)
        return
    given = len(settings.model_fields_set)
    are = "is" if given == 1 else "are"
    yield ok(
        "settings", f"they are valid; {given} of them {are} set, the others have their defaults"
    )
    yield from examine(settings)


def _show(finding: Finding, out: Output) -> None:
    state = finding.state
    if not out.for_people:
        out.table((), [(state.value, finding.check, finding.told, finding.remedy)])
        return
    width, indent = _WIDTHS[1], " " * sum(_WIDTHS)
    shown = Toned(state.value.ljust(_WIDTHS[0]), _TONES[state])
    out.line(shown, finding.check.ljust(width), finding.told)
    if finding.remedy:
        out.line(indent, Toned(f"to mend it: {finding.remedy}", Tone.STRONG))
