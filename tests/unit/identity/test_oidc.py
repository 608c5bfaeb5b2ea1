"""OpenID Connect issuers: keys found, kept, rotated and refused, over real HTTP on 127.0.0.1."""

import asyncio
import gzip
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pydantic import ValidationError

from gateway.identity import Authenticator, OidcConfig, OidcIssuer
from gateway.identity.fetch import FetchError
from gateway.identity.jwks import PublishedKey, PublishedKeys
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from tests.identity_provider import DISCOVERY, PrivateKey, Provider, SetClock, jwk
from tests.identity_provider import running_provider as provider_that_runs

RSA_KEY = rsa.generate_private_key(65_537, 2048)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_that_runs() as running:
        yield running


class Door:
    """An authenticator that believes a provider."""

    def __init__(self, provider: Provider, **config: Any) -> None:
        self.clock = SetClock()
        self.provider = provider
        given = {"issuer": provider.url, "audience": "gateway"} | config
        issuer = OidcIssuer(OidcConfig(**given), self.clock)
        self.authenticator = Authenticator([issuer], self.clock)

    def enter(self, authorization: str | None = None, **claims: Any) -> Principal:
        token = authorization or self.provider.token(self.clock, **claims)
        return asyncio.run(self.authenticator.authenticate(token))

    def refusal(self, authorization: str | None = None, **claims: Any) -> Problem:
        with pytest.raises(ProblemError) as caught:
            self.enter(authorization, **claims)
        return caught.value.problem

    def outage(self) -> Problem:
        told = self.refusal()
        assert (told.code, told.retryable, told.status) == ("SERVICE_UNAVAILABLE", True, 503)
        assert told.retry_after is not None
        return told


def test_keys_are_found_by_discovery_and_fetched_once(provider: Provider) -> None:
    door = Door(provider)
    assert door.enter(sub="ada").subject == "ada"
    assert door.enter(sub="bob").subject == "bob"
    assert provider.requests == [DISCOVERY, "/keys"]


def test_a_given_address_of_the_keys_needs_no_discovery(provider: Provider) -> None:
    door = Door(provider, jwks_url=f"{provider.url}/keys")
    assert door.enter().subject == "ada"
    assert provider.requests == ["/keys"]


def test_an_issuer_that_ends_with_a_slash_is_discovered_below_it(provider: Provider) -> None:
    name = f"{provider.url}/"
    provider.serve(DISCOVERY, {"issuer": name, "jwks_uri": f"{provider.url}/keys"})
    assert Door(provider, issuer=name).enter(iss=name).subject == "ada"


