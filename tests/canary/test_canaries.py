"""No PII leaves the gateway but to those whom policy shows it: unique values are planted in every
PII field of every contract, everything is driven, and then every byte is searched for them.

The quick form is part of ``make test``. The long form drives every contract in every way:

    CANARY_SIZE=24 CANARY_SEED=7 .venv/bin/pytest tests/canary --timeout 3600 -s
"""

import os
import random

import pytest

from gateway.contracts import Registry, load_contracts
from tests.canary.erasing import RESTORES
from tests.canary.playing import Findings, findings, play
from tests.canary.searching import Hit
from tests.canary.stage import staged
from tests.canary.values import UNSEARCHABLE
from tests.processes import ROOT

QUICK = 6
"""How many contracts are made up in the quick form."""

SIZE = int(os.environ.get("CANARY_SIZE", "0"))
SEED = int(os.environ.get("CANARY_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if SIZE else 240)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The whole play, and what was found after it."""
    print(f"CANARY_SEED={SEED} CANARY_SIZE={SIZE}")  # noqa: T201 - to repeat a failure
    with staged(tmp_path_factory.mktemp("canary"), SEED, SIZE or QUICK) as stage:
        stage.quick = not SIZE
        play(stage, print)
        return findings(stage, print)


def leaks(hits: list[Hit]) -> list[str]:
    """What is told of hits: one line for each place and form, at most twenty."""
    told = {(hit.place, hit.form, hit.field.partition(" (")[0]): str(hit) for hit in hits}
    return list(told.values())[:20]


def test_no_canary_is_on_disk_while_the_gateway_runs(found: Findings) -> None:
    assert leaks(found.running) == []


def test_no_canary_is_left_by_a_gateway_that_was_killed(found: Findings) -> None:
    assert leaks(found.killed) == []


def test_no_canary_is_on_disk_after_the_gateway_stopped(found: Findings) -> None:
    assert leaks(found.stopped) == []


def test_nobody_without_the_right_was_told_a_canary(found: Findings) -> None:
    """In answers, errors, subscriptions, traces, evidence and downloads, senders included."""
    assert leaks(found.answers) == []


def test_no_webhook_carries_a_canary(found: Findings) -> None:
    assert leaks(found.webhooks) == []


def test_no_span_and_no_metric_carries_a_canary(found: Findings) -> None:
    assert found.spans > 1000, "else nothing was told"
    assert leaks(found.telemetry) == []


def test_whoever_may_see_them_was_shown_canaries_of_every_contract(found: Findings) -> None:
    """Else nothing was planted, and nothing was proved."""
    registry = load_contracts([ROOT / "schema" / "support", ROOT / "schema" / "control-plane"])
    wanted = fields_of(registry) - {"controlPlane.intent.submit@1.0.0 input.text"}
    shown = {field.partition(" (")[0] for field in found.shown}
    assert wanted - shown == set()
    made_up = {field.partition(".")[0] for field in shown if field.startswith("canary")}
    assert made_up == {f"canary{number}" for number in range(SIZE or QUICK)}


def test_whoever_may_see_them_sees_them_again_but_those_of_the_erased(found: Findings) -> None:
    """All that was played is read once more by somebody with every right to it."""
    again = found.erased.again
    assert {hit.field.partition(".")[0] for hit in again} >= {"canary0", "support"}
    assert leaks([hit for hit in again if hit.needle in found.erased.cast.falls]) == []


def test_what_is_to_fall_was_shown_before_it_was_erased(found: Findings) -> None:
    """Else nothing was erased, and nothing was proved. Not kept at all: what services say beside
    an answer, and inputs that were refused; what is noted at an erasure comes later."""
    cast = found.erased.cast
    unshown = {found.fields[needle] for needle in cast.falls - found.erased.shown_before}
    kept = ("said by the service", "privacy.erasure", "(sent directly)", "(of one to erase)")
    assert [field for field in unshown if not any(word in field for word in kept)] == []
    for field in ("intent.submit", "evidence.attach", "(in a grant", "party", "refund", "reply"):
        shown = cast.falls & found.erased.shown_before
        assert any(field in found.fields[needle] for needle in shown), field
    assert found.erased.shown_before & cast.stays


@pytest.mark.parametrize("when", RESTORES)
def test_nobody_is_shown_what_was_erased(found: Findings, when: str) -> None:
    """Nor does it open with any key that is left, and the data of others stays: after the erasure,
    and after a restore of the data, of the data and the key store beside the tombstones as they
    are, and of the whole key folder."""
    assert leaks(found.erased.fallen(when)) == []
    assert {found.fields[needle] for needle in found.erased.lost(when)} == set()


def test_the_record_and_the_receipts_verify_after_an_erasure(found: Findings) -> None:
    assert found.erased.faults == []


def test_no_byte_of_a_destroyed_key_is_left(found: Findings) -> None:
    assert found.erased.keys_destroyed > 0
    assert found.erased.keys_left == []


def fields_of(registry: Registry) -> set[str]:
    """The PII fields of the contracts' inputs and outputs that can be searched for."""
    return {
        f"{contract.ref} {side}.{path}"
        for contract in registry.operations.values()
        for path in contract.policy.pii
        for side, fields in (("input", contract.input), ("output", contract.output))
        if path in fields and fields[path].named not in UNSEARCHABLE
    }


def test_the_play_reached_what_it_is_about(found: Findings) -> None:
    codes = {name.rpartition(": ")[2] for name in found.counts}
    assert codes >= {
        *("OK", "VALIDATION_FAILED", "FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND", "CONFLICT"),
        *("APPROVAL_REQUIRED", "BAD_GATEWAY", "OUTCOME_UNKNOWN", "GRAPHQL_PARSE_FAILED"),
        "GRAPHQL_VALIDATION_FAILED",
    }
    failed = {name for name in found.counts if name.endswith(": INTERNAL_ERROR")}
    assert failed <= {"direct, unknown command: INTERNAL_ERROR"}  # an error it does not declare
    for reached in (
        *("execution.approve command", "execution.reject command", "step.reconcile command"),
        *("evidence.attach command", "execution.evidence.export command", "grant.issue command"),
        *("execution.breakGlass command", "execution.lane.handover command"),
        *("webhook.delivery.replay command", "subject.export command", "erasure.approve command"),
        *("trace.get query", "trace.replay query", "approval.list query", "explain query"),
    ):
        assert found.counts.get(f"{reached}: OK"), reached
    assert found.counts.get("repeated command: ERASED")
    assert found.counts.get("evidence exported before: 410")
    for person in ("august", "rita"):
        assert found.counts.get(f"evidence fetched by {person}: 200"), person
