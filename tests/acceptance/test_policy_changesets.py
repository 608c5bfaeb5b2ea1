"""Changesets over HTTP: proposed, checked, approved by a second person, put in force, undone."""

from itertools import count

import pytest

from tests.acceptance.policy_people import (
    ACTIVATE,
    APPROVE,
    DIFF,
    DRAFT,
    GET,
    LIST,
    REJECT,
    RESTORE,
    REVISE,
    REVISIONS,
    WITHDRAW,
    People,
    activation,
    add,
    allow,
    consent,
    ending,
    proposal,
    remove,
)
from tests.processes import Caller, JsonObject

_numbers = count(1)


def fresh(workspace: str = "acme") -> str:
    """A row that no other test brings."""
    return allow(f"u{next(_numbers)}", workspace=workspace)


def errors(found: JsonObject) -> set[str]:
    return {finding["code"] for finding in found["findings"] if finding["severity"] == "ERROR"}


# --- drafting


def test_a_draft_is_checked_and_shown_with_its_rows(people: People) -> None:
    row = fresh()
    drafted = people.draft(people.wanda, add(row))
    assert (drafted["status"], drafted["base"]) == ("CHECKED", people.head())
    assert drafted["revision"] != drafted["base"]
    assert drafted["cases"]["failed"] == 0
    assert drafted["cases"]["passed"] > 100
    whole = people.get(people.wanda, drafted)
    (file,) = whole["diff"]
    assert (file["file"], file["change"]) == ("access.csv", "ROWS")
    assert [item["after"] for item in file["rows"]] == [row]
    assert (whole["workspaceId"], whole["authors"], whole["stale"]) == ("acme", ["wanda"], False)
    found_out = {"policy.changeset.analyze", "policy.changeset.shadow"}
    own = {"policy.changeset.revise", "policy.changeset.withdraw"}
    assert set(whole["allowedActions"]) == own | found_out
    shown = people.get(people.will, drafted)["allowedActions"]
    assert set(shown) == {"policy.changeset.reject"} | found_out


def test_a_draft_that_cannot_be_used_is_kept_with_its_findings(people: People) -> None:
    drafted = people.draft(people.wanda, add("p, clerk, acme, controlPlane.no.such, call, allow"))
    assert drafted["status"] == "DRAFT"
    assert errors(drafted) == {"POLICY_CONTRACT_UNKNOWN"}
    (finding,) = [one for one in drafted["findings"] if one["severity"] == "ERROR"]
    assert finding["at"].startswith("access.csv:")
    assert people.get(people.will, drafted)["status"] == "DRAFT"
    refused = people.will.refused(*APPROVE, consent(drafted, people.will))
    assert refused["code"] == "CONFLICT"


def test_a_draft_that_fails_a_case_is_kept_with_the_failures(people: People) -> None:
    rule = "p, auditor, *, controlPlane.execution.cancel, call, allow"
    case = (
        "- name: auditors change nothing\n"
        "  principal: {type: human, subject: a, roles: [auditor]}\n"
        "  contract: controlPlane.execution.cancel\n"
        "  expect: {access: deny}\n"
    )
    drafted = people.draft(people.paula, add(rule), {"file": "cases/more.yaml", "text": case})
    assert drafted["status"] == "DRAFT"
    told = [failure["name"] for failure in drafted["cases"]["failures"]]
    assert "auditors change nothing" in told
    assert drafted["cases"]["failed"] == len(told)


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ([], "/input/edits"),
        ([{"file": "access.csv"}], "/input/edits/0"),
        (
            [{"file": "access.csv", "add": "p, a, acme, b, call, allow", "text": ""}],
            "/input/edits/0",
        ),
        ([add(allow("v1")), remove(allow("nobody"))], "/input/edits/1"),
        ([{"file": "rules.csv", "add": allow("v1")}], "/input/edits/0"),
        ([{"file": "cases/roles.yaml", "add": "x"}], "/input/edits/0"),
        ([{"file": "access.csv", "add": "two\nrows"}], "/input/edits/0"),
        ([{"file": "access.csv", "remove": allow("v1")}], "/input/edits/0"),
    ],
)
def test_edits_that_cannot_be_made_store_nothing(
    people: People, edits: list[JsonObject], path: str
) -> None:
    before = people.paula.query(*LIST, {})["total"]
    refused = people.paula.refused(*DRAFT, proposal(*edits))
    assert refused["code"] == "VALIDATION_FAILED", refused
    assert path in [issue["path"] for issue in refused["problem"]["issues"]]
    assert people.paula.query(*LIST, {})["total"] == before


