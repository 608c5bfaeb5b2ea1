"""A witness signs what goes on from the last checkpoint, remembers it first, and nothing else."""

import base64
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.problem import ProblemError
from gateway.transparency import NoteError, open_note
from gateway.witness import Answer, Witness, open_witness, trusted_logs
from tests.small_log import ORIGIN, SmallLog

NAME = "witness.example.com/w1"
PUBLISHED_LOG = "geomys.org/witness/test-log+c0787ff4+AeMb5VOzy60PTGdGmLPxOKGAa0jNyDGsgv2rnprGju1t"
PUBLISHED = """\
geomys.org/witness/test-log
1
BCml5C32yqMcl0gjTrcSOeNVx59oPnSdytBzDGBO5k0=

\N{EM DASH} geomys.org/witness/test-log \
wHh/9BPsoBNr2x0Ol3qPBYasIN0HI2ZiBg5ac0v3LQq/7F+YO7U4oWbDeJn1VaWVrlbSEM30Gr7WWYQjj2SBxRoJ/Ao=
"""
"""The checkpoint that a public monitor of witnesses submits to them, and the key of its log."""

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Stopped:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def log() -> SmallLog:
    return SmallLog.of(40)


@pytest.fixture
def witness(tmp_path: Path, log: SmallLog) -> Iterator[Witness]:
    made = opened(tmp_path, log)
    yield made
    made.book.close()


def opened(folder: Path, log: SmallLog) -> Witness:
    return open_witness(folder / "state", NAME, trusted_logs([str(log.verifier)]), Stopped())


def test_it_cosigns_a_first_checkpoint_and_says_when(witness: Witness, log: SmallLog) -> None:
    answer = witness.add_checkpoint(log.submission(0, 7))
    assert (answer.status, answer.body.count("\n")) == (200, 1)
    found = open_note(log.note(7) + answer.body, [witness.signer.verifier])
    assert [one.at for one in found.signed_by] == [int(NOW.timestamp())]


@pytest.mark.parametrize(("old", "new"), [(7, 8), (8, 33), (1, 40), (16, 32), (7, 7)])
def test_it_cosigns_what_goes_on_from_the_last(
    witness: Witness, log: SmallLog, old: int, new: int
) -> None:
    assert witness.add_checkpoint(log.submission(0, old)).status == 200
    assert witness.add_checkpoint(log.submission(old, new)).status == 200
    assert witness.book.last(ORIGIN).size == new


def test_it_answers_a_published_submission_as_its_monitor_expects(tmp_path: Path) -> None:
    witness = open_witness(tmp_path / "w", NAME, trusted_logs([PUBLISHED_LOG]), Stopped())
    answers = [witness.add_checkpoint(f"old {old}\n\n{PUBLISHED}".encode()) for old in (1, 0, 1)]
    assert [answer.status for answer in answers] == [409, 200, 200]
    (by,) = open_note(PUBLISHED + answers[2].body, [witness.signer.verifier]).signed_by
    assert by.at == int(NOW.timestamp())
    witness.book.close()


def test_an_empty_tree_is_a_checkpoint_too(witness: Witness, log: SmallLog) -> None:
    assert witness.add_checkpoint(log.submission(0, 0)).status == 200
    assert witness.add_checkpoint(log.submission(0, 3)).status == 200


def test_whoever_does_not_know_its_size_is_told(witness: Witness, log: SmallLog) -> None:
    witness.add_checkpoint(log.submission(0, 9))
    for submission in (log.submission(0, 20), log.submission(8, 20), log.submission(0, 5)):
        assert witness.add_checkpoint(submission) == Answer(409, "9\n", "text/x.tlog.size")
    assert witness.book.last(ORIGIN).size == 9


def test_a_tree_that_shrinks_is_refused(witness: Witness, log: SmallLog) -> None:
    witness.add_checkpoint(log.submission(0, 9))
    shrunk = b"old 9\n\n" + log.note(5).encode()
    assert witness.add_checkpoint(shrunk).status == 400
    assert witness.add_checkpoint(log.submission(5, 5)).status == 409


