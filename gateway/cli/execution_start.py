"""gateway execution start"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import click

from gateway.cli.execution_views import columns_of, picture, show_facts, show_steps
from gateway.cli.execution_watch import follow
from gateway.cli.exits import FAILED, OK
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.remote.client import Client
from gateway.cli.remote.options import with_gateway
from gateway.cli.remote.preparing import (
    Prepared,
    compiled,
    compiled_before,
    started,
    submitted,
    verified,
)
from gateway.cli.value_files import OBJECT_FILE, read_object
from gateway.model.text import printable

_MODES = ("autonomous", "assist", "dry-run")
_TONES = {"AUTONOMOUS": Tone.GOOD, "ASSIST": Tone.WARNING, "BLOCKED": Tone.BAD}


@click.command()
@click.argument("draft", type=OBJECT_FILE, required=False)
@click.option("--text", metavar="WORDS", help="What is wanted, in words; goes with a draft too.")
@click.option("--execution", "execution_id", metavar="EXECUTION",
              help="Start this one, which was compiled before.")  # fmt: skip
@click.option("--workspace", metavar="ID", help="The workspace. [default: what the token says]")
@click.option("--mode", type=click.Choice(_MODES), help="How to run it. [default: autonomous]")
@click.option("--yes", is_flag=True, help="Do not ask before it starts.")
@click.option("--watch", "watched", is_flag=True, help="Follow it until it ends.")
@with_gateway
@with_output
def start(
    *,
    gateway: Client,
    out: Output,
    draft: BinaryIO | None,
    text: str | None,
    execution_id: str | None,
    workspace: str | None,
    mode: str | None,
    yes: bool,
    watched: bool,
) -> None:
    """Have a plan compiled, verified and started.

    DRAFT is a file with the steps of the plan, JSON or YAML; - is standard input. What would
    happen is shown, and you are asked before it does.
    """
    if (execution_id is None) == (draft is None and text is None):
        raise click.UsageError("Give a DRAFT, or --text, or both; or else an --execution.")
    if execution_id is not None:
        prepared = compiled_before(gateway, execution_id)
        _go_on(gateway, out, prepared, mode, yes=yes)
    else:
        content = read_object(draft) if draft is not None else None
        intent = submitted(gateway, text, workspace)
        execution_id = str(intent["executionId"])
        with _named_where_it_ends(execution_id):
            _go_on(gateway, out, compiled(gateway, intent, content), mode, yes=yes)
    sys.exit(follow(gateway, out, execution_id) if watched else OK)


@contextmanager
def _named_where_it_ends(execution_id: str) -> Iterator[None]:
    """Where the command is interrupted or refused, say which execution it had begun by then: what
    it prints comes at its end."""
    try:
        yield
    except SystemExit:
        raise
    except BaseException:
        told = f"Execution {execution_id} was begun. Look how far it came before you begin another:"
        look = f"gateway execution show {execution_id}"
        click.echo(printable(f"gateway: {told} `{look}`."), err=True)
        raise


def _go_on(
    gateway: Client, out: Output, prepared: Prepared, mode: str | None, *, yes: bool
) -> None:
    """Verify what was compiled, show it, ask and start it; the command ends where it may not."""
    prepared = verified(gateway, prepared)
    if not out.as_json:
        _show(out, prepared)
    if prepared.verdict == "BLOCKED":
        out.tell(prepared.to_json(), lambda: None)
        sys.exit(FAILED)
    if not yes:
        _ask(prepared)
    prepared = started(gateway, prepared, mode.replace("-", "_").upper() if mode else None)
    run = (prepared.run or {})["runId"]
    out.tell(prepared.to_json(), lambda: show_facts(out, [("run", run)]))


def _show(out: Output, prepared: Prepared) -> None:
    """What would happen: the plan with its verdicts, and why it is blocked where it is."""
    verdict = prepared.verdict or "-"
    show_facts(
        out,
        [
            ("execution", prepared.execution_id),
            ("plan", prepared.plan_id),
            ("verdict", Toned(verdict, _TONES.get(verdict, Tone.PLAIN))),
        ],
    )
    if prepared.sight and prepared.sight.steps:
        out.line("")
        for row in picture(out, prepared.sight, columns_of(out)):
            out.line(*row)
        out.line("")
        show_steps(out, prepared.sight.steps)
    for reason in (prepared.verification or {}).get("blockedReasons") or ():
        out.line(Toned("blocked: ", Tone.BAD), str(reason))


def _ask(prepared: Prepared) -> None:
    """Ask whether to start; the command ends where that is not wanted, or nobody is there."""
    try:
        if click.confirm(f"Start it ({prepared.verdict})?", err=True):
            return
    except click.Abort:
        click.echo(err=True)
    again = f"gateway execution start --execution {prepared.execution_id}"
    click.echo(f"Not started. `{again}` starts it, with --yes without asking.", err=True)
    sys.exit(FAILED)
