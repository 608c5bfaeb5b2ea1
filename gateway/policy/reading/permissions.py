"""What one principal may do: every contract with its decision, and where its roles come from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Rule, VerdictDecision
from gateway.model.principal import Principal
from gateway.policy.engine.roles import USER_PREFIX, starting_roles
from gateway.policy.reading.all_rows import all_rows
from gateway.policy.reading.population import verdict_of
from gateway.policy.reading.role_paths import Held, RolePaths
from gateway.policy.revision import PolicyRevision


@dataclass(frozen=True, slots=True)
class Hangs:
    """A verdict rule whose condition decides: what it asks, and what follows if it holds."""

    when: str
    verdict: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Permission:
    """What a principal may do with a contract, while nothing is known of the arguments."""

    contract: OperationContract
    access: AccessDecision
    verdict: VerdictDecision | None
    hangs: tuple[Hangs, ...]


def permissions(
    revision: PolicyRevision,
    principal: Principal,
    contracts: Iterable[OperationContract],
    requester_role: str = "",
) -> Iterator[Permission]:
    """What the principal may do with each of the contracts, in their order; ``requester_role`` is
    what whoever has an action run must hold."""
    by_line = {row.line: row for row in revision.book.verdict_rows}
    conditions = revision.book.conditions
    for contract in contracts:
        access = revision.access(principal, contract)
        asked = (revision, principal, contract, None, requester_role)
        verdict = verdict_of(*asked) if access.allowed else None
        rows = (by_line[rule.line] for rule in verdict.rules) if verdict else ()
        hangs = tuple(
            Hangs(row["when"], row["verdict"], row.rule)
            for row in rows
            if conditions[row["when"]].reads
        )
        yield Permission(contract, access, verdict, hangs)


def effective_roles(revision: PolicyRevision, principal: Principal) -> list[Held]:
    """The roles of a principal by name, each with how it is held."""
    paths = RolePaths(all_rows(revision).assignments, principal.workspace)
    user = "" if principal.is_anonymous else USER_PREFIX + principal.subject
    starting = starting_roles(principal)
    claims = [role for role in starting if not role.startswith(USER_PREFIX)]
    found = paths.held(claims, user)
    return [found[name] for name in sorted(found)]
