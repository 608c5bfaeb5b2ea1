"""Decisions: access, roles, verdicts and PII treatments."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.model.contract import AuthLevel, OperationContract, Risk
from gateway.model.decision import Treatment, Verdict
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy import Policies, mask_value
from gateway.policy import revision as revision_module

MakeContract = Callable[..., OperationContract]
MakePrincipal = Callable[..., Principal]
LoadWith = Callable[..., Policies]

SHIPPED = Path(__file__).parents[3] / "policies"
LEVELS = "g, admin, user, *\ng, user, anonymous, *\np, user, *, auth:user, call, allow\n"


# Access


def test_nothing_is_allowed_without_a_rule(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, access_csv="p, boss, *, shop.other*, call, allow")
    decision = policies.access(principal("admin"), ship)
    assert not decision.allowed
    assert decision.rule is None
    assert decision.missing == ("a rule that allows shop.order.ship@1.0.0",)
    assert decision.revision == policies.revision
    assert decision.decision_id.startswith("dec_")


def test_a_default_deny_says_which_role_is_missing_but_names_no_other_user(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    rows = "p, user:bob, *, *, call, allow\np, boss, acme, *, call, allow\n"
    rows += "p, type:service, *, *, call, allow\np, chief, other, *, call, allow"
    policies = load_with(ship, access_csv=rows)
    decision = policies.access(principal("user"), ship)
    assert decision.missing == ("role boss", "type service")
    assert "bob" not in decision.reason


def test_a_decision_names_its_rule(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    decision = load_with(ship, access_csv=LEVELS).access(principal("admin"), ship)
    assert decision.allowed
    assert decision.rule is not None
    assert decision.rule.ref == "access.csv:3"
    assert decision.rule.text == "p, user, *, auth:user, call, allow"


def test_deny_wins_wherever_it_stands(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract(tags=["frozen"])
    for rows in (
        "p, *, *, tag:frozen, *, deny\n" + LEVELS,
        LEVELS + "p, *, *, tag:frozen, *, deny",
    ):
        decision = load_with(ship, access_csv=rows).access(principal("user"), ship)
        assert not decision.allowed
        assert decision.rule is not None
        assert decision.rule.text == "p, *, *, tag:frozen, *, deny"


def test_a_role_may_be_given_one_contract_below_its_level(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    close, ship = contract("shop.close", auth=AuthLevel.ADMIN), contract(auth=AuthLevel.ADMIN)
    policies = load_with(close, ship, access_csv="p, closer, *, shop.close, call, allow")
    assert policies.access(principal("closer"), close).allowed
    assert not policies.access(principal("closer"), ship).allowed


def test_a_rule_of_another_workspace_does_not_count(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, access_csv="p, user, acme, *, call, allow")
    assert policies.access(principal("user", workspace="acme"), ship).allowed
    assert not policies.access(principal("user", workspace="other"), ship).allowed
    assert not policies.access(principal("user", workspace="third"), ship).allowed


@pytest.mark.parametrize(
    ("granted", "allowed"),
    [
        (None, True),
        ([], False),
        (["shop.core"], True),
        (["shop.core@1.0.0"], True),
        (["shop.core@2.0.0"], False),
        (["shop"], False),
    ],
)
def test_a_token_limited_to_capabilities_opens_only_theirs(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    granted: list[str] | None,
    allowed: bool,
) -> None:
    ship = contract()
    decision = load_with(ship).access(principal("user", capabilities=granted), ship)
    assert decision.allowed is allowed
    if not allowed:
        assert decision.missing == ("capability shop.core@1.0.0",)


def test_a_limited_token_does_not_open_a_contract_without_capability(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract(capability="")
    decision = load_with(ship).access(principal("user", capabilities=["", "shop.core"]), ship)
    assert not decision.allowed


# Roles and subjects


def test_a_subject_is_never_taken_for_a_role_nor_a_claim_for_a_subject(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract(auth=AuthLevel.ADMIN)
    rows = "p, admin, *, *, call, allow\np, user:alice, *, *, call, allow\ng, user:bob, admin, *"
    rows += "\np, type:service, *, *, call, allow"
    policies = load_with(ship, access_csv=rows)

    def allowed(*roles: str, subject: str) -> bool:
        return policies.access(principal(*roles, subject=subject), ship).allowed

    assert allowed(subject="alice")
    assert allowed(subject="bob")
    assert allowed("admin", subject="carol")
    assert not allowed(subject="admin")
    assert not allowed(subject="user:alice")
    assert not allowed("user:alice", subject="carol")
    assert not allowed("user:bob", subject="carol")
    assert not allowed("type:service", subject="carol")
    assert not allowed("*", subject="carol")


def test_whoever_has_no_token_is_nobody_s_namesake(
    load_with: LoadWith, contract: MakeContract
) -> None:
    ship = contract()
    policies = load_with(ship, access_csv="g, user:anonymous, boss, *\np, boss, *, *, call, allow")
    claiming = Principal(PrincipalType.ANONYMOUS, "anonymous", "", frozenset({"boss"}))
    assert not policies.access(ANONYMOUS, ship).allowed
    assert not policies.access(claiming, ship).allowed
    assert policies.roles(claiming) == {"anonymous"}
    named = Principal(PrincipalType.HUMAN, "anonymous", "acme")
    assert policies.access(named, ship).allowed


def test_roles_are_claims_and_assignments_closed_under_inheritance(
    load_with: LoadWith, principal: MakePrincipal
) -> None:
    rows = "p, user, *, *, call, allow\ng, user:alice, lead, acme\ng, lead, clerk, acme\n"
    rows += "g, clerk, reader, *\ng, reader, clerk, *\ng, lead, boss, other\ng, temp, clerk, *"
    policies = load_with(access_csv=rows)
    assert policies.roles(principal()) == {"anonymous", "lead", "clerk", "reader"}
    assert policies.roles(principal(workspace="other")) == {"anonymous"}
    assert policies.roles(principal("lead", workspace="other")) == {"anonymous", "lead", "boss"}
    assert policies.roles(principal("temp", workspace="new")) == {
        *("anonymous", "temp", "clerk", "reader")
    }
    assert policies.holds(principal(), "reader")
    assert not policies.holds(principal(), "boss")
    assert not policies.holds(principal(), "user:alice")


def test_everybody_holds_anonymous_and_a_token_without_roles_nothing_else(
    load_with: LoadWith, principal: MakePrincipal
) -> None:
    policies = load_with()
    assert policies.roles(ANONYMOUS) == {"anonymous"}
    assert policies.roles(principal()) == {"anonymous"}
    assert policies.roles(principal("admin")) == {"anonymous", "user", "admin", "approver"}


def test_strangers_leave_nothing_behind_but_a_bounded_cache(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revision_module, "CACHE_LIMIT", 10)
    ship = contract()
    policies = load_with(ship, access_csv=LEVELS)
    for number in range(50):
        somebody = principal("user", f"role{number}", subject=f"s{number}", workspace=f"w{number}")
        assert policies.access(somebody, ship).allowed
    caches = (policies.current._principals, policies.current._subjects, policies.current._access)
    assert [len(cache) for cache in caches] == [10, 10, 10]
    assigned = policies.current.book.graph._up
    assert {name for level in assigned.values() for name in level if "user:" in name} == set()
    assert set(assigned) - {"*"} == set()


def test_principals_whom_no_rule_tells_apart_share_a_decision(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, access_csv=LEVELS + "p, user:eve, *, *, *, deny")
    for name in ("alice", "bob", "carol"):
        assert policies.access(principal("user", subject=name, workspace=name), ship).allowed
    assert not policies.access(principal("user", subject="eve"), ship).allowed
    assert len(policies.current._access) == 2


def test_a_remembered_decision_has_a_fresh_id(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship)
    ids = {policies.access(principal("user"), ship).decision_id for _ in range(3)}
    ids |= {policies.verdict(principal("user"), ship, {}).decision_id for _ in range(3)}
    assert len(ids) == 6


def test_a_changed_contract_is_not_answered_from_memory(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    before, after = contract(auth=AuthLevel.USER), contract(auth=AuthLevel.ADMIN)
    policies = load_with(before)
    assert policies.access(principal("user"), before).allowed
    assert not policies.access(principal("user"), after).allowed
    assert policies.access(principal("user"), before).allowed


# Verdicts

BY_RISK = {
    "agent": ("autonomous", "assist", "assist", "blocked"),
    "tool": ("autonomous", "assist", "assist", "blocked"),
    "service": ("autonomous", "assist", "assist", "blocked"),
    "human": ("autonomous", "autonomous", "assist", "assist"),
    "anonymous": ("blocked", "blocked", "blocked", "blocked"),
}


@pytest.mark.parametrize("kind", BY_RISK)
def test_the_shipped_rules_serve_contracts_of_a_deployment_s_own_by_risk(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal, kind: str
) -> None:
    contracts = [contract(f"shop.{risk.value}", risk=risk) for risk in Risk]
    policies = load_with(*contracts)
    found = [policies.verdict(principal("user", type=kind), one, {}) for one in contracts]
    assert tuple(decision.verdict.value for decision in found) == BY_RISK[kind]
    for decision in found:
        if decision.verdict is Verdict.ASSIST:
            terms = (decision.approver_role, decision.quorum, decision.expires_in)
            assert terms == ("approver", 1, 86_400.0)


def test_the_shipped_rules_serve_a_deployment_that_has_its_own_support_domain(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    own = contract("support.chat.answer", risk=Risk.LOW)
    decision = load_with(own).verdict(principal("user", type="agent"), own, {})
    assert decision.verdict is Verdict.AUTONOMOUS


def test_the_smallest_priority_decides_whatever_the_order_of_the_file(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 100, *, *, *, *, true, blocked, -, -, -, -\n"
    rows += "p, 20, *, *, *, *, true, autonomous, -, -, -, -"
    rows += "\np, 9, boss, *, *, *, true, assist, chief, 3, 30m, 10m:owner"
    ship = contract()
    policies = load_with(ship, verdict_csv=rows)
    assert policies.verdict(principal(), ship, {}).verdict is Verdict.AUTONOMOUS
    decision = policies.verdict(principal("boss"), ship, {})
    assert (decision.verdict, decision.approver_role) == (Verdict.ASSIST, "chief")
    assert (decision.quorum, decision.expires_in) == (3, 1_800.0)
    assert (decision.escalate_after, decision.escalate_to) == (600.0, "owner")
    told = decision.to_json()
    assert (told["escalateAfter"], told["escalateTo"]) == (600.0, "owner")
    assert [rule.ref for rule in decision.rules] == ["verdict.csv:3"]
    assert "3 people with the role chief" in decision.reasons[0]


def test_without_a_rule_a_call_is_blocked_and_the_reason_says_what_is_missing(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract(risk=Risk.HIGH)
    row = "p, 1, type:agent, *, *, *, true, autonomous, -, -, -, -"
    decision = load_with(ship, verdict_csv=row).verdict(principal(type="service"), ship, {})
    assert decision.verdict is Verdict.BLOCKED
    assert decision.rules == ()
    (reason,) = decision.reasons
    assert reason.startswith("No verdict rule says how a service may run shop.order.ship (risk hi")


BY_AMOUNT = """
p, 1, type:agent, *, *, *, amount > 1000, blocked, -, -, -, -
p, 2, *, *, *, *, amount > 100, assist, boss, 2, 1h, -
p, 3, *, *, *, *, amount > 10 && currency == 'EUR', assist, clerk, 1, 1h, -
p, 4, *, *, *, *, true, autonomous, -, -, -, -
"""


@pytest.mark.parametrize(
    ("arguments", "verdict", "line"),
    [
        ({"amount": 5, "currency": "EUR"}, Verdict.AUTONOMOUS, 5),
        ({"amount": 50, "currency": "EUR"}, Verdict.ASSIST, 4),
        ({"amount": 50, "currency": "USD"}, Verdict.AUTONOMOUS, 5),
        ({"amount": 500}, Verdict.ASSIST, 3),
        ({"amount": 5000}, Verdict.BLOCKED, 2),
    ],
)
def test_arguments_decide(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    arguments: dict[str, object],
    verdict: Verdict,
    line: int,
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv=BY_AMOUNT)
    for _ in range(2):
        decision = policies.verdict(principal(type="agent"), ship, arguments)
        assert decision.verdict is verdict
        assert [rule.line for rule in decision.rules] == [line]


def test_a_condition_that_reads_nothing_is_what_it_says(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 1, *, *, *, *, false, blocked, -, -, -, -\n"
    rows += "p, 2, *, *, *, *, !false, autonomous, -, -, -, -"
    ship = contract()
    decision = load_with(ship, verdict_csv=rows).verdict(principal(), ship, {})
    assert decision.verdict is Verdict.AUTONOMOUS


def test_a_rule_that_fails_blocks_and_is_named(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv=BY_AMOUNT)
    for arguments, why in (
        ({}, "input.amount|the argument amount is missing"),
        ({"amount": None}, "the argument amount is missing"),
        ({"amount": "secret-7"}, "the argument amount is no number"),
    ):
        decision = policies.verdict(principal(type="agent"), ship, arguments)
        assert decision.verdict is Verdict.BLOCKED
        assert why.rpartition("|")[2] in decision.reasons[0]
        assert "verdict.csv:2" in decision.reasons[0]
        assert "secret-7" not in str(decision)
        assert [rule.line for rule in decision.rules] == [2]
    # For a human, the first rule is not reached, so that the second is the one that fails.
    decision = policies.verdict(principal(type="human"), ship, {})
    assert [rule.line for rule in decision.rules] == [3]
    # A rule that is not reached cannot fail.
    assert policies.verdict(principal(), ship, {"amount": 500}).verdict is Verdict.ASSIST


def test_while_an_argument_is_unknown_the_worst_that_is_not_blocked_counts(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv=BY_AMOUNT)
    agent, unknown = principal(type="agent"), frozenset({"amount"})
    decision = policies.verdict(agent, ship, {"currency": "EUR"}, unknown)
    assert decision.verdict is Verdict.ASSIST
    assert (decision.approver_role, decision.quorum) == ("boss", 2)
    assert [rule.line for rule in decision.rules] == [2, 3, 4, 5]
    assert decision.reasons == (
        "shop.order.ship may be blocked once input.amount is known.",
        "shop.order.ship may need an approval once input.amount is known.",
        "shop.order.ship may run by itself once input.amount is known.",
    )
    both = policies.verdict(agent, ship, {}, frozenset({"amount", "currency"}))
    assert "input.amount and input.currency are known" in both.reasons[-1]


def test_it_is_blocked_only_if_every_possibility_is(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = (
        "p, 1, *, *, *, *, a > 1, blocked, -, -, -, -\np, 2, *, *, *, *, b > 1, blocked, -, -, -, -"
    )
    ship = contract()
    policies = load_with(ship, verdict_csv=rows)
    decision = policies.verdict(principal(), ship, {}, frozenset({"a", "b"}))
    assert decision.verdict is Verdict.BLOCKED
    assert [rule.line for rule in decision.rules] == [1, 2]
    opened = load_with(ship, verdict_csv=rows + "\np, 3, *, *, *, *, true, autonomous, -, -, -, -")
    decision = opened.verdict(principal(), ship, {}, frozenset({"a", "b"}))
    assert decision.verdict is Verdict.AUTONOMOUS
    assert "may be blocked once input.a is known" in decision.reasons[0]


def test_a_rule_that_may_fail_later_counts_as_a_blocked_possibility(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 1, *, *, *, *, a > 1, assist, boss, 1, 1h, -\n"
    rows += "p, 2, *, *, *, *, b > 1, autonomous, -, -, -, -"
    ship = contract()
    policies = load_with(ship, verdict_csv=rows)
    decision = policies.verdict(principal(), ship, {}, frozenset({"a"}))
    assert decision.verdict is Verdict.ASSIST
    assert "may be blocked once input.a is known" in " ".join(decision.reasons)
    assert policies.verdict(principal(), ship, {"a": 0}).verdict is Verdict.BLOCKED


def test_an_unknown_argument_that_no_rule_reads_changes_nothing(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv=BY_AMOUNT)
    decision = policies.verdict(
        principal(), ship, {"amount": 5, "currency": "EUR"}, frozenset({"note", "amountText"})
    )
    assert decision.verdict is Verdict.AUTONOMOUS
    assert len(decision.rules) == 1


def test_a_contract_that_escalates_asks_a_human_at_least(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    rows = "p, 1, type:agent, *, *, *, true, autonomous, boss, 2, 1h, -\n"
    rows += "p, 2, type:human, *, *, *, true, autonomous, -, -, -, -\n"
    rows += "p, 3, *, *, *, *, true, blocked, -, -, -, -"
    ship = contract(escalate=True)
    policies = load_with(ship, verdict_csv=rows)
    decision = policies.verdict(principal(type="agent"), ship, {})
    terms = (decision.verdict, decision.approver_role, decision.quorum, decision.expires_in)
    assert terms == (Verdict.ASSIST, "boss", 2, 3_600.0)
    assert "asks for a human at every call" in decision.reasons[-1]
    decision = policies.verdict(principal(type="human"), ship, {})
    assert (decision.verdict, decision.approver_role) == (Verdict.ASSIST, "approver")
    blocked = policies.verdict(principal(type="service"), ship, {})
    assert blocked.verdict is Verdict.BLOCKED


def test_reasons_never_hold_argument_values(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    policies = load_with(ship, verdict_csv=BY_AMOUNT)
    decision = policies.verdict(principal(), ship, {"amount": 77.123, "currency": "EUR"})
    assert "77.123" not in " ".join(decision.reasons)
    assert "EUR" not in " ".join(decision.reasons)
    assert "input.amount" in decision.reasons[0]


# PII


def test_the_first_matching_pii_rule_decides_and_the_default_drops(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    ship = contract()
    rows = "p, 1, user, human, *, *, output.customer.*, raw\np, 2, user, *, *, *, output.*, mask"
    policies = load_with(ship, pii_csv=rows)

    def treatment(who: Principal, field: str, ref: str = ship.ref) -> Treatment:
        return policies.treatment(who, ref, field)

    assert treatment(principal("user"), "output.customer.email") is Treatment.RAW
    assert treatment(principal("user", type="agent"), "output.customer.email") is Treatment.MASK
    assert treatment(principal("user"), "output.note") is Treatment.MASK
    assert treatment(principal("user"), "input.note") is Treatment.DROP
    assert treatment(principal(), "output.note") is Treatment.DROP
    assert treatment(principal("user"), "output.note", "shop.gone@1.0.0") is Treatment.DROP


# Failing closed


def test_an_error_inside_a_rule_denies_blocks_and_drops(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Such a matcher fails when it is evaluated: the function takes two arguments.
    files = {
        f"{name}_conf": (SHIPPED / f"{name}.conf")
        .read_text(encoding="utf-8")
        .replace("domain(r.dom, p.dom)", "domain(r.dom, p.dom, p.dom)")
        for name in ("access", "verdict", "pii")
    }
    ship = contract()
    policies = load_with(ship, **files)
    who = principal("admin", subject="alice@example.com")
    with caplog.at_level(logging.DEBUG):
        denied = policies.access(who, ship)
        blocked = policies.verdict(who, ship, {"secret": "s3cr3t"})
        assert policies.treatment(who, ship.ref, "input.x") is Treatment.DROP
    assert not denied.allowed
    assert "failed" in denied.reason
    assert blocked.verdict is Verdict.BLOCKED
    assert blocked.reasons == ("shop.order.ship is blocked: a rule could not be evaluated.",)
    assert [one.name for one in caplog.records].count("gateway.policy.revision") == 3
    assert "alice" not in caplog.text
    assert "s3cr3t" not in caplog.text


def test_casbin_logs_no_request(
    load_with: LoadWith,
    contract: MakeContract,
    principal: MakePrincipal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ship = contract()
    policies = load_with(ship, access_csv=LEVELS + "p, user:alice@example.com, *, *, call, deny")
    logger = logging.getLogger("casbin.enforcer")
    logger.disabled, disabled = False, logger.disabled
    try:
        with caplog.at_level(logging.DEBUG):
            assert not policies.access(principal(subject="alice@example.com"), ship).allowed
            policies.verdict(principal(), ship, {"secret": "s3cr3t"})
    finally:
        logger.disabled = disabled
    assert "alice" not in caplog.text
    assert "s3cr3t" not in caplog.text


def test_threads_agree(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    contracts = [contract(f"shop.c{number}", risk=risk) for number in range(5) for risk in Risk]
    policies = load_with(*contracts)
    wrong: list[str] = []

    def ask(kind: str) -> None:
        who = principal("user", type=kind)
        for one in contracts:
            expected = BY_RISK[kind][one.risk.rank]
            if policies.verdict(who, one, {}).verdict.value != expected:
                wrong.append(f"{kind} {one.ref}")
            if not policies.access(who, one).allowed:
                wrong.append(f"access {kind}")

    kinds = ("agent", "human", "service", "tool") * 2
    threads = [threading.Thread(target=ask, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("Lovelace", "L•••"),
        ("Ada", "•••"),
        ("", "•••"),
        ("lovelace@acme.io", "l•••@•••"),
        ("ada@acme.io", "•••@•••"),
        ("@acme", "@•••"),
        (42, None),
        (True, None),
        (None, None),
        ({"name": "Lovelace", "ages": [36, "old?"]}, {"name": "L•••", "ages": [None, "o•••"]}),
        (b"bytes", None),
    ],
)
def test_a_mask_leaves_the_first_character_at_most(value: object, masked: object) -> None:
    assert mask_value(value, Treatment.MASK, str) == masked
    assert mask_value(value, Treatment.RAW, str) is value
    assert mask_value(value, Treatment.DROP, str) is None
