"""gateway execution cancel, pause, resume, retry, abort, shutdown, compensate, reconcile"""

from collections.abc import Callable
from typing import Any, BinaryIO

import click

from gateway.cli.execution_decide import me
from gateway.cli.execution_views import show_facts, status_cell
from gateway.cli.output import Cell, Output, with_output
from gateway.cli.remote import documents
from gateway.cli.remote.client import Client
from gateway.cli.remote.options import with_gateway
from gateway.cli.remote.reading import look, run_of
from gateway.cli.value_files import OBJECT_FILE, read_object
from gateway.model.json import JsonObject
from gateway.model.problem import refuse

_STATUSES = ("status", "executionStatus")
_REASON = click.option("--reason", help="Why, for the record.")


def _steering(name: str, document: str, by: str, told: str, *, reason: bool) -> click.Command:
    """A command that moves the run of an execution; ``by`` is the field that names who does it."""

    @with_gateway
    @with_output
    def run(*, gateway: Client, out: Output, execution_id: str, reason: str | None = None) -> None:
        given = {"runId": run_of(gateway, execution_id), by: me(gateway)}
        done = gateway.call(document, input={**given, **({"reason": reason} if reason else {})})
        _show(out, done)

    run.__doc__ = told
    wrapped: Callable[..., Any] = _REASON(run) if reason else run
    return click.command(name)(click.argument("execution_id", metavar="EXECUTION")(wrapped))


@click.command()
@click.argument("execution_id", metavar="EXECUTION")
@_REASON
@with_gateway
@with_output
def cancel(*, gateway: Client, out: Output, execution_id: str, reason: str | None) -> None:
    """End an execution, started or not; attempts on their way are still recorded."""
    given = {"executionId": execution_id, "cancelledBy": me(gateway)}
    called = {**given, **({"reason": reason} if reason else {})}
    _show(out, gateway.call(documents.CANCEL, input=called))


@click.command()
@click.argument("execution_id", metavar="EXECUTION")
@click.argument("step")
@click.argument("outcome", type=click.Choice(["done", "failed", "repeat"]))
@click.option("--note", required=True, help="How you know, for the record.")
@click.option("--output", "output_file", type=OBJECT_FILE,
              help="A file with what the step answered, JSON or YAML; goes with done.")  # fmt: skip
@with_gateway
@with_output
def reconcile(
    *,
    gateway: Client,
    out: Output,
    execution_id: str,
    step: str,
    outcome: str,
    note: str,
    output_file: BinaryIO | None,
) -> None:
    """Say what came of a STEP (its key or id) of which nobody knows whether it had its effect."""
    value = read_object(output_file) if output_file else None
    sight = look(gateway, execution_id)
    found = next((one for one in sight.steps if step in (one["key"], one["stepId"])), None)
    if found is None:
        told = f"Execution {execution_id} has no step {step!r}, or you may not see its plan."
        raise refuse("NOT_FOUND", told)
    given = {
        "runId": sight.execution["runId"],
        "stepId": found["stepId"],
        "attempt": found["attempt"],
        "outcome": outcome.upper(),
        "note": note,
        "reconciledBy": me(gateway),
        **({"output": value} if value is not None else {}),
    }
    _show(out, gateway.call(documents.RECONCILE, input=given))


def _show(out: Output, done: JsonObject) -> None:
    """What a command answered, by its own names."""
    facts: list[tuple[str, Cell | None]] = [
        (name, status_cell(out, str(value)) if name in _STATUSES else value and str(value))
        for name, value in done.items()
    ]
    out.tell(done, lambda: show_facts(out, facts))


STEERING: tuple[click.Command, ...] = (
    cancel,
    _steering("pause", documents.PAUSE, "pausedBy",
              "Start no further step; requests for approval stay open.", reason=True),
    _steering("resume", documents.RESUME, "resumedBy", "Go on with a paused run.", reason=False),
    _steering("retry", documents.RETRY, "retriedBy",
              "Try failed, expired and unresolved steps again.", reason=False),
    _steering("shutdown", documents.SHUTDOWN, "shutdownBy",
              "Cancel a run once nothing is on its way.", reason=True),
    _steering("abort", documents.ABORT, "abortedBy",
              "End a run at once; attempts on their way become unresolved.", reason=True),
    _steering("compensate", documents.COMPENSATE, "compensatedBy",
              "Undo the completed steps of a run that ended, last first, by a run of its own.",
              reason=True),
    reconcile,
)  # fmt: skip
"""The commands by which operators steer a run."""
