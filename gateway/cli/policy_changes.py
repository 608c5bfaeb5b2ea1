"""gateway policy import and activate"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from gateway.administration import STORED, Scope, Scopes, activation_of, check, consent_refusal
from gateway.administration.changesets import ChangesetCommand, state_refusal
from gateway.cli.options import FAILED, OK, existing_record, me, with_settings
from gateway.cli.output import Output, Tone, Toned, with_output
from gateway.cli.policy_sides import head_of
from gateway.contracts import Registry
from gateway.identity.claims import fault_of_subject
from gateway.journal import Place, read_record, short_writes
from gateway.loading import known_contracts, open_keyring
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, is_unicode
from gateway.model.policy import Changeset, ChangesetStatus, Edit
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, ProblemError, invalid, problem, refuse
from gateway.model.system import RandomIds, SystemClock
from gateway.operations.changeset_desk import Proposed
from gateway.policy import PolicyContent, apply_edits, build_revision, read_content
from gateway.policy.contents.diff import edits_between
from gateway.policy.contents.history import content_of, content_of_changeset
from gateway.settings import Settings

T = TypeVar("T")

_APPROVE = "policy.changeset.approve@1.0.0"
_LIMITS = {"title": 200, "reason": 4_000}
_SHOWN = 20


# --- import


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--title", required=True, help="What changes, in a few words.")
@click.option("--reason", required=True, help="Why it changes.")
@click.option("--author", default=me, metavar="NAME",
              help="Who proposes it, so that others approve it. [default: you]")  # fmt: skip
@click.option("--workspace", metavar="NAME",
              help="Whose people approve it. [default: the first that may change all]")  # fmt: skip
@with_settings
@with_output
def import_files(
    *,
    settings: Settings,
    folder: Path,
    title: str,
    reason: str,
    author: str,
    workspace: str | None,
    out: Output,
) -> None:
    """Propose the policy files in FOLDER as a changeset.

    It is linted and its cases are run. Nothing changes yet: a second person approves it over
    GraphQL, and then it is activated. Works beside a running gateway. Exits with 1 if the checks
    refuse it; it is then kept as a draft, to be revised.
    """
    _require_texts(title=title, reason=reason)
    _require_name("--author", author)
    path, after = existing_record(settings), _policies_in(folder)
    before = read_record(path, lambda records: content_of(records, head_of(records)))
    if before.revision == after.revision:
        told = {"changesetId": None, "revision": after.revision}
        out.tell(told, lambda: out.line(f"nothing to import: {after.revision} is in force"))
        return
    edits = edits_between(before, after)
    where = _approving_workspace(settings, workspace)
    scope = Scopes(frozenset(settings.policy_workspaces)).of(where)
    _require_scope(scope, edits)
    base = build_revision(before, known_contracts(settings), STORED)
    checks = check(apply_edits(before, edits), base, scope)
    proposed = Proposed(before.revision, after.revision, tuple(edits), checks)
    body = proposed.body(RandomIds().new("chg"), title, reason)
    _write(settings, partial(_draft, NewEntry(EntryType.POLICY_DRAFTED, where, body, None, author)))
    out.tell(
        {name: value for name, value in body.items() if name != "edits"},
        lambda: _show_import(body, author, out),
    )
    sys.exit(FAILED if checks.status is ChangesetStatus.DRAFT else OK)


def _policies_in(folder: Path) -> PolicyContent:
    found = read_content(folder)
    if not found.files:
        raise click.UsageError(
            f"{folder} holds no policy files. `gateway policy export` writes some."
        )
    return found


def _require_texts(**texts: str) -> None:
    issues = [
        Issue(f"--{name}", "TOO_LONG" if text.strip() else "REQUIRED", told)
        for name, text in texts.items()
        for told in [f"must have 1 to {_LIMITS[name]} characters"]
        if not text.strip() or len(text) > _LIMITS[name]
    ]
    if issues:
        raise invalid(issues)


def _require_name(option: str, name: str) -> None:
    """Refuse what no token could call somebody; it is recorded, and shown to others."""
    fault = fault_of_subject(name) if name.strip() else "must say who"
    if fault is not None:
        raise invalid([Issue(option, "CLAIM_INVALID", fault)])


def _approving_workspace(settings: Settings, named: str | None) -> str:
    chosen = named or next(iter(settings.policy_workspaces), None)
    if chosen is None:
        raise refuse(
            "PRECONDITION_FAILED",
            "Nobody could approve it. Say with --workspace whose people do; they change their own "
            "rows, and all policies where GATEWAY_POLICY_WORKSPACES names their workspace.",
        )
    return chosen


def _require_scope(scope: Scope, edits: Sequence[Edit]) -> None:
    """Refuse edits that people of this workspace may not make, by file and row."""
    told = (
        f"people of {scope.workspace!r} may change the rows of that workspace alone; name another "
        "with --workspace, one of GATEWAY_POLICY_WORKSPACES"
    )
    issues = [
        Issue(f"{edit.file} {edit.add or edit.remove or ''}".strip(), "POLICY_SCOPE", told)
        for edit in edits
        if not scope.may_change(edit)
    ]
    if issues:
        raise ProblemError(problem("FORBIDDEN", told, issues=tuple(issues[:_SHOWN])))


def _draft(entry: NewEntry, tx: Tx) -> None:
    if tx.policy_head() != entry.body["base"]:
        raise refuse("CONFLICT", "Another policy came into force meanwhile. Import it again.")
    tx.append(entry)


def _show_import(body: JsonObject, author: str, out: Output) -> None:
    changeset_id, cases = body["changesetId"], body["cases"]
    out.line(f"{changeset_id} {body['status'].upper()}: {body['title']}")
    out.line(f"  base      {body['base']}")
    out.line(f"  revision  {body['revision']}")
    for finding in body["findings"][:_SHOWN]:
        known = " (known before)" if finding["known"] else ""
        out.line(
            f"{finding['severity']} {finding['at']}: {finding['code']}: {finding['message']}{known}"
        )
    for failure in cases["failures"][:_SHOWN]:
        out.line(Toned("FAILED", Tone.BAD), f" {failure['at']} {failure['name']}")
        for message in failure["messages"]:
            out.line(f"  {message}")
    run = cases["passed"] + cases["failed"] + cases["skipped"]
    counts = f"{cases['passed']} cases passed, {cases['failed']} failed, {cases['skipped']} skipped"
    out.line(counts if run else "no cases were run")
    if body["status"] == ChangesetStatus.DRAFT.value:
        out.line(
            "The checks refuse it. Mend the files and import them again; policyChangesetReject "
            "ends this draft."
        )
        return
    out.line(
        f"Next: policyChangesetAnalyze shows what it would change; somebody other than {author} "
        "approves it"
    )
    out.line(f"with policyChangesetApprove; then: gateway policy activate {changeset_id}")


# --- activate


@click.command()
@click.argument("changeset")
@click.option("--by", default=me, metavar="NAME", help="Who activates it. [default: you]")
@with_settings
@with_output
def activate(*, settings: Settings, changeset: str, by: str, out: Output) -> None:
    """Put the approved CHANGESET in force.

    A running gateway adopts it within a second. Its base must be the revision in force, and its
    approval must still stand.
    """
    _require_name("--by", by)
    if settings.policy_source == "files":
        raise refuse(
            "PRECONDITION_FAILED",
            "The policy files lead here (GATEWAY_POLICY_SOURCE=files), so that nothing can be "
            "activated. `gateway policy export` writes the changeset's policies to a folder.",
        )
    path, registry = existing_record(settings), known_contracts(settings)
    found = read_record(path, lambda records: _activatable(records, changeset))
    content = read_record(path, lambda records: content_of_changeset(records, found))
    build_revision(content, registry, STORED)
    _require_consent(path, found, registry)
    _write(settings, partial(_activate, found, by))
    told = f"{found.revision} is in force; before it was {found.base}"
    out.tell({"revision": found.revision, "previous": found.base}, lambda: out.line(told))


def _activatable(records: Records, changeset_id: str) -> Changeset:
    """The changeset, if its state lets it be activated.

    Raises:
        ProblemError: NOT_FOUND or CONFLICT.
    """
    # A name that is no Unicode is none that a database could be asked for.
    changeset = records.changeset(changeset_id) if is_unicode(changeset_id) else None
    if changeset is None:
        raise refuse("NOT_FOUND", f"There is no changeset {changeset_id[:100]!r} in this record.")
    told = state_refusal(ChangesetCommand.ACTIVATE, changeset, records.policy_head())
    if told is not None:
        raise ProblemError(told)
    return changeset


def _require_consent(path: Place, changeset: Changeset, registry: Registry) -> None:
    """Refuse an approval that does not hold under the rules in force."""
    base = read_record(path, lambda records: content_of(records, changeset.base))
    in_force = build_revision(base, registry, STORED)
    told = consent_refusal(changeset, in_force, registry.operations[_APPROVE])
    if told is not None:
        raise ProblemError(told)


def _activate(known: Changeset, by: str, tx: Tx) -> None:
    changeset = _activatable(tx, known.id)
    if changeset != known:
        raise refuse("CONFLICT", f"Changeset {known.id} was changed meanwhile. Try again.")
    tx.append(activation_of(changeset, "", by))


def _write(settings: Settings, unit: Callable[[Tx], T]) -> T:
    """Run one unit of work on the record, beside a running gateway or alone."""

    async def write() -> T:
        signer = open_keyring(settings).signer
        opened = short_writes(
            settings.record, settings.data_dir, clock=SystemClock(), signer=signer
        )
        async with opened as journal:
            return await journal.write(unit)

    return asyncio.run(write())
