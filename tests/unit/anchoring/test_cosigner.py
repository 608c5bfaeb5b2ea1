"""The client of witnesses: against a real witness over HTTP, and against one that misbehaves."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.actions import HostGuard
from gateway.anchoring.anchor import AnchorError
from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.exchange import Exchange
from gateway.anchoring.targets import WitnessTarget
from gateway.transparency import (
    COSIGNATURE,
    Checkpoint,
    NoteSigner,
    Verifier,
    open_note,
    parse_note,
)
from gateway.witness import Witness, open_witness, trusted_logs
from tests.answering import Answering, Reply, Request
from tests.unit.anchoring.anchor_world import CLOCK, AnchorWorld

pytestmark = pytest.mark.anyio
KEY = Ed25519PrivateKey.generate()
VERIFIER = Verifier("w.example.com", KEY.public_key().public_bytes_raw(), COSIGNATURE)
SIGNER = NoteSigner(VERIFIER, KEY.sign)
AT = 1_772_357_400


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    made = Exchange(HostGuard(["127.0.0.1:*"]), CLOCK, timeout=20)
    yield made
    await made.close()


def cosigner(
    world: AnchorWorld, server: Answering, exchange: Exchange, key: Verifier = VERIFIER
) -> Cosigner:
    return Cosigner(WitnessTarget(server.url, key), exchange, world.history)


@pytest.fixture
async def witness(world: AnchorWorld, server: Answering, tmp_path: Path) -> AsyncIterator[Witness]:
    """A real witness behind the server."""
    origin = (await world.grow()).origin
    log = Verifier(origin, world.key.public_key().public_bytes_raw())
    made = open_witness(tmp_path / "w", "w.example.com", trusted_logs([str(log)]), CLOCK)

    def answer(request: Request) -> Reply:
        assert request.path == "/add-checkpoint"
        told = made.add_checkpoint(request.body)
        return Reply(told.status, told.body.encode(), {"Content-Type": told.content_type})

    server.answer = answer
    yield made
    made.book.close()


async def test_checkpoints_are_cosigned_one_after_the_other(
    world: AnchorWorld, server: Answering, exchange: Exchange, witness: Witness
) -> None:
    client = cosigner(world, server, exchange, witness.signer.verifier)
    told = [await world.checkpoint(1), await world.grow(1), await world.grow(300)]
    for checkpoint in told:
        taken = await client.publish(checkpoint)
        note = f"{checkpoint.note}{taken.cosignature}\n"
        (by,) = open_note(note, [witness.signer.verifier]).signed_by
        assert by.at == taken.answer["at"]
    assert len(server.requests) == 3


async def test_a_client_that_knows_nothing_asks_for_the_size(
    world: AnchorWorld, server: Answering, exchange: Exchange, witness: Witness
) -> None:
    key = witness.signer.verifier
    first = await world.checkpoint(1)
    await cosigner(world, server, exchange, key).publish(first)
    later = await world.grow(7)
    taken = await cosigner(world, server, exchange, key).publish(later)  # after a restart
    assert taken.cosignature is not None
    again = await cosigner(world, server, exchange, key).publish(later)  # an answer that was lost
    assert again.cosignature is not None
    assert len(server.requests) == 1 + 2 + 2


async def test_a_checkpoint_that_the_witness_has_gone_beyond_is_passed_over(
    world: AnchorWorld, server: Answering, exchange: Exchange, witness: Witness
) -> None:
    key = witness.signer.verifier
    later = await world.grow(7)
    await cosigner(world, server, exchange, key).publish(later)
    client = cosigner(world, server, exchange, key)
    taken = await client.publish(await world.checkpoint(1))
    assert (taken.cosignature, taken.answer) == (None, {"overtakenAt": later.size})
    assert (await client.publish(later)).cosignature is not None


async def test_a_record_that_was_changed_is_not_cosigned(
    world: AnchorWorld,
    server: Answering,
    exchange: Exchange,
    witness: Witness,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = await world.copy(tmp_path / "other")
    key = witness.signer.verifier
    await cosigner(world, server, exchange, key).publish(await world.grow(4, "honest"))
    for count in (4, 9):  # as large as what was seen, and larger
        forged = await other.grow(count, "forged")
        client = cosigner(other, server, exchange, key)
        for _ in range(2):  # however often
            with pytest.raises(AnchorError, match="another tree of 7 entries than ours"):
                await client.publish(forged)
    assert "another tree" in caplog.text
    await other.close()


async def test_a_record_that_lost_entries_is_told(
    world: AnchorWorld, server: Answering, exchange: Exchange, witness: Witness, tmp_path: Path
) -> None:
    backup = await world.copy(tmp_path / "backup")
    key = witness.signer.verifier
    await cosigner(world, server, exchange, key).publish(await world.grow(9))
    with pytest.raises(AnchorError, match="signed 12 entries and the record has fewer"):
        await cosigner(backup, server, exchange, key).publish(await backup.grow(2))
    await backup.close()


async def test_a_witness_of_others_says_so(
    world: AnchorWorld, server: Answering, exchange: Exchange, tmp_path: Path
) -> None:
    checkpoint = await world.grow()
    stranger = Verifier(checkpoint.origin, bytes(32))
    for logs, told in ((["x+", ""], "not know this log"), ([str(stranger)], "not know the key")):
        known = trusted_logs([one for one in logs if one.startswith("contract")])
        made = open_witness(tmp_path / "w", "w.example.com", known, CLOCK)
        server.answer = lambda request, one=made: Reply(  # type: ignore[misc] # bound in the loop
            (answer := one.add_checkpoint(request.body)).status, answer.body.encode()
        )
        with pytest.raises(AnchorError, match=told):
            await cosigner(world, server, exchange).publish(checkpoint)
        made.book.close()


def other_text(request: Request) -> bytes:
    """A cosignature of another checkpoint than the one submitted."""
    text = str(Checkpoint("elsewhere.example.com", 3, bytes(32)))
    return SIGNER.cosignature(text, AT).line().encode()


def by_another_key(request: Request) -> bytes:
    key = Ed25519PrivateKey.generate()
    own = Verifier("v.example.com", key.public_key().public_bytes_raw(), COSIGNATURE)
    return NoteSigner(own, key.sign).cosignature("x\n", AT).line().encode()


def at_a_time(request: Request, at: int) -> bytes:
    text = parse_note(request.body.partition(b"\n\n")[2]).text
    return SIGNER.cosignature(text, at).line().encode()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda request: Reply(200, at_a_time(request, AT * 1_000)), "beyond all calendars"),
        (lambda request: Reply(200, at_a_time(request, 2**63 - 1)), "beyond all calendars"),
        (lambda request: Reply(200, other_text(request)), "false cosignature"),
        (lambda request: Reply(200, by_another_key(request)), "without a cosignature of its key"),
        (lambda request: Reply(200), "no signature lines"),
        (lambda request: Reply(200, b"OK"), "no signature lines"),
        (lambda request: Reply(200, b"\xff\n"), "no signature lines"),
        (lambda request: Reply(200, b"x\n\n" + other_text(request)), "without a cosignature"),
        (lambda request: Reply(200, b"x" * 70_000), "more than 65536 bytes"),
        (lambda request: Reply(409), "409 without a size"),
        (lambda request: Reply(409, b"-1\n"), "409 without a size"),
        (lambda request: Reply(409, b"0\n"), "another tree of 0 entries"),
        (lambda request: Reply(409, b"99\n"), "has signed 99 entries"),
        (lambda request: Reply(422), "another tree"),
        (lambda request: Reply(400), "malformed"),
        (lambda request: Reply(413), "too large"),
        (lambda request: Reply(500), "answered 500"),
        (lambda request: Reply(503, headers={"Retry-After": "9"}), "answered 503"),
        (lambda request: Reply(302, headers={"Location": "/"}), "answered 302"),
    ],
)
async def test_a_witness_that_misbehaves_is_told_and_believed_nothing(
    world: AnchorWorld,
    server: Answering,
    exchange: Exchange,
    answer: Callable[[Request], Reply],
    told: str,
) -> None:
    server.answer = answer
    with pytest.raises(AnchorError, match=told):
        await cosigner(world, server, exchange).publish(await world.grow())
    assert len(server.requests) < 6


async def test_a_witness_that_names_another_size_each_time_is_left(
    world: AnchorWorld, server: Answering, exchange: Exchange
) -> None:
    sizes = iter([b"1\n", b"2\n", b"3\n", b"1\n", b"2\n", b"3\n"])
    server.answer = lambda _: Reply(409, next(sizes))
    with pytest.raises(AnchorError, match="another size each time"):
        await cosigner(world, server, exchange).publish(await world.grow())


async def test_a_cosignature_among_others_is_found(
    world: AnchorWorld, server: Answering, exchange: Exchange
) -> None:
    checkpoint = await world.grow()
    own = SIGNER.cosignature(checkpoint.text, AT).line()
    server.answer = lambda request: Reply(200, by_another_key(request) + own.encode())
    taken = await cosigner(world, server, exchange).publish(checkpoint)
    assert (taken.cosignature, taken.answer) == (own.rstrip("\n"), {"at": AT})
