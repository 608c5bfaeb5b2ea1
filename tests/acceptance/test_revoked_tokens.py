"""Tokens are revoked beside a gateway that serves: calls and open connections end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.acceptance.test_subscriptions import following, read_on
from tests.forking import run_to_end
from tests.processes import GATEWAY, ROOT, Caller
from tests.world import World, end_world, make_world

WHO = "{ controlPlaneExecutionList(input: {}) { total } }"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("revoked")
    path = folder / "revoked-tokens"
    path.touch()
    given = {"GATEWAY_RECHECK_SECONDS": "0.2", "GATEWAY_TOKEN_LEEWAY": "0"}
    world = make_world(folder, GATEWAY_REVOKED_TOKENS=str(path), **given)
    yield world
    end_world(world)


def answer(caller: Caller) -> httpx.Response:
    return caller.send(WHO)


def until(holds: Callable[[], bool]) -> None:
    """Return once that holds; what others do decides how soon, so much time is left."""
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_a_revoked_token_is_refused_and_its_sockets_end(world: World) -> None:
    lost, kept = (world.gateway.caller("mallory", "admin") for _ in range(2))
    assert lost.token is not None
    assert answer(lost).status_code == answer(kept).status_code == 200
    file = world.gateway.folder / "found.jwt"
    file.write_text(f"{lost.token}\n")
    with following(world, lost) as socket:
        done = world.gateway.command("token", "revoke", "--of", str(file))
        assert (done.returncode, done.stderr) == (0, "")
        until(lambda: answer(lost).status_code == 401)
        with pytest.raises(ConnectionClosed) as closed:
            read_on(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
    assert "revoked" in answer(lost).text
    assert answer(kept).status_code == 200


def test_what_a_person_had_is_refused_and_what_they_get_anew_is_not(world: World) -> None:
    earlier, other = world.gateway.caller("trudy", "admin"), world.gateway.caller("bob", "admin")
    assert answer(earlier).status_code == 200
    done = world.gateway.command("token", "revoke", "--subject", "trudy")
    assert done.returncode == 0, done.stderr
    until(lambda: answer(earlier).status_code == 401)
    until(lambda: answer(world.gateway.caller("trudy", "admin")).status_code == 200)
    assert answer(earlier).status_code == 401
    assert answer(other).status_code == 200


def test_a_gateway_does_not_start_with_a_file_that_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "revoked-tokens"
    path.write_text("mallory\n")
    named = ["--data-dir", str(tmp_path / "data"), "--revoked-tokens", str(path)]
    done = run_to_end([*GATEWAY, "serve", "--port", "0", *named], cwd=ROOT)
    assert done.returncode == 2
    assert "REVOCATIONS_INVALID" in done.stderr
    assert "revoked-tokens:1" in done.stderr
