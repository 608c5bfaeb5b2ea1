"""Lint of rules that load: what is told, how bad it is, where, and what is left alone."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    EventContract,
    HttpHandler,
    Meta,
    OperationContract,
    Risk,
)
from gateway.model.types import parse_type
from gateway.policy import (
    Advice,
    Policies,
    PolicyContent,
    PolicyRevision,
    Severity,
    advise,
    build_revision,
    read_content,
)
from tests.loaded import load_contracts

MakeContract = Callable[..., OperationContract]
Advise = Callable[..., list[Advice]]

REPOSITORY = Path(__file__).parents[3]
MODELS = {
    name: text
    for name, text in read_content(REPOSITORY / "policies").files.items()
    if name.endswith(".conf")
}
QUIET = {
    "access": "p, user, *, auth:user, call, allow\np, admin, *, auth:admin, call, allow\n",
    "verdict": "p, 900, type:agent, *, *, critical, true, blocked, -, -, -, -\n",
    "pii": "p, 900, user, *, *, *, *, mask\n",
}


def performed(contract: OperationContract) -> OperationContract:
    return replace(contract, handler=HttpHandler("POST", "http://a.internal/x"))


@pytest.fixture
def contracts(contract: MakeContract) -> list[OperationContract]:
    given = {"amount": "Float", "note": "String"}
    made = [
        contract("shop.order.ship", given=given, tags=["money"], kind="command"),
        contract("shop.order.close", risk=Risk.CRITICAL, given=given),
        contract("shop.stock.reset", auth=AuthLevel.ADMIN, risk=Risk.HIGH, given=given),
        contract("shop.catalogue", auth=AuthLevel.ANONYMOUS),
    ]
    made[0] = replace(made[0], policy=replace(made[0].policy, pii=("note",)))
    return [performed(one) for one in made]


@pytest.fixture
def told(contracts: list[OperationContract]) -> Advise:
    """What lint tells of some rules: ``access``, ``verdict``, ``pii``, ``separation``."""

    def told(
        registry: Registry | None = None, limit: int = 1_000_000, **rules: str
    ) -> list[Advice]:
        return advise(revision(registry or Registry(contracts), **rules), limit)

    return told


def revision(registry: Registry, separation: str | None = None, **rules: str) -> PolicyRevision:
    files = {f"{name}.csv": text for name, text in {**QUIET, **rules}.items()}
    if separation is not None:
        files["separation.yaml"] = separation
    return build_revision(PolicyContent({**MODELS, **files}), registry, Path("policies"))


def brief(found: list[Advice], code: str) -> list[tuple[str, str]]:
    """Severity and place of what was found, and that nothing else was."""
    assert {advice.code for advice in found} <= {code}
    return [(advice.severity.value, advice.at) for advice in found]


def test_quiet_rules_have_nothing_to_tell(told: Advise) -> None:
    assert told() == []


def test_an_advice_is_recorded_as_it_is_told(told: Advise) -> None:
    (advice,) = told(access=QUIET["access"] + "p, *, *, shop.order.close, call, allow\n")
    assert advice.to_json() == {
        "severity": "ERROR",
        "code": "POLICY_WILDCARD_CRITICAL",
        "at": "access.csv:3:4",
        "message": advice.message,
        "rule": "p, *, *, shop.order.close, call, allow",
    }


def test_errors_are_told_first_then_by_place(told: Advise) -> None:
    rows = "p, user, *, shop.s*, call, allow\np, *, *, shop.order.close, call, allow\n"
    found = told(access=QUIET["access"] + rows, pii="p, 1, *, anonymous, acme, *, *, drop\n")
    assert [(one.severity, one.at) for one in found] == [
        (Severity.ERROR, "access.csv:4:4"),
        (Severity.WARNING, "access.csv:3:13"),
        (Severity.WARNING, "pii.csv:1:7"),
    ]


# Roles

CLERK = QUIET["access"] + "p, clerk, *, shop.order.ship, call, allow\ng, lead, clerk, *\n"


@pytest.mark.parametrize(
    ("rules", "places", "says"),
    [
        (
            {"verdict": "p, 1, *, *, *, *, true, assist, clrek, 1, 1h, -\n"},
            [("WARNING", "verdict.csv:1:33")],
            "did you mean 'clerk'? Whoever",
        ),
        (
            {"verdict": "p, 1, *, *, *, *, true, assist, boss, 1, 2h, 1h:chief\n"},
            [("WARNING", "verdict.csv:1:33"), ("WARNING", "verdict.csv:1:46")],
            "knows this role. Whoever",
        ),
        ({"pii": "p, 1, Clerk, *, *, *, *, raw\n"}, [("WARNING", "pii.csv:1:7")], "'clerk'? Only"),
        ({"pii": "p, 1, support, *, *, *, *, raw\n"}, [("NOTE", "pii.csv:1:7")], "Only tokens"),
        ({"pii": "p, 1, pii.reader, human, *, *, *, raw\n"}, [], ""),
        ({"pii": "p, 1, lead, human, *, *, *, raw\n"}, [], ""),
        (
            {"access": CLERK + "g, user:ann, cleric, acme\n"},
            [("WARNING", "access.csv:5:14")],
            "opens nothing.",
        ),
        (
            {"access": CLERK + "g, user:ann, clark, acme\n"},
            [("WARNING", "access.csv:5:14")],
            "did you mean 'clerk'? Write",
        ),
        (
            {"access": CLERK + "p, clerks, *, shop.order.close, call, allow\n"},
            [("WARNING", "access.csv:5:4")],
            "only this row names this role; did you mean 'clerk'?",
        ),
        ({"access": CLERK + "p, desk, *, shop.order.close, call, allow\n"}, [], ""),
    ],
)
def test_a_role_that_nothing_else_knows_is_told(
    told: Advise, rules: dict[str, str], places: list[tuple[str, str]], says: str
) -> None:
    found = told(**{"access": CLERK, **rules})
    assert brief(found, "POLICY_ROLE_UNKNOWN") == places
    assert says in "".join(advice.message for advice in found)


def test_names_that_differ_in_a_number_are_not_taken_for_one_another(told: Advise) -> None:
    rows = "".join(f"p, tier-{n}, *, shop.order.ship, call, allow\n" for n in (1, 2, 12))
    more = "p, tier-1, *, shop.order.close, call, allow\n"
    assert told(access=QUIET["access"] + rows + more) == []


# Fields


@pytest.fixture
def with_pii(contract: MakeContract) -> Registry:
    mailed = contract("shop.mail.send", given={"email": "String", "text": "String"})
    sent = EventContract(
        Meta("shop.mail.sent", "1.0.0", "Sent", "It was sent", "shop"),
        {"text": parse_type("String")},
        "0" * 64,
        pii=("text",),
    )
    policy = replace(mailed.policy, pii=("email",))
    mailed = performed(replace(mailed, policy=policy, emits=(sent.ref,)))
    return Registry([mailed, performed(contract("shop.stock.count"))], [sent])


@pytest.mark.parametrize(
    ("rule", "severity", "says"),
    [
        ("shop.mail.send, input.emial", "ERROR", "did you mean 'input.email'?"),
        ("shop.mail.send, output.*", "ERROR", "(there are input.email, input.text, class:"),
        ("shop.*, output.email", "WARNING", "has the PII field output.email"),
        ("shop.stock.count, *", "WARNING", "declares PII"),
        ("shop.stock.count, input.email", "ERROR", "declares PII"),
        ("shop.mail.send, input.email", None, ""),
        ("shop.mail.send, input.text", None, ""),  # as an event of it shows
        ("shop.mail.send, *.em*", None, ""),
        ("shop.bill?, input.email", None, ""),
        ("*, *", None, ""),
    ],
)
def test_a_field_that_no_selected_contract_has_is_told(
    told: Advise, with_pii: Registry, rule: str, severity: str | None, says: str
) -> None:
    found = told(with_pii, pii=f"p, 1, user, *, *, {rule}, raw\n", verdict=VERDICT)
    column = 19 + rule.index(",") + 2
    expected = [(severity, f"pii.csv:1:{column}")] if severity else []
    assert brief(found, "POLICY_FIELD_UNKNOWN") == expected
    assert says in "".join(advice.message for advice in found)


VERDICT = "p, 1, user, *, *, *, true, blocked, -, -, -, -\n"

# Shadowed rules


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        ("*, *, *, *, true", "user, acme, shop.order.ship, low, amount > 1", "WARNING"),
        ("user, *, *, *, true", "lead, *, *, *, true", "WARNING"),  # a lead is a user
        ("user, acme, *, *, true", "deputy, acme, *, *, true", "WARNING"),  # in acme
        ("user, acme, *, *, true", "deputy, *, *, *, true", None),
        ("user, other, *, *, true", "deputy, other, *, *, true", None),
        ("lead, *, *, *, true", "user, *, *, *, true", None),
        ("type:agent, *, *, *, true", "user, *, *, *, true", None),
        ("user, *, *, *, true", "type:agent, *, *, *, true", None),
        ("anonymous, *, *, *, true", "type:agent, *, *, *, true", "WARNING"),
        ("user:ann, *, *, *, true", "user, *, *, *, true", None),
        ("clerk, *, *, *, true", "user:ann, *, *, *, true", "WARNING"),  # ann is a clerk
        ("*, acme, *, *, true", "*, *, *, *, true", None),
        ("*, *, shop.*, *, true", "*, *, shop.order.ship, *, true", "WARNING"),
        ("*, *, tag:money, *, true", "*, *, shop.order.ship, *, true", "WARNING"),
        ("*, *, shop.order.ship, *, true", "*, *, tag:money, *, true", "NOTE"),
        ("*, *, shop.order.ship, *, true", "*, *, shop.*, *, true", None),
        ("*, *, *, high, true", "*, *, shop.stock.reset, *, true", "WARNING"),
        ("*, *, *, high, true", "*, *, *, *, true", None),
        ("*, *, shop.*, *, amount > 1", "*, *, shop.*, low, amount > 1", "WARNING"),
        ("*, *, shop.*, *, amount > 1", "*, *, shop.*, low, amount > 2", None),
        ("*, *, shop.*, *, amount > 1", "*, *, shop.*, low, true", None),
        ("*, *, bank.pay?, *, true", "*, *, bank.pay?, low, true", "WARNING"),
        ("*, *, bank.pay?, *, true", "*, *, bank.pay@1.0.0?, *, true", None),
    ],
)
def test_a_verdict_rule_whose_turn_never_comes_is_told(
    told: Advise, first: str, second: str, severity: str | None
) -> None:
    access = CLERK + "g, lead, user, *\ng, deputy, user, acme\ng, user:ann, clerk, acme\n"
    access = access.replace(
        "g, user:ann, clerk, acme", "g, user:ann, lead, acme\ng, user:ann, clerk, *"
    )
    rows = f"p, 5, {second}, blocked, -, -, -, -\np, 1, {first}, assist, clerk, 1, 1h, -\n"
    found = [one for one in told(access=access, verdict=rows) if one.code == "POLICY_RULE_SHADOWED"]
    assert [one.severity for one in found] == ([severity] if severity else [])
    for advice in found:
        assert advice.at == "verdict.csv:1:4"
        assert "verdict.csv:2 goes first" in advice.message


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        ("*, *, *, shop.*, *", "user, human, *, shop.order.ship, input.note", "WARNING"),
        ("*, human, *, *, *", "type:human, *, *, *, input.a", "WARNING"),
        ("*, human, *, *, *", "*, *, *, *, *", None),
        ("*, *, *, *, input.*", "*, *, *, *, input.a.*", "WARNING"),
        ("*, *, *, *, *.email", "*, *, *, *, input.*.email", "WARNING"),
        ("*, *, *, *, input.a.*", "*, *, *, *, input.*", None),
        ("*, *, *, *, *.email", "*, *, *, *, input.email*", None),
    ],
)
def test_a_pii_rule_whose_turn_never_comes_is_told(
    told: Advise, first: str, second: str, severity: str | None
) -> None:
    rows = f"p, 5, {second}, raw\np, 1, {first}, mask\n"
    found = [one for one in told(pii=rows) if one.code == "POLICY_RULE_SHADOWED"]
    assert [(one.severity.value, one.at) for one in found] == (
        [(severity, "pii.csv:1:4")] if severity else []
    )


@pytest.mark.parametrize(
    ("rows", "places"),
    [
        (("*, *, *, call, deny", "user, *, shop.order.ship, call, allow"), ["WARNING:2"]),
        (("user, *, shop.order.ship, call, allow", "*, *, *, *, deny"), ["WARNING:1"]),
        (("user, *, tag:money, call, allow", "user, *, shop.order.ship, *, deny"), ["NOTE:1"]),
        (("user, acme, shop.order.ship, call, allow", "user, *, *, call, allow"), ["NOTE:1"]),
        (("user, acme, shop.order.ship, call, deny", "user, *, *, call, deny"), ["NOTE:1"]),
        (
            ("*, *, shop.catalogue, call, allow", "anonymous, *, shop.catalogue, *, allow"),
            ["NOTE:1"],
        ),
        (
            ("*, *, shop.catalogue, *, allow", "anonymous, *, shop.catalogue, *, allow"),
            ["NOTE:2"],
        ),
        (("user, acme, *, call, deny", "user, *, shop.order.ship, call, allow"), []),
        (("user, acme, shop.order.ship, call, allow", "lead, acme, tag:money, call, allow"), []),
    ],
)
def test_an_access_rule_that_another_outdoes_is_told(
    told: Advise, rows: tuple[str, ...], places: list[str]
) -> None:
    access = "".join(f"p, {row}\n" for row in rows)
    found = [one for one in told(access=access) if one.code == "POLICY_RULE_SHADOWED"]
    assert [f"{one.severity}:{one.at.split(':')[1]}" for one in found] == places


def test_of_rules_under_another_matcher_nothing_is_concluded(
    contracts: list[OperationContract],
) -> None:
    rows = "".join(f"p, {n}, *, *, *, *, true, blocked, -, -, -, -\n" for n in (1, 2))
    now = revision(Registry(contracts), verdict=rows)
    assert [one.code for one in advise(now)] == ["POLICY_RULE_SHADOWED"]
    model = (
        now.content.files["verdict.conf"]
        .replace('(p.risk == "*" || ', "(")
        .replace("r.risk == p.risk)", "p.risk == r.risk || r.risk != p.risk)")
    )
    other = build_revision(now.content.replaced({"verdict.conf": model}), now.registry, Path("x"))
    assert [(one.severity, one.code, one.at) for one in advise(other)] == [
        (Severity.NOTE, "POLICY_LINT_INCOMPLETE", "verdict.conf:1:1")
    ]


# Rules that never apply, conditions


@pytest.mark.parametrize(
    ("rules", "place", "says"),
    [
        ({"pii": "p, 1, type:agent, human, *, *, *, raw\n"}, "WARNING pii.csv:1:7", "nobody is"),
        ({"pii": "p, 1, user, anonymous, *, *, *, raw\n"}, "WARNING pii.csv:1:7", "no role"),
        (
            {"access": QUIET["access"] + "p, type:anonymous, acme, shop.catalogue, call, allow\n"},
            "WARNING access.csv:3:4",
            "in no workspace",
        ),
        (
            {"access": QUIET["access"] + "p, user, *, tag:mony, call, deny\n"},
            "NOTE access.csv:3:13",
            "none",
        ),
        ({"access": QUIET["access"] + "p, user, *, risk:medium, call, deny\n"}, None, ""),
        ({"access": QUIET["access"] + "p, user, *, shop.x?, call, deny\n"}, None, ""),
        (
            {"verdict": "p, 1, user, *, shop.order.ship, high, true, blocked, -, -, -, -\n"},
            "WARNING verdict.csv:1:33",
            "has the risk high",
        ),
        (
            {"verdict": "p, 1, user, *, *, medium, true, blocked, -, -, -, -\n"},
            "NOTE verdict.csv:1:19",
            "has the risk medium",
        ),
    ],
)
def test_a_rule_that_never_applies_is_told(
    told: Advise, rules: dict[str, str], place: str | None, says: str
) -> None:
    found = told(**rules)
    assert [f"{one.severity} {one.at}" for one in found] == ([place] if place else [])
    assert {one.code for one in found} <= {"POLICY_RULE_IDLE"}
    assert says in "".join(one.message for one in found)


def test_a_verdict_on_what_the_gateway_performs_itself_is_told(
    told: Advise, contract: MakeContract, contracts: list[OperationContract]
) -> None:
    registry = Registry([*contracts, contract("desk.look")])
    rows = "p, 1, user, *, desk.look, *, true, blocked, -, -, -, -\n"
    found = told(registry, verdict=rows + "p, 2, user, *, desk.*, *, true, blocked, -, -, -, -\n")
    idle = [one for one in found if one.code == "POLICY_RULE_IDLE"]
    assert brief(idle, "POLICY_RULE_IDLE") == [
        ("WARNING", "verdict.csv:1:16"),
        ("NOTE", "verdict.csv:2:16"),
    ]


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("amount > 10 && amount < 5", "can never hold"),
        ("amount > 5 && !(amount > 5)", "can never hold"),
        ("note == 'a' && startsWith(note, 'b')", "can never hold"),
        ("amount > 3 && !has(amount)", "can never hold"),
        ("len(note) < 0", "can never hold"),
        ("false", "can never hold"),
        ("amount < 5 || amount >= 5", "whatever the arguments"),
        ("note == 'a' || note != 'a'", "whatever the arguments"),
        ("1 < 2", "whatever the arguments"),
        ("amount > 10 && amount < 11", ""),
        ("note != 'a' && startsWith(note, 'a')", ""),
        ("len(note) > 3 && len(note) < 5", ""),
        ("has(note)", ""),
        ("true", ""),
    ],
)
def test_a_condition_that_depends_on_nothing_is_told(
    told: Advise, condition: str, says: str
) -> None:
    rows = f'p, 1, user, *, shop.order.ship, *, "{condition}", blocked, -, -, -, -\n'
    found = told(verdict=rows)
    assert brief(found, "POLICY_CONDITION_CONSTANT") == (
        [("WARNING", "verdict.csv:1:37")] if says else []
    )
    assert says in "".join(one.message for one in found)


# Wildcards


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("*, *, shop.order.close, call, allow", "ERROR access.csv:3:4"),
        ("anonymous, *, *, call, allow", "ERROR access.csv:3:4"),
        ("type:anonymous, *, auth:admin, call, allow", "ERROR access.csv:3:4"),
        ("*, *, shop.order.ship, call, allow", "WARNING access.csv:3:4"),
        ("*, *, auth:anonymous, call, allow", None),
        ("clerk, *, *, call, allow", "WARNING access.csv:3:14"),
        ("clerk, *, shop.stock.*, call, allow", "WARNING access.csv:3:14"),
        ("type:agent, *, risk:critical, call, allow", "WARNING access.csv:3:19"),
        ("clerk, *, shop.stock.reset, call, allow", None),
        ("clerk, *, shop.stock.reset, *, allow", "NOTE access.csv:3:32"),
        ("clerk, *, tag:money, call, allow", None),
        ("clerk, *, capability:shop.core, call, allow", "WARNING access.csv:3:14"),
        ("boss, *, *, call, allow", None),
        ("clerk, *, *, call, deny", None),
        ("user:ann, *, shop.stock.reset, call, allow", "WARNING access.csv:3:14"),
        ("user:ann, acme, shop.stock.reset, call, allow", None),
    ],
)
def test_an_allow_that_reaches_what_is_sensitive_by_wildcard_is_told(
    told: Advise, row: str, place: str | None
) -> None:
    access = f"{QUIET['access']}p, {row}\ng, boss, admin, *\ng, boss, user, *\n"
    found = [one for one in told(access=access) if one.code == "POLICY_WILDCARD_CRITICAL"]
    assert [f"{one.severity} {one.at}" for one in found] == ([place] if place else [])


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ("p, anonymous, acme, shop.order.close, call, allow", "ERROR"),
        ("p, *, acme, *, call, allow", "ERROR"),
        ("p, *, acme, shop.order.ship, call, allow", None),
        ("g, user, admin, acme", "ERROR"),
        ("g, user, closer, *", "WARNING"),
        ("g, user, shipper, *", None),
        ("g, clerk, closer, *", None),
    ],
)
def test_what_is_given_to_everybody_with_a_token_is_told(
    told: Advise, row: str, severity: str | None
) -> None:
    roles = (
        "p, closer, *, shop.order.close, call, allow\np, shipper, *, shop.order.ship, call, allow\n"
    )
    access = f"{QUIET['access']}{roles}{row}\n"
    found = [one for one in told(access=access) if one.code == "POLICY_WILDCARD_CRITICAL"]
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_an_allow_whose_sensitive_part_is_denied_is_left_alone(told: Advise) -> None:
    rows = QUIET["access"] + "p, clerk, *, *, call, allow\np, clerk, *, auth:admin, call, deny\n"
    (left,) = told(access=rows)
    assert "shop.order.close to clerk" in left.message
    assert told(access=rows + "p, clerk, *, shop.order.close, call, deny\n") == []


def test_a_user_who_holds_something_sensitive_everywhere_is_told(told: Advise) -> None:
    rows = "g, user:ann, admin, *\ng, user:bob, user, *\ng, user:eve, admin, acme\n"
    access = QUIET["access"] + rows + "p, user, *, shop.order.ship, call, allow\n"
    found = [one for one in told(access=access) if one.code == "POLICY_WILDCARD_CRITICAL"]
    assert [(one.severity, one.at) for one in found] == [
        (Severity.WARNING, "access.csv:3:21"),
        (Severity.WARNING, "access.csv:4:20"),
    ]


@pytest.mark.parametrize(
    ("rows", "severity"),
    [
        (("900, *, *, *, *, true, autonomous",), "ERROR"),
        (("900, *, *, *, *, amount < 5, autonomous",), "WARNING"),
        (("900, type:agent, *, shop.*, *, true, autonomous",), "WARNING"),
        (("900, user, *, *, critical, amount < 5, autonomous",), "NOTE"),
        (("900, *, *, *, low, true, autonomous",), None),
        (("900, user, *, shop.order.close, *, true, autonomous",), None),
        (("100, *, *, *, critical, true, blocked", "900, *, *, *, *, true, autonomous"), None),
        (
            ("100, type:agent, *, *, critical, true, blocked", "900, *, *, *, *, true, autonomous"),
            "ERROR",
        ),
        (("100, *, *, *, *, amount > 1, blocked", "900, *, *, *, *, true, autonomous"), "ERROR"),
    ],
)
def test_an_autonomous_verdict_that_reaches_what_is_critical_by_wildcard_is_told(
    told: Advise, rows: tuple[str, ...], severity: str | None
) -> None:
    found = told(verdict="".join(f"p, {row}, -, -, -, -\n" for row in rows))
    critical = [one for one in found if one.code == "POLICY_WILDCARD_CRITICAL"]
    assert [one.severity for one in critical] == ([severity] if severity else [])
    assert all(one.at.startswith(f"verdict.csv:{len(rows)}:") for one in critical)


# Many rules


def many(count: int) -> PolicyRevision:
    """As many rules, and as many assignments, over 400 contracts."""
    base = load_contracts([REPOSITORY / "schema"]).operations["support.refund.issue@1.0.0"]
    made = [
        replace(base, meta=replace(base.meta, key=f"area{n % 20}.thing{n}", domain=f"area{n % 20}"))
        for n in range(400)
    ]
    access = [
        f"p, role{n % 500}, ws{n % 50}, area{n % 20}.thing{n % 400}, call, allow"
        for n in range(count)
    ]
    access += [f"p, role{n}, *, area{n % 20}.*, call, deny" for n in range(100)]
    access += [f"g, user:u{n}, role{n % 500}, ws{n % 50}" for n in range(count)]
    verdict = [
        f"p, {n}, role{n % 700}, *, area{n % 20}.*, high, amount > {n}, assist, role1, 1, 1h, -"
        for n in range(count)
    ]
    pii = [
        f"p, {n}, role{n % 900}, *, ws{n % 50}, area{n % 20}.thing{n % 400}, input.x{n}, raw"
        for n in range(count)
    ]
    rules = {"access": access, "verdict": verdict, "pii": pii}
    separation = (
        "- {roles: [role1, role2], reason: a}\n"
        "- {contracts: [area0.thing0, area1.thing1], reason: b}\n"
    )
    texts = {name: "\n".join(dict.fromkeys(rows)) for name, rows in rules.items()}
    return revision(Registry(made), separation, **texts)


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_rules_of_each_kind_are_looked_at_in_time(count: int) -> None:
    now = many(count)
    begun = time.process_time()
    found = advise(now)
    took = time.process_time() - begun
    assert took < 6  # below two seconds; a build machine may be slower
    assert "POLICY_LINT_INCOMPLETE" not in {one.code for one in found}


def test_where_lint_stops_looking_it_says_so(told: Advise) -> None:
    rows = "".join(f"p, {n}, *, *, *, *, true, blocked, -, -, -, -\n" for n in (1, 2))
    found = told(verdict=rows, limit=1)
    assert [(one.severity, one.code) for one in found] == [
        (Severity.NOTE, "POLICY_LINT_INCOMPLETE")
    ]


def test_the_shipped_rules_have_no_more_than_notes() -> None:
    registry = load_contracts([REPOSITORY / "schema"])
    shipped = build_revision(read_content(REPOSITORY / "policies"), registry, Path("policies"))
    assert [one for one in advise(shipped) if one.severity is not Severity.NOTE] == []
    assert Policies(shipped).revision == shipped.revision
