"""Checkpoints leave the house: a gateway, two anchors and a witness, each a process or a server of
its own, and an auditor who checks with a public key alone."""

import base64
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.transparency import Verifier, open_note
from tests.acceptance.drafts import refund, waiting
from tests.acceptance.test_evidence import bundle, files_of, verify
from tests.answering import Answering, Reply
from tests.forking import run_to_end
from tests.processes import GATEWAY, Caller, JsonObject
from tests.webhook_receiver import SECRET, Receiver
from tests.witness_process import NAME, WitnessProcess, log_key
from tests.world import World, end_world, make_world, wait_until

CONFIG = """
hosts: ["127.0.0.1:*"]
retryScale: 0.02
anchors:
  - {{id: vault, kind: file, path: {folder}/vault.jsonl}}
  - {{id: partner, kind: webhook, url: "{partner}/checkpoints", secret: "${{secret:PARTNER}}"}}
  - {{id: rekor, kind: log, url: "{log}/entries"}}
witnesses:
  - {{url: "{witness}", key: "{key}"}}
quorum: 1
"""
CHECKPOINT = (
    "number at origin size root note cosigned cosignatures { witness at line } "
    "receipts { anchor at answer }"
)
LIST = (
    "total quorum items { number at size root witnesses cosigned anchors } "
    "targets { kind id number behind attempts nextAttemptAt lastError updatedAt }"
)
INCLUSION = "entryHash leafHash index size root path checkpoint note"
CONSISTENCY = "fromSize fromRoot fromNote toSize toRoot path checkpoint note"


@dataclass
class Outside:
    """The world, and what is outside of the gateway's house."""

    world: World
    folder: Path
    partner: Receiver
    log: Answering
    witness: WitnessProcess
    witness_key: str
    auditor: Caller

    @property
    def vault(self) -> list[JsonObject]:
        return [json.loads(line) for line in (self.folder / "vault.jsonl").read_text().splitlines()]


def sign(who: Caller) -> JsonObject:
    answer = who.send(
        f"mutation {{ auditCheckpointCreate {{ created checkpoint {{ {CHECKPOINT} }} }} }}"
    ).json()
    assert "errors" not in answer, answer
    found: JsonObject = answer["data"]["auditCheckpointCreate"]
    return found


def get(who: Caller, number: int) -> JsonObject:
    found = who.query("auditCheckpointGet", f"checkpoint {{ {CHECKPOINT} }}", {"number": number})
    checkpoint: JsonObject = found["checkpoint"]
    return checkpoint


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    world = make_world(folder, GATEWAY_CHECKPOINT_INTERVAL="86400")  # tests sign them, nobody else
    partner, log = Receiver().start(), Answering(lambda _: Reply(201, b'{"logIndex": 5}')).start()
    auditor = world.gateway.caller("aude", "auditor")
    origin = sign(auditor)["checkpoint"]["origin"]
    witness = WitnessProcess(folder / "witness", log_key(world.gateway, origin))
    witness.start()
    try:
        world.gateway.stop()
        file = folder / "anchors.yaml"
        file.write_text(
            CONFIG.format(
                folder=folder, partner=partner.url, log=log.url, witness=witness.url,
                key=witness.key(),
            )
        )  # fmt: skip
        world.gateway.env |= {"GATEWAY_ANCHORS": str(file), "PARTNER": SECRET}
        world.gateway.start()
        yield Outside(world, folder, partner, log, witness, witness.key(), auditor)
    finally:
        end_world(world)
        witness.stop()
        partner.stop()
        log.stop()


@pytest.fixture
def everywhere(outside: Outside) -> JsonObject:
    """A new checkpoint, once everybody outside has it."""
    number = sign(outside.auditor)["checkpoint"]["number"]
    wait_until(
        lambda: len((found := get(outside.auditor, number))["receipts"]) == 3 and found["cosigned"],
        20,
        lambda: str(get(outside.auditor, number)) + outside.world.gateway.log()[-2000:],
    )
    return get(outside.auditor, number)


def check(folder: Path, answer: JsonObject, outside: Outside, *more: str) -> Any:
    """``gateway audit proof verify``, without any setting of the gateway."""
    file = folder / "answer.json"
    file.write_text(json.dumps(answer))
    key = str(outside.world.gateway.key_dir / "checkpoint-signing.pub.pem")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    command = [*GATEWAY, "audit", "proof", "verify", str(file), "--public-key", key, *more]
    done = run_to_end(command, cwd=folder, env=env)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_checkpoint_is_anchored_and_cosigned(outside: Outside, everywhere: JsonObject) -> None:
    assert everywhere["cosigned"] is True
    (cosigned,) = everywhere["cosignatures"]
    assert cosigned["witness"] == NAME
    signers = [outside.witness.log, Verifier.parse(outside.witness_key)]
    opened = open_note(everywhere["note"], signers)
    assert len(opened.signed_by) == 2
    assert {one["anchor"]: one["answer"] for one in everywhere["receipts"]}["rekor"] == {
        "status": 201,
        "answer": {"logIndex": 5},
    }


