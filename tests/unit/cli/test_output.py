"""How commands print: to programs, to pipes and to people."""

import io
import json
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner

from gateway.cli.output import Output, Tone, Toned, output, with_output

EVIL = "a\x1b[31mb\tc\nd\x9b\u202e\u3164"


@click.command()
@with_output
def shown(*, out: Output) -> None:
    """Print something."""

    def show() -> None:
        out.line("state: ", Toned("done", Tone.GOOD))
        out.table(["name", "state"], [["one", Toned("done", Tone.GOOD)], [EVIL, ""]])

    out.tell({"name": EVIL, "letter": "ß"}, show)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Standard output is a terminal; what it was sent is added to the list at the end."""
    main, other = pty.openpty()
    sent: list[str] = []
    with os.fdopen(other, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        yield sent
        stream.flush()
        os.write(other, b"\0")  # nothing after it: what is written comes in pieces
        content = b""
        while not content.endswith(b"\0"):
            content += os.read(main, 65_536)
        sent.append(content[:-1].decode().replace("\r\n", "\n"))
    os.close(main)


def test_a_pipe_gets_a_line_for_each_row_and_no_head() -> None:
    done = CliRunner().invoke(shown, [])
    first, *rows = done.stdout.splitlines()
    assert first == "state: done"
    assert rows[0] == "one\tdone"
    assert rows[1] == "a\\x1b[31mb\\tc\\nd\\x9b\\u202e\\u3164\t"


def test_json_is_one_document_that_steers_no_terminal() -> None:
    done = CliRunner().invoke(shown, ["--json"])
    assert json.loads(done.stdout) == {"name": EVIL, "letter": "ß"}
    assert "ß" in done.stdout
    assert all(sign.isprintable() or sign == "\n" for sign in done.stdout)
    assert "\u3164" not in done.stdout


def test_colour_may_be_demanded_in_a_pipe() -> None:
    done = CliRunner().invoke(shown, ["--color", "always"], color=True)
    assert "\x1b[32mdone\x1b[0m" in done.stdout
    assert "NAME" in done.stdout


def test_a_terminal_gets_tables_with_heads_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with terminal(monkeypatch) as sent:
        shown.main([], standalone_mode=False)
    assert "\x1b[32mdone\x1b[0m" in sent[0]
    assert "\x1b[1mNAME" in sent[0]
    assert "\\x1b[31m" in sent[0]


@pytest.mark.parametrize("quiet", [{"NO_COLOR": "1"}, {}])
def test_a_terminal_without_colour_gets_none(
    monkeypatch: pytest.MonkeyPatch, quiet: dict[str, str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in quiet.items():
        monkeypatch.setenv(name, value)
    with terminal(monkeypatch) as sent:
        shown.main([] if quiet else ["--color", "never"], standalone_mode=False)
    assert "\x1b" not in sent[0]
    assert "NAME" in sent[0]


def test_a_dumb_terminal_is_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with terminal(monkeypatch) as sent:
        shown.main([], standalone_mode=False)
    assert sent[0].startswith("state: done\none\tdone\n")


@pytest.mark.parametrize(("encoding", "takes"), [("utf-8", True), ("latin-1", False)])
def test_what_a_terminal_can_draw_is_known(
    monkeypatch: pytest.MonkeyPatch, encoding: str, takes: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert output().in_unicode is takes


def test_an_id_is_not_divided_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    name = "exec_01a2280681fe70b3a20a6733a03332a7"
    with terminal(monkeypatch) as sent:
        output(color="never").table(("id", "why"), [(name, "what happened then " * 4)])
        output(color="never").table(("why", "id"), [("what happened then " * 4, "one")])
    assert name in sent[0]
    assert all(len(line) <= 60 for line in sent[0].splitlines())


def test_no_column_is_lost_however_narrow_a_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    row = ("exec_01a2280681fe70b3a20a6733a03332a7", "B" * 9, Toned("C" * 9, Tone.GOOD), "日本" * 4)
    for width in range(5, 90):
        monkeypatch.setenv("COLUMNS", str(width))
        with terminal(monkeypatch) as sent:
            output(color="never").table(("id", "b", "c", "d"), [row, row])
        assert row[0] in sent[0]
        assert [sent[0].upper().count(sign) for sign in "BC日"] >= [19, 19, 8]


def test_a_table_without_room_is_a_block_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "10")
    with terminal(monkeypatch) as sent:
        output(color="never").table(("", "Rule"), [("one", "a b"), (EVIL, "")])
    told = "one\nrule: a b\n\na\\x1b[31mb\\tc\\nd\\x9b\\u202e\\u3164\nrule: \n"
    assert sent[0] == told
