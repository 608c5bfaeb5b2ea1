"""Runs with canaries: plans, approvals, failures, doubt, compensation, evidence, and who reads."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.model.contract import OperationContract
from tests.canary.calling import ask
from tests.canary.crowd import Person
from tests.canary.filling import Filler, JsonObject
from tests.canary.stage import Stage

_SETTLED = ("COMPLETED", "FAILED", "UNRESOLVED", "REJECTED", "CANCELLED", "BLOCKED", "ABORTED")
_READS = (
    "execution.get",
    "plan.get",
    "trace.get",
    "trace.replay",
    "policy.explain",
    "approval.list",
)


@dataclass
class Run:
    """A run of one plan, and who acts in it."""

    stage: Stage
    contract: OperationContract
    mode: str
    seconds: float = 25.0

    def do(self, who: Person, key: str, /, **value: Any) -> JsonObject:
        """Call an operation of the control plane; its output, empty where it was refused."""
        return ask(self.stage, who, f"controlPlane.{key}", value)

    @property
    def betty(self) -> Person:
        """Who may break the glass."""
        return self.stage.gateway.caller("betty", "user", "break-glass")

    def play(self) -> None:
        """From the intent to the evidence."""
        stage, agent = self.stage, self.stage.world.agent
        text = stage.canaries.text("controlPlane.intent.submit@1.0.0 input.text")
        intent = self.do(agent, "intent.submit", workspaceId="acme", text=text)
        asked = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
        for draft in self._bad_drafts():
            self.do(agent, "plan.compile", **asked, draft=draft)
        draft = {"steps": self.steps(), "onFailure": "compensate"}
        plan = self.do(agent, "plan.compile", **asked, draft=draft)
        if not plan:
            return
        known = {"executionId": intent["executionId"], "planId": plan["planId"]}
        self.do(stage.world.olga, "plan.verify", **known)
        with stage.answering(self.contract, self.mode):
            run_mode = {"mode": "DRY_RUN"} if self.mode == "dry" else {}
            started = self.do(stage.world.olga, "execution.start", **known, **run_mode)
            if started:
                run = {**known, "runId": started["runId"]}
                stage.known.setdefault("runs", []).append(run)
                self.attach(run)
                self.decide(run)
                self._mend(run)
                self.export(run)
        self.read(known)

    def steps(self, given: JsonObject | None = None) -> list[JsonObject]:
        """A ticket is read, the action performed (on ``given``), and the customer answered."""
        filler = Filler(self.stage.canaries, self.contract, f"(in a plan, {self.mode})")
        ticket = {"key": "ticket", "contract": "support.ticket.read", "input": {"ticketId": "t-1"}}
        answer = {
            "key": "answer",
            "contract": "support.customer.reply",
            "input": {
                "ticketId": "t-1",
                "body": self.stage.canaries.text("support.customer.reply@1.0.0 input.body"),
                "customerEmail": {"$from": "ticket.customerEmail"},
            },
            "dependsOn": ["made"],
        }
        made = {"key": "made", "contract": self.contract.key, "input": given or filler.input()}
        return [ticket, made, answer]

    def _bad_drafts(self) -> list[JsonObject]:
        """Drafts that are refused, with canaries beside what is wrong with them."""
        stage = self.stage
        filler = Filler(stage.canaries, self.contract, "(in a refused draft)")
        said = stage.canaries.text("a refused draft")
        token = said.split()[1]

        def draft(given: Any, **more: Any) -> JsonObject:
            step = {"key": "made", "contract": self.contract.key, "input": given, **more}
            return {"steps": [step]}

        private = [name for name in self.contract.input if name in self.contract.policy.pii]
        wrong = {name: {said: [said]} for name in private}
        far = {name: {"$from": f"gone.{said}"} for name in private}
        found = [
            draft({**filler.input(), **wrong}),
            draft({**filler.input(), **far}),
            draft({**filler.input(), said: said}),
            draft({name: [{"$from": "ticket.body"}] for name in private}),
            draft(filler.input(), dependsOn=[f"{token}@example.com"], **{said: said}),
            {"steps": [said], said: said, "lane": said},
            {"steps": [{"key": said, "contract": said, "input": said, "dependsOn": said}]},
        ]
        return stage.random.sample(found, 3) if stage.quick else found

    def decide(self, run: JsonObject, until: Callable[[], bool] = lambda: False) -> None:
        """Approve what waits, to the end or ``until`` something is so. Of a run whose mode is
        ``reject``, refuse it; if it is ``glass``, break it."""
        stage = self.stage
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            execution = self._status(run)
            if execution.get("status") in _SETTLED or until():
                return
            if execution.get("status") == "WAITING_APPROVAL":
                found = self.do(stage.world.fiona, "approval.list", executionId=run["executionId"])
                for item in found.get("items", ()):
                    step = {"executionId": run["executionId"], "stepId": item["stepId"]}
                    reject = {**step, "rejectedBy": "fiona", "reason": "No."}
                    approve = {**step, "approvedBy": "fiona"}
                    self.do(stage.hans, "execution.approve", **{**approve, "approvedBy": "hans"})
                    if self.mode == "reject":
                        self.do(stage.world.fiona, "execution.reject", **reject)
                    elif self.mode == "glass":
                        glass = {**step, "invokedBy": "betty", "reason": "Nobody can be reached."}
                        self.do(self.betty, "execution.breakGlass", **glass)
                    else:
                        self.do(stage.world.fiona, "execution.approve", **approve)
            time.sleep(0.2)

    def _status(self, run: JsonObject) -> JsonObject:
        asked = {"executionId": run["executionId"]}
        found: JsonObject = self.do(self.stage.world.olga, "execution.get", **asked)
        return found.get("execution") or {}

    def _mend(self, run: JsonObject) -> None:
        """What an operator does with a run that did not go well."""
        olga = self.stage.world.olga
        plan = self.do(olga, "plan.get", executionId=run["executionId"])
        for step in plan.get("steps", ()):
            if step["status"] == "UNRESOLVED":
                self._reconcile(run, step)
        status = self._status(run).get("status")
        if status == "FAILED" and self.mode == "extra":
            self.do(olga, "execution.retry", runId=run["runId"], retriedBy="olga")
            self.decide(run)
        self.do(olga, "execution.compensate", runId=run["runId"], compensatedBy="olga")

    def _reconcile(self, run: JsonObject, step: JsonObject) -> None:
        olga, contract = self.stage.world.olga, self.stage.registry.resolve(step["contract"])
        assert contract is not None
        filler = Filler(self.stage.canaries, contract, "(reconciled)")
        said = self.stage.canaries.text("a reconciled output")
        settled = {
            "runId": run["runId"],
            "stepId": step["stepId"],
            "attempt": step["attempt"],
            "note": "Looked it up.",
            "reconciledBy": "olga",
        }
        for output in ({said: said}, {**filler.output(), said: said}, filler.output()):
            self.do(olga, "step.reconcile", **settled, outcome="DONE", output=output)
        self.decide(run)

    def attach(self, run: JsonObject) -> None:
        """Evidence with PII, once as it should be and once with its values in the wrong places."""
        stage = self.stage
        said = stage.canaries.mint("JSONObject", "controlPlane.evidence.attach@1.0.0 input.content")
        note = stage.canaries.text("controlPlane.evidence.attach@1.0.0 input.note")
        item = {"runId": run["runId"], "kind": "EVIDENCE", "key": "seen", "attachedBy": "olga"}
        self.do(stage.world.olga, "evidence.attach", **item, content=said, note=note)
        self.do(stage.world.olga, "evidence.attach", **item, content=note, note=said)

    def export(self, run: JsonObject) -> None:
        """Evidence, exported and fetched by whoever may, and by somebody who may not."""
        for person in (self.stage.gateway.caller("august", "auditor"), self.stage.rita):
            self.export_as(person, run)
        self.stage.hans.fetch("GET", f"/evidence/{run['runId']}")

    def export_as(self, person: Person, run: JsonObject) -> None:
        """Somebody exports the evidence and fetches it."""
        asked = {"runId": run["runId"], "exportedBy": person.subject}
        self.do(person, "execution.evidence.export", **asked)
        answer = person.fetch("GET", f"/evidence/{run['runId']}")
        self.stage.note(f"evidence fetched by {person.subject}: {answer.status_code}")

    def read(self, known: JsonObject) -> None:
        """Everybody, in the quick form some, read all that there is to read of it."""
        stage, caller = self.stage, self.stage.gateway.caller
        readers = [stage.world.olga, caller("august", "auditor"), caller("otto", "operator")]
        readers += [stage.world.agent, stage.hans, stage.stranger]
        chosen = stage.random.sample(readers, 3) if stage.quick else readers
        for person in [*chosen, stage.rita]:
            self.read_as(person, known)

    def read_as(self, person: Person, known: JsonObject) -> None:
        """Somebody reads all that there is to read of it."""
        asked = {"executionId": known["executionId"]}
        for key in _READS:
            more = {"includePayloads": True} if key == "trace.get" else {}
            self.do(person, key, **asked, **more)
        self.do(person, "execution.mine")
        self.do(person, "event.list", limit=200, filter=asked)


def drive_grants(stage: Stage, contract: OperationContract) -> None:
    """Grants whose patterns hold PII, in a run that uses one."""
    run = Run(stage, contract, "ok")
    filler = Filler(stage.canaries, contract, "(in a grant)")
    value, said = filler.input(), stage.canaries.text("a grant")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    terms = {
        "contract": contract.key,
        "requester": "agent-7",
        "maxUses": 2,
        "expiresAt": until,
        "reason": "Weekly.",
        "issuedBy": "fiona",
    }
    fiona = stage.world.fiona
    for pattern in ({**value, said: said}, {**value, "subject": {said: said}}, value):
        run.do(fiona, "grant.issue", **terms, arguments=pattern)
    step = {"key": "made", "contract": contract.key, "input": value}
    intent = run.do(stage.world.agent, "intent.submit", workspaceId="acme", text=said)
    asked = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    plan = run.do(stage.world.agent, "plan.compile", **asked, draft={"steps": [step]})
    if plan:
        known = {"executionId": intent["executionId"], "planId": plan["planId"]}
        run.do(stage.world.olga, "plan.verify", **known)
        run.do(stage.world.olga, "execution.start", **known)
        run.decide(known)
    for person in (fiona, stage.hans, stage.gateway.caller("august", "auditor"), stage.stranger):
        run.do(person, "grant.list")
