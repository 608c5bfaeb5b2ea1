"""A publisher with keys, and skills that it signs."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.skills import Host, sign_manifest, with_artifact
from gateway.skills.signatures import PrivateKey, public_half

JsonObject = dict[str, Any]

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY_ID = "acme-2026"
HOST = Host("1.0.0", "1.0.0", frozenset({"support.core@1.0.0"}))
NO_ARTIFACT = f"sha256:{'a' * 64}"


def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def rsa() -> PrivateKey:
    return generate_private_key(65537, 2048)


def private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def manifest(key: str = "acme.desk", version: str = "1.0.0", **more: Any) -> JsonObject:
    """An unsigned manifest without files."""
    return {
        "schemaVersion": "1.0.0",
        "skill": {"key": key, "version": version, "entryPoint": "contracts/"},
        "publisher": {"id": "acme", "provenance": "https://git.acme.example/skills/desk"},
        "artifact": {"digest": NO_ARTIFACT},
        "compatibility": {},
        **more,
    }


def signed(
    body: JsonObject, key: PrivateKey, key_id: str | None = KEY_ID, **more: Any
) -> JsonObject:
    return sign_manifest(body, key, issued_at=more.pop("issued_at", NOW), key_id=key_id, **more)


def archive(files: dict[str, str | bytes]) -> bytes:
    """A zip archive of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            dated = zipfile.ZipInfo(name)  # always of the same date
            out.writestr(dated, content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def packed(
    files: dict[str, str | bytes], key: PrivateKey, body: JsonObject | None = None, **more: Any
) -> tuple[JsonObject, bytes]:
    """A signed manifest with its archive."""
    content = archive(files)
    return signed(with_artifact(body or manifest(), content), key, **more), content


def trust_text(
    *keys: PrivateKey,
    key_ids: tuple[str, ...] = (KEY_ID,),
    expired: bool = False,
    secrets: tuple[str, ...] = (),
) -> str:
    """A trust policy (JSON, which is YAML) for the publisher acme with these keys."""
    publisher: JsonObject = {
        "id": "acme",
        "publicKeys": [public_half(key).pem for key in keys],
        "provenancePrefixes": ["https://git.acme.example/skills"],
    }
    if key_ids:
        publisher["keyIds"] = list(key_ids)
    if secrets:
        publisher["secrets"] = list(secrets)
    return json.dumps({"publishers": [publisher], "allowExpiredSignatures": expired})


def write_trust(folder: Path, *keys: PrivateKey, **more: Any) -> None:
    (folder / "skills.yaml").write_text(trust_text(*keys, **more))


CONTRACT = """
key: desk.plan.stop
version: {version}
kind: command
title: Stop a plan
description: Cancel what a customer is subscribed to.
domain: desk
owners: [acme.desk]
capability: {skill}
risk: medium
input: {{subscriptionId: ID!}}
output: {{subscriptionId: ID!, plan: String!, status: StopStatus!}}
policy: {{auth: user, idempotent: true}}
emits: [desk.plan.stopped@{version}]
handler:
  http:
    method: POST
    url: "http://support.internal/subscriptions/{{subscriptionId}}/cancellation"
    timeout: 5s
    idempotencyKey: true
"""
EVENT = """
key: desk.plan.stopped
version: {version}
kind: event
title: Plan stopped
description: What a customer is subscribed to was cancelled.
domain: desk
owners: [acme.desk]
payload: {{subscriptionId: ID!}}
"""
TYPES = """
kind: types
domain: desk
types:
  StopStatus: [ACTIVE, CANCELLED]
"""


def contract_files(version: str = "1.0.0", skill: str = "acme.desk@1.0.0") -> dict[str, str]:
    """The contract files of a skill that brings one command."""
    return {
        "contracts/stop.yaml": CONTRACT.format(version=version, skill=skill).lstrip(),
        "contracts/events/stopped.yaml": EVENT.format(version=version).lstrip(),
        "contracts/types.yaml": TYPES.lstrip(),
    }
