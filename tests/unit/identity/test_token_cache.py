"""Verified tokens are remembered, and forgotten, revoked or refused when they must be."""

import asyncio
from pathlib import Path

import pytest

from gateway.identity import Authenticator, LocalIssuer
from gateway.model.principal import PrincipalType
from gateway.model.problem import ProblemError
from tests.identity_provider import SetClock
from tests.unit.identity.door import Door, bearer


def test_a_token_is_verified_once_while_it_is_hot() -> None:
    door = Door()
    token = bearer(door.token())
    assert [door.enter(token) for _ in range(3)] == [door.enter(token)] * 3
    assert door.house.asked == 1


def test_a_verified_token_is_verified_again_after_a_while() -> None:
    door = Door()
    token = bearer(door.token())
    door.enter(token)
    door.house.known = False
    door.clock.move(299)
    assert door.enter(token).subject == "ada"
    door.clock.move(1)
    assert "does not publish" in door.refusal(token).detail


def test_a_verified_token_is_verified_again_when_the_clock_goes_back() -> None:
    door = Door()
    token = bearer(door.token(nbf=door.clock.seconds - 7200, iat=door.clock.seconds - 7200))
    door.enter(token)
    door.house.known = False
    door.clock.move(-3600)
    assert "does not publish" in door.refusal(token).detail


def test_a_token_is_valid_until_it_expires_with_the_leeway() -> None:
    door = Door(leeway=10)
    token = bearer(door.token())
    ask = door.authenticator.valid_for
    assert asyncio.run(ask(token)) == 610
    door.clock.move(609)
    assert asyncio.run(ask(token)) == 1
    door.clock.move(1)
    with pytest.raises(ProblemError, match="expired"):
        asyncio.run(ask(token))


def test_nobody_without_a_token_is_valid_for_a_while() -> None:
    assert asyncio.run(Door().authenticator.valid_for(None)) is None


def test_a_refused_token_is_not_remembered() -> None:
    door = Door()
    token = bearer(door.token(nbf=door.clock.seconds + 60))
    door.refusal(token)
    door.clock.move(60)
    assert door.enter(token).subject == "ada"


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.authenticator._MAX_VERIFIED", 3)
    door = Door()
    tokens = [bearer(door.token(jti=f"t{number}")) for number in range(4)]
    for token in tokens:
        door.enter(token)
    door.enter(tokens[3])
    assert door.house.asked == 4
    door.enter(tokens[0])
    assert door.house.asked == 5


# --- The local issuer -----------------------------------------------------------------------


def test_a_local_token_is_believed_where_its_issuer_is(tmp_path: Path) -> None:
    clock = SetClock()
    issuer = LocalIssuer.open(tmp_path, clock)
    token = bearer(issuer.issue("bot", "agent", ["user"], "acme", 60, ["pay@1.0.0"]))
    found = asyncio.run(Authenticator([issuer], clock).authenticate(token))
    assert (found.type, found.subject, found.workspace) == (PrincipalType.AGENT, "bot", "acme")
    assert found.capabilities == frozenset({"pay@1.0.0"})
    assert found.session is not None


def test_a_local_token_is_refused_where_local_tokens_are_off(tmp_path: Path) -> None:
    token = LocalIssuer.open(tmp_path, SetClock()).issue("bot", "agent", [], "acme", 60)
    assert "GATEWAY_LOCAL_TOKENS" in Door().refusal(bearer(token)).detail


def test_a_local_token_of_another_installation_is_refused(tmp_path: Path) -> None:
    clock = SetClock()
    theirs = LocalIssuer.open(tmp_path / "theirs", clock)
    ours = Authenticator([LocalIssuer.open(tmp_path / "ours", clock)], clock)
    with pytest.raises(ProblemError, match="does not publish"):
        asyncio.run(ours.authenticate(bearer(theirs.issue("ada", "human", [], "acme", 60))))