def test_a_draft_must_say_what_and_why_and_change_something(people: People) -> None:
    silent = proposal(add(fresh()), title="\u200b", reason="\u200b")
    refused = people.wanda.refused(*DRAFT, silent)
    paths = {issue["path"] for issue in refused["problem"]["issues"]}
    assert paths == {"/input/title", "/input/reason"}
    row = "p, user, *, auth:user, call, allow"
    same = people.paula.refused(*DRAFT, proposal({"file": "access.csv", "remove": row, "add": row}))
    assert same["code"] == "VALIDATION_FAILED"
    assert same["problem"]["issues"][0]["code"] == "NO_CHANGE"


def test_a_draft_is_based_on_the_revision_in_force(people: People) -> None:
    refused = people.wanda.refused(*DRAFT, proposal(add(fresh()), base="sha256:0"))
    assert refused["code"] == "CONFLICT"
    assert refused["problem"]["policyVersion"] == people.head()
    based = people.draft(people.wanda, add(fresh()), base=people.head())
    assert based["status"] == "CHECKED"


def test_only_authors_draft(people: People) -> None:
    assert people.uma.refused(*DRAFT, proposal(add(fresh())))["code"] == "FORBIDDEN"
    assert people.will.refused(*DRAFT, proposal(add(fresh())))["code"] == "FORBIDDEN"
    nobody = people.world.gateway.anonymous()
    assert nobody.refused(*DRAFT, proposal(add(fresh())))["code"] == "UNAUTHENTICATED"


# --- scope


@pytest.mark.parametrize(
    "edit",
    [
        add("p, clerk, *, controlPlane.execution.list, call, allow"),
        add("p, clerk, beta, controlPlane.execution.list, call, allow"),
        add("g, user:wanda, admin, *"),
        add("# a remark"),
        add('p, "clerk, acme'),
        remove("p, user, *, auth:user, call, allow"),
        {"file": "access.csv", "remove": "g, admin, user, *", "add": "g, admin, user, acme"},
        {"file": "cases/levels.yaml", "text": ""},
        {"file": "access.conf", "text": "x"},
        {"file": "access.csv", "text": "p, user, *, auth:user, call, allow\n"},
        add("p, 1, user, *, *, *, true, autonomous, -, -, -, -", "verdict.csv"),
        add("p, 1, user, *, *, *, *, raw", "pii.csv"),
    ],
)
def test_a_workspace_changes_its_own_rows_alone(people: People, edit: JsonObject) -> None:
    refused = people.wanda.refused(*DRAFT, proposal(add(fresh()), edit))
    assert refused["code"] == "FORBIDDEN", refused
    assert [issue["path"] for issue in refused["problem"]["issues"]] == ["/input/edits/1"]
    assert refused["problem"]["issues"][0]["code"] == "POLICY_SCOPE"
    assert "GATEWAY_POLICY_WORKSPACES" in refused["problem"]["issues"][0]["message"]


def test_changesets_of_another_workspace_are_not_there(people: People) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    named = {"changesetId": drafted["changesetId"]}
    calls = [
        (people.bert, REVISE, {**named, **proposal(add(fresh("beta")))}),
        (people.beate, APPROVE, consent(drafted, people.beate)),
        (people.beate, REJECT, ending(drafted, people.beate, "rejectedBy")),
        (people.bert, WITHDRAW, ending(drafted, people.bert, "withdrawnBy")),
        (people.beate, ACTIVATE, activation(drafted, people.beate)),
    ]
    for who, call, value in calls:
        assert who.refused(*call, value)["code"] == "NOT_FOUND"
    assert people.bert.refused(*GET, named, kind="query")["code"] == "NOT_FOUND"
    assert drafted["changesetId"] not in str(people.bert.query(*LIST, {"limit": 200}))
    assert people.get(people.peter, drafted)["workspaceId"] == "acme"
    listed = people.paula.query(*LIST, {"limit": 200})
    assert drafted["changesetId"] in [item["changesetId"] for item in listed["items"]]


def test_those_who_change_everything_stay_in_scope_of_a_workspaces_changeset(
    people: People,
) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    wide = add("p, clerk, *, controlPlane.execution.list, call, allow")
    value = {"changesetId": drafted["changesetId"], **proposal(wide)}
    assert people.paula.refused(*REVISE, value)["code"] == "FORBIDDEN"


