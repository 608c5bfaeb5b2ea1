"""What a process imports before it is asked for anything: starts are paid by every command."""

import subprocess
import sys

import pytest

DOORS = ("gateway.surfaces", "gateway.serving", "gateway.app", "strawberry", "graphql", "starlette")
OTHER_DISPATCH = ("alembic", "procrastinate", "psycopg", "psycopg_pool", "temporalio", "dbos")
ASKED_LATER = ("boto3", "email_validator", "phonenumbers", "pycountry", "sqlalchemy.orm")


def imported(statement: str) -> set[str]:
    """The modules that a new process has after ``statement``."""
    told = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_serving_on_sqlite_imports_nothing_of_other_databases_and_engines() -> None:
    found = imported("import gateway.cli.serve")
    assert {"gateway.serving", "strawberry", "sqlalchemy"} <= found  # else this finds nothing
    assert found.isdisjoint(OTHER_DISPATCH + ASKED_LATER)


def test_listing_the_commands_imports_none_of_them() -> None:
    found = imported("from gateway.cli import main; main(['--help'], standalone_mode=False)")
    assert "gateway.cli.main" in found
    assert {name for name in found if name.startswith("gateway.cli.")} == {"gateway.cli.main"}
    assert found.isdisjoint(("pydantic", "sqlalchemy", "yaml", "cryptography"))


@pytest.mark.parametrize(
    "command",
    ["audit", "contracts", "evidence", "journal", "keys", "policy", "privacy", "skill", "token"],
)
def test_a_command_that_does_not_serve_imports_no_door(command: str) -> None:
    found = imported(f"import gateway.cli.{command}")
    assert f"gateway.cli.{command}" in found
    assert found.isdisjoint(DOORS + OTHER_DISPATCH + ASKED_LATER)


def test_no_statement_is_compiled_before_it_is_run() -> None:
    compiled = (
        "import gc, gateway.cli.serve; from gateway.journal.statement import Form, Statement; "
        "every = gc.get_objects(); "
        "print(any(isinstance(one, Statement) for one in every), "
        "any(isinstance(one, Form) for one in every))"
    )
    assert {"True", "False"} <= imported(compiled)
