"""A root key that AWS KMS keeps, against moto's KMS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from gateway.model.pii import Owner
from gateway.model.problem import ProblemError
from gateway.privacy import Keyring, KeyringSealer
from gateway.privacy.kms import KmsRootKey

ADA = Owner("acme", "person/ada")


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of a key of a KMS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]


def test_a_keyring_works_with_a_root_key_that_never_leaves_its_service(
    tmp_path: Path, kms: str
) -> None:
    keyring = Keyring.open(tmp_path, f"aws-kms:{kms}")
    sealed = KeyringSealer(keyring).seal(ADA, "a.b@1.0.0", "input.x", "ada")
    keyring.data.close()
    again = KeyringSealer(Keyring.open(tmp_path, f"aws-kms:{kms}"))
    assert again.unseal("acme", sealed) == "ada"
    assert not (tmp_path / "root.key").exists()


def test_a_wrapped_key_cannot_be_moved_to_another_place(kms: str) -> None:
    root = KmsRootKey(kms)
    wrapped = root.wrap(b"k" * 32, b"one place")
    assert root.unwrap(wrapped, b"one place") == b"k" * 32
    with pytest.raises(ValueError, match="altered"):
        root.unwrap(wrapped, b"another place")


@pytest.mark.usefixtures("kms")
def test_a_key_that_is_not_there_fails_closed(tmp_path: Path) -> None:
    keyring = Keyring.open(tmp_path, "aws-kms:11111111-2222-3333-4444-555555555555")
    with pytest.raises(ProblemError) as refused:
        KeyringSealer(keyring).seal(ADA, "a.b@1.0.0", "input.x", "ada")
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
    assert refused.value.problem.retryable


def test_what_the_service_says_is_told_by_its_code_alone(
    kms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = KmsRootKey(kms)

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "Encrypt")

    monkeypatch.setattr(root._client, "encrypt", refuse)
    with pytest.raises(ProblemError, match="AccessDenied") as refused:
        root.wrap(b"k" * 32, b"x")
    assert "secret" not in str(refused.value)


def test_without_a_region_the_start_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ProblemError, match="AWS_REGION"):
        KmsRootKey("alias/gateway")