def test_rows_of_other_workspaces_are_not_shown(people: People) -> None:
    before = people.head()
    theirs, ours = fresh("beta"), fresh()
    people.activated(people.bert, people.beate, add(theirs))
    people.activated(people.wanda, people.will, add(ours))
    compared = ("policyRevisionDiff", f"from to {DIFF}")
    shown = people.wanda.query(*compared, {"from": before})
    assert [row["after"] for file in shown["diff"] for row in file["rows"]] == [ours]
    everything = people.paula.query(*compared, {"from": before, "to": people.head()})
    rows = [row["after"] for file in everything["diff"] for row in file["rows"]]
    assert rows == [theirs, ours]
    named = {"changesetId", "by"}
    newest, theirs_before = people.wanda.query(*REVISIONS, {"limit": 2})["items"]
    assert named <= {name for name, told in newest.items() if told}
    assert not named & {name for name, told in theirs_before.items() if told}
    for item in people.paula.query(*REVISIONS, {"limit": 2})["items"]:
        assert named <= {name for name, told in item.items() if told}
    unknown = people.wanda.refused(*compared, {"from": "sha256:0"}, kind="query")
    assert unknown["code"] == "NOT_FOUND"
    assert people.uma.refused(*compared, {"from": before}, kind="query")["code"] == "FORBIDDEN"


def test_a_row_of_another_workspace_is_not_shown_where_ours_took_its_place(people: People) -> None:
    theirs, ours = fresh("beta"), fresh()
    people.activated(people.bert, people.beate, add(theirs))
    before = people.head()
    people.activated(people.paula, people.peter, {**add(ours), **remove(theirs)})
    compared = ("policyRevisionDiff", f"from to {DIFF}")
    for who, shown in (
        (people.wanda, [(None, ours)]),
        (people.bert, [(theirs, None)]),
        (people.paula, [(theirs, ours)]),
    ):
        differing = who.query(*compared, {"from": before})["diff"]
        rows = [row for file in differing for row in file["rows"]]
        assert [(row["before"], row["after"]) for row in rows] == shown


# --- nobody alone


def test_an_author_cannot_approve(people: People) -> None:
    both = people.world.gateway.caller("wanda", "policy-author", "policy-approver")
    drafted = people.draft(people.wanda, add(fresh()))
    people.analyze(drafted)
    refused = both.refused(*APPROVE, consent(drafted, both))
    assert refused["code"] == "FORBIDDEN"
    assert "somebody else" in refused["problem"]["detail"]
    assert "policy.changeset.approve" not in people.get(both, drafted)["allowedActions"]


def test_whoever_revised_it_cannot_approve_it(people: People) -> None:
    both = people.world.gateway.caller("bob", "policy-author", "policy-approver")
    drafted = people.draft(people.wanda, add(fresh()))
    value = {"changesetId": drafted["changesetId"], **proposal(add(fresh()))}
    revised = both.mutate(*REVISE, value)
    again = people.willa.mutate(*REVISE, value)
    assert again["revision"] == revised["revision"]
    people.analyze(again)
    assert both.refused(*APPROVE, consent(again, both))["code"] == "FORBIDDEN"
    assert people.get(people.will, again)["authors"] == ["wanda", "bob", "willa"]
    assert people.will.mutate(*APPROVE, consent(again, people.will))["status"] == "APPROVED"


@pytest.mark.parametrize("kind", ["agent", "service", "tool"])
def test_only_people_approve(people: People, kind: str) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    people.analyze(drafted)
    machine = people.world.gateway.caller("robot", "policy-approver", kind=kind)
    refused = machine.refused(*APPROVE, consent(drafted, machine))
    assert (refused["code"], kind in refused["problem"]["detail"]) == ("FORBIDDEN", True)


def test_one_subject_with_two_tokens_is_one_person(people: People) -> None:
    agent = people.world.gateway.caller("wim", "policy-author", kind="agent")
    person = people.world.gateway.caller("wim", "policy-approver")
    drafted = people.draft(agent, add(fresh()))
    people.analyze(drafted)
    assert person.refused(*APPROVE, consent(drafted, person))["code"] == "FORBIDDEN"


def test_what_a_draft_grants_does_not_count_before_it_is_in_force(people: People) -> None:
    drafted = people.draft(
        people.wanda,
        add("g, user:uma, policy-approver, acme"),
        add("g, user:wanda, policy-approver, acme"),
    )
    people.analyze(drafted)
    for who in (people.uma, people.wanda):
        assert who.refused(*APPROVE, consent(drafted, who))["code"] == "FORBIDDEN"
    for who in (people.uma, people.wanda):
        assert who.refused(*ACTIVATE, activation(drafted, who))["code"] == "FORBIDDEN"


