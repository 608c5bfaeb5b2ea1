"""The chapter on policy: a limit is lowered while the gateway runs, and raised again."""

import time
from dataclasses import dataclass

from examples.demo import documents, policy_documents
from examples.demo.client import HTTP, Client, JsonObject
from examples.demo.telling import chapter, claim, say

_REFUND = {"orderId": "o-1004", "amount": 80, "currency": "EUR"}
_REASON = "Agents paid back too much without anybody looking."
_SHORT = 19


@dataclass(frozen=True)
class PolicyStory:
    """The story of one changeset: olga proposes, pete approves, agent-7 notices."""

    service: str
    agent: Client
    olga: Client
    fiona: Client
    pete: Client

    def tell(self) -> None:
        """Tell all of it."""
        chapter("7. Policy changes while it runs")
        before = self._refunds()
        self.agent.send(policy_documents.REFUND, input=_REFUND)
        say("agent-7 pays 80 back. Up to 100, agents need nobody for that.")
        claim("the money went out at once", self._refunds() == before + 1)
        drafted = self._draft()
        self._impact(drafted)
        self._consent(drafted)
        self._in_force(drafted)
        self._explain()
        self._roll_back(drafted)
        self._record(drafted)

    def _draft(self) -> JsonObject:
        proposal = {"title": "Lower the limit of agents", "reason": _REASON}
        edits = policy_documents.agents_refund_up_to(25)
        refused = self.olga.send(policy_documents.DRAFT, input={**proposal, "edits": edits})
        say("olga drafts a changeset: agents pay back 25 by themselves. The checks refuse it:")
        say(f'  case failed: "{refused["cases"]["failures"][0]["name"]}", by 40 euros.')
        claim("what the policies' own cases contradict stays a draft", refused["status"] == "DRAFT")
        revised = {"changesetId": refused["changesetId"], **proposal}
        edits = policy_documents.agents_refund_up_to(50)
        drafted = self.olga.send(policy_documents.REVISE, input={**revised, "edits": edits})
        cases = drafted["cases"]
        say(f"She revises it to 50: {cases['passed']} cases passed, {cases['failed']} failed.")
        claim("with 50 it passes", drafted["status"] == "CHECKED" and not drafted["findings"])
        return drafted

    def _impact(self, drafted: JsonObject) -> None:
        report = self._analyze(drafted)
        counts = report["decisions"]
        say(f"Its impact: {counts['total']} decisions recorded so far are made again under it.")
        for flip in report["flips"]:
            say(f"  {flip['count']} {flip['kind']} of {flip['contract']}: {flip['change']}")
        named = {one["executionId"] for flip in report["flips"] for one in flip["examples"]}
        where = {"executionId": named.pop()}
        entries = self.olga.send(documents.TRACE, input=where)["entries"]
        by_agent = not named and entries[0]["actorId"] == "agent-7"
        claim("of all runs it names the one that would have waited: agent-7's refund", by_agent)

    def _consent(self, drafted: JsonObject) -> None:
        refusal = self.olga.refused(policy_documents.CONSENT, _of(drafted, approvedBy="olga"))
        say(f"olga tries to approve it: {refusal.code}. {refusal.message}")
        claim("nobody approves their own change", refusal.code == "FORBIDDEN")
        say("pete, who may approve but not draft, approves exactly this revision and activates it.")
        self._approve_and_activate(drafted)

    def _in_force(self, drafted: JsonObject) -> None:
        before = self._refunds()
        refusal = self.agent.refused(policy_documents.REFUND, _REFUND)
        say(f"agent-7 pays 80 back once more: {refusal.code}.")
        waits = refusal.code == "APPROVAL_REQUIRED" and self._refunds() == before
        claim("the same refund waits for an approver now", waits)
        (asked,) = self.fiona.send(documents.APPROVALS, input={})["items"]
        claim("fiona has it in her inbox", asked["arguments"]["amount"] == _REFUND["amount"])

    def _explain(self) -> None:
        who = {"type": "AGENT", "id": "agent-7", "roles": ["user", "planner"]}
        asked = {"contract": "support.refund.issue", "arguments": _REFUND}
        told = self.olga.send(policy_documents.EXPLAIN, input={**asked, "subject": who})
        decides = next(
            rule for rule in told["matchedRules"] if rule["decides"] and rule["model"] == "VERDICT"
        )
        say("Why? olga asks for an explanation:")
        say(f"  {decides['file']}:{decides['line']}: {decides['text']}")
        for way in told["required"]:
            say(f"  {way['outcome']} with {', '.join(need['message'] for need in way['needs'])}")
        claim("it names the new rule", "amount > 50" in decides["text"])
        needs = [need["message"] for way in told["required"] for need in way["needs"]]
        claim("and what would be enough", "amount at most 50" in needs)
        own = self.agent.send(policy_documents.EXPLAIN, input={"contract": asked["contract"]})
        shown = (own["verdict"], own["matchedRules"])
        claim("agent-7, who may not audit, is shown no rule", shown == (None, []))
        wish = {"contract": "policy.changeset.approve"}
        found = self.olga.send(policy_documents.WHO_CAN, input=wish)
        people = [one["subject"] for one in found["items"]]
        say(f"Who may approve changes of policy? {', '.join(people)}.")
        few = not found["everybody"] and people == ["admin", "policy-approver"]
        claim("two roles and nobody else", few)

    def _roll_back(self, drafted: JsonObject) -> None:
        before = self._refunds()
        wish = {"revision": drafted["base"], "reason": "Too slow.", "restoredBy": "olga"}
        restored = self.olga.send(policy_documents.RESTORE, input=wish)
        say("olga has the earlier revision restored: a changeset like any other.")
        claim("it results in that very revision", restored["revision"] == drafted["base"])
        pending = self._analyze(restored)["approvals"]["byChange"]
        claim("its impact names the refund that waits", pending == {"autonomous": 1})
        self._approve_and_activate(restored)
        deadline = time.monotonic() + 15
        while self._refunds() == before and time.monotonic() < deadline:
            time.sleep(0.05)
        claim("rolled back, it goes out by itself, once", self._refunds() == before + 1)

    def _record(self, drafted: JsonObject) -> None:
        activations = self.olga.send(policy_documents.ACTIVATIONS, input={})["items"]
        say("All of it is in the record:")
        for one in activations:
            digest, by = one["revision"][:_SHORT], one["by"] or "gateway"
            say(f"  {one['number']}  {digest}…  {one['source']:9}  {by}")
        revisions = [one["revision"] for one in reversed(activations)]
        first, second = drafted["base"], drafted["revision"]
        claim("three activations: seeded, changed, restored", revisions == [first, second, first])

    def _analyze(self, changeset: JsonObject) -> JsonObject:
        named = {"changesetId": changeset["changesetId"]}
        self.olga.send(policy_documents.ANALYZE, input=named)
        deadline = time.monotonic() + 120
        while True:
            found = self.olga.send(policy_documents.ANALYSIS, input=named)
            if found["analysis"] != "RUNNING" or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if found["analysis"] != "DONE":
            why = found["problem"] or "it still runs after two minutes"
            claim(f"the analysis is done; {why}", held=False)
        report: JsonObject = found["report"]
        return report

    def _approve_and_activate(self, changeset: JsonObject) -> None:
        self.pete.send(policy_documents.CONSENT, input=_of(changeset, approvedBy="pete"))
        wish = _of(changeset, activatedBy="pete")
        done = self.pete.send(policy_documents.ACTIVATE, input=wish)
        claim(
            "it is in force, and nothing was restarted", done["revision"] == changeset["revision"]
        )

    def _refunds(self) -> int:
        answer = HTTP.get(f"{self.service}/effects", params={"kind": "refund"}).json()
        return len(answer["effects"])


def _of(changeset: JsonObject, **by: str) -> JsonObject:
    return {"changesetId": changeset["changesetId"], "revision": changeset["revision"], **by}
