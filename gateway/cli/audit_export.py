"""gateway audit export"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from gateway.auditing import (
    FORMATS,
    PARTS,
    RECORD,
    REVIEW,
    Piece,
    Report,
    Review,
    Search,
    exported,
    review,
    search,
    span_of,
)
from gateway.cli.new_files import new_file
from gateway.cli.options import existing_record, me, with_settings
from gateway.contracts import Registry
from gateway.identity.claims import fault_of_subject
from gateway.journal import open_audit, short_writes
from gateway.loading import known_contracts, open_keyring
from gateway.model.audit_history import AuditHistory
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, digest
from gateway.model.principal import WORKSPACE_PATTERN
from gateway.model.problem import Issue, invalid, refuse
from gateway.model.system import SystemClock
from gateway.model.time import stamp
from gateway.policy import PolicyRevision, build_revision
from gateway.policy.contents.history import content_of
from gateway.runtime.requester import REQUESTER_ROLE
from gateway.settings import Settings

_REPORTS = {report.name: report for report in (RECORD, REVIEW)}
_WHERE = Path("policies")


@click.command()
@click.option("--workspace", required=True, help="Whose record.")
@click.option(
    "--report",
    type=click.Choice(list(_REPORTS)),
    default=RECORD.name,
    show_default=True,
    help="Entries of the record, or the review of a contract.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="CSV (RFC 4180) or JSON lines.",
)
@click.option("--on", metavar="DATE", help="A day in UTC.")
@click.option("--from", "since", metavar="TIME", help="From this moment on.")
@click.option("--to", "until", metavar="TIME", help="Up to, without, this moment. [default: now]")
@click.option("--contract", metavar="KEY", help="Of this contract: key or key@version.")
@click.option("--actor", metavar="SUBJECT", help="Of this person; in a review, about them.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Entries of this type.")
@click.option("--execution", metavar="ID", help="Entries of this execution.")
@click.option("--effect", type=click.Choice(["allow", "deny"]), help="What was decided so.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to a new file. [default: standard output]",
)
@click.option("--by", default=me, metavar="NAME", help="Who exports. [default: you]")
@with_settings
def export(
    *,
    settings: Settings,
    workspace: str,
    report: str,
    shape: str,
    on: str | None,
    since: str | None,
    until: str | None,
    contract: str | None,
    actor: str | None,
    types: tuple[str, ...],
    execution: str | None,
    effect: str | None,
    output: Path | None,
    by: str,
) -> None:
    """Export the record of a workspace, or the review of a contract.

    Works beside a running gateway. The export itself is recorded before its first line is written.
    """  # fmt: skip
    if not WORKSPACE_PATTERN.fullmatch(workspace):
        raise invalid([Issue("--workspace", "INVALID_FORMAT", "This is no name of a workspace.")])
    if (told := fault_of_subject(by)) is not None:
        raise invalid([Issue("--by", "INVALID_FORMAT", told)])
    said = {
        "on": on,
        "from": since,
        "to": until if until or on else stamp(datetime.now(UTC)),
        "contract": contract,
        "types": list(types) or None,
        "executionId": execution,
        "effect": effect.upper() if effect else None,
        "actor" if report == RECORD.name else "subject": actor,
    }
    asked = {name: value for name, value in said.items() if value is not None}
    _check(asked, report)
    wanted = _Export(settings, workspace, _REPORTS[report], shape, asked, by)
    asyncio.run(wanted.write(output))


def _check(asked: JsonObject, report: str) -> None:
    """Refuse what is wrong before anything is recorded."""
    day = asked.get("on")
    try:
        if day is not None:
            datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        told = "must be a date such as 2026-01-31"
        raise invalid([Issue("--on", "INVALID_FORMAT", told)]) from error
    span_of(asked, required=report == REVIEW.name)
    if report == REVIEW.name:
        wrong = sorted({"types", "executionId", "effect"} & asked.keys())
        if wrong or "contract" not in asked:
            told = "A review is of one contract (--contract), by time and --actor alone."
            raise invalid([Issue("--report", "NOT_ALLOWED", told)])


@dataclass(frozen=True, slots=True)
class _Export:
    settings: Settings
    workspace: str
    report: Report
    shape: str
    asked: JsonObject
    by: str

    async def write(self, output: Path | None) -> None:
        """Record the export, write it, and record how much there was."""
        path = existing_record(self.settings)
        registry = known_contracts(self.settings)
        with open_audit(path) as history, _opened(output) as file:
            self._require(history)
            await self._record("begun")
            rows = 0
            async for piece in self._pieces(history, registry):
                file.write(piece.content)
                rows += piece.rows
            file.flush()  # standard output; a file is whole once the block has ended
        await self._record("completed", rows=rows)

    def _require(self, history: AuditHistory) -> None:
        own = self.asked.get("executionId")
        if own is not None and history.execution(self.workspace, own) is None:
            raise refuse("NOT_FOUND", f"There is no execution {own[:100]} in this workspace.")

    def _pieces(self, history: AuditHistory, registry: Registry) -> AsyncIterator[Piece]:
        built: dict[str, PolicyRevision] = {}

        def revision_of(records: AuditHistory, name: str) -> PolicyRevision | None:
            if name not in built:
                if records.policy_revision(name) is None:
                    return None
                built[name] = build_revision(content_of(records, name), registry, _WHERE)
            return built[name]

        async def ask(value: JsonObject) -> JsonObject:
            if self.report is RECORD:
                wanted, after = Search.from_json(self.workspace, value), int(value.get("after", 0))
                return search(history, wanted, after, value["limit"], rules=True).to_json()
            return review(history, self._review(registry, value), revision_of)

        return exported(self.report, self.shape, ask, self.asked)

    def _review(self, registry: Registry, value: JsonObject) -> Review:
        after = value.get("after")
        return Review(
            workspace=self.workspace,
            contract=value["contract"],
            served=registry.of(self.workspace).resolve(value["contract"]),
            span=span_of(value, required=True),
            subject=value.get("subject"),
            parts=tuple(value.get("parts", PARTS)),
            after=None if after is None else int(after),
            limit=value["limit"],
            requester_role=REQUESTER_ROLE,
        )

    async def _record(self, state: str, **told: int) -> None:
        """Record the export, durably."""
        body = {
            "state": state,
            "reading": {
                "filter": self.asked,
                "report": self.report.name,
                "format": self.shape,
                **told,
            },
            "filterDigest": digest(self.asked),
            "via": "command line",
        }
        entry = NewEntry(EntryType.AUDIT_EXPORTED, self.workspace, body, actor=self.by)
        signer = open_keyring(self.settings).signer
        place = (self.settings.record, self.settings.data_dir)
        async with short_writes(*place, clock=SystemClock(), signer=signer) as journal:
            await journal.write(lambda tx: tx.append(entry))


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Where an export goes. Of one that fails no file is left: it would pass for a whole one."""
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        with new_file(output) as file:
            yield file
    except FileExistsError as error:
        told = f"{output} is there already. Name a new file."
        raise invalid([Issue("--output", "NOT_ALLOWED", told)]) from error
    except OSError as error:
        told = f"{output} cannot be written: {error.strerror}."
        raise invalid([Issue("--output", "NOT_ALLOWED", told)]) from error
