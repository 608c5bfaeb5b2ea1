"""What a caller is shown of the schema is what it may call, under any policies; and a document that
fits what it is shown fits the whole schema."""

from typing import Any

import pytest
from graphql import GraphQLSchema, graphql_sync, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.events import FOLLOWED_BY
from gateway.model.contract import AuthLevel, OperationContract, Risk
from gateway.model.principal import Principal, PrincipalType
from gateway.policy import Policies, PolicyContent, PolicyRevision, build_revision
from gateway.policy.reading.sight import ADMIN
from gateway.policy.rules.models import ACCESS, PII, VERDICT
from gateway.showing import ShownFields
from gateway.surfaces.graphql import Introspection, build_schema
from gateway.surfaces.graphql.schema.sight import Views, sight_of
from tests.properties.policy_worlds import (
    CONTRACTS,
    REGISTRY,
    WHERE,
    contents,
    contract,
    model,
    principals,
)
from tests.unit.graphql.support import Catalogue, shipped_schema

VIEWS = Views(build_schema(REGISTRY))
SHOP = shipped_schema()
ASKED = (
    "{ __schema { types { name } queryType { fields { name } } mutationType { fields { name } } } }"
)

_HUMAN = (PrincipalType.HUMAN, "alice", "acme")


def built(content: PolicyContent, registry: Registry = REGISTRY) -> PolicyRevision:
    return build_revision(content, registry, WHERE)


def shown_to(principal: Principal, policies: Policies) -> set[str]:
    """The root fields that introspection tells a principal of."""
    may_call = ShownFields(policies, REGISTRY)
    sight = sight_of(principal, VIEWS, Introspection.PUBLIC, may_call)
    if not sight.is_open:
        return set()
    data: Any = graphql_sync(sight.schema, ASKED).data
    roots = (data["__schema"]["queryType"], data["__schema"]["mutationType"] or {"fields": []})
    names = {field["name"] for root in roots for field in root["fields"]}
    types = {one["name"] for one in data["__schema"]["types"]}
    for name in REGISTRY.fields:
        assert (f"{name[0].upper()}{name[1:]}Output" in types) is (name in names)
    return names


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(contents(), st.lists(principals, min_size=2, max_size=5))
def test_whoever_asks_is_shown_what_access_allows(
    content: PolicyContent, callers: list[Principal]
) -> None:
    policies = Policies(built(content))
    for principal in callers:
        allowed = {
            name for name, one in REGISTRY.fields.items() if policies.access(principal, one).allowed
        }
        is_admin = policies.holds(principal, ADMIN)
        assert shown_to(principal, policies) == (set(REGISTRY.fields) if is_admin else allowed)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.lists(contents(), min_size=2, max_size=3), principals)
def test_another_revision_shows_at_once_what_it_allows(
    revisions: list[PolicyContent], principal: Principal
) -> None:
    policies = Policies(built(revisions[0]))
    shown = ShownFields(policies, REGISTRY)
    for content in [*revisions, revisions[0]]:
        policies.adopt(built(content))
        told = shown(principal)
        fresh = ShownFields(Policies(built(content)), REGISTRY)(principal)
        assert told == fresh


def test_nobody_is_shown_anything_while_it_is_not_sure_which_policy_is_in_force() -> None:
    row = "p, anonymous, *, *, call, allow\n"
    policies = Policies(built(_content(row)))
    shown = ShownFields(policies, REGISTRY)
    anybody = Principal(*_HUMAN)
    assert shown(anybody) == set(REGISTRY.fields)

    async def refresh() -> None:
        pytest.fail("nobody waits for it")

    policies.watched_by(refresh)
    assert shown(anybody) == frozenset()


@pytest.mark.parametrize("opens", FOLLOWED_BY)
def test_the_subscription_is_shown_to_whom_one_of_two_contracts_opens_it(opens: str) -> None:
    key = opens.partition("@")[0]
    registry = Registry([*CONTRACTS, *(_follows(ref.partition("@")[0]) for ref in FOLLOWED_BY)])
    allowing = Policies(built(_content(f"p, user, *, {key}?, call, allow\n"), registry))
    caller = Principal(*_HUMAN, frozenset({"user"}))
    assert "controlPlaneEvents" in (ShownFields(allowing, registry)(caller) or ())
    stranger = Principal(*_HUMAN)
    assert ShownFields(allowing, registry)(stranger) == frozenset()


def test_a_token_that_is_limited_to_capabilities_shows_no_more_to_an_administrator() -> None:
    policies = Policies(built(_content("p, admin, *, *, call, allow\n")))
    shown = ShownFields(policies, REGISTRY)
    assert shown(Principal(*_HUMAN, frozenset({"admin"}))) is None
    limited = Principal(*_HUMAN, frozenset({"admin"}), frozenset({"a.other"}))
    assert shown(limited) == frozenset()


NAMES = sorted(
    {
        *(name for kind in SHOP.type_map.values() for name in getattr(kind, "fields", ())),
        *("__typename", "nope"),
    }
)
selections = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: (
        st.builds(
            "{}{}{{ {} }}".format,
            st.sampled_from(NAMES),
            st.sampled_from(
                ("", '(input: {orderId: "1"})', "(input: {})", "(idempotencyKey: null)")
            ),
            st.lists(inner, min_size=1, max_size=3).map(" ".join),
        )
        | st.builds(
            "... on {} {{ {} }}".format,
            st.sampled_from(sorted(SHOP.type_map)),
            st.lists(inner, min_size=1, max_size=2).map(" ".join),
        )
    ),
    max_leaves=6,
)
VALID = [
    "shopPing { done }",
    "a: shopPing { ... on ShopPingOutput { done } }",
    'shopOrderGet(input: {orderId: "1"}) { status }',
    "__schema { types { name } }",
]


@settings(deadline=None)
@given(
    st.frozensets(st.sampled_from(sorted(Catalogue().fields))),
    st.lists(selections | st.sampled_from(VALID), min_size=1, max_size=3),
    st.sampled_from(("query", "mutation")),
)
def test_what_fits_a_part_of_the_schema_fits_the_whole(
    fields: frozenset[str], selected: list[str], kind: str
) -> None:
    tree = parse(f"{kind} {{ {' '.join(selected)} }}")
    part: GraphQLSchema = Views(SHOP).of(fields)
    if not validate(part, tree):
        assert not validate(SHOP, tree)


def _content(row: str) -> PolicyContent:
    files = {}
    for spec in (ACCESS, VERDICT, PII):
        plays = "g(r.sub, p.sub, r.dom)" if spec.roles else "plays(r.sub, p.sub)"
        parts = [plays, "domain(r.dom, p.dom)", "selects(r.obj, p.obj)"]
        more = {
            "access": ['(p.act == "*" || r.act == p.act)'],
            "verdict": ['(p.risk == "*" || r.risk == p.risk)', "holds(p.when, r.args)"],
            "pii": ['(p.type == "*" || r.type == p.type)', "covers(r.field, p.field)"],
        }
        files[spec.model_file] = model(spec, " && ".join(parts + more[spec.name]))
    files[ACCESS.rule_file] = row
    files[VERDICT.rule_file] = "p, 1, *, *, *, *, true, blocked, -, -, -, -\n"
    files[PII.rule_file] = "p, 1, *, *, *, *, *, drop\n"
    return PolicyContent(files)


def _follows(key: str) -> OperationContract:
    return contract(key, AuthLevel.ADMIN, Risk.LOW, ())
