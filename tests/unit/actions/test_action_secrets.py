"""Secrets come from the environment or a file and show nowhere else."""

from pathlib import Path

import pytest

from gateway.actions.secrets import MAX_SECRET_BYTES, SecretMissingError, Secrets


def why(secrets: Secrets) -> str:
    with pytest.raises(SecretMissingError) as refused:
        secrets.fill("Bearer ${secret:TOKEN}")
    return str(refused.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("file")
    secrets = Secrets({"TOKEN": "variable", "TOKEN_FILE": str(file)})
    assert secrets.fill("a ${secret:TOKEN} b") == "a variable b"


def test_text_without_a_reference_stays_as_it_is() -> None:
    assert Secrets({}).fill("$TOKEN ${TOKEN} {secret:TOKEN}") == "$TOKEN ${TOKEN} {secret:TOKEN}"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_final_line_end_is_taken_off_a_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"value" + ending.encode())
    assert Secrets({"TOKEN_FILE": str(file)}).fill("${secret:TOKEN}") == "value"


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", b"a\n\n", b"a\x00b", b"a\x7f", b"\xff"])
def test_a_secret_that_no_header_can_carry_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert "TOKEN" in why(Secrets({"TOKEN_FILE": str(file)}))


@pytest.mark.parametrize("value", ["", "a\r\nEvil: 1", "tök"])
def test_a_variable_that_no_header_can_carry_is_refused(value: str) -> None:
    told = why(Secrets({"TOKEN": value}))
    assert "TOKEN" in told
    assert not value or value not in told


def test_a_file_is_read_to_its_bound_only(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"x" * MAX_SECRET_BYTES)
    assert len(Secrets({"TOKEN_FILE": str(file)}).fill("${secret:TOKEN}")) == MAX_SECRET_BYTES
    file.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    assert "cannot be read" in why(Secrets({"TOKEN_FILE": str(file)}))


def test_a_folder_or_a_missing_file_is_no_secret(tmp_path: Path) -> None:
    assert "cannot be read" in why(Secrets({"TOKEN_FILE": str(tmp_path)}))
    assert "cannot be read" in why(Secrets({"TOKEN_FILE": str(tmp_path / "none")}))


def test_every_missing_secret_is_told() -> None:
    secrets = Secrets({"B": "value"})
    told = list(secrets.missing_from("${secret:A} ${secret:B} ${secret:C}"))
    assert len(told) == 2
    assert "A_FILE" in told[0]
    assert "C_FILE" in told[1]


def test_secrets_do_not_show_in_their_representation() -> None:
    assert "s3cret" not in repr(Secrets({"TOKEN": "s3cret"}))
