"""What a running gateway tells of its working: one trace over everything, metrics, log lines; and
nowhere a value of a caller."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from gateway.telemetry.fields import SAFE_FIELDS
from gateway.telemetry.instruments import OTHER
from gateway.telemetry.metrics import catalogue
from tests.acceptance.drafts import approve, lookup, refund, waiting
from tests.processes import HTTP, Caller, JsonObject
from tests.span_receiver import Seen, SpanReceiver
from tests.world import World, end_world, make_world, wait_until

TOKEN = "metrics-token-0123456789"
CANARY = "kanari"


@dataclass
class Site:
    """A world that is observed."""

    world: World
    receiver: SpanReceiver

    def metrics(self, token: str = TOKEN) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return HTTP.get(f"{self.world.gateway.url}/metrics", headers=headers)

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels, 0 where there are none."""
        return sum(
            float(sample.value)
            for family in text_string_to_metric_families(self.metrics().text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def heard(self) -> list[JsonObject]:
        """Which requests the service got, with their traces."""
        told = HTTP.get(f"{self.world.service.url}/_traces").json()["requests"]
        return [one for one in told if one["path"].startswith("/orders")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    receiver = SpanReceiver()
    receiver.start()
    world = make_world(
        tmp_path_factory.mktemp("observed"),
        GATEWAY_METRICS="on",
        GATEWAY_METRICS_TOKEN=TOKEN,
        GATEWAY_TRACES="otlp",
        GATEWAY_TRACES_ENDPOINT=receiver.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    try:
        yield Site(world, receiver)
    finally:
        end_world(world)
        receiver.stop()


def new_trace(flags: str = "01") -> tuple[str, str]:
    """A trace of a caller, and the header that names its span."""
    trace = secrets.token_hex(16)
    return trace, f"00-{trace}-00f067aa0ba902b7-{flags}"


def call(who: Caller, field: str, selection: str, value: JsonObject, **headers: str) -> JsonObject:
    """A mutation with further headers."""
    name = field[0].upper() + field[1:]
    query = f"mutation ($input: {name}Input!) {{ {field}(input: $input) {{ {selection} }} }}"
    answer: JsonObject = who.send(query, {"input": value}, **headers).json()
    return answer


def started(site: Site, header: str, steps: list[JsonObject]) -> str:
    """Submit, compile, verify and start within a caller's trace; returns the execution's id."""
    world = site.world
    told = {"workspaceId": "acme", "text": "Look"}
    done = call(world.agent, "controlPlaneIntentSubmit", "executionId intentId", told,
                traceparent=header)  # fmt: skip
    intent = done["data"]["controlPlaneIntentSubmit"]
    draft = {**intent, "draft": {"steps": steps}}
    plan = world.agent.mutate("controlPlanePlanCompile", "planId", draft)
    run = {"executionId": intent["executionId"], **plan}
    world.verify(run)
    call(world.olga, "controlPlaneExecutionStart", "runId", run, traceparent=header)
    return str(intent["executionId"])


def named(spans: list[Seen], name: str) -> list[Seen]:
    return [span for span in spans if span.name == name]


def is_over(spans: list[Seen]) -> bool:
    """True once a run has ended that had a step."""
    return bool(named(spans, "run")) and bool(named(spans, "step"))


def is_whole(spans: list[Seen], requests: int) -> bool:
    """True once so many requests have ended too, which end after all that happens in them."""
    return is_over(spans) and len(named(spans, "request")) == requests


def test_one_trace_goes_from_the_request_to_the_service(site: Site) -> None:
    trace, header = new_trace()
    execution = started(site, header, [lookup()])
    site.world.wait(execution, "COMPLETED")
    spans = site.receiver.wait(trace, lambda found: is_whole(found, 2))
    by_id = {span.id: span for span in spans}

    (submitted,) = named(spans, "controlPlane.intent.submit")
    above = [by_id[submitted.parent], by_id[by_id[submitted.parent].parent]]
    assert [(span.name, span.kind) for span in above] == [
        ("graphql", "INTERNAL"),
        ("request", "SERVER"),
    ]
    assert above[1].parent == "00f067aa0ba902b7"
    assert above[1].attributes["http.route"] == "/graphql"
    stages = [span.name for span in spans if span.parent == submitted.id]
    wanted = ("decide access", "validate input", "rate limit", "perform and record", "run")
    assert sorted(stages) == sorted(wanted)

    (run,), (step,), (action,) = (named(spans, name) for name in ("run", "step", "action"))
    assert (run.parent, step.parent, action.parent) == (submitted.id, run.id, step.id)
    assert run.attributes["gateway.execution_id"] == execution
    assert step.attributes["gateway.outcome"] == "completed"
    assert site.heard()[-1]["traceparent"] == f"00-{trace}-{action.id}-01"
    assert {"service.name", "service.version"} <= site.receiver.resources[0].keys()


def test_a_direct_call_and_its_run_are_one_trace(site: Site) -> None:
    trace, header = new_trace()
    value = {"orderId": "o-1004", "amount": 3, "currency": "EUR"}
    call(site.world.agent, "supportRefundIssue", "refundId", value, traceparent=header)
    spans = site.receiver.wait(trace, lambda found: is_whole(found, 1))
    (called,), (run,) = named(spans, "support.refund.issue"), named(spans, "run")
    assert run.parent == called.id
    assert [span.name for span in spans if span.parent == called.id].count("decide verdict") == 1


def test_a_request_without_a_trace_begins_one_and_is_told_it(site: Site) -> None:
    extensions = site.world.agent.refused(
        "controlPlanePlanGet", "planId", {"executionId": "none"}, kind="query"
    )
    trace = extensions["problem"]["traceId"]
    spans = site.receiver.wait(trace, lambda found: bool(named(found, "request")))
    (root,) = named(spans, "request")
    assert root.parent == ""
    failed = {span.name: span.attributes["error.type"] for span in spans if span.is_error}
    refused = dict.fromkeys(("controlPlane.plan.get", "decide access", "graphql"), "FORBIDDEN")
    assert failed == refused
    (line,) = [
        found
        for found in map(json.loads, site.world.gateway.log().splitlines())
        if found["logger"] == "gateway.operations" and found.get("trace_id") == trace
    ]
    assert line["decision_id"] == extensions["problem"]["decisionId"]
    assert (line["calls"], line["request_id"]) == (1, root.attributes["gateway.request_id"])


def test_a_caller_who_does_not_record_its_trace_is_followed_in_that(site: Site) -> None:
    trace, header = new_trace("00")
    execution = started(site, header, [lookup()])
    site.world.wait(execution, "COMPLETED")
    told = str(site.heard()[-1]["traceparent"])
    assert told.startswith(f"00-{trace}-")
    assert told.endswith("-00")
    other, recorded = new_trace()
    call(site.world.agent, "controlPlaneIntentSubmit", "status",
         {"workspaceId": "acme", "text": "Look"}, traceparent=recorded)  # fmt: skip
    site.receiver.wait(other, lambda spans: bool(named(spans, "request")))  # so all before came too
    assert site.receiver.of(trace) == []


def test_operations_of_a_socket_belong_to_the_trace_of_its_upgrade(site: Site) -> None:
    trace, header = new_trace()
    url = site.world.gateway.url.replace("http", "ws") + "/graphql"
    protocol, bearer = Subprotocol("graphql-transport-ws"), f"Bearer {site.world.olga.token}"
    with connect(
        url, subprotocols=[protocol], additional_headers={"traceparent": header}
    ) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": bearer}}))
        payload = {"query": "{ controlPlaneExecutionList(input: {limit: 1}) { total } }"}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while json.loads(socket.recv())["type"] != "complete":
            pass
    spans = site.receiver.wait(trace, lambda found: bool(named(found, "request")))
    (upgrade,), (operation,) = named(spans, "request"), named(spans, "graphql")
    assert (operation.parent, upgrade.parent) == (upgrade.id, "00f067aa0ba902b7")
    assert operation.attributes["gateway.transport"] == "websocket"


def test_a_run_goes_on_in_its_trace_in_another_process(site: Site) -> None:
    trace, header = new_trace()
    execution = started(site, header, [lookup(), refund(200)])
    site.world.wait(execution, "WAITING_APPROVAL")
    before = len(named(site.receiver.wait(trace, is_over), "run"))
    (asked,) = site.world.approvals(execution)
    assert site.world.gateway.stop() == 0
    site.world.gateway.start()
    approve(site.world.fiona, "fiona", asked)
    site.world.wait(execution, "COMPLETED")
    site.receiver.wait(trace, lambda spans: len(named(spans, "run")) > before)
    spans = site.receiver.of(trace)
    assert len({span.parent for span in named(spans, "run")}) == 1
    assert {span.parent for span in named(spans, "step")} <= {one.id for one in named(spans, "run")}
    services = {told["service.instance.id"] for told in site.receiver.resources}
    assert len(services) == 2


def test_metrics_are_for_whoever_has_the_token(site: Site) -> None:
    for token in ("", "x", TOKEN + "x", TOKEN[:-1]):
        answer = site.metrics(token)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
        assert "gateway_" not in answer.text
    answer = site.metrics()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    post = HTTP.post(f"{site.world.gateway.url}/metrics")
    assert post.status_code == 405


def test_what_happens_is_counted(site: Site) -> None:
    names = {
        "calls": ("gateway_call_duration_seconds_count", {"outcome": "ok"}),
        "entries": ("gateway_journal_entries_total", {"entry_type": "run.started"}),
        "runs": ("gateway_runs_total", {"outcome": "completed"}),
        "steps": ("gateway_steps_total", {"outcome": "completed"}),
        "attempts": ("gateway_attempt_duration_seconds_count", {"outcome": "completed"}),
        "requests": ("gateway_http_request_duration_seconds_count", {"route": "/graphql"}),
        "denied": ("gateway_decisions_total", {"outcome": "deny", "decision": "access"}),
        "batches": ("gateway_journal_batch_duration_seconds_count", {"part": "writer"}),
        "operations": ("gateway_graphql_operations_total", {"problem": "FORBIDDEN"}),
    }

    def values() -> dict[str, float]:
        return {name: site.value(where, **labels) for name, (where, labels) in names.items()}

    before = values()
    site.world.agent.refused("controlPlanePlanGet", "planId", {"executionId": "x"}, kind="query")
    site.world.wait(site.world.run([lookup()])["executionId"], "COMPLETED")

    def unmoved() -> set[str]:
        after = values()
        return {name for name in names if after[name] <= before[name]}

    # A reader may see what is durable a moment before it is counted.
    wait_until(lambda: not unmoved(), 10, lambda: f"{unmoved()}")


def test_what_waits_is_read_in_the_record(site: Site) -> None:
    open_before = site.value("gateway_approvals_open")
    planned = waiting(site.world)
    eventually(site, "gateway_approvals_open", open_before + 1)
    eventually(site, "gateway_runs_due", 0)
    assert site.value("gateway_record_up") == site.value("gateway_policy_in_force") == 1
    assert site.value("gateway_executions", outcome="waiting_approval") >= 1
    assert site.value("gateway_runs_parked") >= 1
    assert site.value("gateway_entries_since_checkpoint") > 0
    approve(site.world.fiona, "fiona", planned)
    eventually(site, "gateway_approvals_open", open_before)


def eventually(site: Site, name: str, value: float) -> None:
    """Wait until a gauge has this value: what is read in the record is told for a second."""
    wait_until(lambda: site.value(name) == value, 10, lambda: f"{name} is {site.value(name)}")


def test_every_metric_is_told_with_safe_labels(site: Site) -> None:
    known = {one.name.removesuffix("_total"): one for one in catalogue()}
    told = {family.name: family for family in text_string_to_metric_families(site.metrics().text)}
    rare = {"gateway_checkpoint_age_seconds", "gateway_anchor_checkpoints_behind"}
    assert known.keys() - told.keys() <= rare
    for name, family in told.items():
        if not name.startswith("gateway_"):
            continue
        assert known[name].kind == family.type
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label != "le":
                    form = SAFE_FIELDS[label]
                    given: object = value if form.kind is str else int(value)
                    assert value == OTHER or form.fits(given), (sample.name, label)
    assert "withheld" not in site.metrics().text


def test_no_value_of_a_caller_is_in_spans_metrics_or_logs(site: Site) -> None:
    world, (trace, header) = site.world, new_trace()
    someone = world.gateway.caller("kanari@example.com", "user", "planner", workspace="acme")
    query = (
        "query Kanari($id: ID!) { kanari: controlPlaneExecutionGet(input: {executionId: $id}) "
        "{ execution { status } } }"
    )
    told = {"traceparent": header, "tracestate": "kanari=kanari", "x-kanari": "kanari"}
    someone.send(query, {"id": "kanari-id"}, **told)
    someone.send("{ kanari(", {"kanari": "kanari"}, **told)
    HTTP.get(f"{world.gateway.url}/kanari/kanari?kanari=kanari", headers=told)
    value = {"workspaceId": "acme", "text": "kanari", "metadata": {"kanari": "kanari"}}
    call(someone, "controlPlaneIntentSubmit", "status", value, **told)
    bad = {"ticketId": "kanari-ticket", "body": "kanari"}
    call(world.agent, "supportCustomerReply", "replyId", bad, **told)
    call(world.agent, "supportRefundIssue", "refundId",
         {"orderId": "kanari-order", "amount": 3, "currency": "EUR"}, **told)  # fmt: skip

    wanted = {"support.refund.issue", "controlPlane.intent.submit", "support.customer.reply", "run"}
    site.receiver.wait(trace, lambda found: wanted <= {one.name for one in found})
    # The last request ends after its call, and whatever came before it was sent by then.
    site.receiver.wait(trace, lambda found: len(named(found, "request")) == 6)
    assert [body for body in site.receiver.bodies if CANARY.encode() in body.lower()] == []
    assert CANARY not in site.metrics().text.lower()
    assert CANARY not in world.gateway.log().lower()
