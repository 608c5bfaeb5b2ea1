"""The gateway's own decision point over a generated rule set, in the form of its policy files."""

from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, ContractPolicy, Kind, Meta, OperationContract
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import Policies, PolicyContent, build_revision, read_content
from tests.bench.policy_rules import AccessRule, Assignment, Request, RuleSet

SHIPPED = Path(__file__).resolve().parents[2] / "policies"
WHERE = Path("policies")
"""The folder that issues would name; nothing is read from it."""


class OwnPolicies:
    """The decision point over a rule set, and what its requests are in the gateway's nouns."""

    def __init__(self, rules: RuleSet) -> None:
        self.contracts = {key: _contract(key) for key in rules.contracts}
        self.registry = Registry(self.contracts.values())
        self.content = content_of(rules.rules, rules.assignments)
        self.policies = Policies(build_revision(self.content, self.registry, WHERE))

    def asked(self, request: Request) -> tuple[Principal, OperationContract]:
        """The principal and the contract of a request."""
        return (
            Principal(PrincipalType.HUMAN, request.user, request.workspace),
            self.contracts[request.contract],
        )

    def decider(self) -> Callable[[tuple[Principal, OperationContract]], bool]:
        """Decides what ``asked`` gave, in full: with reason, rule and id."""
        access = self.policies.access
        return lambda asked: access(*asked).allowed

    def answerer(self) -> Callable[[tuple[Principal, OperationContract]], bool]:
        """Decides what ``asked`` gave and says yes or no, as other engines do; it keeps nothing
        but where it found rules."""
        allows = self.policies.current.allows
        return lambda asked: allows(*asked)


def content_of(rules: Iterable[AccessRule], assignments: Iterable[Assignment]) -> PolicyContent:
    """The shipped models with these rules as ``access.csv``."""
    shipped = read_content(SHIPPED).files
    kept = {name: text for name, text in shipped.items() if not name.startswith("cases/")}
    rows = [_row_of(rule) for rule in rules]
    for one in assignments:
        holder = one.holder if one.of_role else f"user:{one.holder}"
        rows.append(f"g, {holder}, {one.role}, {one.workspace}")
    return PolicyContent({**kept, "access.csv": "\n".join(rows) + "\n"})


def _row_of(rule: AccessRule) -> str:
    effect = "deny" if rule.deny else "allow"
    return f"p, {rule.role}, {rule.workspace}, {rule.contract}, call, {effect}"


def _contract(key: str) -> OperationContract:
    return OperationContract(
        meta=Meta(key, "1.0.0", "A title", "A text", key.partition(".")[0]),
        kind=Kind.COMMAND,
        input={},
        output={},
        policy=ContractPolicy(AuthLevel.ADMIN),
        digest="0" * 64,
    )
