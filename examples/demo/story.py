"""The story, chapter by chapter. Whatever it claims, it checks; a failed claim ends the demo."""

import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from examples.demo import documents
from examples.demo.client import HTTP, Client, JsonObject
from examples.demo.policy_story import PolicyStory
from examples.demo.processes import gateway_command
from examples.demo.telling import chapter, claim, say


@dataclass(frozen=True)
class Story:
    """The story of one refund. Agent, olga, fiona and pete are its four principals."""

    folder: Path
    service: str
    agent: Client
    olga: Client
    fiona: Client
    pete: Client

    def tell(self) -> None:
        """Tell all of it."""
        planned = self._intent_and_plan()
        self._verify_and_start(planned)
        step_id = self._wait_for_a_person(planned)
        self._approve(planned, step_id)
        self._blocked_plan()
        self._trace_and_replay(planned)
        PolicyStory(self.service, self.agent, self.olga, self.fiona, self.pete).tell()
        self._tamper()

    def _intent_and_plan(self) -> JsonObject:
        chapter("1. An agent says what it wants, and drafts how")
        text = "Alice's lamp came broken. Please pay order o-1001 back and tell her."
        planned = self._plan(text, documents.REFUND_DRAFT)
        say(f'agent-7 submits the intent: "{text}"')
        say("Its draft has three steps: look the order up, pay it back, tell the customer.")
        say("Amount and address are not typed in: they flow from the first step, type-checked.")
        say(
            f"Compiled into {planned['stepCount']} steps, hash {planned['deterministicHash'][:16]}…"
        )
        claim("the plan has three steps", planned["stepCount"] == 3)
        return planned

    def _verify_and_start(self, planned: JsonObject) -> None:
        chapter("2. Policy decides before anything runs")
        ids = {"executionId": planned["executionId"], "planId": planned["planId"]}
        verified = self.olga.send(documents.VERIFY, input=ids)
        say("olga, an administrator, has the plan verified.")
        say(f"Verdict {verified['verdict']}: refunds of high risk by agents need a person.")
        claim("the verdict is ASSIST", verified["verdict"] == "ASSIST")
        started = self.olga.send(documents.START, input=ids)
        say(f"olga starts it. The answer comes at once: {started['runId']} is RUNNING.")

    def _wait_for_a_person(self, planned: JsonObject) -> str:
        chapter("3. The run reads the order, then stops for a person")
        self._wait(planned, "WAITING_APPROVAL")
        claim("no money has moved yet", self._count("refund") == 0)
        where = {"executionId": planned["executionId"]}
        (asked,) = self.fiona.send(documents.APPROVALS, input=where)["items"]
        say(f"fiona of finance sees what waits: {asked['contract']}, asked by agent-7.")
        say(f"  {asked['arguments']}")
        say(f"  {asked['reason']}")
        hidden = "alice@example.com" not in str(asked)
        claim("the customer's address is masked, for fiona need not know it", hidden)
        wish = {**where, "stepId": asked["stepId"], "approvedBy": "agent-7"}
        refusal = self.agent.refused(documents.APPROVE, wish)
        say(f"agent-7 tries to approve its own refund: {refusal.code}. {refusal.message}")
        claim("an agent cannot approve itself", refusal.code == "FORBIDDEN")
        return str(asked["stepId"])

    def _approve(self, planned: JsonObject, step_id: str) -> None:
        chapter("4. A person approves exactly this action, and it happens once")
        wish = {"executionId": planned["executionId"], "stepId": step_id, "approvedBy": "fiona"}
        self.fiona.send(documents.APPROVE, input={**wish, "note": "The photo shows it broken."})
        say("fiona approves. The run goes on by itself.")
        self._wait(planned, "COMPLETED")
        claim("the refund happened exactly once", self._count("refund") == 1)
        claim("the customer was told exactly once", self._count("reply") == 1)
        refusal = self.fiona.refused(documents.APPROVE, wish)
        claim(f"approving again changes nothing: {refusal.code}", refusal.code == "CONFLICT")

    def _blocked_plan(self) -> None:
        chapter("5. Some things no agent may do")
        planned = self._plan("Close Alice's account.", documents.CLOSE_DRAFT)
        ids = {"executionId": planned["executionId"], "planId": planned["planId"]}
        verified = self.olga.send(documents.VERIFY, input=ids)
        say(f"A plan to close an account: {verified['verdict']}.")
        say(f"  {verified['blockedReasons'][0]}")
        claim("the plan is blocked", verified["verdict"] == "BLOCKED")
        refusal = self.olga.refused(documents.START, ids)
        claim(f"not even an administrator can start it: {refusal.code}", refusal.code == "CONFLICT")

    def _trace_and_replay(self, planned: JsonObject) -> None:
        chapter("6. Every fact is in the journal, and the decisions can be made again")
        where = {"executionId": planned["executionId"]}
        entries = self.olga.send(documents.TRACE, input=where)["entries"]
        for entry in entries:
            at, who = entry["timestamp"][11:23], entry["actorId"] or "gateway"
            say(f"  {at}  {entry['stage']:8} {entry['status']:20} {who}")
        claim("the trace ends with the run", entries[-1]["status"] == "run.ended")
        replay = self.olga.send(documents.REPLAY, input=where)
        same = replay["recomputedHash"] == replay["deterministicHash"]
        claim("compiled again, the plan has the same hash", same)
        claim("decided again, nothing differs", replay["identical"] and not replay["differences"])

    def _tamper(self) -> None:
        chapter("8. Whoever alters the record is found out")
        honest = gateway_command("audit", "verify", "--data-dir", str(self.folder / "data"))
        say(f"gateway audit verify, beside the running server: {honest.stdout.splitlines()[0]}")
        claim("the record verifies", honest.returncode == 0)
        copy = self._altered_copy()
        altered = gateway_command("audit", "verify", "--data-dir", str(copy))
        say("In a copy, one byte of one entry is altered: the approval's note. It is verified:")
        for line in altered.stdout.splitlines()[1:4]:
            say(f"  {line}")
        named = altered.returncode == 1 and "CHANGED" in altered.stdout
        claim("the altered entry is named", named)

    def _altered_copy(self) -> Path:
        copy = self.folder / "copy"
        shutil.copytree(self.folder / "data", copy)
        with sqlite3.connect(copy / "gateway.db") as database:
            database.execute(
                "UPDATE entry SET body = replace(body, 'shows it broken', 'shows it brokeN') "
                "WHERE type = 'approval.voted'"
            )
        database.close()
        return copy

    def _plan(self, text: str, draft: JsonObject) -> JsonObject:
        intent = self.agent.send(documents.SUBMIT, input={"workspaceId": "acme", "text": text})
        ids = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
        plan = self.agent.send(documents.COMPILE, input={**ids, "draft": draft})
        return {**intent, **plan}

    def _wait(self, planned: JsonObject, status: str) -> None:
        deadline, now = time.monotonic() + 15, ""
        while now != status:
            where = {"executionId": planned["executionId"]}
            now = self.olga.send(documents.GET, input=where)["execution"]["status"]
            if time.monotonic() > deadline:
                claim(f"the execution becomes {status}, it is {now}", held=False)
            time.sleep(0.05)
        say(f"The execution is {status}.")

    def _count(self, kind: str) -> int:
        answer = HTTP.get(f"{self.service}/effects", params={"kind": kind}).json()
        return len(answer["effects"])