def test_a_fork_is_refused_however_it_is_told(
    witness: Witness, log: SmallLog, caplog: pytest.LogCaptureFixture
) -> None:
    witness.add_checkpoint(log.submission(0, 9))
    fork = log.forked(4, 30)
    assert witness.add_checkpoint(fork.submission(9, 20)).status == 422
    assert witness.add_checkpoint(fork.submission(9, 9)).status == 409  # as large, another root
    honest = log.proof(9, 20)
    lines = "".join(base64.b64encode(one).decode() + "\n" for one in honest)
    assert witness.add_checkpoint(f"old 9\n{lines}\n{fork.note(20)}".encode()).status == 422
    assert witness.book.last(ORIGIN).root == log.root(9)
    assert "has forked" in caplog.text


def test_only_logs_that_are_known_and_signed_it_are_served(witness: Witness, log: SmallLog) -> None:
    stranger = SmallLog.of(5)
    elsewhere = SmallLog("other.example.com")
    elsewhere.grow(5)
    assert witness.add_checkpoint(stranger.submission(0, 5)).status == 403  # another key
    assert witness.add_checkpoint(elsewhere.submission(0, 5)).status == 404
    altered = log.submission(0, 5).replace(b"\n5\n", b"\n6\n")
    assert witness.add_checkpoint(altered).status == 403
    assert witness.book.last(ORIGIN).size == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: b"\xff" + body,
        lambda body: body.replace(b"old 0", b"old 00"),
        lambda body: body.replace(b"old 0", b"old -1"),
        lambda body: body.replace(b"old 0", b"old 99999999999999999999"),
        lambda body: body.replace(b"old 0\n", b"old 0\nAAAA\n"),
        lambda body: body.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" * 1, 1)[:60],
        lambda body: body.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        lambda body: body.replace(b"\n5\n", b"\n05\n"),
        lambda body: body.replace(b"\n\n", b"\n"),
        lambda body: body.removesuffix(b"\n"),
        lambda body: body.replace("— ".encode(), b"- "),
    ],
)
def test_what_is_malformed_is_refused(witness: Witness, log: SmallLog, spoil: object) -> None:
    body = spoil(log.submission(0, 5))  # type: ignore[operator] # parametrized
    assert witness.add_checkpoint(body).status == 400
    assert witness.book.last(ORIGIN).size == 0


def test_a_proof_for_a_first_checkpoint_is_one_too_many(witness: Witness, log: SmallLog) -> None:
    body = log.submission(0, 5).replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n")
    assert witness.add_checkpoint(body).status == 422


def test_it_remembers_across_a_restart_and_keeps_its_key(tmp_path: Path, log: SmallLog) -> None:
    first = opened(tmp_path, log)
    first.add_checkpoint(log.submission(0, 9))
    first.book.close()
    again = opened(tmp_path, log)
    assert again.signer.verifier == first.signer.verifier
    assert again.add_checkpoint(log.forked(3, 20).submission(0, 20)).status == 409
    assert again.add_checkpoint(log.submission(9, 20)).status == 200
    again.book.close()


def test_what_cannot_be_remembered_is_not_signed(tmp_path: Path, log: SmallLog) -> None:
    witness = opened(tmp_path, log)
    with closing(sqlite3.connect(tmp_path / "state" / "witness.db")) as other:
        other.execute("DROP TABLE seen")
    with pytest.raises(sqlite3.Error):
        witness.add_checkpoint(log.submission(0, 9))
    witness.book.close()


def test_of_two_histories_at_once_only_one_is_signed(tmp_path: Path, log: SmallLog) -> None:
    witnesses = [opened(tmp_path, log) for _ in range(2)]  # two processes on one state folder
    fork = log.forked(0, 40)
    answers: list[int] = []
    start = threading.Barrier(8)

    def submit(number: int) -> None:
        start.wait()
        body = (log, fork)[number % 2].submission(0, 11)
        answers.append(witnesses[number // 4].add_checkpoint(body).status)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    for witness in witnesses:
        witness.book.close()


def test_keys_are_told_apart(tmp_path: Path, log: SmallLog) -> None:
    witness = opened(tmp_path, log)
    with pytest.raises(NoteError, match="key of a witness"):
        trusted_logs([str(witness.signer.verifier)])
    with pytest.raises(NoteError):
        trusted_logs(["nonsense"])
    witness.book.close()


def test_a_state_folder_that_others_can_open_is_refused(tmp_path: Path, log: SmallLog) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    with pytest.raises(ProblemError, match="KEYS_UNUSABLE"):
        opened(tmp_path, log)
