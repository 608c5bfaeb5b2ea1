"""What comes before a run: an intent is submitted, its plan compiled and verified."""

from dataclasses import dataclass, replace

from gateway.cli.remote.client import Client
from gateway.cli.remote.documents import COMPILE, START, SUBMIT, VERIFY
from gateway.cli.remote.reading import Sight, look
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, refuse

_FOUND = "The draft of a plan, given to the command line."


@dataclass(frozen=True, slots=True)
class Prepared:
    """How far an execution is on its way to a run: what each call answered, None where it was not
    made, and the execution itself where the caller may see it."""

    execution_id: str
    plan_id: str
    verdict: str | None = None
    sight: Sight | None = None
    intent: JsonObject | None = None
    plan: JsonObject | None = None
    verification: JsonObject | None = None
    run: JsonObject | None = None

    def to_json(self) -> JsonObject:
        """What the calls answered, as the API gave it."""
        return {
            "executionId": self.execution_id,
            "planId": self.plan_id,
            "intent": self.intent,
            "plan": self.plan,
            "verification": self.verification,
            "run": self.run,
        }


def submitted(gateway: Client, text: str | None, workspace: str | None) -> JsonObject:
    """Submit an intent in words; returns what was answered, with the id of its execution.

    Raises:
        ProblemError: VALIDATION_FAILED where nothing says the workspace, and whatever the gateway
            refuses with.
    """
    workspace = workspace or gateway.target.claim("workspace")
    if not workspace:
        told = "The token does not say in which workspace you act. Name it with --workspace."
        raise refuse("VALIDATION_FAILED", told)
    return gateway.call(SUBMIT, input={"workspaceId": workspace, "text": text or _FOUND})


def compiled(gateway: Client, intent: JsonObject, draft: JsonObject | None) -> Prepared:
    """Have the plan of an intent compiled, from a draft or by a planner."""
    ids = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    plan = gateway.call(COMPILE, input={**ids, **({"draft": draft} if draft is not None else {})})
    return Prepared(intent["executionId"], plan["planId"], intent=intent, plan=plan)


def compiled_before(gateway: Client, execution_id: str) -> Prepared:
    """An execution whose plan was compiled by somebody.

    Raises:
        ProblemError: CONFLICT where it has no plan, and whatever the gateway refuses with.
    """
    sight = look(gateway, execution_id)
    if not sight.execution["planId"]:
        told = f"Execution {execution_id} is {sight.status} and has no plan that could be started."
        raise refuse("CONFLICT", told)
    verdict = (sight.plan or {}).get("verdict")
    return Prepared(execution_id, str(sight.execution["planId"]), verdict, sight)


def verified(gateway: Client, prepared: Prepared) -> Prepared:
    """The same after it was verified, which is done where it was not, and looked at."""
    verification = None
    verdict = prepared.verdict
    if verdict is None:
        given = {"executionId": prepared.execution_id, "planId": prepared.plan_id}
        verification = gateway.call(VERIFY, input=given)
        verdict = str(verification["verdict"])
    return replace(
        prepared, verification=verification, verdict=verdict, sight=_seen(gateway, prepared)
    )


def started(gateway: Client, prepared: Prepared, mode: str | None) -> Prepared:
    """The same after it was started in a mode of the API, or in the one that is usual."""
    given = {"executionId": prepared.execution_id, "planId": prepared.plan_id}
    run = gateway.call(START, input={**given, **({"mode": mode} if mode else {})})
    return replace(prepared, run=run)


def _seen(gateway: Client, prepared: Prepared) -> Sight | None:
    """The execution, for a caller who may see it: whoever starts one need not."""
    try:
        return look(gateway, prepared.execution_id)
    except ProblemError as error:
        if error.problem.code == "FORBIDDEN":
            return None
        raise
