"""People who honour the rights of others, and what they ask over HTTP."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.drafts import lookup
from tests.processes import Caller, JsonObject
from tests.world import World, wait_until

ERASURE = (
    "erasure { erasureId status kind subjectId executionId pseudonym ground note requestedBy "
    "decidedBy decisionNote waitsFor { kind holdId message } erasedAt receipt }"
)
EXPORT = (
    "kind pseudonym total executions bundles next document counts { contract classes values } "
    "items { position entry executionId contract field classes own value }"
)
HOLDS = "total items { holdId active kind subjectId executionId pseudonym matter reason liftedBy }"
CONSENTS = "total items { consentId active subjectId pseudonym purpose evidence }"


@dataclass
class Officers:
    """Two privacy officers before a gateway; ``customer`` is whom ``serve`` speaks of."""

    world: World
    petra: Caller = field(init=False)
    paul: Caller = field(init=False)

    def __post_init__(self) -> None:
        self.petra = self.world.gateway.caller("petra", "user", "privacy-officer")
        self.paul = self.world.gateway.caller("paul", "user", "privacy-officer")

    def serve(self, email: str, text: str, body: str, second: str | None = None) -> str:
        """A run that speaks of a customer, and of a second one if named; returns its execution."""
        steps = [lookup(), _reply(email, body, "first")]
        if second is not None:
            steps.append(_reply(second, f"{body} too", "second"))
        intent = self.world.submit(text=text)
        value = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
        plan = self.world.agent.mutate(
            "controlPlanePlanCompile", "planId", {**value, "draft": {"steps": steps}}
        )
        planned = {**intent, **plan}
        self.world.verify(planned)
        self.world.olga.mutate(
            "controlPlaneExecutionStart",
            "runId",
            {"executionId": planned["executionId"], "planId": planned["planId"]},
        )
        self.world.wait(planned["executionId"], "COMPLETED")
        return str(planned["executionId"])

    def export(self, who: Caller | None = None, **value: Any) -> JsonObject:
        return (who or self.petra).mutate("privacySubjectExport", EXPORT, value)

    def ask(self, who: Caller | None = None, **value: Any) -> str:
        asked = (who or self.petra).mutate(
            "privacySubjectErase", "erasureId status", {"ground": "SUBJECT_REQUEST", **value}
        )
        assert asked["status"] == "PENDING_APPROVAL"
        return str(asked["erasureId"])

    def approve(self, erasure_id: str, who: Caller | None = None) -> str:
        done = (who or self.paul).mutate(
            "privacyErasureApprove", "status", {"erasureId": erasure_id, "note": "Checked by phone"}
        )
        return str(done["status"])

    def erasure(self, erasure_id: str, who: Caller | None = None) -> JsonObject:
        found = (who or self.petra).query("privacyErasureGet", ERASURE, {"erasureId": erasure_id})
        erasure: JsonObject = found["erasure"]
        return erasure

    def wait(self, erasure_id: str, status: str, seconds: float = 20.0) -> JsonObject:
        wait_until(
            lambda: self.erasure(erasure_id)["status"] == status,
            seconds,
            lambda: f"{self.erasure(erasure_id)} is not {status}",
        )
        return self.erasure(erasure_id)

    def erase(self, **value: Any) -> JsonObject:
        """Erase with two people; returns the erasure, which is done."""
        erasure_id = self.ask(**value)
        self.approve(erasure_id)
        return self.wait(erasure_id, "ERASED")

    def hold(self, **value: Any) -> str:
        told = {"matter": "Case 7/26", "reason": "A lawsuit is pending", **value}
        return str(self.petra.mutate("privacyHoldPlace", "holdId", told)["holdId"])

    def lift(self, hold_id: str) -> None:
        told = {"holdId": hold_id, "reason": "Settled"}
        self.petra.mutate("privacyHoldLift", "liftedAt", told)

    def verifies(self) -> None:
        """The chain and the projections hold."""
        done = self.world.gateway.command("audit", "verify")
        assert done.returncode == 0, done.stdout + done.stderr


def _reply(email: str, body: str, key: str) -> JsonObject:
    value = {"ticketId": "t-1", "body": body, "customerEmail": email}
    return {"key": key, "contract": "support.customer.reply", "input": value}


def files_with(folder: Path, *texts: str) -> list[str]:
    """Files below a folder that hold one of these texts in the clear."""
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        found += [path.name for text in texts if text.encode() in content]
    return found


def everything(world: World, execution_id: str) -> str:
    """All that a privileged reader is shown of an execution."""
    reader = world.gateway.caller("rosa", "admin", "pii.reader", "privacy-officer")
    trace = reader.query(
        "controlPlaneTraceGet",
        "entries { status metadata }",
        {"executionId": execution_id, "includePayloads": True},
    )
    return json.dumps([trace, world.plan(execution_id, reader)])
