"""On PostgreSQL moments go by the database's clock, so a process's own holds up no message."""

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model.principal import PrincipalType
from tests.acceptance.two_gateways import ROOT_KEY, environment
from tests.faults.cluster import Gateway
from tests.postgres import Postgres
from tests.processes import Caller, Service, stop
from tests.webhook_receiver import SECRET, Receiver

WRONG = timedelta(minutes=20)
WEBHOOKS = """
- id: all
  workspace: acme
  url: {url}/all
  secret: ${{secret:HOOK_SECRET}}
  types: ["*"]
"""

ANCHORS = """
hosts: ["127.0.0.1:*"]
anchors:
  - {{id: partner, kind: webhook, url: "{url}/checkpoints", secret: "${{secret:HOOK_SECRET}}"}}
"""


class Behind:
    """The clock of the gateway here."""

    def now(self) -> datetime:
        return datetime.now(UTC) - WRONG


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver().start()
    yield made
    made.stop()


@pytest.fixture
def gateway(
    tmp_path: Path, receiver: Receiver, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A gateway whose clock is behind the database's."""
    monkeypatch.setenv(ROOT_KEY, base64.b64encode(secrets.token_bytes(32)).decode())
    (tmp_path / "webhooks.yaml").write_text(WEBHOOKS.format(url=receiver.url))
    (tmp_path / "anchors.yaml").write_text(ANCHORS.format(url=receiver.url))
    settings = {
        "GATEWAY_ANCHORS": str(tmp_path / "anchors.yaml"),
        "GATEWAY_CHECKPOINT_INTERVAL": "1",
        "GATEWAY_WEBHOOKS": str(tmp_path / "webhooks.yaml"),
        "GATEWAY_WEBHOOK_HOSTS": "127.0.0.1:*",
        "HOOK_SECRET": SECRET,
    }
    service = Service(tmp_path)
    service.start()
    made = Gateway(tmp_path, environment(service, postgres.create(), settings))
    made.skew = -WRONG.total_seconds()
    try:
        made.start()
        yield made
    finally:
        for process in (made.process, service.process):
            if process is not None:
                stop(process)


def test_messages_and_checkpoints_are_sent_at_once_by_a_process_whose_clock_is_behind(
    gateway: Gateway, receiver: Receiver
) -> None:
    token = gateway.issuer(Behind()).issue(
        subject="agent-7", type=PrincipalType.AGENT, roles=("user",), workspace="acme", ttl=3600
    )
    wanted = {"workspaceId": "acme", "text": "Please refund o-1001"}
    Caller(gateway, token).mutate("controlPlaneIntentSubmit", "executionId", wanted)
    paths = {"/all", "/checkpoints"}
    receiver.wait(lambda: {one.path for one in receiver.messages} == paths, seconds=40)
    (message,) = [one for one in receiver.messages if one.path == "/all"]
    assert message.event["type"] == "controlPlane.intent.received"
    for message in receiver.messages:
        assert message.signed_by(SECRET), "receivers refuse what is more than five minutes away"
