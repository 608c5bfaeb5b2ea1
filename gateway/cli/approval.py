"""gateway approval"""

import click

from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.pictures import state_of
from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import APPROVALS
from gateway.cli.remote.options import with_gateway, with_page
from gateway.model.json import JsonObject

_STATUSES = ("PENDING", "APPROVED", "USED", "REJECTED", "EXPIRED", "VOID")
_RISKS = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


@click.group()
def approval() -> None:
    """Requests for approval of a running gateway.

    `gateway execution approve` and `reject` decide them.
    """


@approval.command("list")
@click.option("--mine", is_flag=True, help="Those that you could approve now.")
@click.option("--execution", "execution_id", metavar="EXECUTION", help="Those of one execution.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False),
              help="Those in this status. [default: PENDING]")  # fmt: skip
@click.option("--risk", type=click.Choice(_RISKS, case_sensitive=False),
              help="Those of this risk.")  # fmt: skip
@with_page(20, "the oldest first")
@with_gateway
@with_output
def list_approvals(
    *,
    gateway: Client,
    out: Output,
    mine: bool,
    execution_id: str | None,
    status: str | None,
    risk: str | None,
    limit: int,
    offset: int,
) -> None:
    """List requests for approval, the oldest first."""
    wanted = {"mine": mine or None, "executionId": execution_id, "status": status, "risk": risk}
    given = {name: value for name, value in wanted.items() if value is not None}
    found = gateway.call(APPROVALS, input={**given, "limit": limit, "offset": offset})

    out.tell(found, lambda: _show(out, found))


def _show(out: Output, found: JsonObject) -> None:
    """Two lines for each request, since ids are to be read whole; in a pipe one row."""
    if out.for_people:
        for item in found["items"]:
            status = state_of(str(item["status"]))
            sign = status.symbol(in_unicode=out.in_unicode)
            out.line(
                Toned(f"{sign} {item['executionId']}", status.tone),
                f"  {item['risk']}  ",
                Toned(str(item["contract"]), Tone.STRONG),
            )
            out.line(Toned(f"  {_terms(item)}", Tone.QUIET))
        out.line(Toned(f"{len(found['items'])} of {found['total']}", Tone.QUIET))
        return
    out.table(
        ("EXECUTION", "STEP", "CONTRACT", "RISK", "ASKED BY", "STATUS", "CONSENTS", "UNTIL"),
        [
            (
                str(item["executionId"]),
                str(item["stepId"]),
                str(item["contract"]),
                str(item["risk"]),
                str(item["requestedBy"]),
                str(item["status"]),
                f"{item['approvals']}/{item['quorum']}",
                str(item["expiresAt"]),
            )
            for item in found["items"]
        ],
    )


def _terms(item: JsonObject) -> str:
    """Who asks, how many consent, and until when."""
    consents = f"{item['approvals']} of {item['quorum']} {item['approverRole']}"
    return f"asked by {item['requestedBy']}, {consents}, until {item['expiresAt']}"
