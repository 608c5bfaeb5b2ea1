"""gateway execution watch"""

import sys
import time
from contextlib import closing

import click

from gateway.cli.exits import FAILED, OK
from gateway.cli.output import Output, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.events import AGAIN, Follower
from gateway.cli.remote.options import with_gateway
from gateway.cli.remote.reading import ENDED, Sight, look
from gateway.cli.screens import screen_for
from gateway.model.problem import ProblemError

_EVERY = 0.25
"""Seconds between two looks at a plan of which many steps start and end at once."""

_FREQUENT = ("controlPlane.execution.step.started", "controlPlane.execution.step.completed")


@click.command()
@click.argument("execution_id", metavar="EXECUTION")
@click.option("--mine", is_flag=True,
              help="What you asked for yourself, without the rights of an operator.")  # fmt: skip
@with_gateway
@with_output
def watch(*, gateway: Client, out: Output, execution_id: str, mine: bool) -> None:
    """Follow an execution until it ends; exits with 0 if it was completed, else with 1.

    On a terminal the plan is drawn and changes in place; in a pipe each change is a line. With
    --json each event is a line, and the last line is the execution with its plan.
    """
    sys.exit(follow(gateway, out, execution_id, mine=mine))


def follow(gateway: Client, out: Output, execution_id: str, *, mine: bool = False) -> int:
    """Show what happens to an execution until it ends; returns the exit code that says how."""
    sight, looked_at = look(gateway, execution_id, mine=mine), time.monotonic()
    screen = screen_for(out)
    follower = Follower(gateway, execution_id)
    with screen, closing(follower.events()) as events:
        screen.show(sight)
        while sight.status not in ENDED:
            event = next(events)
            if event is not None:
                screen.tell(event)
                if event["type"] in _FREQUENT and time.monotonic() - looked_at < _EVERY:
                    continue
            sight, looked_at = _again(gateway, sight, mine=mine), time.monotonic()
            screen.show(sight)
        for event in follower.rest():
            screen.tell(event)
    screen.end(sight)
    return OK if sight.status == "COMPLETED" else FAILED


def _again(gateway: Client, sight: Sight, *, mine: bool) -> Sight:
    """The execution as it is now, or as it was last seen while the gateway is away."""
    try:
        return look(gateway, str(sight.execution["executionId"]), mine=mine)
    except ProblemError as error:
        if error.problem.code in AGAIN:
            return sight
        raise
