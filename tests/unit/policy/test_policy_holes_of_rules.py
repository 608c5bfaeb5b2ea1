"""Holes known of other policy engines, shown not to be in ours. See docs/known-failings.md."""

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.model.contract import AuthLevel, OperationContract
from gateway.model.decision import Verdict
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import Issue
from gateway.pipeline import Pipeline
from gateway.policy import Policies
from gateway.runtime import Parts
from gateway.runtime.dispatch import StepDispatch
from tests.loaded import load_contracts, load_policies

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "policies"

MakeContract = Callable[..., OperationContract]
MakePrincipal = Callable[..., Principal]
LoadWith = Callable[..., Policies]
IssuesOf = Callable[..., list[Issue]]

LAST = "p, 900, *, *, *, *, true, autonomous, -, -, -, -"
HUMANS = [kind for kind in PrincipalType if kind is not PrincipalType.ANONYMOUS]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_contracts([ROOT / "schema"])


@pytest.fixture(scope="module")
def shipped(registry: Registry) -> Policies:
    return load_policies(SHIPPED, registry)


# A rule that blocks, and whose condition cannot be evaluated


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"amount": None},
        {"amount": "12"},
        {"amount": True},
        {"amount": []},
        {"amount": {"value": 1}},
        {"amount": [5]},
    ],
)
@pytest.mark.parametrize(
    "condition",
    [
        "amount > 10000",
        "!(amount <= 10000)",
        "amount > 10000 || amount < 0",
        "has(amount) && amount > 10000 || amount == 1",
    ],
)
def test_a_blocking_rule_whose_condition_fails_blocks(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    arguments: dict[str, object],
    condition: str,
) -> None:
    pay = contract()
    blocks = f"p, 1, *, *, *, *, {condition}, blocked, -, -, -, -"
    policies = load_with(pay, verdict_csv=f"{blocks}\n{LAST}")
    decided = policies.verdict(principal(), pay, arguments)
    assert decided.verdict is Verdict.BLOCKED
    assert [rule.ref for rule in decided.rules] == ["verdict.csv:1"]
    assert "the rule at verdict.csv:1 fails" in decided.reasons[0]
    assert policies.verdict(principal(), pay, {"amount": 5}).verdict is Verdict.AUTONOMOUS


