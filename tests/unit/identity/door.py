"""What the tests of the authenticator share: one with its clock and issuer, and tokens for it."""

import asyncio
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.identity import Authenticator, ClaimNames, IssuerProfile, RevocationFile
from gateway.identity.issuer import PublicKey
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from tests.identity_provider import SetClock

KEY = Ed25519PrivateKey.generate()


class House:
    """An issuer that counts how often it is asked for its key."""

    def __init__(self, claims: ClaimNames | None = None) -> None:
        names = claims or ClaimNames()
        self.profile = IssuerProfile(
            "https://id.example.com", frozenset({"gateway"}), frozenset({"EdDSA"}), names
        )
        self.asked = 0
        self.known = True

    async def key(self, kid: str | None, algorithm: str) -> PublicKey | None:
        self.asked += 1
        return KEY.public_key() if self.known and (kid, algorithm) == ("k1", "EdDSA") else None


class Door:
    """An authenticator with its clock and its issuer."""

    def __init__(
        self, leeway: float = 10.0, claims: ClaimNames | None = None, revoked: Path | None = None
    ) -> None:
        self.clock = SetClock()
        self.house = House(claims)
        file = RevocationFile(revoked, self.clock) if revoked is not None else None
        self.authenticator = Authenticator([self.house], self.clock, leeway, file)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token with changes; None takes a claim away."""
        claims = {
            "iss": "https://id.example.com",
            "aud": "gateway",
            "sub": "ada",
            "iat": self.clock.seconds,
            "nbf": self.clock.seconds,
            "exp": self.clock.seconds + 600,
            "jti": "t1",
            "type": "human",
            "workspace": "acme",
            "roles": ["user"],
        }
        return {key: value for key, value in (claims | changes).items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        headers = {"kid": "k1"} | (header or {})
        return jwt.encode(self.claims(**changes), KEY, algorithm="EdDSA", headers=headers)

    def enter(self, authorization: str | None) -> Principal:
        return asyncio.run(self.authenticator.authenticate(authorization))

    def refusal(self, authorization: str) -> Problem:
        with pytest.raises(ProblemError) as caught:
            self.enter(authorization)
        told = caught.value.problem
        assert told.code == "UNAUTHENTICATED"
        assert [issue.path for issue in told.issues] == ["authorization"]
        token = authorization.split()[-1]
        parts = [part for part in token.split(".") if len(part) > 12]
        assert not any(part in json.dumps(told.to_json()) for part in parts)
        assert caught.value.__cause__ is None
        return told


def bearer(token: str) -> str:
    return f"Bearer {token}"


def raw(header: str, payload: str) -> str:
    """A token of any header and payload, with a true signature."""
    parts = [urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, payload)]
    signed = b".".join(parts)
    signature = urlsafe_b64encode(KEY.sign(signed)).rstrip(b"=")
    return b".".join([signed, signature]).decode()
