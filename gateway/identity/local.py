"""The local issuer: tokens for development, signed with a key of this installation."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.identity.claims import (
    fault_of_capabilities,
    fault_of_roles,
    fault_of_subject,
    fault_of_type,
    fault_of_workspace,
)
from gateway.identity.issuer import AUDIENCE, LOCAL_ISSUER, IssuerProfile, PublicKey
from gateway.model.json import JsonObject
from gateway.model.ports import Clock, Ids
from gateway.model.problem import Issue, invalid
from gateway.model.system import RandomIds, SystemClock, signing_key_file

_ALGORITHM = "EdDSA"
_MAX_TTL = 366 * 86_400
_KEY_FILE = "token-signing.pem"


class LocalIssuer:
    """Issues and verifies development tokens with the Ed25519 key of a key folder.

    Whoever can read that folder can be anybody, so production uses OpenID Connect instead.
    """

    def __init__(self, key: Ed25519PrivateKey, clock: Clock, ids: Ids) -> None:
        self._key = key
        self._clock = clock
        self._ids = ids
        self._public = key.public_key()
        self._kid = _thumbprint(self._public.public_bytes_raw())
        self.profile = IssuerProfile(
            name=LOCAL_ISSUER,
            audiences=frozenset({AUDIENCE}),
            algorithms=frozenset({_ALGORITHM}),
        )

    @classmethod
    def open(
        cls, key_dir: Path, clock: Clock | None = None, ids: Ids | None = None
    ) -> "LocalIssuer":
        """The local issuer of a key folder; its key is created on first use.

        Safe beside other processes that open the same folder, also for the first time.

        Raises:
            ProblemError: KEYS_UNUSABLE when the key file is damaged, unreadable or open to others.
        """
        key = signing_key_file(key_dir / _KEY_FILE)
        return cls(key, clock or SystemClock(), ids or RandomIds())

    @staticmethod
    def is_in(key_dir: Path) -> bool:
        """Whether the key of a folder was made already."""
        return (key_dir / _KEY_FILE).exists()

    async def key(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The public key, if ``kid`` and ``algorithm`` are its own."""
        return self._public if (kid, algorithm) == (self._kid, _ALGORITHM) else None

    def issue(
        self,
        subject: str,
        type: str,  # noqa: A002 - the claim's own name
        roles: Iterable[str],
        workspace: str,
        ttl: float,
        capabilities: Iterable[str] | None = None,
    ) -> str:
        """A token (JWT, RFC 7519) for a principal, valid from now on for ``ttl`` seconds.

        ``type`` is human, service, agent or tool; ``capabilities`` narrow the principal to
        contracts of these capabilities, None leaves it unrestricted.

        Raises:
            ProblemError: VALIDATION_FAILED with everything that is wrong, at once.
        """
        claims: JsonObject = {
            "sub": subject,
            "type": type,
            "workspace": workspace,
            "roles": list(dict.fromkeys(roles)),
            "capabilities": None if capabilities is None else list(dict.fromkeys(capabilities)),
        }
        _refuse_faults(claims, ttl)
        now = int(self._clock.now().timestamp())
        registered = {
            "iss": LOCAL_ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + max(1, round(ttl)),
            "jti": self._ids.new("tok"),
        }
        payload = {key: value for key, value in claims.items() if value is not None}
        return jwt.encode(
            {**registered, **payload}, self._key, algorithm=_ALGORITHM, headers={"kid": self._kid}
        )


def _refuse_faults(claims: JsonObject, ttl: float) -> None:
    faults = {
        "subject": fault_of_subject(claims["sub"]),
        "type": fault_of_type(claims["type"]),
        "roles": fault_of_roles(claims["roles"]),
        "workspace": fault_of_workspace(claims["workspace"]),
        "capabilities": fault_of_capabilities(claims["capabilities"]),
        "ttl": None if 0 < ttl <= _MAX_TTL else "must be above 0 s and at most 366 days",
    }
    issues = [
        Issue(f"/{name}", "CLAIM_INVALID", f"The {name} {fault}.")
        for name, fault in faults.items()
        if fault
    ]
    if issues:
        raise invalid(issues)


def _thumbprint(public: bytes) -> str:
    """The JWK thumbprint (RFC 7638; RFC 8037, appendix A.3) of a raw Ed25519 public key."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    form = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return _base64url(hashlib.sha256(form).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
