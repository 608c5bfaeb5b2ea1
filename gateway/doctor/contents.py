"""What a gateway reads at its start: contracts, policies, trusted documents, files of receivers."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.anchoring import load_destinations
from gateway.contracts import Registry, load_contracts
from gateway.doctor.findings import Finding, failed, ok, warning
from gateway.loading import built_in_folders, known_contracts, load_registry, open_actions
from gateway.model.problem import ProblemError
from gateway.policy import (
    CaseStatus,
    PolicyRevision,
    Severity,
    advise,
    build_revision,
    read_content,
    run_cases,
)
from gateway.rights import Retention, load_retention
from gateway.settings import Settings
from gateway.skills import load_trust
from gateway.webhooks import load_endpoints

_MOST = 20


def contracts(settings: Settings) -> Iterator[Finding]:
    """Whether all contracts load, and somebody performs each."""
    registry = _known(settings)
    actions = open_actions(settings, registry)
    asyncio.run(actions.close())
    yield from _unperformed(registry)
    yield ok(
        "contracts",
        f"{len(registry.operations)} operations, {len(registry.events)} events, "
        f"{len(registry.capabilities)} capabilities",
    )


def _known(settings: Settings) -> Registry:
    """The contracts, those of skills included where the record can be read."""
    try:
        return known_contracts(settings)
    except ProblemError as error:
        if error.problem.code == "CONTRACTS_INVALID":
            raise
        return load_registry(settings)


def _unperformed(registry: Registry) -> Iterator[Finding]:
    """Contracts of the deployment that have no handler; the built-in ones need none."""
    built_in = load_contracts(built_in_folders()).operations
    for ref, contract in registry.operations.items():
        if contract.handler is None and ref not in built_in:
            yield failed(
                "contracts",
                f"{contract.meta.source}: {ref} has no handler",
                "give it one (handler: {http: ...}), or move its file to a folder whose name "
                "starts with an underscore",
            )


def policies(settings: Settings) -> Iterator[Finding]:
    """Whether the policy files load, decide as their cases expect, and hold no mistakes."""
    registry, folder = _known(settings), settings.policy_dir
    revision = build_revision(read_content(folder), registry, folder)
    load_trust(folder)
    Retention(load_retention(folder), registry)
    yield ok("policies", f"{folder} is revision {revision.revision}")
    yield _cases(revision, folder)
    yield from _advice(revision, folder)


def _cases(revision: PolicyRevision, folder: Path) -> Finding:
    results = run_cases(revision, folder)
    counts = Counter(result.status for result in results)
    wrong = [result for result in results if result.status is CaseStatus.FAILED]
    if wrong:
        return failed(
            "policy cases",
            f"{len(wrong)} of {len(results)} fail, such as {wrong[0].at} {wrong[0].name}",
            "gateway policy test tells what each expected: mend the rules or the case",
        )
    if not results:
        return warning(
            "policy cases",
            f"there are none in {folder / 'cases'}",
            "write what you expect of the policies as cases (docs/policies.md)",
        )
    return ok("policy cases", f"{counts[CaseStatus.PASSED]} passed")


def _advice(revision: PolicyRevision, folder: Path) -> Iterator[Finding]:
    found = [one for one in advise(revision) if one.severity is not Severity.NOTE]
    for one in found[:_MOST]:
        kind = failed if one.severity is Severity.ERROR else warning
        told = f"{folder / one.at}: {one.code}: {one.message}"
        yield kind("policy lint", told, f"see docs/errors/{one.code}.md")
    if not found:
        yield ok("policy lint", "no errors and no warnings")


def documents(settings: Settings) -> Iterator[Finding]:
    """Whether the trusted documents can be read."""
    folder = settings.documents_dir
    if settings.trusted_documents == "off" or folder is None:
        yield ok("trusted documents", "they are off")
        return
    from gateway.surfaces.graphql.trusted import read_store  # needs a door

    yield ok("trusted documents", f"{len(read_store(folder))} in {folder}")


def webhooks(settings: Settings) -> Iterator[Finding]:
    """Whether the file of webhook endpoints can be honoured."""
    if settings.webhooks is None:
        yield ok("webhooks", "no endpoints are configured")
        return
    endpoints = load_endpoints(settings.webhooks, settings.webhook_hosts, _known(settings))
    yield ok("webhooks", f"{len(endpoints)} endpoints in {settings.webhooks}")


def anchors(settings: Settings) -> Iterator[Finding]:
    """Whether the file of anchors and witnesses can be honoured."""
    if settings.anchors is None:
        yield warning(
            "anchors",
            "checkpoints do not leave this machine: whoever owns it could rewrite the record",
            "name anchors or witnesses with GATEWAY_ANCHORS (docs/anchors.md)",
        )
        return
    found = load_destinations(settings.anchors)
    told = f"{len(found.anchors)} anchors and {len(found.witnesses)} witnesses"
    yield ok("anchors", f"{told} in {settings.anchors}")
