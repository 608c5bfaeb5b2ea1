"""From the Authorization header to a principal."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.identity.claims import check_audience, check_times, issued_at, principal_of
from gateway.identity.issuer import LOCAL_ISSUER, Issuer, PublicKey, unauthenticated
from gateway.identity.revocations import RevocationFile
from gateway.model.json import JsonObject
from gateway.model.ports import Clock
from gateway.model.principal import ANONYMOUS, Principal

MAX_LEEWAY = 30.0
"""The most by which clocks may be allowed to differ, in seconds."""

MAX_TOKEN_CHARS = 8192
"""The longest token that is read, in characters."""

_MAX_VERIFIED = 10_000

# Times, audience and issuer are checked in claims.py, by the gateway's own clock.
_SIGNATURE_ONLY: dict[str, Any] = {
    "verify_signature": True,
    "enforce_minimum_key_length": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False),
    **dict.fromkeys(("verify_iss", "verify_sub", "verify_jti"), False),
}


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token proved to be. Moments are in seconds since 1970; ``issued`` is the earliest by
    our clock, and not every token tells it."""

    principal: Principal
    issued: float | None
    expires: float
    checked_at: float
    recheck_at: float


class Authenticator:
    """Believes bearer tokens (RFC 6750) of the given issuers, and no others.

    Verified tokens are remembered by their SHA-256 (bounded), so that a token costs its signature
    check once and then some microseconds. ``leeway`` is the number of seconds by which the
    issuers' clocks may differ from ours, at most ``MAX_LEEWAY``. What ``revoked`` covers is
    believed no more, remembered or not.

    Raises:
        ValueError: the leeway is out of bounds, or two issuers have one name.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer],
        clock: Clock,
        leeway: float = 10.0,
        revoked: RevocationFile | None = None,
    ) -> None:
        if not 0 <= leeway <= MAX_LEEWAY:
            raise ValueError(f"the leeway must be 0 to {MAX_LEEWAY:g} seconds, not {leeway:g}")
        known = list(issuers)
        self._issuers = {issuer.profile.name: issuer for issuer in known}
        if len(self._issuers) < len(known):
            raise ValueError("two issuers have the same name")
        self._clock = clock
        self._leeway = leeway
        self._revoked = revoked
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> Principal:
        """The principal behind the value of an Authorization header.

        Without a header, or with an empty one, that is ``ANONYMOUS``.

        Raises:
            ProblemError: UNAUTHENTICATED when the header holds no token to be believed;
                SERVICE_UNAVAILABLE when the issuer's keys cannot be had at present.
        """
        found = await self._find(authorization)
        return found.principal if found else ANONYMOUS

    async def valid_for(self, authorization: str | None) -> float | None:
        """For how many seconds more the header's token will be believed, unless it is revoked.

        Without a header there is no token that could end: None.

        Raises:
            ProblemError: as ``authenticate``.
        """
        found = await self._find(authorization)
        return found.expires - self._clock.now().timestamp() if found else None

    async def _find(self, authorization: str | None) -> _Verified | None:
        if authorization is None or not authorization.strip():
            return None
        token = _bearer_token(authorization)
        name = hashlib.sha256(token.encode()).digest()
        now = self._clock.now().timestamp()
        found = self._verified.get(name)
        # What was checked by a later time was checked before the clock went back.
        if found is None or not found.checked_at <= now < found.recheck_at:
            found = await self._verify(token, now)
            self._remember(name, found)
        if self._revoked is not None and self._revoked.cover(found.principal, found.issued):
            raise unauthenticated("The token has been revoked.")
        return found

    async def _verify(self, token: str, now: float) -> _Verified:
        header, unproven = _unverified(token)
        issuer = self._issuer_of(unproven)
        algorithm = _algorithm_of(header, issuer)
        key = await issuer.key(_kid_of(header), algorithm)
        if key is None:
            raise unauthenticated(
                "The token is signed with a key that its issuer does not publish. Get a new one."
            )
        claims = _signed_claims(token, key, algorithm)
        check_audience(claims, issuer.profile)
        expires = check_times(claims, now, self._leeway) + self._leeway
        recheck_at = min(expires, now + issuer.profile.recheck_after)
        issued, principal = issued_at(claims), principal_of(claims, issuer.profile)
        earliest = None if issued is None else issued - self._leeway
        return _Verified(principal, earliest, expires, now, recheck_at)

    def _issuer_of(self, claims: JsonObject) -> Issuer:
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is not None:
            return issuer
        if name == LOCAL_ISSUER:
            raise unauthenticated(
                "Local development tokens are switched off here (GATEWAY_LOCAL_TOKENS). Use a"
                " token of the organisation's identity provider."
            )
        raise unauthenticated("The token's issuer ('iss') is not one that this gateway believes.")

    def _remember(self, name: bytes, found: _Verified) -> None:
        if len(self._verified) >= _MAX_VERIFIED:
            self._verified.popitem(last=False)  # the oldest goes
        self._verified[name] = found


def _bearer_token(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")
    token = rest.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthenticated("The Authorization header must be 'Bearer <token>'.")
    if len(token) > MAX_TOKEN_CHARS:
        raise unauthenticated(f"The token is longer than {MAX_TOKEN_CHARS} characters.")
    if not token.isascii():
        raise _malformed()
    return token


def name_of_token(token: str) -> str | None:
    """The name (``jti``) that a token says it has; nothing of it is proven.

    Raises:
        ProblemError: UNAUTHENTICATED for what is no token.
    """
    name = _unverified(token)[1].get("jti")
    return name if isinstance(name, str) else None


def _unverified(token: str) -> tuple[JsonObject, JsonObject]:
    """Header and claims as they stand, to choose the issuer and its key by; nothing is proven."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    # Deep nesting and huge numbers make the JSON reader raise more than PyJWT knows of.
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
        raise _malformed() from None
    return parts["header"], parts["payload"]


def _algorithm_of(header: JsonObject, issuer: Issuer) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.profile.algorithms:
        allowed = ", ".join(sorted(issuer.profile.algorithms))
        raise unauthenticated(
            f"The token's signature algorithm is not allowed for its issuer; it must be {allowed}."
        )
    if "crit" in header:  # RFC 7515, section 4.1.11: what is not understood must be refused
        raise unauthenticated("The token demands an extension ('crit') that is not supported.")
    return algorithm


def _kid_of(header: JsonObject) -> str | None:
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise _malformed()
    return kid


def _signed_claims(token: str, key: PublicKey, algorithm: str) -> JsonObject:
    try:
        claims: JsonObject = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            options=_SIGNATURE_ONLY,  # type: ignore[arg-type] # a plain dict of PyJWT's own option names
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
        raise unauthenticated("The token's signature is not that of its issuer.") from None
    return claims


def _malformed() -> Exception:
    return unauthenticated("The bearer token is not a signed JSON Web Token (JWS compact form).")
