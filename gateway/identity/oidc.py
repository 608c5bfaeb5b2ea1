"""Issuers of production tokens: identity providers that speak OpenID Connect."""

from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from gateway.identity.fetch import FetchError, fault_of_url, fetch_json
from gateway.identity.issuer import ALGORITHMS, ClaimNames, IssuerProfile, PublicKey
from gateway.identity.jwks import KEYS_SECONDS, PublishedKey, PublishedKeys, published_keys
from gateway.model.ports import Clock
from gateway.model.system import SystemClock

DISCOVERY = "/.well-known/openid-configuration"
"""Where an issuer describes itself (OpenID Connect Discovery 1.0, section 4)."""


def _checked_url(url: str) -> str:
    if fault := fault_of_url(url):
        raise ValueError(f"it {fault}")
    return url


def _checked_algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise ValueError(f"it must be one of {', '.join(sorted(ALGORITHMS))}")
    return name


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_checked_url)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
STRICT = ConfigDict(extra="forbid")
"""What is not known is refused."""


@checked_dataclass(frozen=True, slots=True, config=STRICT)
class OidcConfig:
    """An OpenID Connect issuer that is believed, as GATEWAY_OIDC_ISSUERS describes it.

    ``issuer`` is its URL, to the letter what its tokens say in ``iss``; ``audience`` one name or
    several that mean this gateway; ``jwks_url`` where its keys are (found by discovery if it is
    not given). The ``..._claim`` members name the claims, or are JSON pointers into them.

    Raises:
        ValueError: (pydantic's ValidationError) a member is missing, unknown or wrong.
    """

    issuer: Url
    audience: Annotated[
        tuple[Name, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=16)
    ]
    jwks_url: Url | None = None
    algorithms: Annotated[
        tuple[Annotated[str, AfterValidator(_checked_algorithm)], ...], Field(min_length=1)
    ] = tuple(sorted(ALGORITHMS))
    workspace_claim: Name = "workspace"
    roles_claim: Name = "roles"
    type_claim: Name = "type"
    capabilities_claim: Name = "capabilities"

    @property
    def profile(self) -> IssuerProfile:
        """The same as a profile."""
        return IssuerProfile(
            name=self.issuer,
            audiences=frozenset(self.audience),
            algorithms=frozenset(self.algorithms),
            claims=ClaimNames(
                self.workspace_claim, self.roles_claim, self.type_claim, self.capabilities_claim
            ),
            recheck_after=KEYS_SECONDS,
        )


class OidcIssuer:
    """An OpenID Connect issuer, believed by the keys that it publishes.

    Keys are kept for 300 s; a key that is not known is looked for again, at most every 30 s.
    """

    def __init__(self, config: OidcConfig, clock: Clock | None = None) -> None:
        self.profile = config.profile
        self._config = config
        self._trust = httpx.create_ssl_context()
        self._keys = PublishedKeys(config.issuer, self._load, clock or SystemClock())

    async def key(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The published key of this id that is made for ``algorithm``; None if there is none.

        A token may come without a key id where only one key is made for its algorithm.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the keys cannot be fetched.
        """
        return await self._keys.find(kid, algorithm)

    async def _load(self) -> tuple[PublishedKey, ...]:
        url = self._config.jwks_url or await self._discover()
        return published_keys(await fetch_json(url, self._trust))

    async def _discover(self) -> str:
        """Where the keys are, by OpenID Connect Discovery 1.0, section 4."""
        issuer = self._config.issuer
        document = await fetch_json(issuer.rstrip("/") + DISCOVERY, self._trust)
        if document.get("issuer") != issuer:
            raise FetchError("its discovery document is that of another issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str):
            raise FetchError("its discovery document names no 'jwks_uri'")
        return url
