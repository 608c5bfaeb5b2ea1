"""Questions about policy with PII among the arguments, and every operation by everybody."""

from typing import Any

from gateway.model.contract import OperationContract
from tests.acceptance.test_every_operation import filled
from tests.canary.calling import call
from tests.canary.crowd import Person
from tests.canary.filling import Filler, JsonObject
from tests.canary.stage import Stage

_SUBJECT = {"type": "agent", "id": "agent-7", "properties": {"roles": ["user"]}}


def drive_questions(stage: Stage) -> None:
    """The decision point, asked as a contract, over AuthZEN, and for its reasons."""
    caller = stage.gateway.caller
    pep = caller("api-proxy", "policy-enforcer", kind="service")
    auditor = caller("august", "auditor")
    for contract in stage.actions[:: 2 if stage.quick else 1]:
        filler = Filler(stage.canaries, contract, "(asked about)")
        said = stage.canaries.text(f"{contract.ref} asked about")
        for given in (filler.input(), {**filler.input(), "subject": {said: said}, said: said}):
            _ask(stage, pep, contract, given)
            for person in (auditor, stage.hans, stage.world.olga):
                _explain(stage, person, contract, given)
    said = stage.canaries.text("a question that is none")
    for body in ({said: said}, [said], said, {"subject": said}, {"evaluations": [{said: said}]}):
        pep.fetch("POST", "/access/v1/evaluation", json=body)
        pep.fetch("POST", "/access/v1/evaluations", json=body)
        pep.fetch("POST", "/access/v1/search/subject", json=body)


def _ask(stage: Stage, pep: Person, contract: OperationContract, given: JsonObject) -> None:
    resource = {"type": "operation", "id": contract.key, "properties": given}
    action = {"name": "run", "properties": given}
    question = {"subject": _SUBJECT, "action": action, "resource": resource}
    pep.fetch("POST", "/access/v1/evaluation", json=question)
    pep.fetch("POST", "/access/v1/evaluations", json={**question, "evaluations": [{}, question]})
    pep.fetch("POST", "/access/v1/search/subject", json={**question, "subject": {"type": "user"}})
    evaluate = stage.registry.resolve("policy.decision.evaluate")
    assert evaluate is not None
    call(stage, pep, evaluate, {"evaluations": [question]}, what="evaluate")


def _explain(stage: Stage, who: Person, contract: OperationContract, given: JsonObject) -> None:
    explain = stage.registry.resolve("policy.decision.explain")
    assert explain is not None
    subject = {"type": "AGENT", "id": "agent-7", "roles": ["user"]}
    asked = {"contract": contract.key, "arguments": given, "subject": subject}
    call(stage, who, explain, asked, what="explain")


def drive_everything(stage: Stage) -> None:
    """Every operation of the gateway by everybody, with canaries in whatever is declared PII."""
    runs = stage.known.get("runs") or [{}]
    for person in stage.people():
        chosen = stage.built_in
        if stage.quick and person is not stage.rita:
            chosen = stage.random.sample(chosen, len(chosen) // 2)
        for contract in chosen:
            run = stage.random.choice(runs)
            call(
                stage,
                person,
                contract,
                _input(stage, contract, person.subject, run),
                what="everything",
            )


def _input(stage: Stage, contract: OperationContract, by: str, run: JsonObject) -> JsonObject:
    acting = {name: by for name in contract.input if name.endswith("By")}
    known: dict[str, Any] = {**run, **acting, "workspaceId": "acme", "laneKey": "clarify"}
    given = filled(contract.input, dict(contract.types), known)
    private = Filler(stage.canaries, contract, "(everything)").input()
    given |= {name: private[name] for name in contract.input if name in contract.policy.pii}
    if contract.key == "controlPlane.evidence.attach":
        given.pop("executionId", None)
    if contract.key == "controlPlane.plan.compile":
        given["draft"] = {"steps": [_step(stage)]}
    return given


def _step(stage: Stage) -> JsonObject:
    contract = stage.random.choice(stage.actions)
    filler = Filler(stage.canaries, contract, "(compiled by everybody)")
    return {"key": "made", "contract": contract.key, "input": filler.input()}