KEYS: list[tuple[PrivateKey, str]] = [
    (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    (ec.generate_private_key(ec.SECP256R1()), "ES256"),
    (ec.generate_private_key(ec.SECP384R1()), "ES384"),
    (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    *((RSA_KEY, name) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
]


@pytest.mark.parametrize(("key", "algorithm"), KEYS, ids=[name for _, name in KEYS])
def test_each_allowed_algorithm_is_believed_with_its_kind_of_key(
    provider: Provider, key: PrivateKey, algorithm: str
) -> None:
    provider.publish(jwk(key, kid="k1"))
    assert Door(provider).enter(key=key, algorithm=algorithm).subject == "ada"


def test_an_algorithm_that_is_not_configured_is_refused_without_a_fetch(
    provider: Provider,
) -> None:
    door = Door(provider, algorithms=["ES256"])
    assert "must be ES256" in door.refusal().detail
    assert provider.requests == []


def test_a_key_is_used_with_its_own_algorithm_alone(provider: Provider) -> None:
    p256 = ec.generate_private_key(ec.SECP256R1())
    provider.publish(jwk(p256, kid="k1"), jwk(RSA_KEY, kid="k2", alg="PS256"))
    door = Door(provider)
    assert "does not publish" in door.refusal(kid="k1").detail
    assert "does not publish" in door.refusal(key=RSA_KEY, algorithm="RS256", kid="k2").detail
    assert door.enter(key=RSA_KEY, algorithm="PS256", kid="k2").subject == "ada"


def test_keys_that_are_not_for_signatures_are_passed_over(provider: Provider) -> None:
    weak = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - a weak key is what is tested
    agreement = {"kty": "OKP", "crv": "X25519", "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"}
    bare = ed25519.Ed25519PrivateKey.generate()
    private = jwk(bare, kid="k1", d="nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    provider.publish(
        {**agreement, "kid": "k1"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "k1", "alg": "HS256"},
        {"kty": "future", "kid": "k1"},
        {"kty": "RSA", "kid": "k1", "n": "!", "e": "AQAB"},
        jwk(provider.key, kid="k1", use="enc"),
        jwk(provider.key, kid=7),
        jwk(weak, kid="weak"),
        private,
        "text",
        jwk(provider.key, kid="good"),
    )
    door = Door(provider)
    assert door.enter(kid="good").subject == "ada"
    assert "does not publish" in door.refusal(kid="k1").detail
    assert "does not publish" in door.refusal(key=bare, kid="k1").detail
    assert "does not publish" in door.refusal(key=RSA_KEY, algorithm="RS256", kid="weak").detail


def test_a_token_without_a_key_id_needs_a_key_that_is_alone(provider: Provider) -> None:
    door = Door(provider)
    assert door.enter(kid=None).subject == "ada"
    provider.publish(jwk(provider.key, kid="k1"), jwk(KEYS[0][0], kid="k2"))
    door.clock.move(300)
    assert "does not publish" in door.refusal(kid=None).detail


# --- Rotation -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False])
def test_different_keys_of_one_id_are_not_chosen_from(provider: Provider, is_first: bool) -> None:
    """Else a token would pass or fail by the order in which they are published."""
    keys = [jwk(provider.key, kid="k1"), jwk(KEYS[0][0], kid="k1"), jwk(RSA_KEY, kid="k1")]
    provider.publish(*(keys if is_first else reversed(keys)))
    door = Door(provider)
    assert KEYS[0][1] == "EdDSA"
    told = door.refusal(kid="k1")
    assert told.code == "UNAUTHENTICATED"
    assert "different keys under the id" in told.detail
    assert (
        door.enter(key=RSA_KEY, algorithm="RS256", kid="k1").subject == "ada"
    )  # alone of its kind
    provider.publish(jwk(provider.key, kid="k1"), jwk(provider.key, kid="k1", alg="EdDSA"))
    door.clock.move(31)
    assert door.enter(kid="k1").subject == "ada"


def test_an_unknown_key_is_looked_for_at_most_every_30_seconds(provider: Provider) -> None:
    door = Door(provider)
    door.enter()
    new = ed25519.Ed25519PrivateKey.generate()
    provider.publish(jwk(provider.key, kid="k1"), jwk(new, kid="k2"))
    for _ in range(3):
        assert "does not publish" in door.refusal(key=new, kid="k2").detail
    assert provider.requests.count("/keys") == 1
    door.clock.move(30)
    assert door.enter(key=new, kid="k2").subject == "ada"
    door.refusal(kid="k3")
    assert provider.requests.count("/keys") == 2


def test_keys_are_fetched_again_after_300_seconds(provider: Provider) -> None:
    door = Door(provider)
    door.enter()
    door.clock.move(299)
    door.enter()
    assert provider.requests.count("/keys") == 1
    door.clock.move(1)
    door.enter()
    assert provider.requests.count("/keys") == 2


def test_a_withdrawn_key_is_no_longer_believed(provider: Provider) -> None:
    door = Door(provider)
    token = provider.token(door.clock, exp=door.clock.seconds + 3600)
    door.enter(token)
    provider.publish(jwk(KEYS[0][0], kid="k2"))
    door.clock.move(300)
    assert "does not publish" in door.refusal(token).detail


def test_a_withdrawn_key_is_no_longer_believed_where_the_clock_went_back(
    provider: Provider,
) -> None:
    door = Door(provider)
    door.clock.move(365 * 86_400)
    door.enter()
    provider.publish(jwk(KEYS[0][0], kid="k2"))
    door.clock.move(-365 * 86_400)
    assert "does not publish" in door.refusal().detail


def test_a_new_key_is_found_where_the_clock_went_back(provider: Provider) -> None:
    door = Door(provider)
    door.clock.move(365 * 86_400)
    door.enter()
    door.clock.move(-365 * 86_400)
    key = ed25519.Ed25519PrivateKey.generate()
    provider.publish(jwk(key, kid="k2"))
    assert door.enter(key=key, kid="k2").subject == "ada"


def test_a_failure_holds_nobody_up_once_the_clock_went_back(provider: Provider) -> None:
    door = Door(provider)
    provider.serve("/keys", {}, status=500)
    door.clock.move(365 * 86_400)
    door.outage()
    provider.publish(jwk(provider.key, kid="k1"))
    door.clock.move(-365 * 86_400)
    assert door.enter().subject == "ada"


def test_callers_that_come_at_once_share_one_fetch(provider: Provider) -> None:
    door = Door(provider)
    tokens = [provider.token(door.clock, sub=f"user{number}") for number in range(20)]

    async def all_at_once() -> list[Principal]:
        return await asyncio.gather(*map(door.authenticator.authenticate, tokens))

    assert len({found.subject for found in asyncio.run(all_at_once())}) == 20
    assert provider.requests == [DISCOVERY, "/keys"]


# --- Outages --------------------------------------------------------------------------------


def test_a_failed_fetch_is_a_retryable_outage_that_is_not_repeated_at_once(
    provider: Provider,
) -> None:
    page = provider.pages.pop("/keys")
    door = Door(provider)
    assert "status 404" in door.outage().detail
    provider.pages["/keys"] = page
    assert "status 404" in door.outage().detail
    assert provider.requests.count("/keys") == 1
    door.clock.move(5)
    assert door.enter().subject == "ada"


def test_callers_that_come_at_once_share_one_failure(provider: Provider) -> None:
    provider.pages.clear()
    door = Door(provider)
    tokens = [provider.token(door.clock, sub=f"user{number}") for number in range(20)]

    async def all_at_once() -> list[Any]:
        tries = map(door.authenticator.authenticate, tokens)
        return await asyncio.gather(*tries, return_exceptions=True)

    assert {type(found) for found in asyncio.run(all_at_once())} == {ProblemError}
    assert provider.requests == [DISCOVERY]


def test_callers_that_come_at_once_share_a_failure_that_takes_longer_than_the_pause() -> None:
    """A provider that swallows requests holds each fetch up until its time-out."""
    clock, fetches = SetClock(), 0

    async def timed_out() -> tuple[PublishedKey, ...]:
        nonlocal fetches
        fetches += 1
        await asyncio.sleep(0)  # the others come and wait meanwhile
        clock.move(10)
        raise FetchError("no complete answer within 10 s")

    keys = PublishedKeys("https://id.example.com", timed_out, clock)

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(keys.find("k1", "EdDSA") for _ in range(20)), return_exceptions=True
        )

    assert {type(found) for found in asyncio.run(all_at_once())} == {ProblemError}
    assert fetches == 1


def test_known_keys_serve_while_the_provider_is_away(provider: Provider) -> None:
    door = Door(provider)
    door.enter()
    provider.pages.clear()
    door.clock.move(299)
    assert door.enter(sub="bob").subject == "bob"
    door.clock.move(1)
    door.outage()


def test_a_provider_that_is_not_there_is_an_outage() -> None:
    with provider_that_runs() as gone:
        pass
    assert "no answer" in Door(gone).outage().detail


@pytest.mark.parametrize(
    ("path", "document", "told"),
    [
        (DISCOVERY, {"issuer": "https://other.example"}, "another issuer"),
        (DISCOVERY, {}, "another issuer"),
        (DISCOVERY, [], "not a JSON object"),
        ("/keys", b"<html>", "not JSON"),
        ("/keys", b"[" * 5000, "not JSON"),
        ("/keys", {"keys": {}}, "not a key set"),
        ("/keys", {"keys": [{}] * 101}, "not a key set"),
        ("/keys", {"keys": [], "pad": "x" * 262_144}, "larger than 256 KiB"),
    ],
)
def test_an_answer_that_is_not_as_it_must_be_is_an_outage(
    provider: Provider, path: str, document: Any, told: str
) -> None:
    provider.serve(path, document)
    assert told in Door(provider).outage().detail


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (None, "names no 'jwks_uri'"),
        (7, "names no 'jwks_uri'"),
        ("http://id.example.com/keys", "must use https"),
        ("file:///etc/passwd", "https://"),
        ("https://user:secret@id.example.com/keys", "user name or password"),
    ],
)
def test_a_discovered_address_that_is_not_allowed_is_not_asked(
    provider: Provider, uri: Any, told: str
) -> None:
    provider.serve(DISCOVERY, {"issuer": provider.url, "jwks_uri": uri})
    detail = Door(provider).outage().detail
    assert told in detail
    assert "secret" not in detail


