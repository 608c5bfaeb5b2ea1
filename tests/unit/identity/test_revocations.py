"""Tokens that a file revokes are believed no more, whether they were verified before or not."""

import asyncio
import logging
import os
from pathlib import Path

import pytest

from gateway.identity import add_revocations, read_revocations
from gateway.identity import revocations as module
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.model.time import stamp
from tests.unit.identity.door import Door, bearer

REVOKED = "The token has been revoked."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "revoked"
    path.touch()
    return path


def moment(door: Door, later: float = 0) -> str:
    door.clock.move(later)
    at = stamp(door.clock.now())
    door.clock.move(-later)
    return at


def test_a_revoked_token_is_refused_hot_and_cold(path: Path) -> None:
    door = Door(revoked=path)
    hot, cold, other = (bearer(door.token(jti=name, n=n)) for n, name in enumerate("aab"))
    door.enter(hot)
    add_revocations(path, ["token a"])
    door.clock.move(1)
    assert door.refusal(hot).detail == REVOKED
    assert door.refusal(cold).detail == REVOKED
    assert door.enter(other).session == "b"


def test_a_revoked_token_is_valid_for_no_time(path: Path) -> None:
    path.write_text("token t1\n")
    door = Door(revoked=path)
    with pytest.raises(ProblemError, match="revoked"):
        asyncio.run(door.authenticator.valid_for(bearer(door.token())))


def test_a_token_without_a_name_is_not_that_of_any_name(path: Path) -> None:
    path.write_text("token None\n")
    assert Door(revoked=path).enter(bearer(Door().token(jti=None))).session is None


def test_what_was_issued_to_a_subject_before_a_moment_is_refused(path: Path) -> None:
    door = Door(revoked=path, leeway=0)
    early, mute = bearer(door.token()), bearer(door.token(iat=None))
    other = bearer(door.token(sub="bob"))
    add_revocations(path, [f"before {moment(door, 1)} ada"])
    door.clock.move(1)
    late = bearer(door.token())
    assert door.refusal(early).detail == REVOKED
    assert door.refusal(mute).detail == REVOKED
    assert door.enter(other).subject == "bob"
    assert door.enter(late).subject == "ada"


def test_an_issuer_whose_clock_is_ahead_hides_no_earlier_token(path: Path) -> None:
    door = Door(revoked=path, leeway=10)
    ahead = bearer(door.token(iat=door.clock.seconds + 9))
    add_revocations(path, [f"before {moment(door)} ada"])
    door.clock.move(1)
    assert door.refusal(ahead).detail == REVOKED


def test_the_latest_moment_of_a_subject_counts(path: Path) -> None:
    door = Door(revoked=path, leeway=0)
    add_revocations(path, [f"before {moment(door, 60)} ada", f"before {moment(door)} ada"])
    door.clock.move(30)
    assert door.refusal(bearer(door.token())).detail == REVOKED


def test_what_is_taken_out_of_the_file_is_believed_again(path: Path) -> None:
    path.write_text("token t1\n")
    door = Door(revoked=path)
    door.refusal(bearer(door.token()))
    path.write_text("# nobody\n")
    door.clock.move(1)
    assert door.refusal(bearer(door.token())).detail == REVOKED
    door.clock.move(5)
    assert door.enter(bearer(door.token())).subject == "ada"