def test_each_anchor_has_the_note_that_is_shown(outside: Outside, everywhere: JsonObject) -> None:
    own = everywhere["note"][: everywhere["note"].index(f"— {NAME}")]
    assert outside.vault[-1] == {"number": everywhere["number"], "note": own}
    message = outside.partner.messages[-1]
    assert message.signed_by(SECRET)
    assert json.loads(message.body)["data"]["note"] == own
    entry = json.loads(outside.log.requests[-1].body)["entry"]
    assert base64.b64decode(entry).decode() == own


def test_the_list_tells_where_each_went(outside: Outside, everywhere: JsonObject) -> None:
    found = outside.auditor.query("auditCheckpointList", LIST, {"limit": 2})
    newest = found["items"][0]
    assert newest["number"] == everywhere["number"] == found["total"]
    assert (newest["anchors"], newest["witnesses"]) == (["partner", "rekor", "vault"], [NAME])
    assert [item["number"] for item in found["items"]] == [found["total"], found["total"] - 1]
    assert found["quorum"] == 1
    assert [(one["kind"], one["id"], one["behind"]) for one in found["targets"]] == [
        ("ANCHOR", "vault", 0), ("ANCHOR", "partner", 0), ("ANCHOR", "rekor", 0),
        ("WITNESS", NAME, 0),
    ]  # fmt: skip
    later = outside.auditor.query("auditCheckpointList", LIST, {"offset": found["total"] - 1})
    assert [item["number"] for item in later["items"]] == [1]
    assert outside.auditor.query("auditCheckpointList", LIST, {"offset": 999})["items"] == []


