"""A root key that AWS KMS keeps and never gives away. Needs the extra ``kms`` (boto3)."""

import base64
from typing import Any

from gateway.model.problem import Issue, Problem, ProblemError, refuse

_SECONDS = 5.0
"""How long one request to KMS may take."""


class KmsRootKey:
    """Wraps with a symmetric key of AWS KMS, named by its id, ARN or alias.

    The context becomes KMS' encryption context, which it authenticates and writes to its audit
    trail. Region and credentials come from where boto3 looks for them.

    Raises:
        ProblemError: KEYS_UNUSABLE where boto3 is not installed or is not configured.
    """

    def __init__(self, name: str) -> None:
        self.key_id = f"aws-kms:{name}"
        self._name = name
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            told = "needs boto3: pip install 'contract-gateway[kms]'"
            raise _unusable(self.key_id, told) from error
        self._away: tuple[type[Exception], ...] = (BotoCoreError, ClientError)
        limits = Config(
            connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"max_attempts": 3}
        )
        try:
            self._client: Any = boto3.client("kms", config=limits)
        except BotoCoreError as error:
            told = "cannot be reached as boto3 is configured: set AWS_REGION and credentials"
            raise _unusable(self.key_id, told) from error

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """``key`` encrypted by KMS.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
        """
        try:
            done = self._client.encrypt(
                KeyId=self._name, Plaintext=key, EncryptionContext=_encoded(context)
            )
        except self._away as error:
            raise self._unavailable(error) from error
        wrapped: bytes = done["CiphertextBlob"]
        return wrapped

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What ``wrap`` encrypted, decrypted by KMS.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
            ValueError: KMS says that it is not what this key encrypted for this context.
        """
        try:
            done = self._client.decrypt(
                KeyId=self._name, CiphertextBlob=wrapped, EncryptionContext=_encoded(context)
            )
        except self._away as error:
            if _code(error) in ("InvalidCiphertextException", "IncorrectKeyException"):
                told = "a wrapped key was altered, or was wrapped with another key"
                raise ValueError(told) from None
            raise self._unavailable(error) from error
        key: bytes = done["Plaintext"]
        return key

    def _unavailable(self, error: Exception) -> ProblemError:
        return refuse(
            "SERVICE_UNAVAILABLE",
            f"The root key {self.key_id} cannot be used now ({_code(error)}), and nothing that "
            "needs it is done without it. Try again, and see that the gateway may use the key.",
        )


def _encoded(context: bytes) -> dict[str, str]:
    return {"contract-gateway": base64.b64encode(context).decode()}


def _code(error: Exception) -> str:
    """What went wrong by its name alone; messages of services may hold anything."""
    told = getattr(error, "response", {}).get("Error", {}).get("Code")
    return told if isinstance(told, str) else type(error).__name__


def _unusable(name: str, finding: str) -> ProblemError:
    told = f"The root key {name} {finding}."
    issue = Issue(name, "KEYS_UNUSABLE", told)
    title = "A root key cannot be used"
    return ProblemError(Problem("KEYS_UNUSABLE", title, 500, told, "internal", issues=(issue,)))