@pytest.mark.parametrize("part", ["", "token t", "token t0\n"])
@pytest.mark.parametrize("back", [0, 3600])
def test_a_file_that_is_written_in_place_takes_nothing_back_before_it_is_whole(
    path: Path, part: str, back: int, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("token t0\ntoken t1\n")
    door = Door(revoked=path)
    token = bearer(door.token(iat=None, nbf=None))
    for more in range(3):  # never for long as it is
        path.write_text(f"{part}{more}")
        door.clock.move(4 - back)
        assert door.refusal(token).detail == REVOKED
        door.clock.move(1)
        assert door.refusal(token).detail == REVOKED
    path.write_text("token t1\ntoken t2\n")
    for _ in range(8):
        door.clock.move(1)
        assert door.refusal(token).detail == REVOKED
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told[0] == (
        "revoked revokes less than before; all of it stays revoked until the file was not written"
        " for 5 seconds"
    )
    assert door.enter(bearer(door.token(jti="t0"))).session == "t0"


@pytest.mark.parametrize("times", [2, 100])
def test_a_file_that_is_written_while_it_is_read_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path.write_text("token t0\n")
    stat, looks = os.fstat, [0]

    def fstat(descriptor: int) -> os.stat_result:
        looks[0] += 1
        if looks[0] % 2 == 0 and looks[0] <= 2 * times:  # after it was read
            with path.open("a") as file:
                file.write(f"token a{looks[0]}\n")
        return stat(descriptor)

    monkeypatch.setattr(os, "fstat", fstat)
    if times == 2:
        assert read_revocations(path).tokens == {"t0", "a2", "a4"}
        return
    with pytest.raises(ProblemError, match="written all the time"):
        read_revocations(path)


def test_the_file_is_not_looked_at_for_each_call(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(revoked=path)
    looks = []
    monkeypatch.setattr(module, "form_of", lambda path: looks.append(path))
    for _ in range(3):
        door.enter(bearer(door.token()))
    door.clock.move(0.9)
    door.enter(bearer(door.token()))
    assert not looks
    door.clock.move(0.1)
    door.enter(bearer(door.token()))
    assert looks == [path]


def test_a_clock_that_goes_back_keeps_nobody_from_looking(path: Path) -> None:
    door = Door(revoked=path)
    add_revocations(path, ["token t1"])
    token = bearer(door.token(iat=None, nbf=None))
    door.clock.move(-3600)
    assert door.refusal(token).detail == REVOKED


@pytest.mark.parametrize("spoil", ["gone", "line", "bytes", "large"])
def test_what_was_known_stays_revoked_while_the_file_cannot_be_read(
    path: Path, spoil: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("token t1\n")
    door = Door(revoked=path)
    if spoil == "gone":
        path.unlink()
    elif spoil == "line":
        path.write_text("token t2\ntokens t3\n")
    elif spoil == "bytes":
        path.write_bytes(b"token t2\ntoken \xff\n")
    else:
        monkeypatch.setattr(module, "MAX_BYTES", 10)
        path.write_text("token t2\n# and more\n")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            door.clock.move(1)
            assert door.refusal(bearer(door.token())).detail == REVOKED
    assert len(caplog.records) == 1
    if spoil in ("line", "bytes"):
        assert door.refusal(bearer(door.token(jti="t2"))).detail == REVOKED
    path.write_text("token t4\n")
    door.clock.move(1)
    assert door.refusal(bearer(door.token())).detail == REVOKED
    door.clock.move(5)
    assert door.enter(bearer(door.token())).session == "t1"


def test_a_change_within_one_tick_of_the_file_system_is_seen(path: Path) -> None:
    path.write_text("token a1\n")
    door = Door(revoked=path)
    before = path.stat()
    add_revocations(path, ["token t1"])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    door.clock.move(1)
    assert door.refusal(bearer(door.token())).detail == REVOKED


@pytest.mark.parametrize(
    "line",
    [
        "token",
        "token ",
        "tokens a",
        "before 2026-03-01T09:30:00Z",
        "before 2026-03-01T09:30:00 ada",
        "before yesterday ada",
        "before 9999-12-31T23:59:59-23:00 ada",
        "token a\x07b",
        f"token {'a' * 257}",
        "ada",
    ],
)
def test_a_line_that_revokes_nothing_is_refused_with_its_place(path: Path, line: str) -> None:
    path.write_text(f"# first\n\ntoken good\n{line}\n")
    with pytest.raises(ProblemError) as caught:
        read_revocations(path)
    told = caught.value.problem
    assert told.code == "REVOCATIONS_INVALID"
    assert [issue.path for issue in told.issues] == ["revoked:4"]
    with pytest.raises(ValueError, match="write 'token ID'"):
        add_revocations(path, ["token fine", line])
    assert "fine" not in path.read_text()


def test_lines_are_added_behind_one_that_has_no_end(path: Path) -> None:
    path.write_text("token a\n  before 2026-03-01T09:30:00+01:00   Ada of Acme")
    add_revocations(path, ["token b c"])
    known = read_revocations(path)
    assert known.tokens == {"a", "b c"}
    assert known.before == {"Ada of Acme": 1772353800.0}


def test_no_line_is_added_by_another_one(path: Path) -> None:
    with pytest.raises(ValueError, match="write"):
        add_revocations(path, ["token a\ntoken b"])
    assert not path.read_text()


def test_a_file_that_is_not_there_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        module.RevocationFile(tmp_path / "none", SystemClock())