def test_the_command_line_tells_it_too(outside: Outside, everywhere: JsonObject) -> None:
    done = outside.world.gateway.command("audit", "status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"checkpoint {everywhere['number']} of" in done.stdout
    assert f"witness {NAME} has seen checkpoint {everywhere['number']}" in done.stdout
    assert "on has the 1 cosignatures that are wanted, which verify" in done.stdout


def test_an_entry_is_proven_to_whoever_has_the_public_key(outside: Outside, tmp_path: Path) -> None:
    run = waiting(outside.world, [refund(611)])
    number = sign(outside.auditor)["checkpoint"]["number"]
    wait_until(lambda: bool(get(outside.auditor, number)["cosigned"]), 20)
    answers = []
    for seq in (1, 2, 5):
        value = {"executionId": run["executionId"], "seq": seq}
        answers.append(outside.auditor.query("auditProofInclusion", INCLUSION, value))
    assert [answer["index"] for answer in answers] == sorted(answer["index"] for answer in answers)
    for answer in answers:
        done = check(tmp_path, answer, outside, "--witness", outside.witness_key)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"number {answer['index'] + 1} of the" in done.stdout
    by_place = outside.auditor.query(
        "auditProofInclusion", INCLUSION, {"position": answers[0]["index"] + 1}
    )
    assert by_place == answers[0]
    moved = check(tmp_path, answers[0] | {"index": answers[1]["index"]}, outside)
    assert (moved.returncode, "DOES NOT HOLD" in moved.stdout) == (1, True)


def test_an_entry_is_proven_in_an_earlier_tree_too(outside: Outside) -> None:
    outside.world.submit()
    early = sign(outside.auditor)["checkpoint"]
    outside.world.submit()
    sign(outside.auditor)
    value = {"executionId": outside.world.submit()["executionId"], "seq": 1}
    told = outside.auditor.refused("auditProofInclusion", INCLUSION, value, kind="query")
    assert told["code"] == "PRECONDITION_FAILED"  # no checkpoint covers it yet
    sign(outside.auditor)
    found = outside.auditor.query("auditProofInclusion", INCLUSION, value)
    assert found["size"] > early["size"]
    late = {**value, "treeSize": early["size"]}
    told = outside.auditor.refused("auditProofInclusion", INCLUSION, late, kind="query")
    assert told["code"] == "PRECONDITION_FAILED"  # that checkpoint was signed before it
    none = {**value, "treeSize": found["size"] - 1}
    told = outside.auditor.refused("auditProofInclusion", INCLUSION, none, kind="query")
    assert told["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "value",
    [{}, {"seq": 1}, {"executionId": "x"}, {"position": 1, "seq": 1},
     {"position": 1, "executionId": "x", "seq": 1}],
)  # fmt: skip
def test_an_entry_is_named_in_one_way(outside: Outside, value: JsonObject) -> None:
    told = outside.auditor.refused("auditProofInclusion", INCLUSION, value, kind="query")
    assert told["code"] == "VALIDATION_FAILED"


@pytest.mark.parametrize("place", [-1, 0, 2**31 - 1])
def test_an_entry_that_is_not_there(outside: Outside, place: int) -> None:
    execution_id = outside.world.submit()["executionId"]
    for value in ({"position": place}, {"executionId": execution_id, "seq": place}):
        told = outside.auditor.refused("auditProofInclusion", INCLUSION, value, kind="query")
        assert told["code"] == "NOT_FOUND"


def test_an_entry_of_another_workspace_is_not_there(outside: Outside) -> None:
    execution_id = outside.world.submit()["executionId"]
    sign(outside.auditor)
    value: JsonObject = {"executionId": execution_id, "seq": 1}
    place = outside.auditor.query("auditProofInclusion", INCLUSION, value)["index"] + 1
    stranger = outside.world.gateway.caller("aude", "auditor", workspace="globex")
    told = [
        stranger.refused("auditProofInclusion", INCLUSION, one, kind="query")["problem"]["detail"]
        for one in (value, {"position": place}, {"position": 10**6})
    ]
    assert told[0] == told[1] == told[2]  # as if there were nothing
    assert get(stranger, 1) == get(outside.auditor, 1)  # the tree is one for all


def test_growth_is_proven_to_whoever_kept_a_checkpoint(outside: Outside, tmp_path: Path) -> None:
    kept = sign(outside.auditor)["checkpoint"]
    (tmp_path / "kept").write_text(kept["note"])
    outside.world.submit()
    sign(outside.auditor)
    value = {"fromSize": kept["size"]}
    answer = outside.auditor.query("auditProofConsistency", CONSISTENCY, value)
    assert answer["fromRoot"] == kept["root"]
    done = check(tmp_path, answer, outside, "--kept", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the first {kept['size']} of the {answer['toSize']} entries" in done.stdout
    between = outside.auditor.query(
        "auditProofConsistency", CONSISTENCY, {"fromSize": 1, "toSize": kept["size"]}
    )
    assert between["toRoot"] == kept["root"]
    for size in (0, -1, answer["toSize"] + 1):
        told = outside.auditor.refused(
            "auditProofConsistency", CONSISTENCY, {"fromSize": size}, kind="query"
        )
        assert told["code"] == "VALIDATION_FAILED"
    none = {"fromSize": 1, "toSize": 10**6}
    told = outside.auditor.refused("auditProofConsistency", CONSISTENCY, none, kind="query")
    assert told["code"] == "NOT_FOUND"


def test_a_checkpoint_that_is_not_there(outside: Outside) -> None:
    for number in (0, -1, 10**6):
        told = outside.auditor.refused(
            "auditCheckpointGet", "checkpoint { number }", {"number": number}, kind="query"
        )
        assert told["code"] == "NOT_FOUND"
    newest = outside.auditor.query("auditCheckpointGet", "checkpoint { number }", {})
    assert newest["checkpoint"]["number"] > 1


def test_evidence_carries_the_note_and_the_proof(outside: Outside, tmp_path: Path) -> None:
    run = waiting(outside.world, [refund(611)])
    content = bundle(outside.world.olga, "olga", run["runId"])
    files = files_of(content)
    assert open_note(files["checkpoint.note"], [outside.witness.log]).signed_by
    entries = files["entries.jsonl"].count(b"\n")
    assert len(json.loads(files["inclusion.json"])["indexes"]) == entries
    key = str(outside.world.gateway.key_dir / "checkpoint-signing.pub.pem")
    done = verify(tmp_path / "empty", content, "--public-key", key)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_anchored_names_nobody(outside: Outside, everywhere: JsonObject) -> None:
    """Checkpoints go to other parties: no workspace, execution or person stands in them."""
    told = everywhere["note"] + (outside.folder / "vault.jsonl").read_text()
    told = re.sub("[A-Za-z0-9+/]{40,}=+", "", told)  # hashes and signatures have any short word
    for word in ("acme", "exec_", "aude", "olga", "agent-7"):
        assert word not in told
