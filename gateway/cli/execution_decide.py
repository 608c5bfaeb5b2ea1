"""gateway execution approve, gateway execution reject"""

import json
import sys

import click

from gateway.cli.execution_views import show_facts, status_cell
from gateway.cli.exits import FAILED
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import APPROVALS, DECIDE
from gateway.cli.remote.options import MOST_AT_ONCE, with_gateway
from gateway.cli.remote.problems import told_as
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, refuse

_STEP = click.option(
    "--step", "step_id", metavar="STEP",
    help="The id of the step, or the approval's. [default: the one that waits]",
)  # fmt: skip


@click.command()
@click.argument("execution_id", metavar="EXECUTION")
@_STEP
@click.option("--note", help="Why, for the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_gateway
@with_output
def approve(
    *,
    gateway: Client,
    out: Output,
    execution_id: str,
    step_id: str | None,
    note: str | None,
    yes: bool,
) -> None:
    """Consent to a step that waits, with exactly the arguments that are shown."""
    asked = _asked(gateway, execution_id, step_id)
    if not out.as_json:
        show_approval(out, asked)
    if not yes:
        _ask()
    said = {"approve": True, **({"note": note} if note else {})}
    done = _decided(gateway, asked, said, "approvedAt")
    out.tell(done, lambda: show_facts(out, [("approval", status_cell(out, str(done["status"])))]))


@click.command()
@click.argument("execution_id", metavar="EXECUTION")
@_STEP
@click.option("--reason", required=True, help="Why, for the record and for who asked.")
@with_gateway
@with_output
def reject(
    *, gateway: Client, out: Output, execution_id: str, step_id: str | None, reason: str
) -> None:
    """Refuse a step that waits, which ends the run."""
    asked = _asked(gateway, execution_id, step_id)
    done = _decided(gateway, asked, {"approve": False, "note": reason}, "rejectedAt")
    out.tell(done, lambda: show_facts(out, [("approval", status_cell(out, str(done["status"])))]))


def me(gateway: Client) -> str:
    """The name under which the caller acts: commands of the API want to be told it.

    Raises:
        ProblemError: UNAUTHENTICATED where the token does not say it.
    """
    subject = gateway.target.claim("sub")
    if subject is None:
        told = "The token does not say who you are: it is no JSON Web Token with a claim 'sub'."
        raise refuse("UNAUTHENTICATED", told)
    return subject


def show_approval(out: Output, asked: JsonObject) -> None:
    """What would be consented to, who asks for it, and why people are asked."""
    show_facts(
        out,
        [
            ("contract", Toned(str(asked["contract"]), Tone.STRONG)),
            ("risk", str(asked["risk"])),
            ("asked by", str(asked["requestedBy"])),
            ("because", str(asked["reason"])),
            ("until", str(asked["expiresAt"])),
            ("consents", f"{asked['approvals']} of {asked['quorum']} of {asked['approverRole']}"),
            *((f"  {name}", json.dumps(value, ensure_ascii=False))
              for name, value in asked["arguments"].items()),
        ],
    )  # fmt: skip


def _asked(gateway: Client, execution_id: str, step_id: str | None) -> JsonObject:
    """The one request that is meant."""
    items = _waiting(gateway, execution_id)
    found = [one for one in items if step_id in (None, one["stepId"], one["approvalId"])]
    if not found:
        what = f"step {step_id}" if step_id else "step"
        raise refuse("NOT_FOUND", f"No {what} of execution {execution_id} waits for an approval.")
    if len(found) > 1:
        steps = ", ".join(f"{one['stepId']} ({one['contract']})" for one in found)
        raise click.UsageError(f"Several steps wait. Name one with --step: {steps}.")
    return found[0]


def _waiting(gateway: Client, execution_id: str) -> list[JsonObject]:
    """All that waits of an execution, of which the gateway tells a page at a time."""
    given = {"executionId": execution_id, "status": "PENDING", "limit": MOST_AT_ONCE}
    found: list[JsonObject] = []
    while True:
        page = gateway.call(APPROVALS, input={**given, "offset": len(found)})
        found += page["items"]
        if not page["items"] or len(found) >= page["total"]:
            return found


def _decided(gateway: Client, asked: JsonObject, said: JsonObject, at: str) -> JsonObject:
    """What came of the decision on the request that was shown, and on no other; its moment is told
    as ``at``.

    Raises:
        ProblemError: nothing was decided.
    """
    named = {name: asked[name] for name in ("executionId", "stepId", "approvalId")}
    given = {"decisions": [{**named, **said}], "decidedBy": me(gateway)}
    [result] = gateway.call(DECIDE, input=given)["results"]
    if not result["decided"]:
        raise ProblemError(told_as(result["problem"]))
    told = {name: result[name] for name in ("executionId", "stepId", "status")}
    return {**told, at: result["decidedAt"]}


def _ask() -> None:
    try:
        if click.confirm("Approve it?", err=True):
            return
    except click.Abort:
        click.echo(err=True)
    click.echo("Nothing was decided. --yes approves without asking.", err=True)
    sys.exit(FAILED)
