"""Role paths, the reverse of decisions and the table of an access review, also when it is large."""

import csv
import io
import time

import pytest

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.principal import PrincipalType
from gateway.policy import PolicyRevision
from gateway.policy.reading.permissions import effective_roles, permissions
from gateway.policy.reading.population import Known, Population, SubjectKind
from gateway.policy.reading.reverse import who_may
from gateway.policy.reading.review import COLUMNS, MAX_ROWS, ReviewPage, ReviewRow, as_csv, review
from gateway.policy.reading.role_paths import Via
from tests.unit.policy.conftest import LoadWith, MakeContract, MakePrincipal

GRAPH = """
g, user:tina, clerk, acme
g, clerk, lead, *
g, lead, boss, acme
g, user:tina, lead, other
g, claimed, lead, acme
p, boss, *, *, call, allow
"""


def test_the_shortest_way_to_a_role_is_told_and_a_claim_before_it(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal
) -> None:
    revision = load_with(contract(), access_csv=GRAPH).current
    held = {one.role: one for one in effective_roles(revision, principal(subject="tina"))}
    assert {name: one.via for name, one in held.items()} == {
        "anonymous": Via.EVERYBODY,
        "clerk": Via.ASSIGNMENT,
        "lead": Via.INHERITANCE,
        "boss": Via.INHERITANCE,
    }
    assert held["boss"].path == (
        "user:tina -> clerk in acme (access.csv:2)",
        "clerk -> lead (access.csv:3)",
        "lead -> boss in acme (access.csv:4)",
    )
    claims = effective_roles(revision, principal("claimed", "lead", subject="tina"))
    boss = next(one for one in claims if one.role == "boss")
    assert boss.path == ("lead -> boss in acme (access.csv:4)",)
    assert {one.role for one in claims} == revision.roles(
        principal("claimed", "lead", subject="tina")
    )


def test_only_those_whom_the_workspace_knows_are_looked_at(
    load_with: LoadWith, contract: MakeContract
) -> None:
    rules = f"{GRAPH}p, user:otto, other, *, call, allow\np, user:ann, acme, *, call, allow\n"
    revision = load_with(contract(), access_csv=rules).current
    known = [one.name for one in Population(revision, "acme").subjects if one.kind != "type"]
    assert {"user:ann", "user:tina", "boss", "clerk", "lead", "claimed"} <= set(known)
    assert "user:otto" not in known
    assert known == sorted(known, key=lambda name: name.startswith("user:"))


def test_a_deny_takes_away_what_an_allow_gave(load_with: LoadWith, contract: MakeContract) -> None:
    rules = f"{GRAPH}p, type:agent, *, *, call, deny\np, user:tina, acme, *, call, deny\n"
    revision = load_with(contract(), access_csv=rules).current
    found = {one.subject.name: one for one in who_may(Population(revision, "acme"), contract())}
    assert set(found) == {"boss", "lead", "clerk", "claimed"}
    kinds = [entrance.type for entrance in found["boss"].entrances]
    assert kinds == [PrincipalType.HUMAN, PrincipalType.SERVICE, PrincipalType.TOOL]


def test_a_cell_that_a_spreadsheet_would_run_is_made_safe() -> None:
    values = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", 'a, "b"', "plain\nline", "p, x")
    page = ReviewPage((ReviewRow(*values),), 0, 1, 1)
    heading, row = csv.reader(io.StringIO(as_csv(page), newline=""))
    assert tuple(heading) == COLUMNS
    assert row == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", 'a, "b"', "plain\nline", "p, x"]
    assert as_csv(page).endswith("\r\n")
    assert len(list(csv.reader(io.StringIO(as_csv(ReviewPage(page.rows, 5, 6, 6)))))) > 0
    assert not as_csv(ReviewPage(page.rows, 5, 6, 6)).startswith("subject")


def large(
    load_with: LoadWith, contract: MakeContract, many: int, assignments: int
) -> PolicyRevision:
    contracts = [contract(f"shop.thing{n}.do", tags=(f"t{n % 20}",)) for n in range(many)]
    lines = [f"p, role{n}, *, tag:t{n}, call, allow" for n in range(20)]
    lines += [f"g, user:u{n}, role{n % 20}, acme" for n in range(assignments)]
    return load_with(*contracts, access_csv="\n".join(lines)).current


@pytest.mark.parametrize("assignments", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_assignments_and_a_thousand_contracts_are_answered_at_once(
    load_with: LoadWith, contract: MakeContract, principal: MakePrincipal, assignments: int
) -> None:
    revision = large(load_with, contract, 1_000, assignments)
    contracts = list(revision.registry.operations.values())
    one = contracts[0]
    begun = time.process_time()
    found = list(who_may(Population(revision, "acme"), one))
    searched = time.process_time() - begun
    assert len(found) == assignments // 20 + 1
    begun = time.process_time()
    mine = list(permissions(revision, principal(subject="u3"), contracts))
    permitted = time.process_time() - begun
    assert sum(each.access.allowed for each in mine) == 50
    begun = time.process_time()
    page = review(Population(revision, "acme"), contracts, 0, 10_000)
    reviewed = time.process_time() - begun
    assert 0 < page.end < page.total
    assert len(page.rows) <= MAX_ROWS + 60
    # They take 0.1 to 0.6 s on the reference machine; the bound is for slow ones.
    assert max(searched, permitted, reviewed) < 4, (searched, permitted, reviewed)


def all_pages(
    population: Population, contracts: list[OperationContract], limit: int
) -> tuple[list[ReviewRow], int]:
    """Every row, and how many pages they came in."""
    rows: list[ReviewRow] = []
    offset = pages = 0
    while offset < len(population.subjects):
        page = review(population, contracts, offset, limit)
        assert page.end > offset
        rows += page.rows
        offset, pages = page.end, pages + 1
    return rows, pages


def test_pages_of_a_review_add_up(load_with: LoadWith, contract: MakeContract) -> None:
    revision = large(load_with, contract, 500, 60)
    contracts = list(revision.registry.operations.values())
    population = Population(revision, "acme")
    whole, few = all_pages(population, contracts, 10_000)
    small, many = all_pages(population, contracts, 9)
    assert few > 1  # so many decisions do not fit on one
    assert many > few
    assert small == whole
    assert len(whole) == (20 + 60) * 25
    beyond = review(population, contracts, 1_000_000, 9)
    assert (beyond.rows, beyond.end) == ((), len(population.subjects))


def test_types_stand_for_whoever_holds_nothing(load_with: LoadWith, contract: MakeContract) -> None:
    one = contract()
    revision = load_with(one, access_csv="p, type:agent, *, *, call, allow").current
    found = [each.subject for each in who_may(Population(revision, "acme"), one)]
    assert found == [Known(SubjectKind.TYPE, "type:agent")]
    assert Registry([one]).resolve(one.key) == one