def test_a_blocking_rule_that_waits_for_an_argument_is_not_taken_for_passed(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    pay = contract()
    blocks = "p, 1, *, *, *, *, amount > 10000, blocked, -, -, -, -"
    policies = load_with(pay, verdict_csv=f"{blocks}\n{LAST}")
    open_ = policies.verdict(principal(), pay, {}, frozenset({"amount"}))
    assert "verdict.csv:1" in [rule.ref for rule in open_.rules]
    assert policies.verdict(principal(), pay, {}).verdict is Verdict.BLOCKED


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_an_access_rule_cannot_have_a_condition_that_could_fail(
    issues_of: IssuesOf, contract: MakeContract, effect: str
) -> None:
    """So no deny can be lost to one: the column does not exist, and nothing else evaluates."""
    row = f"p, user, *, *, call, {effect}, amount > 1"
    assert [issue.code for issue in issues_of(contract(), access_csv=row)] == ["POLICY_ROW"]


@pytest.mark.parametrize("effect", ["denied", "DENY", "Deny", "block", "-"])
def test_a_mistyped_effect_is_refused_and_not_no_effect(
    issues_of: IssuesOf, contract: MakeContract, effect: str
) -> None:
    row = f"p, user, *, *, call, {effect}"
    assert {issue.code for issue in issues_of(contract(), access_csv=row)} == {"POLICY_VALUE"}


# Conditions that run code

CODE = [
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "amount.__class__ == 'x'.__class__",
    "(lambda: true)()",
    "lambda: true",
    "[x for x in items]",
    "amount := 1",
    "amount = 1",
    "amount += 1",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "getattr(amount, 'x') == 1",
    "has(amount).__globals__",
    "len(amount)()",
    "amount if true else amount",
    "f'{amount}' == '1'",
    "'a' + 'b' == 'ab'",
    "amount ** 99999999 > 1",
    "items[0] == 1",
    "items.append(1)",
    "items.pop() == 1",
    "{'a': 1} == 1",
    "`id`",
    "$(id)",
    "${secret:TOKEN} == 'x'",
    "true; true",
    "true\\x00",
    "r.sub == 'x' && open(r.sub)",
]


@pytest.mark.parametrize("condition", CODE)
def test_a_condition_that_is_more_than_comparisons_is_refused(
    issues_of: IssuesOf, contract: MakeContract, condition: str
) -> None:
    told = condition.replace('"', '""')
    row = f'p, 1, *, *, shop.order.ship, *, "{told}", autonomous, -, -, -, -'
    ship = contract(given={"amount": "Float", "items": "[ID!]"})
    assert [issue.code for issue in issues_of(ship, verdict_csv=row)] == ["POLICY_CONDITION"]


@pytest.mark.parametrize(
    "call",
    [
        "eval(p.sub)",
        "r.sub.__class__ == p.sub",
        "__import__(p.sub)",
        "open(r.obj)",
        "regexMatch(r.sub, p.sub)",
        "(lambda: true)()",
    ],
)
def test_a_matcher_that_calls_anything_else_is_refused(
    issues_of: IssuesOf, contract: MakeContract, call: str
) -> None:
    model = (SHIPPED / "access.conf").read_text()
    wrong = model.replace("domain(r.dom, p.dom)", f"domain(r.dom, p.dom) && {call}")
    assert wrong != model
    assert "POLICY_MODEL" in {issue.code for issue in issues_of(contract(), access_conf=wrong)}


# "admin" for whoever is signed in


def test_contracts_for_admins_are_for_no_other_user(shipped: Policies, registry: Registry) -> None:
    """What a plain user may call is what asks for no more than a user."""
    open_to_users = [
        contract.ref
        for contract in registry.operations.values()
        for kind in HUMANS
        if contract.policy.auth is AuthLevel.ADMIN
        and shipped.access(someone("user", type=kind), contract).allowed
    ]
    assert open_to_users == []
    assert not shipped.holds(someone("user"), "admin")


def test_a_token_without_a_role_opens_only_what_is_open_to_everybody(
    shipped: Policies, registry: Registry
) -> None:
    for contract in registry.operations.values():
        allowed = shipped.access(someone(), contract).allowed
        assert allowed is (contract.policy.auth is AuthLevel.ANONYMOUS), contract.ref
        assert shipped.access(ANONYMOUS, contract).allowed is allowed, contract.ref


# Policy that is only asked if somebody plugged it in


@pytest.mark.parametrize("enforcer", [Pipeline, StepDispatch, Parts])
def test_nothing_that_enforces_can_be_made_without_policies(enforcer: type) -> None:
    (policies,) = [one for one in dataclasses.fields(enforcer) if one.name == "policies"]
    assert policies.default is dataclasses.MISSING
    assert policies.default_factory is dataclasses.MISSING
    assert typing.get_type_hints(enforcer)["policies"] is Policies  # and so never None


def test_where_no_rule_speaks_everything_is_denied_blocked_and_dropped(
    load_with: LoadWith, registry: Registry
) -> None:
    empty = load_with(
        *registry.operations.values(),
        access_csv="p, nobody, *, domain:none, call, deny",
        verdict_csv="p, 1, nobody, *, domain:none, *, true, blocked, -, -, -, -",
        pii_csv="p, 1, nobody, *, *, domain:none, *, drop",
    )
    everything = someone("admin", "user", "approver", "operator", "break-glass", "pii.reader")
    for contract in registry.operations.values():
        for who in (everything, ANONYMOUS):
            assert not empty.access(who, contract).allowed, contract.ref
            assert empty.verdict(who, contract, {}).verdict is Verdict.BLOCKED, contract.ref
            shown = empty.treatment(who, contract.ref, "output.anything")
            assert shown.value == "drop", contract.ref


@pytest.mark.parametrize("file", ["access_csv", "verdict_csv", "pii_csv", "access_conf"])
@pytest.mark.parametrize("text", [None, "", "# p, *, *, *, call, allow\n"])
def test_rules_that_are_missing_stop_the_start_and_open_nothing(
    issues_of: IssuesOf, contract: MakeContract, file: str, text: str | None
) -> None:
    assert issues_of(contract(), **{file: text})


# Names that mean something

MAGIC = (
    *("system", "system:gateway", "gateway", "root", "admin", "approver", "anonymous", "*", "**"),
    *("user:admin", "user:*", "role:admin", "type:human", "type:agent", "-", "dev:admin", "user:"),
)


@pytest.mark.parametrize("name", MAGIC)
@pytest.mark.parametrize("kind", HUMANS)
def test_a_subject_of_a_special_name_may_no_more_than_its_roles(
    shipped: Policies, registry: Registry, name: str, kind: PrincipalType
) -> None:
    magic, plain = someone("user", subject=name, type=kind), someone("user", type=kind)
    for contract in registry.operations.values():
        assert shipped.access(magic, contract).allowed is shipped.access(plain, contract).allowed
        decided = [shipped.verdict(who, contract, {"amount": 500}) for who in (magic, plain)]
        assert decided[0].verdict is decided[1].verdict
    assert shipped.roles(magic) == shipped.roles(plain)


@pytest.mark.parametrize("name", ["", *MAGIC])
def test_no_subject_passes_the_limits_of_its_token(
    shipped: Policies, registry: Registry, name: str
) -> None:
    limited = someone("admin", subject=name, capabilities=frozenset({"none.at.all"}))
    allowed = [
        one.ref for one in registry.operations.values() if shipped.access(limited, one).allowed
    ]
    assert allowed == []


@pytest.mark.parametrize(
    "role", ["*", "type:human", "user:olga", "role:admin", "", "admin ", "a b"]
)
def test_a_claimed_role_that_is_spelled_as_something_else_opens_nothing(
    load_with: LoadWith, contract: MakeContract, role: str
) -> None:
    ship = contract(auth=AuthLevel.ADMIN)
    rows = "p, admin, *, *, call, allow\np, user:olga, *, *, call, allow"
    policies = load_with(ship, access_csv=rows + "\np, type:service, *, *, call, allow")
    assert not policies.access(someone(role), ship).allowed
    assert policies.roles(someone(role)) == {"anonymous"}


def someone(
    *roles: str,
    subject: str = "nina",
    type: PrincipalType = PrincipalType.HUMAN,  # noqa: A002 - the word that policies use
    capabilities: frozenset[str] | None = None,
) -> Principal:
    return Principal(type, subject, "acme", frozenset(roles), capabilities)