def test_revising_drops_the_approval(people: People) -> None:
    approved = people.approved(people.wanda, people.will, add(fresh()))
    value = {"changesetId": approved["changesetId"], **proposal(add(fresh()))}
    revised = people.wanda.mutate(*REVISE, value)
    for named in (approved, revised):
        refused = people.will.refused(*ACTIVATE, activation(named, people.will))
        assert refused["code"] == "CONFLICT"
    whole = people.get(people.will, revised)
    assert (whole["status"], whole["decidedBy"], whole["impact"]) == ("CHECKED", None, None)


def test_an_approval_is_of_the_revision_that_was_read(people: People) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    people.analyze(drafted)
    value = {**consent(drafted, people.will), "revision": drafted["base"]}
    assert people.will.refused(*APPROVE, value)["code"] == "CONFLICT"
    in_the_name = {**consent(drafted, people.will), "approvedBy": "wanda"}
    assert people.will.refused(*APPROVE, in_the_name)["code"] == "FORBIDDEN"
    told = people.will.mutate(*APPROVE, {**consent(drafted, people.will), "note": "Read it."})
    assert (told["status"], told["revision"]) == ("APPROVED", drafted["revision"])
    assert people.get(people.will, drafted)["note"] == "Read it."
    assert people.will.refused(*APPROVE, consent(drafted, people.will))["code"] == "CONFLICT"


def test_nothing_is_approved_before_its_impact_is_known(people: People) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    refused = people.will.refused(*APPROVE, consent(drafted, people.will))
    assert (refused["code"], refused["problem"]["currentStatus"]) == ("CONFLICT", "CHECKED")


# --- ending


def test_authors_withdraw_and_approvers_reject(people: People) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    other = people.willa.refused(*WITHDRAW, ending(drafted, people.willa, "withdrawnBy"))
    assert other["code"] == "FORBIDDEN"
    told = people.wanda.mutate(*WITHDRAW, ending(drafted, people.wanda, "withdrawnBy"))
    assert told["status"] == "WITHDRAWN"
    turned_down = people.approved(people.wanda, people.will, add(fresh()))
    value = ending(turned_down, people.will, "rejectedBy")
    silent = people.will.refused(*REJECT, {**value, "reason": "\u200b"})
    assert silent["code"] == "VALIDATION_FAILED"
    assert people.uma.refused(*REJECT, value)["code"] == "FORBIDDEN"
    assert people.will.mutate(*REJECT, value)["status"] == "REJECTED"
    for ended in (drafted, turned_down):
        assert people.get(people.wanda, ended)["allowedActions"] == []
        value = {"changesetId": ended["changesetId"], **proposal(add(fresh()))}
        assert people.wanda.refused(*REVISE, value)["code"] == "CONFLICT"
        value = ending(ended, people.will, "rejectedBy")
        assert people.will.refused(*REJECT, value)["code"] == "CONFLICT"
    ids = {item["changesetId"] for item in listed(people.will, status="REJECTED")}
    assert turned_down["changesetId"] in ids
    assert drafted["changesetId"] not in ids


def listed(who: Caller, **filters: object) -> list[JsonObject]:
    items: list[JsonObject] = who.query(*LIST, {"limit": 200, **filters})["items"]
    return items


def test_lists_and_lookups_refuse_what_is_malformed(people: People) -> None:
    assert people.wanda.refused(*LIST, {"limit": 0}, kind="query")["code"] == "VALIDATION_FAILED"
    assert people.uma.refused(*LIST, {}, kind="query")["code"] == "FORBIDDEN"
    assert people.uma.refused(*REVISIONS, {}, kind="query")["code"] == "FORBIDDEN"
    offset = people.wanda.refused(*REVISIONS, {"offset": -1}, kind="query")
    assert offset["code"] == "VALIDATION_FAILED"
    unknown = people.wanda.refused(*GET, {"changesetId": "chg_0"}, kind="query")
    assert unknown["code"] == "NOT_FOUND"


# --- activating


def test_an_activation_is_listed_with_who_and_why(people: People) -> None:
    before = people.head()
    done = people.activated(people.wanda, people.will, add(fresh()))
    assert (done["status"], done["previous"]) == ("ACTIVATED", before)
    newest, second = people.revisions()[:2]
    assert newest["number"] == second["number"] + 1
    assert (newest["revision"], newest["previous"]) == (done["revision"], before)
    assert (newest["source"], newest["by"]) == ("CHANGESET", "will")
    assert newest["changesetId"] == done["changesetId"]
    again = people.will.refused(*ACTIVATE, activation(done, people.will))
    assert (again["code"], again["problem"]["currentStatus"]) == ("CONFLICT", "ACTIVATED")


