"""gateway execution"""

import sys

import click

from gateway.cli.execution_decide import approve, reject
from gateway.cli.execution_start import start
from gateway.cli.execution_steer import STEERING
from gateway.cli.execution_views import show_facts, show_sight, status_cell
from gateway.cli.execution_watch import watch
from gateway.cli.exits import FAILED, OK
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import LIST, MINE, REPLAY
from gateway.cli.remote.options import with_gateway, with_page
from gateway.cli.remote.reading import look
from gateway.model.execution import ExecutionStatus
from gateway.model.json import JsonObject


@click.group()
def execution() -> None:
    """Executions of a running gateway: start, follow, decide and steer them."""


for command in (start, watch, approve, reject, *STEERING):
    execution.add_command(command)

MINE_HELP = "What you asked for yourself, without the rights of an operator."


@execution.command("list")
@click.option("--status", type=click.Choice([one.name for one in ExecutionStatus],
              case_sensitive=False), help="Those in this status alone.")  # fmt: skip
@click.option("--mine", is_flag=True, help=MINE_HELP)
@with_page(20, "the newest first")
@with_gateway
@with_output
def list_executions(
    *,
    gateway: Client,
    out: Output,
    status: str | None,
    mine: bool,
    limit: int,
    offset: int,
) -> None:
    """List executions, the newest first."""
    which = {"status": status} if status is not None else {}
    found = gateway.call(MINE if mine else LIST, input={**which, "limit": limit, "offset": offset})
    out.tell(found, lambda: _list(out, found))


def _list(out: Output, found: JsonObject) -> None:
    """Two lines for each execution, since ids are to be read whole; in a pipe one row."""
    if out.for_people:
        for item in found["items"]:
            status = status_cell(out, str(item["status"]))
            risk = f"  {item['riskTier']}" if item["riskTier"] else ""
            out.line(str(item["executionId"]), "  ", status, risk)
            out.line(
                Toned(f"  asked by {_requester(item)}, changed {item['updatedAt']}", Tone.QUIET)
            )
        out.line(Toned(f"{len(found['items'])} of {found['total']}", Tone.QUIET))
        return
    out.table(
        ("EXECUTION", "STATUS", "RISK", "UPDATED", "ASKED BY"),
        [
            (
                str(item["executionId"]),
                status_cell(out, str(item["status"])),
                str(item["riskTier"] or "-"),
                str(item["updatedAt"]),
                _requester(item),
            )
            for item in found["items"]
        ],
    )


def _requester(item: JsonObject) -> str:
    """Who asked for an execution; of one's own it is not told."""
    return str(item.get("requestedBy", "you"))


@execution.command()
@click.argument("execution_id", metavar="EXECUTION")
@click.option("--mine", is_flag=True, help=MINE_HELP)
@click.option("--trace", is_flag=True, help="Show the trace too, as a table and a timeline.")
@with_gateway
@with_output
def show(*, gateway: Client, out: Output, execution_id: str, mine: bool, trace: bool) -> None:
    """Show an execution: its plan as a graph, its steps, and what you may do."""
    if mine and trace:
        raise click.UsageError("--trace is for operators and auditors: leave --mine out.")
    sight = look(gateway, execution_id, mine=mine, trace=trace)
    out.tell(sight.to_json(), lambda: show_sight(out, sight))


@execution.command()
@click.argument("execution_id", metavar="EXECUTION")
@click.option("--mode", type=click.Choice(["structural", "policy"], case_sensitive=False),
              help="What to hold against the record. [default: what the gateway does]")  # fmt: skip
@with_gateway
@with_output
def replay(*, gateway: Client, out: Output, execution_id: str, mode: str | None) -> None:
    """Compile or decide an execution again; exits with 1 if that comes out differently."""
    given = {"executionId": execution_id, **({"mode": mode.upper()} if mode else {})}
    found = gateway.call(REPLAY, input=given)

    def show() -> None:
        verdict = ("identical", Tone.GOOD) if found["identical"] else ("different", Tone.BAD)
        show_facts(
            out,
            [
                ("replay", Toned(*verdict)),
                ("recorded", found["deterministicHash"]),
                ("again", found["recomputedHash"]),
                ("policy", found["policyVersion"]),
            ],
        )
        out.table(
            ("KIND", "STEP", "PATH", "WHAT DIFFERS"),
            [
                (str(one["kind"]), str(one["stepId"] or "-"), str(one["path"]), str(one["message"]))
                for one in found["differences"]
            ],
        )

    out.tell(found, show)
    sys.exit(OK if found["identical"] else FAILED)
