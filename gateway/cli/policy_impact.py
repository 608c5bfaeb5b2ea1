"""gateway policy impact"""

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from gateway.cli.options import existing_record, with_settings
from gateway.cli.output import Output, with_output
from gateway.cli.policy_sides import side_in
from gateway.cli.progress import ProgressLine
from gateway.contracts import Registry
from gateway.journal import open_history
from gateway.loading import contracts_in, key_folder, open_keyring
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import Owner
from gateway.model.ports import Records, Sealer
from gateway.model.system import SystemClock
from gateway.model.time import stamp
from gateway.policy import PolicyRevision, build_revision, read_content
from gateway.policy.contents.history import content_of
from gateway.privacy import KeyringSealer, has_keys
from gateway.runtime import Impact, ImpactScope, Progress
from gateway.settings import Settings

_NICE = 5
_PAUSE = 0.25
_LEFT_ALONE = 3


@click.command("impact", short_help="Tell what a draft would have decided otherwise.")
@click.argument("draft")
@click.option("--days", type=click.IntRange(1, 36_500), help="Only decisions of the last DAYS.")
@click.option("--workspace", help="Only decisions of this workspace.")
@click.option("--progress", is_flag=True, help="Tell on standard error how far it has come.")
@click.option("--attended", is_flag=True, help="End when standard input is closed.")
@with_settings
@with_output
def impact(
    *,
    settings: Settings,
    draft: str,
    days: int | None,
    workspace: str | None,
    progress: bool,
    attended: bool,
    out: Output,
) -> None:
    """Decide the recorded decisions again under DRAFT, and report which come out otherwise.

    DRAFT is a changeset, a folder, a revision or the beginning of its digest, or files (the policy
    folder). It is compared with the revision in force. Works beside a running gateway and changes
    nothing.
    """
    if attended:
        threading.Thread(target=_end_when_left_alone, daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(_NICE)  # whoever serves goes first
    gc.disable()  # nothing that is read refers to itself, and looking takes a third of the time
    began = time.monotonic()
    with ProgressLine(asked=False) as line:
        tell = _teller() if progress else _shower(line)
        report = _analyzed(settings, draft, ImpactScope(days, workspace), tell)
    report = {**report, "seconds": round(time.monotonic() - began, 3)}
    if out.as_json:
        out.json(report, compact=attended)  # whoever attends takes a bounded number of bytes
    else:
        _show(report, out)


def _analyzed(
    settings: Settings, draft: str, scope: ImpactScope, tell: Callable[[Progress], None]
) -> JsonObject:
    with open_history(existing_record(settings)) as history:
        registry = contracts_in(settings, history)
        side = side_in(settings, history, draft)
        analysis = Impact(
            history=history,
            registry=registry,
            sealer=_sealer(settings),
            in_force=_in_force(settings, history, registry),
            draft=build_revision(side.content, registry, side.folder),
        )
        return analysis.analyze(scope, stamp(SystemClock().now()), tell)


def _end_when_left_alone() -> None:
    """End this process with the one that holds the other end of its standard input."""
    while os.read(0, 1):
        pass
    os._exit(_LEFT_ALONE)


def _in_force(settings: Settings, records: Records, registry: Registry) -> PolicyRevision:
    head = records.policy_head()
    if head is not None and records.policy_revision(head) is not None:
        return build_revision(content_of(records, head), registry, Path())
    # An earlier release recorded no content: the files are what was in force.
    content = read_content(settings.policy_dir)
    return build_revision(content, registry, settings.policy_dir)


class _NoKeys:
    """Stands for the keys of a data folder that has none any more: nothing can be opened."""

    def seal(self, owner: Owner, contract: str, field: str, value: JsonValue) -> JsonObject:
        raise ValueError("there are no keys")

    def seal_like(
        self, workspace: str, other: JsonObject, contract: str, field: str, value: JsonValue
    ) -> JsonObject:
        raise ValueError("there are no keys")

    def unseal(self, workspace: str, envelope: JsonObject) -> JsonValue:
        raise ValueError("there are no keys")

    def commit(self, workspace: str, value: JsonValue) -> str:
        raise ValueError("there are no keys")


def _sealer(settings: Settings) -> Sealer:
    if not settings.key_database and not has_keys(key_folder(settings)):
        return _NoKeys()
    return KeyringSealer(open_keyring(settings))


def _shower(line: ProgressLine) -> Callable[[Progress], None]:
    """Shows people how far it is."""

    def show(reached: Progress) -> None:
        total = round(reached.decisions / reached.share) if reached.share else 0
        line("recorded decisions", min(reached.decisions, total), total)

    return show


def _teller() -> Callable[[Progress], None]:
    """Tells the process that attends how far it is."""
    told = time.monotonic()

    def tell(reached: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= _PAUSE or reached.share >= 1:
            told = now
            click.echo(f"progress {reached.share:.4f} {reached.decisions}", err=True)

    return tell


def _show(report: JsonObject, out: Output) -> None:
    counts = report["decisions"]
    out.line(f"in force  {report['inForce']}")
    out.line(f"draft     {report['revision']}")
    out.line(
        f"{counts['total']} recorded decisions: {counts['decided']} decided again, "
        f"{counts['undecidable']} cannot be; {counts['flips']} would change "
        f"({report['seconds']:.1f} s)"
    )
    out.line("what people see of personal data is not decided again: read the rows that change")
    for one in report["undecidable"]:
        out.line(f"  {one['count']:>9} {one['reason']}: {one['message']}")
    if counts["drifted"]:
        out.line(f"  {counts['drifted']:>9} are decided otherwise in force than was recorded")
    for one in report["flips"]:
        out.line(f"{one['count']:>11} {one['change']:<26} {one['kind']:<17} {one['contract']}")
        for example in one["examples"][-2:]:
            out.line(f"{'':>12}{_place(example)}")
    for name in ("plans", "approvals", "grants"):
        for change, count in report[name]["byChange"].items():
            out.line(f"{count:>11} {change:<26} {name}")
        for example in report[name]["examples"][-2:]:
            out.line(f"{'':>12}{_place(example)}")


def _place(example: JsonObject) -> str:
    named = ("executionId", "stepId", "planId", "approvalId", "grantId", "decisionId", "position")
    return " ".join(f"{name}={example[name]}" for name in named if name in example)
