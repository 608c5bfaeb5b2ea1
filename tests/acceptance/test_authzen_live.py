"""An activated change of policy is what the AuthZEN door answers by, from the next request on."""

from tests.acceptance.authzen_world import (
    ACTIONS,
    EVALUATION,
    RESOURCES,
    SUBJECTS,
    Pep,
    action,
    asking,
    resource,
    subject,
)
from tests.acceptance.policy_people import People, add, allow
from tests.world import World


def test_a_change_of_policy_counts_at_once(world: World) -> None:
    pep, people = Pep(world), People(world)
    listing = resource("controlPlane.execution.list", "operation")
    question = asking(subject("zoe"), action("call"), listing)
    assert pep.ask(EVALUATION, question)["decision"] is False
    assert pep.ask(SUBJECTS, question)["results"] == []

    active = people.activated(people.wanda, people.will, add(allow("zoe")))

    answer = pep.send(EVALUATION, question)
    assert answer.json() == {"decision": True}
    assert answer.headers["policy-revision"] == active["revision"]
    assert pep.ask(SUBJECTS, question)["results"] == [{"type": "user", "id": "zoe"}]
    refs = [one["id"] for one in pep.ask(RESOURCES, question)["results"]]
    assert "controlPlane.execution.list@1.0.0" in refs
    assert {"name": "call"} in pep.ask(ACTIONS, question)["results"]
    assert Pep(world, "other").ask(EVALUATION, question)["decision"] is False