def test_a_redirect_is_not_followed(provider: Provider) -> None:
    provider.serve("/keys", b"", status=302, Location=f"{provider.url}/elsewhere")
    assert "status 302" in Door(provider).outage().detail
    assert "/elsewhere" not in provider.requests


def test_a_compressed_answer_is_not_unpacked(provider: Provider) -> None:
    bomb = gzip.compress(b"x" * 10_000_000)
    provider.pages["/keys"] = (200, {"Content-Encoding": "gzip"}, bomb)
    assert "not JSON" in Door(provider).outage().detail


def test_an_answer_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.fetch._TOTAL_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        issuer = OidcIssuer(OidcConfig(issuer=url, audience=("gateway",)), SetClock())
        with pytest.raises(ProblemError, match=r"no complete answer within 0\.1 s"):
            asyncio.run(issuer.key("k1", "EdDSA"))


# --- Configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"issuer": "http://id.example.com"}, "https"),
        ({"issuer": "contract-gateway:local"}, "https"),
        ({"issuer": "https://"}, "https"),
        ({"issuer": "https://[::1"}, "not a URL"),
        ({"jwks_url": "http://10.0.0.1/keys"}, "https"),
        ({"audience": []}, "at least 1"),
        ({"audience": ""}, "at least 1"),
        ({"algorithms": ["HS256"]}, "must be one of"),
        ({"algorithms": ["none"]}, "must be one of"),
        ({"algorithms": []}, "at least 1"),
        ({"workspace_claim": ""}, "at least 1"),
        ({"client_secret": "x"}, "Unexpected"),
    ],
)
def test_a_configuration_that_cannot_be_honoured_is_refused(
    config: dict[str, Any], told: str
) -> None:
    given = {"issuer": "https://id.example.com", "audience": "gateway"} | config
    with pytest.raises(ValidationError, match=told):
        OidcConfig(**given)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
def test_http_is_allowed_for_this_machine(host: str) -> None:
    config = OidcConfig(issuer=f"http://{host}:9000", audience=("gateway",))
    assert config.profile.name == f"http://{host}:9000"
