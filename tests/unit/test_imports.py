"""What a process imports before it is asked for anything: every start pays for it."""

import subprocess
import sys

from gateway.cli.main import _MODULES

DOORS = ("gateway.surfaces", "gateway.serving", "gateway.app", "strawberry", "graphql", "starlette")
ENGINES = ("alembic", "procrastinate", "temporalio", "dbos")
ASKED_LATER = ("boto3", "email_validator", "phonenumbers", "pycountry", "sqlalchemy.orm")
SERVING = {"serve", "worker", "witness"}
MIGRATING = {"migrate"}  # with Alembic


def imported(statement: str) -> set[str]:
    """The modules that a new process has after ``statement``."""
    told = subprocess.run(
        [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(told.stdout.split())


def test_serving_imports_no_engine_that_is_not_chosen_and_compiles_no_statement() -> None:
    compiled = (
        "import gc, gateway.cli.serve; from gateway.journal.statement import Form, Statement; "
        "kinds = {type(one) for one in gc.get_objects()}; print(Statement in kinds, Form in kinds)"
    )
    found = imported(compiled)
    assert {"gateway.serving", "strawberry", "sqlalchemy"} <= found  # else this finds nothing
    assert found.isdisjoint(ENGINES + ASKED_LATER)
    assert {"True", "False"} <= found, "a statement is compiled when it is first asked for"


def test_listing_the_commands_imports_none_of_them() -> None:
    found = imported("from gateway.cli import main; main(['--help'], standalone_mode=False)")
    assert {name for name in found if name.startswith("gateway.cli.")} == {"gateway.cli.main"}
    assert found.isdisjoint(("pydantic", "sqlalchemy", "yaml", "cryptography"))


def test_the_commands_that_do_not_serve_import_no_door() -> None:
    others = sorted(
        {module for name, module in _MODULES.items() if name not in SERVING | MIGRATING}
    )
    found = imported(f"import {', '.join(others)}")
    assert set(others) <= found
    assert found.isdisjoint(DOORS + ENGINES + ASKED_LATER)


def test_a_command_that_draws_nothing_does_not_import_what_draws() -> None:
    told_at_the_end = (
        "import atexit, sys; sys.argv[1:] = ['token', '--help']; from gateway.cli import run; "
        "atexit.register(lambda: print(*(name for name, one in sys.modules.items() if one))); run()"
    )
    found = imported(told_at_the_end)
    assert {"httpx", "gateway.cli.token"} <= found
    assert found.isdisjoint(("httpx._main", "pygments", "rich"))