def test_activation_is_refused_without_the_right_the_state_and_the_name(people: People) -> None:
    drafted = people.draft(people.wanda, add(fresh()))
    early = people.will.refused(*ACTIVATE, activation(drafted, people.will))
    assert early["code"] == "CONFLICT"
    approved = people.approved(people.wanda, people.will, add(fresh()))
    assert (
        people.wanda.refused(*ACTIVATE, activation(approved, people.wanda))["code"] == "FORBIDDEN"
    )
    other = {**activation(approved, people.will), "activatedBy": "wanda"}
    assert people.will.refused(*ACTIVATE, other)["code"] == "FORBIDDEN"
    wrong = {**activation(approved, people.will), "revision": approved["base"]}
    assert people.will.refused(*ACTIVATE, wrong)["code"] == "CONFLICT"
    assert people.head() == approved["base"]


def test_a_stale_changeset_is_revised_before_it_goes_on(people: People) -> None:
    stale = people.approved(people.wanda, people.will, add(fresh()))
    waiting = people.draft(people.willa, add(fresh()))
    people.analyze(waiting)
    done = people.activated(people.willa, people.will, add(fresh()))
    refused = people.will.refused(*ACTIVATE, activation(stale, people.will))
    assert (refused["code"], refused["problem"]["policyVersion"]) == ("CONFLICT", done["revision"])
    assert people.will.refused(*APPROVE, consent(waiting, people.will))["code"] == "CONFLICT"
    shown = people.get(people.will, stale)
    assert shown["stale"] is True
    assert "policy.changeset.reject" in shown["allowedActions"]
    assert "policy.changeset.activate" not in shown["allowedActions"]
    value = {"changesetId": stale["changesetId"], **proposal(add(fresh()))}
    revised = people.wanda.mutate(*REVISE, value)
    assert (revised["base"], revised["status"]) == (done["revision"], "CHECKED")
    people.analyze(revised)
    people.will.mutate(*APPROVE, consent(revised, people.will))
    put = people.will.mutate(*ACTIVATE, activation(revised, people.will))
    assert put["previous"] == done["revision"]


# --- the way back


def test_a_revision_is_restored_through_the_same_checks_and_a_second_person(
    people: People,
) -> None:
    before = people.head()
    row = fresh()
    people.activated(people.wanda, people.will, add(row))
    value = {"revision": before, "reason": "It was wrong.", "restoredBy": "wanda"}
    drafted = people.wanda.mutate(*RESTORE, value)
    assert (drafted["revision"], drafted["status"]) == (before, "CHECKED")
    whole = people.get(people.will, drafted)
    assert whole["restores"] == before
    assert [(edit["file"], edit["remove"]) for edit in whole["edits"]] == [("access.csv", row)]
    assert [item["before"] for item in whole["diff"][0]["rows"]] == [row]
    people.analyze(drafted)
    people.will.mutate(*APPROVE, consent(drafted, people.will))
    people.will.mutate(*ACTIVATE, activation(drafted, people.will))
    assert people.head() == before
    refused = people.wanda.refused(*RESTORE, value)
    assert refused["code"] == "VALIDATION_FAILED"


def test_restoring_is_refused_where_it_reaches_too_far(people: People) -> None:
    before = people.head()
    people.activated(people.bert, people.beate, add(fresh("beta")))
    value = {"revision": before, "reason": "It was wrong."}
    refused = people.wanda.refused(*RESTORE, {**value, "restoredBy": "wanda"})
    assert refused["code"] == "FORBIDDEN"
    assert refused["problem"]["issues"][0]["path"] == "/input/revision"
    assert people.paula.mutate(*RESTORE, {**value, "restoredBy": "paula"})["revision"] == before
    other = people.wanda.refused(*RESTORE, {**value, "restoredBy": "paula"})
    assert other["code"] == "FORBIDDEN"
    unknown = {**value, "revision": "sha256:0", "restoredBy": "wanda"}
    assert people.wanda.refused(*RESTORE, unknown)["code"] == "NOT_FOUND"
    assert people.uma.refused(*RESTORE, {**value, "restoredBy": "uma"})["code"] == "FORBIDDEN"
    silent = {**value, "reason": "\u200b", "restoredBy": "paula"}
    assert people.paula.refused(*RESTORE, silent)["code"] == "VALIDATION_FAILED"
