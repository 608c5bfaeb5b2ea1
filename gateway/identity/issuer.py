"""What the gateway must know of an issuer in order to believe its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.model.problem import Issue, ProblemError, refuse

LOCAL_ISSUER = "contract-gateway:local"
"""The issuer of development tokens."""

AUDIENCE = "contract-gateway"
"""The audience of development tokens."""

RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ALGORITHMS = frozenset({"EdDSA", "ES256", "ES384", "ES512"}) | RSA_ALGORITHMS
"""The signature algorithms that may be allowed; never a shared secret (HS*) and never none."""

_CURVES: Mapping[str, str] = MappingProxyType(
    {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
)
_MIN_RSA_BITS = 2048

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where an issuer's tokens hold what makes a principal.

    A name is that of a claim, or a JSON pointer (RFC 6901) into nested ones
    (``/realm_access/roles``).
    """

    workspace: str = "workspace"
    roles: str = "roles"
    type: str = "type"
    capabilities: str = "capabilities"


@dataclass(frozen=True, slots=True)
class IssuerProfile:
    """Who an issuer is and what its tokens must look like.

    ``name`` is its ``iss``; ``audiences`` are those that mean this gateway; ``algorithms`` the
    signatures that it may use; ``recheck_after`` the seconds after which a verified token is
    verified again, so that a withdrawn key is noticed.
    """

    name: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    claims: ClaimNames = field(default_factory=ClaimNames)
    recheck_after: float = 300.0


class Issuer(Protocol):
    """Somebody whose tokens the gateway believes."""

    @property
    def profile(self) -> IssuerProfile:
        """Who it is and what its tokens must look like."""
        ...

    async def key(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The public key of this id that is made for ``algorithm``; None if there is none.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the keys cannot be had at present.
        """
        ...


def algorithms_of(key: object) -> frozenset[str]:
    """The algorithms that a public key may be used with; none for a key that is not acceptable.

    The key decides, not the token (RFC 8725, section 3.1): each elliptic curve has one algorithm
    (RFC 7518, section 3.4; RFC 8037), and RSA keys have at least 2,048 bits.
    """
    if isinstance(key, Ed25519PublicKey):
        return frozenset({"EdDSA"})
    if isinstance(key, EllipticCurvePublicKey):
        return frozenset({_CURVES[key.curve.name]} if key.curve.name in _CURVES else ())
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return RSA_ALGORITHMS
    return frozenset()


def unauthenticated(reason: str, code: str = "TOKEN_INVALID") -> ProblemError:
    """UNAUTHENTICATED; ``reason`` is one sentence that never repeats the token."""
    return refuse("UNAUTHENTICATED", reason, issues=(Issue("authorization", code, reason),))
