"""Published keys of an issuer (JSON Web Key Set, RFC 7517): read with care and kept for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.identity.fetch import FetchError
from gateway.identity.issuer import PublicKey, algorithms_of, unauthenticated
from gateway.model.json import JsonObject, JsonValue
from gateway.model.ports import Clock
from gateway.model.problem import ProblemError, refuse

KEYS_SECONDS = 300.0
"""For how long fetched keys are used without asking again."""

_REFETCH_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key, its id, and the algorithms that it may be used with."""

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey


def published_keys(document: JsonObject) -> tuple[PublishedKey, ...]:
    """The signature keys of a key set; keys of other kinds are passed over (RFC 7517, section 5).

    Raises:
        FetchError: ``document`` is no key set.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise FetchError(f"the answer is not a key set of at most {_MAX_KEYS} keys")
    return tuple(key for key in map(_published_key, listed) if key is not None)


def _published_key(jwk: JsonValue) -> PublishedKey | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    kid = jwk.get("kid")
    try:
        key = jwt.PyJWK(jwk).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    algorithms = algorithms_of(key)
    if isinstance(jwk.get("alg"), str):
        algorithms &= {jwk["alg"]}
    is_usable = bool(algorithms) and (kid is None or isinstance(kid, str))
    return PublishedKey(kid, algorithms, key) if is_usable else None


class PublishedKeys:
    """The keys of one issuer, fetched when they are asked for and never more often than needed.

    They are fetched again after ``KEYS_SECONDS``, and for an unknown key id at most every 30 s;
    after a failure nothing is tried for 5 s. One fetch serves everybody who waits for it. Where the
    clock went back, what was fetched or tried by the later time counts no more.
    """

    def __init__(
        self, issuer: str, load: Callable[[], Awaitable[tuple[PublishedKey, ...]]], clock: Clock
    ) -> None:
        self._issuer = issuer
        self._load = load
        self._clock = clock
        self._keys: tuple[PublishedKey, ...] = ()
        self._round = 0
        self._fetched_at = 0.0
        self._failed_at = 0.0
        self._failure = ""
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key of this id for ``algorithm``; without an id, the only one for ``algorithm``.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the keys cannot be fetched; UNAUTHENTICATED where
                different keys have this id (RFC 7517, section 4.5: they should not), since which
                of them was meant would hang on their order.
        """
        if not self._is_within(self._fetched_at, KEYS_SECONDS):
            await self._fetch(self._round)
        found = self._fitting(kid, algorithm)
        if len(found) != 1 and not self._is_within(self._fetched_at, _REFETCH_SECONDS):
            await self._fetch(self._round)
            found = self._fitting(kid, algorithm)
        if len(found) > 1 and kid is not None:
            raise unauthenticated(
                "The token's issuer publishes different keys under the id of the token's key, so"
                " that nobody can tell which is meant. Whoever runs the identity provider must"
                " give each key an id of its own."
            )
        return found[0] if len(found) == 1 else None

    def _fitting(self, kid: str | None, algorithm: str) -> list[PublicKey]:
        """The keys that may be meant, each once."""
        found: list[PublicKey] = []
        for known in self._keys:
            is_meant = algorithm in known.algorithms and kid in (None, known.kid)
            if is_meant and known.key not in found:
                found.append(known.key)
        return found

    async def _fetch(self, seen_round: int) -> None:
        async with self._fetching:
            now = self._now()
            if self._round != seen_round:
                return  # somebody fetched while we waited
            if self._is_within(self._failed_at, _RETRY_SECONDS):
                raise self._unavailable(self._failed_at + _RETRY_SECONDS - now)
            try:
                self._keys = await self._load()
            except FetchError as error:
                # From its end on: a fetch that timed out took longer than that itself.
                self._failure, self._failed_at = str(error), self._now()
                raise self._unavailable(_RETRY_SECONDS) from error
            self._round += 1
            self._fetched_at = now

    def _is_within(self, moment: float, seconds: float) -> bool:
        """Whether it is no longer ago than that; what lies ahead was by a clock that went back."""
        return moment <= self._now() < moment + seconds

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _unavailable(self, seconds: float) -> ProblemError:
        return refuse(
            "SERVICE_UNAVAILABLE",
            f"The keys of the identity provider {self._issuer} cannot be fetched:"
            f" {self._failure}. Tokens of it cannot be checked at present; try again later.",
            retry_after=round(seconds, 1),
        )
