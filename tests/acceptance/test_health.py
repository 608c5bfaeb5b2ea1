"""How a gateway fares, asked over HTTP and looked at in the console, of one that has drifted."""

import re
import shutil
from collections.abc import Iterator

import pytest

from tests.acceptance.console import Browser, text_of
from tests.acceptance.drafts import lookup, refund, waiting
from tests.processes import ROOT, Caller, JsonObject
from tests.world import World, end_world, make_world, wait_until

FIGURES = (
    "runsStarted runsCompleted runsFailed runsStopped stepsCompleted stepsFailed "
    "callsAllowed callsDenied callsFailed"
)
HEALTH = f"""query {{ controlPlaneHealthGet {{
    at
    alerts {{ kind severity message remedy about count }}
    rates {{ since isWholeHour deniedShare {FIGURES} }}
    minutes {{ at {FIGURES} }}
    budget {{ objective counted failed allowed left }}
    queue {{ due held parked running waitingApproval paused unresolved approvals countedUpTo }}
    workers {{ name runs leaseUntil }}
    record {{ entries checkpoint checkpointAt entriesSince chain targets {{ id }} restoredAt }}
    policy {{ inForce processRevision isFollowed processCases {{ passed failed isReadable }} }}
    process {{
        processDecisionsTimed processDecisionP50Milliseconds processDecisionP95Milliseconds
        processRunsWaiting processWriteDelaySeconds
    }}
}} }}"""
FIELD = "controlPlaneHealthGet"
CASE = """
- name: users look at the health
  principal: {type: human, subject: ulla, roles: [user]}
  contract: controlPlane.health.get
  expect: {access: allow}
"""


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway with a case that fails, a schema that is old, a contract that nobody owns and that
    is deprecated, and development tokens beside an identity provider."""
    folder = tmp_path_factory.mktemp("world")
    schema, policies = folder / "schema", folder / "policies"
    shutil.copytree(ROOT / "schema" / "support", schema)
    found = schema / "order.lookup.yaml"
    text = re.sub("owners: .*", "owners: [unknown]", found.read_text())
    found.write_text(re.sub("stability: .*", "stability: deprecated", text))
    (schema / "gateway.graphql").write_text("type Query { old: Int }\n")
    shutil.copytree(ROOT / "policies", policies, ignore=shutil.ignore_patterns("cases"))
    (policies / "cases").mkdir()
    (policies / "cases" / "own.yaml").write_text(CASE)
    world = make_world(
        folder,
        GATEWAY_SCHEMA_DIR=str(schema),
        GATEWAY_POLICY_DIR=str(policies),
        GATEWAY_OIDC_ISSUERS='[{"issuer": "https://id.example.com", "audience": "gateway"}]',
        GATEWAY_LOCAL_TOKENS="on",
    )
    yield world
    end_world(world)


def health(who: Caller) -> JsonObject:
    answer = who.send(HEALTH).json()
    assert "errors" not in answer, answer
    found: JsonObject = answer["data"][FIELD]
    return found


def checked(who: Caller) -> JsonObject:
    """The health once the cases were run and the schemas looked at, of both runs: what others
    were told a moment ago is told again."""
    found: JsonObject = {}

    def reached() -> bool:
        found.update(health(who))
        has_both = found["rates"]["runsStarted"] == 2
        return has_both and found["policy"]["processCases"] is not None

    wait_until(reached, 20)
    return found


@pytest.fixture(scope="module")
def lived(drifted: World) -> JsonObject:
    """What the health says after one run that completed, and one that waits for approval."""
    done = drifted.run([lookup(), refund(14)])
    drifted.wait(done["executionId"], "COMPLETED")
    waiting(drifted)
    denied = drifted.gateway.caller("ulla", "user").send(HEALTH).json()
    assert denied["errors"][0]["extensions"]["problem"]["code"] == "FORBIDDEN"
    return checked(drifted.olga)


@pytest.mark.parametrize("roles", [("admin",), ("operator",), ("auditor",)])
def test_who_is_on_duty_sees_it(drifted: World, roles: tuple[str, ...]) -> None:
    assert health(drifted.gateway.caller("somebody", *roles))["queue"]["countedUpTo"] == 10_000


@pytest.mark.parametrize("roles", [("user",), ("user", "approver"), ("user", "planner")])
def test_others_do_not(drifted: World, roles: tuple[str, ...]) -> None:
    answer = drifted.gateway.caller("somebody", *roles).send(HEALTH).json()
    assert answer["errors"][0]["extensions"]["problem"]["code"] == "FORBIDDEN"
    anonymous = drifted.gateway.anonymous().send(HEALTH).json()
    assert anonymous["errors"][0]["extensions"]["problem"]["code"] == "UNAUTHENTICATED"


def test_what_ran_is_counted_by_the_minute(lived: JsonObject) -> None:
    rates, minutes = lived["rates"], lived["minutes"]

    assert (rates["runsStarted"], rates["runsCompleted"], rates["runsFailed"]) == (2, 1, 0)
    assert rates["stepsCompleted"] >= 2
    assert rates["isWholeHour"]
    assert len(minutes) == 60
    for figure in FIGURES.split():
        assert sum(minute[figure] for minute in minutes) == rates[figure]
    assert rates["callsDenied"] >= 1
    calls = rates["callsAllowed"] + rates["callsDenied"]
    assert rates["deniedShare"] == pytest.approx(rates["callsDenied"] / calls)
    budget = lived["budget"]
    assert (budget["objective"], budget["failed"], budget["left"]) == (0.99, 0, 1.0)
    assert budget["counted"] == rates["callsAllowed"] + rates["runsCompleted"]


def test_what_waits_is_told_with_the_record_and_the_policy(lived: JsonObject) -> None:
    queue, record, policy = lived["queue"], lived["record"], lived["policy"]

    assert (queue["waitingApproval"], queue["approvals"], queue["parked"]) == (1, 1, 1)
    assert (queue["due"], queue["held"], queue["running"]) == (0, 0, 0)
    assert record["entries"] >= record["entriesSince"] > 0
    assert (record["chain"], record["targets"]) == ("NOT_VERIFIED_HERE", [])
    assert policy["isFollowed"]
    assert policy["inForce"] == policy["processRevision"]
    assert policy["processCases"] == {"passed": 0, "failed": 1, "isReadable": True}
    process = lived["process"]
    assert process["processDecisionsTimed"] > 0
    assert process["processDecisionP50Milliseconds"] > 0
    assert process["processDecisionP50Milliseconds"] <= process["processDecisionP95Milliseconds"]


def test_what_has_drifted_is_an_alert(lived: JsonObject) -> None:
    alerts = {alert["kind"]: alert for alert in lived["alerts"]}

    assert set(alerts) == {
        *("POLICY_CASE_FAILS", "LOCAL_TOKENS_BELIEVED", "CONTRACT_WITHOUT_OWNER"),
        *("DEPRECATED_CALLED", "SCHEMA_DRIFT"),
    }
    assert alerts["POLICY_CASE_FAILS"]["severity"] == "CRITICAL"
    assert alerts["POLICY_CASE_FAILS"]["about"] == ["own.yaml:2 users look at the health"]
    assert alerts["CONTRACT_WITHOUT_OWNER"]["about"] == ["support.order.lookup@1.0.0"]
    assert alerts["SCHEMA_DRIFT"]["about"] == ["schema/gateway.graphql"]
    (old,) = alerts["DEPRECATED_CALLED"]["about"]
    assert re.fullmatch(r"support\.order\.lookup@1\.0\.0 \(\d+\)", old)


def test_a_workspace_sees_its_own_alone(drifted: World, lived: JsonObject) -> None:
    elsewhere = health(drifted.gateway.caller("olga", "admin", workspace="other"))

    assert elsewhere["rates"]["runsStarted"] == 0
    assert elsewhere["queue"] == {**dict.fromkeys(elsewhere["queue"], 0), "countedUpTo": 10_000}
    assert "DEPRECATED_CALLED" not in {alert["kind"] for alert in elsewhere["alerts"]}


def test_the_page_tells_alerts_first_and_charts_with_words(
    drifted: World, lived: JsonObject
) -> None:
    with Browser(drifted.gateway.url) as browser:
        browser.sign_in(drifted.olga.token)
        page = browser.get("/console/health")

    assert page.status_code == 200
    assert len(page.content) < 200_000
    said = text_of(page)
    assert said.index("Critical:") < said.index("Warning:") < said.index("Error budget")
    assert "own.yaml:2 users look at the health" in said
    assert "What to do: gateway policy test compares them." in said
    words = re.findall(r'role="img" aria-label="([^"]+)"', page.text)
    assert [one.partition(":")[0] for one in words] == [
        *("Runs that ended, a minute", "Steps, a minute", "Calls, a minute"),
    ]
    assert "completed 1, stopped 0, failed 0" in words[0]
    assert page.text.count("<tr>") == 61
    assert " style=" not in page.text
    assert not re.search(r"<script(?![^>]* src=)", page.text)


def test_the_page_is_not_offered_to_others(drifted: World) -> None:
    with Browser(drifted.gateway.url) as browser:
        browser.sign_in(drifted.fiona.token)
        page = browser.get("/console/health")

    assert page.status_code == 403
    assert "Ask one of them." in text_of(page)
    assert 'href="/console/health"' not in page.text.partition("<main")[0]
