"""The authorization code flow against a provider over HTTP."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from gateway.identity import CodeFlow, CodeFlowConfig, SignInAttempt
from gateway.model.problem import Problem, ProblemError
from tests.identity_provider import Provider, running_provider

BACK = "https://gateway.example/console/signed-in"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


def flow(provider: Provider, **members: Any) -> CodeFlow:
    return CodeFlow(CodeFlowConfig(issuer=provider.url, client_id="console", **members))


def refused(asked: Any) -> Problem:
    with pytest.raises(ProblemError) as caught:
        asyncio.run(asked)
    return caught.value.problem


def test_the_address_names_the_client_and_the_challenge_of_the_attempt(provider: Provider) -> None:
    attempt = SignInAttempt.begin()
    address = asyncio.run(flow(provider, scope="openid roles").address(attempt, BACK))
    assert address.startswith(f"{provider.url}/authorize?")
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert parse_qs(urlsplit(address).query) == {
        "response_type": ["code"],
        "client_id": ["console"],
        "redirect_uri": [BACK],
        "scope": ["openid roles"],
        "state": [attempt.state],
        "code_challenge": [base64.urlsafe_b64encode(digest).rstrip(b"=").decode()],
        "code_challenge_method": ["S256"],
    }


def test_an_address_that_has_parameters_keeps_them(provider: Provider) -> None:
    provider.discoverable(authorization_endpoint=f"{provider.url}/authorize?tenant=7")
    address = asyncio.run(flow(provider).address(SignInAttempt.begin(), BACK))
    assert parse_qs(urlsplit(address).query)["tenant"] == ["7"]


def test_attempts_are_never_the_same() -> None:
    attempts = [SignInAttempt.begin() for _ in range(50)]
    assert len({one.state for one in attempts} | {one.verifier for one in attempts}) == 100


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_a_code_is_redeemed_with_the_verifier(provider: Provider, kind: Any) -> None:
    provider.serve("/token", {"access_token": "a", "id_token": "i"})
    attempt = SignInAttempt.begin()
    token = asyncio.run(flow(provider, token=kind).redeem("c0de", attempt, BACK))
    assert token == kind[0]
    assert provider.forms == [
        {
            "grant_type": "authorization_code",
            "code": "c0de",
            "redirect_uri": BACK,
            "client_id": "console",
            "code_verifier": attempt.verifier,
        }
    ]


def test_a_confidential_client_sends_its_secret(provider: Provider) -> None:
    provider.serve("/token", {"access_token": "a"})
    attempt = SignInAttempt.begin()
    asyncio.run(flow(provider, client_secret="s3cret").redeem("c", attempt, BACK))
    assert provider.forms[0]["client_secret"] == "s3cret"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": "invalid_grant", "error_description": "s3cret"}),
        (200, {"token_type": "Bearer"}),
        (200, {"access_token": 7}),
    ],
)
def test_where_the_provider_gives_no_token_nobody_is_signed_in(
    provider: Provider, status: int, answer: Any
) -> None:
    provider.serve("/token", answer, status)
    told = refused(flow(provider).redeem("c", SignInAttempt.begin(), BACK))
    assert told.code == "UNAUTHENTICATED"
    assert "s3cret" not in told.detail


@pytest.mark.parametrize("code", ["", "c" * 2_049])
def test_a_code_that_cannot_be_one_is_not_sent(provider: Provider, code: str) -> None:
    told = refused(flow(provider).redeem(code, SignInAttempt.begin(), BACK))
    assert told.code == "UNAUTHENTICATED"
    assert provider.requests == []


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": None},
        {"token_endpoint": "http://elsewhere.example/token"},
    ],
)
def test_a_provider_that_describes_itself_badly_is_not_used(
    provider: Provider, members: dict[str, Any]
) -> None:
    provider.discoverable(**members)
    told = refused(flow(provider).redeem("c", SignInAttempt.begin(), BACK))
    assert told.code == "SERVICE_UNAVAILABLE"
    assert provider.url in told.detail


def test_a_provider_that_fails_is_asked_again_by_the_next(provider: Provider) -> None:
    asked = flow(provider)
    description = provider.pages.pop("/.well-known/openid-configuration")
    assert refused(asked.address(SignInAttempt.begin(), BACK)).code == "SERVICE_UNAVAILABLE"
    provider.pages["/.well-known/openid-configuration"] = description
    assert asyncio.run(asked.address(SignInAttempt.begin(), BACK))


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "http://id.example"},
        {"issuer": "https://id.example", "token": "refresh_token"},
        {"issuer": "https://id.example", "client_secret": ""},
        {"issuer": "https://id.example", "colour": "red"},
        {"client_id": ""},
    ],
)
def test_a_description_of_a_provider_that_cannot_be_used_is_refused(
    members: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError):
        CodeFlowConfig(**{"client_id": "console", **members})
