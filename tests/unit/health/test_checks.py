"""Checks in the background: once for each revision, and never in the way of who looks."""

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from gateway.contracts import Registry, load_contracts
from gateway.health import Cases, Checks
from gateway.policy import Policies, load_policies

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
CASE = """
- name: olga looks
  principal: {type: human, subject: olga, roles: [admin]}
  contract: controlPlane.health.get
  expect: {access: allow}
- name: nobody knows this one
  principal: {type: human, subject: olga, roles: [admin]}
  contract: no.such.contract
  expect: {access: allow}
"""
WRONG = CASE + CASE.replace("olga looks", "olga is kept out").replace("allow", "deny")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_contracts([ROOT / "schema" / "control-plane"])


def policies(folder: Path, registry: Registry, cases: str) -> Policies:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "policies", folder, ignore=shutil.ignore_patterns("cases"))
    (folder / "cases").mkdir()
    (folder / "cases" / "own.yaml").write_text(cases)
    return load_policies(folder, registry)


async def known(checks: Checks) -> Cases:
    for _ in range(400):
        found = checks.cases()
        if found is not None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the cases were not run")


async def test_the_cases_are_run_for_each_revision(tmp_path: Path, registry: Registry) -> None:
    decides = policies(tmp_path / "policies", registry, CASE)
    checks = Checks(decides, tuple)
    assert checks.cases() is None

    assert await known(checks) == Cases(decides.revision, 1, 1, ())
    assert checks.schemas() == ()

    decides.adopt(policies(tmp_path / "policies", registry, WRONG).current)
    assert checks.cases() is None
    found = await known(checks)
    assert (found.revision, found.passed, found.skipped) == (decides.revision, 1, 2)
    (failed,) = found.failed
    assert failed == "own.yaml:11 olga is kept out"
    await checks.stop()


async def test_a_failing_check_is_no_failure_of_who_looks(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    looks = threading.Semaphore(0)

    def differing() -> tuple[str, ...]:
        looks.release()
        raise RuntimeError("no schema can be made")

    checks = Checks(policies(tmp_path / "policies", registry, CASE), differing)
    assert checks.schemas() is None
    assert await asyncio.to_thread(looks.acquire, timeout=10)
    async with asyncio.timeout(25):
        while "the checks of health could not be made" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.005)

    assert checks.schemas() is None
    await checks.stop()
