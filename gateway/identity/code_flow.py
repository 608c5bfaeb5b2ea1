"""Signing people in at an OpenID Connect provider: the authorization code flow with PKCE.

OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE, always S256); RFC 9700 (current practice).
What comes back is a token for the ``Authenticator``, which alone says whether it is believed.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass

from gateway.identity.fetch import FetchError, fetch_json, post_form
from gateway.identity.oidc import DISCOVERY, STRICT, Name, Url
from gateway.model.json import JsonObject
from gateway.model.problem import ProblemError, refuse

_MAX_CODE_CHARS = 2_048


@checked_dataclass(frozen=True, slots=True, config=STRICT)
class CodeFlowConfig:
    """The provider at which people sign in to the console, as GATEWAY_CONSOLE_OIDC describes it.

    ``issuer`` is its URL, ``client_id`` how it knows the console, ``client_secret`` the secret of a
    confidential client (none for a public one). ``token`` says which of the tokens that it gives is
    used: it must be one that GATEWAY_OIDC_ISSUERS lets the gateway believe.

    Raises:
        ValueError: (pydantic's ValidationError) a member is missing, unknown or wrong.
    """

    issuer: Url
    client_id: Name
    client_secret: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    scope: Name = "openid"
    token: Literal["access_token", "id_token"] = "access_token"  # noqa: S105 - a kind of token


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """What only the browser that began to sign in knows: ``state`` comes back with the code,
    ``verifier`` proves to the provider who began."""

    state: str
    verifier: str

    @classmethod
    def begin(cls) -> "SignInAttempt":
        """A new one."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The SHA-256 of the verifier (RFC 7636, section 4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class CodeFlow:
    """The flow at one provider, whose addresses are found by discovery when somebody signs in."""

    def __init__(self, config: CodeFlowConfig) -> None:
        self._config = config
        self._trust = httpx.create_ssl_context()
        self._found: JsonObject | None = None

    async def address(self, attempt: SignInAttempt, redirect_uri: str) -> str:
        """Where to send the browser; the provider sends it back to ``redirect_uri``.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the provider cannot be reached.
        """
        asked = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._config.scope,
            "state": attempt.state,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        place = await self._place("authorization_endpoint")
        joint = "&" if urlsplit(place).query else "?"
        return f"{place}{joint}{urlencode(asked)}"

    async def redeem(self, code: str, attempt: SignInAttempt, redirect_uri: str) -> str:
        """The token that the provider gives for ``code``.

        Raises:
            ProblemError: UNAUTHENTICATED where it gives none; SERVICE_UNAVAILABLE when it cannot be
                reached.
        """
        if not code or len(code) > _MAX_CODE_CHARS:
            raise refuse("UNAUTHENTICATED", "The identity provider sent no code. Sign in again.")
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._config.client_id,
            "code_verifier": attempt.verifier,
        }
        if self._config.client_secret is not None:
            sent["client_secret"] = self._config.client_secret
        place = await self._place("token_endpoint")
        try:
            status, answer = await post_form(place, sent, self._trust)
        except FetchError as error:
            raise self._unavailable(error) from error
        token = answer.get(self._config.token)
        if status != httpx.codes.OK or not isinstance(token, str):
            raise refuse(
                "UNAUTHENTICATED",
                f"The identity provider gave no {self._config.token} (status {status}). "
                "Sign in again.",
            )
        return token

    async def _place(self, name: str) -> str:
        if self._found is None:
            issuer = self._config.issuer
            try:
                found = await fetch_json(issuer.rstrip("/") + DISCOVERY, self._trust)
                if found.get("issuer") != issuer:
                    raise FetchError("its discovery document is that of another issuer")
            except FetchError as error:
                raise self._unavailable(error) from error
            self._found = found
        place = self._found.get(name)
        if not isinstance(place, str):
            raise self._unavailable(FetchError(f"its discovery document names no '{name}'"))
        return place

    def _unavailable(self, error: FetchError) -> ProblemError:
        return refuse(
            "SERVICE_UNAVAILABLE",
            f"Nobody can sign in at present: the identity provider {self._config.issuer} fails: "
            f"{error}. Try again later.",
        )
