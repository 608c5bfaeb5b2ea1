"""Loading policies: every mistake is told at once, with its place; nothing is silently dropped."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.contracts import Bundle, LiveRegistry, Registry
from gateway.model.contract import EnumType, ObjectType, OperationContract
from gateway.model.decision import Verdict
from gateway.model.policy import Edit
from gateway.model.principal import Principal
from gateway.model.problem import Issue, ProblemError
from gateway.model.types import parse_type
from gateway.policy import (
    Policies,
    apply_edits,
    build_revision,
    derive_revision,
    load_policies,
    read_content,
)

MakeContract = Callable[..., OperationContract]
LoadWith = Callable[..., Policies]
IssuesOf = Callable[..., list[Issue]]

ACCESS = "p, user, *, *, call, allow\n"
VERDICT = "p, 1, *, *, *, *, true, autonomous, -, -, -, -\n"
BANK = "p, user, *, bank.pay, call, deny\np, admin, *, bank.pay, call, deny\n"
SHIPPED = Path(__file__).parents[3] / "policies"


def test_a_missing_folder_names_every_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as refused:
        load_policies(tmp_path / "nowhere", Registry())
    issues = refused.value.problem.issues
    assert [issue.code for issue in issues] == ["POLICY_FILE"] * 6
    assert "and 5 more" in refused.value.problem.detail


def test_all_files_are_linted_before_any_is_refused(issues_of: IssuesOf) -> None:
    issues = issues_of(
        access_csv="p, user, *, *, call, alow\nq, x\n", pii_csv=None, verdict_csv="p, 1\n"
    )
    told = {(issue.path.rpartition("/")[2], issue.code) for issue in issues}
    assert told == {
        ("access.csv:1:22", "POLICY_VALUE"),
        ("access.csv:2:1", "POLICY_ROW"),
        ("verdict.csv:1:1", "POLICY_ROW"),
        ("pii.csv:1:1", "POLICY_FILE"),
    }
    assert len(issues) == len(told)


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("q, user, *, *, call, allow", "POLICY_ROW", "not 'q'"),
        ("p2, user, *, *, call, allow", "POLICY_ROW", "not 'p2'"),
        ("p, user, *, *, call", "POLICY_ROW", "has 5 fields"),
        ("p, user, *, *, call, allow, x", "POLICY_ROW", "has 5 fields"),
        ("p, user, *, *, call, Allow", "POLICY_VALUE", "eft: 'Allow'"),
        ("p, user, *, *, call, ", "POLICY_VALUE", "eft: is empty"),
        ("p, user, *, *, read, allow", "POLICY_VALUE", "act: 'read'"),
        ("p, us er, *, *, call, allow", "POLICY_VALUE", "sub:"),
        ("p, type:robot, *, *, call, allow", "POLICY_VALUE", "sub: 'robot'"),
        ("p, user:, *, *, call, allow", "POLICY_VALUE", "sub:"),
        ("p, group:x, *, *, call, allow", "POLICY_VALUE", "sub:"),
        ("p, user, Acme!, *, call, allow", "POLICY_VALUE", "dom:"),
        ("p, user, *, auth:root, call, allow", "POLICY_VALUE", "obj: 'root'"),
        ('p, "user, *, *, call, allow', "POLICY_ROW", "quotes"),
        ("p, user, *, *, call, allow\np, user ,*, *, call, allow", "POLICY_ROW", "line 1 already"),
        ("g, user:alice, approver", "POLICY_ROW", "has 3 fields"),
        ("g, type:agent, admin, *", "POLICY_VALUE", "subject:"),
        ("g, *, admin, *", "POLICY_VALUE", "subject:"),
        ("g, anonymous, admin, *", "POLICY_VALUE", "everybody holds"),
        ("g, user:alice, user:bob, *", "POLICY_VALUE", "role:"),
        ("# nothing\n", "POLICY_FILE", "no rule"),
    ],
)
def test_a_bad_access_row_is_refused(issues_of: IssuesOf, row: str, code: str, says: str) -> None:
    (issue,) = issues_of(access_csv=row)
    assert issue.code == code
    assert says in issue.message


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("g, user:alice, admin, *", "POLICY_ROW", "access.csv"),
        ("p, one, *, *, *, *, true, blocked, -, -, -, -", "POLICY_VALUE", "priority:"),
        ("p, ², *, *, *, *, true, blocked, -, -, -, -", "POLICY_VALUE", "priority:"),
        ("p, -1, *, *, *, *, true, blocked, -, -, -, -", "POLICY_VALUE", "priority:"),
        ("p, 1, *, *, *, huge, true, blocked, -, -, -, -", "POLICY_VALUE", "risk:"),
        ("p, 1, *, *, *, *, true, block, -, -, -, -", "POLICY_VALUE", "verdict:"),
        (
            "p, 1, *, *, *, *, amount >, blocked, -, -, -, -",
            "POLICY_CONDITION",
            "the condition ends",
        ),
        ("p, 1, *, *, *, *, true, assist, -, 1, 24h, -", "POLICY_VALUE", "approver:"),
        ("p, 1, *, *, *, *, true, assist, approver, -, 24h, -", "POLICY_VALUE", "quorum:"),
        ("p, 1, *, *, *, *, true, assist, approver, 0, 24h, -", "POLICY_VALUE", "quorum:"),
        ("p, 1, *, *, *, *, true, assist, approver, 1, -, -", "POLICY_VALUE", "expiry:"),
        ("p, 1, *, *, *, *, true, assist, approver, 1, 24, -", "POLICY_VALUE", "expiry:"),
        ("p, 1, *, *, *, *, true, assist, approver, 1, 400d, -", "POLICY_VALUE", "expiry:"),
        ("p, 1, *, *, *, *, true, assist, user:bob, 1, 24h, -", "POLICY_VALUE", "approver:"),
        (
            "p, 1, *, *, *, *, true, blocked, approver, -, -, -",
            "POLICY_VALUE",
            "cannot be approved",
        ),
        (VERDICT + VERDICT.replace("autonomous", "blocked"), "POLICY_ROW", "line 1 already"),
        (
            "p, 1, *, *, *, *, true, assist, approver, 1, 24h",
            "POLICY_ROW",
            "last field, escalation",
        ),
        ("p, 1, *, *, *, *, true, assist, approver, 1", "POLICY_ROW", "has 11 fields"),
        ("p, 1, *, *, *, *, true, assist, boss, 1, 24h, 4h", "POLICY_VALUE", "<after>:<role>"),
        ("p, 1, *, *, *, *, true, assist, boss, 1, 24h, 4:chief", "POLICY_VALUE", "no duration"),
        ("p, 1, *, *, *, *, true, assist, boss, 1, 24h, 4h:", "POLICY_VALUE", "no role name"),
        (
            "p, 1, *, *, *, *, true, assist, boss, 1, 24h, 4h:user:bo",
            "POLICY_VALUE",
            "no role name",
        ),
        ("p, 1, *, *, *, *, true, assist, boss, 1, 24h, 1d:chief", "POLICY_VALUE", "expires (24h)"),
        ("p, 1, *, *, *, *, true, assist, boss, 1, 1h, 59m:boss", "POLICY_VALUE", "another role"),
        (
            "p, 1, *, *, *, *, true, blocked, -, -, -, 4h:chief",
            "POLICY_VALUE",
            "cannot be approved",
        ),
        ("p, 1, *, *, *, *, true, autonomous, -, -, -, 24h:chief", "POLICY_VALUE", "expires (24h)"),
        (
            "p, 1, *, *, *, *, true, autonomous, -, -, -, 4h:approver",
            "POLICY_VALUE",
            "another role",
        ),
    ],
)
def test_a_bad_verdict_row_is_refused(issues_of: IssuesOf, row: str, code: str, says: str) -> None:
    (issue,) = issues_of(verdict_csv=row)
    assert issue.code == code
    assert says in issue.message


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("p, 1, *, robot, *, *, *, mask", "type:"),
        ("p, 1, *, *, *, *, email, mask", "field:"),
        ("p, 1, *, *, *, *, input.[ab], mask", "field:"),
        ("p, 1, *, *, *, *, *, hide", "treatment:"),
    ],
)
def test_a_bad_pii_row_is_refused(issues_of: IssuesOf, row: str, says: str) -> None:
    (issue,) = issues_of(pii_csv=row)
    assert issue.code == "POLICY_VALUE"
    assert says in issue.message


MODEL = (SHIPPED / "access.conf").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("r = sub, dom", "r = dom, sub", "'r' must be defined as: r = sub, dom, obj, act"),
        ("act, eft", "eft", "'p' must be defined"),
        ("&& !some(where (p.eft == deny))", "", "'e' must be defined"),
        ("g = _, _, _", "g = _, _", "'g' must be defined"),
        ("g = _, _, _", "g = _, _, _\ng2 = _, _", "'g2' is not used"),
        ("m = g(", "m = eval(", "may call only"),
        ("m = g(", "m = r.sub.type(", "may call only|may use only"),
        ("m = g(", "m = !g(", "may use only"),
        ("m = g(", "m = r.sub in g(", "compares the answer"),
        ("m = g(", "m = false == g(", "compares|names"),
        ("p.act ==", "p.action ==", "p.action"),
        ("domain(r.dom, p.dom) && ", "", "never looks at p.dom"),
        (
            "selects(r.obj, p.obj) && (",
            "(selects(r.obj, p.obj) || ",
            "selects(r.obj, p.obj) must be",
        ),
        (" && ", " || ", "must join its parts"),
        ("m = g(", "n = g(", "missing or does not parse"),
        ("[matchers]", "[matchers]\nnonsense", "Casbin cannot read"),
    ],
)
def test_a_bad_model_is_refused(issues_of: IssuesOf, old: str, new: str, says: str) -> None:
    assert old in MODEL
    head, _, matchers = MODEL.partition("[matchers]")
    matcher_only = old in matchers and old != "[matchers]"
    text = f"{head}[matchers]{matchers.replace(old, new)}" if matcher_only else None
    issues = issues_of(access_conf=text or MODEL.replace(old, new, 1))
    assert {issue.code for issue in issues} == {"POLICY_MODEL"}
    assert any(part in issue.message for part in says.split("|") for issue in issues)


def test_conditions_are_asked_last(issues_of: IssuesOf) -> None:
    model = (SHIPPED / "verdict.conf").read_text(encoding="utf-8")
    holds = "holds(p.when, r.args)"
    moved = model.replace(f" && {holds}", "").replace("m = ", f"m = {holds} && ")
    for text in (moved, model.replace(holds, f"({holds} || r.risk == p.risk)")):
        (issue,) = issues_of(verdict_conf=text)
        assert "must end with && holds(p.when, r.args)" in issue.message


def test_a_model_issue_names_its_line(issues_of: IssuesOf) -> None:
    (issue,) = issues_of(access_conf=MODEL.replace("act, eft", "eft"))
    line = MODEL.splitlines().index("p = sub, dom, obj, act, eft") + 1
    assert issue.path.endswith(f"access.conf:{line}:1")


def test_a_model_of_many_blank_lines_does_not_take_long(issues_of: IssuesOf) -> None:
    """From each blank line on, all that follow could be gone through once more."""
    began = time.process_time()
    assert {issue.code for issue in issues_of(access_conf="\n" * 60_000)} == {"POLICY_MODEL"}
    assert time.process_time() - began < 2


def test_the_empty_files_are_refused(issues_of: IssuesOf) -> None:
    assert {issue.code for issue in issues_of(access_csv="")} == {"POLICY_FILE"}
    assert {issue.code for issue in issues_of(access_conf="")} == {"POLICY_MODEL"}


def test_a_file_that_nobody_would_read_is_refused(issues_of: IssuesOf) -> None:
    (issue,) = issues_of(more_csv="p, user, *, *, call, allow")
    assert issue.code == "POLICY_FILE"
    assert "would not be read" in issue.message


def test_all_files_that_cannot_be_read_are_told_at_once(
    tmp_path: Path, load_with: LoadWith
) -> None:
    load_with()
    (tmp_path / "policies" / "pii.csv").write_bytes(b"p, 1, \xff")
    (tmp_path / "policies" / "cases" / "roles.yaml").write_bytes(b"\xff")
    with pytest.raises(ProblemError) as refused:
        load_policies(tmp_path / "policies", Registry())
    told = [issue.path.rpartition("policies/")[2] for issue in refused.value.problem.issues]
    assert told == ["cases/roles.yaml:1:1", "pii.csv:1:1"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, load_with: LoadWith) -> None:
    load_with()
    (tmp_path / "policies" / "pii.csv").write_bytes(b"p, 1, \xff")
    with pytest.raises(ProblemError) as refused:
        load_policies(tmp_path / "policies", Registry())
    assert "not UTF-8" in refused.value.problem.issues[0].message


def test_an_unknown_contract_of_a_loaded_domain_is_refused(
    issues_of: IssuesOf, contract: MakeContract
) -> None:
    rows = "p, user, *, shop.order.shipp, call, deny\np, user, *, shop.order.ship@2.0.0, call, deny"
    first, second = issues_of(contract("shop.order.ship"), access_csv=rows)
    assert first.code == second.code == "POLICY_CONTRACT_UNKNOWN"
    assert first.path.endswith("access.csv:1:13")
    assert "did you mean 'shop.order.ship'" in first.message


def test_only_the_first_unknown_contracts_come_with_a_hint(
    issues_of: IssuesOf, contract: MakeContract
) -> None:
    """Looking for one takes long, and there may be a thousand of them."""
    rows = "\n".join(f"p, user, *, shop.order.shipp{at}, call, deny" for at in range(30))
    issues = issues_of(contract("shop.order.ship"), access_csv=rows)
    assert ["did you mean" in issue.message for issue in issues] == [True] * 20 + [False] * 10


def test_an_unknown_contract_of_an_unloaded_domain_is_a_note(
    load_with: LoadWith, contract: MakeContract
) -> None:
    policies = load_with(contract("shop.order.ship"), access_csv=ACCESS + BANK)
    assert len([note for note in policies.current.notes if "bank.pay" in note]) == 1


def test_a_rule_may_say_that_its_contract_need_not_be_loaded(
    load_with: LoadWith, contract: MakeContract
) -> None:
    row = "p, user, *, shop.order.cancel?, call, deny"
    policies = load_with(contract("shop.order.ship"), access_csv=ACCESS + row)
    assert [note for note in policies.current.notes if "shop.order.cancel" in note]


TYPES = {
    "Place": ObjectType("Place", {"city": parse_type("String!"), "tags": parse_type("[String!]")}),
    "Colour": EnumType("Colour", ("RED",)),
}
GIVEN = {
    "amount": "Float!",
    "place": "Place!",
    "colour": "Colour",
    "extra": "JSONObject",
    "express": "Boolean",
    "lines": "[Place!]!",
}


@pytest.mark.parametrize(
    "condition",
    [
        "amount > 1 && place.city == 'x' && colour == 'RED' && express && len(lines) > 1",
        "extra.any.thing > 1 && has(place) && 'x' in place.tags && len(place.tags) < 2",
    ],
)
def test_a_condition_that_fits_its_contract_is_taken(
    load_with: LoadWith, contract: MakeContract, condition: str
) -> None:
    row = f'p, 1, *, *, shop.order.ship, *, "{condition}", blocked, -, -, -, -'
    notes = load_with(contract(given=GIVEN, types=TYPES), verdict_csv=row).current.notes
    assert not [note for note in notes if "verdict.csv" in note]


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("amonut > 1", "no argument 'amonut'"),
        ("place.town == 'x'", "no argument 'place.town'"),
        ("amount.value > 1", "nothing can follow"),
        ("lines.city == 'x'", "nothing can follow"),
        ("amount == 'x'", "is taken for a string"),
        ("colour > 1", "is taken for a number"),
        ("place == 'x'", "is taken for a string"),
        ("express > 1", "is taken for a number"),
        ("len(amount) > 1", "is taken for a string or list"),
    ],
)
def test_a_condition_that_does_not_fit_its_contract_is_refused(
    issues_of: IssuesOf, contract: MakeContract, condition: str, says: str
) -> None:
    row = f"p, 1, *, *, shop.order.ship, *, {condition}, blocked, -, -, -, -"
    (issue,) = issues_of(contract(given=GIVEN, types=TYPES), verdict_csv=row)
    assert issue.code == "POLICY_CONDITION"
    assert says in issue.message
    assert issue.path.endswith("verdict.csv:1:33")


def test_the_revision_follows_every_file_and_nothing_else(
    load_with: LoadWith, tmp_path: Path
) -> None:
    shipped = load_with().revision
    assert shipped == load_with().revision
    assert shipped.startswith("sha256:")
    assert len(shipped) == len("sha256:") + 64
    changed = {
        load_with(**{name.replace(".", "_"): text + "\n# more\n"}).revision
        for name, text in _texts().items()
    }
    assert len(changed | {shipped}) == 7
    folder = tmp_path / "policies"
    before = load_with().revision
    (folder / "README.md").write_text("Nobody reads this.", encoding="utf-8")
    assert load_with().revision == before
    (folder / "cases" / "more.yaml").write_text("[]", encoding="utf-8")
    with_more_cases = load_with().revision
    (folder / "separation.yaml").write_text("[]", encoding="utf-8")
    without_duties = load_policies(folder, Registry()).revision
    assert len({before, with_more_cases, without_duties}) == 3


def test_a_line_that_moves_is_another_revision(load_with: LoadWith) -> None:
    assert load_with(access_csv=ACCESS).revision != load_with(access_csv=f"\n{ACCESS}").revision


def _texts() -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in SHIPPED.iterdir()
        if path.suffix in (".csv", ".conf")
    }


def test_a_skill_keeps_no_revision_from_coming_into_force(
    contract: MakeContract, principal: Callable[..., Principal]
) -> None:
    """Its contract came after the rule, and lacks what the condition reads: calls are blocked."""
    brought = contract("skill.plan.stop", given={"why": "String!"})
    live = LiveRegistry(Registry([contract("shop.order.close")]), lambda: datetime.now(UTC))
    live.learn(Bundle({brought.ref: brought}, {}, ()))
    row = "p, 1, *, *, skill.plan.stop, *, amount > 1, autonomous, -, -, -, -"
    shipped = read_content(SHIPPED)
    edits = [Edit("verdict.csv", add=row)]

    revision = build_revision(apply_edits(shipped, edits).content, live, SHIPPED)
    (note,) = [note for note in revision.notes if "skill.plan.stop" in note]
    assert "verdict.csv" in note
    assert "no argument 'amount'" in note
    decided = revision.verdict(principal("user"), brought, {"why": "x"})
    assert decided.verdict is Verdict.BLOCKED

    before = build_revision(shipped, live, SHIPPED)
    derived = derive_revision(before, apply_edits(shipped, edits), SHIPPED)
    assert derived.notes == revision.notes
    back = apply_edits(revision.content, [Edit("verdict.csv", remove=row)])
    assert derive_revision(revision, back, SHIPPED).notes == before.notes
