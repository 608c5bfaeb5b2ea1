"""Who could call a contract equals what each of them would be told, decided one by one."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.auditing.could import could
from gateway.model.audit_history import Token
from gateway.model.contract import PythonHandler
from gateway.model.json import encode
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.policy import PolicyContent, PolicyRevision
from gateway.policy.reading.population import NAMELESS, Population
from tests.properties.policy_worlds import CONTRACTS, ROLES, WORKSPACES, built, contents

tokens = st.lists(
    st.builds(
        Token,
        st.sampled_from(("alice", "admin", "stranger")),
        st.sampled_from(("human", "agent")),
        st.frozensets(st.sampled_from((*ROLES, "unknown")), max_size=2).map(
            lambda names: encode(sorted(names))
        ),
        st.sampled_from((None, "[]", '["other.capability"]')),
    ),
    unique=True,
    max_size=4,
)
_KINDS = tuple(PrincipalType)


def principals(revision: PolicyRevision, workspace: str) -> dict[tuple[str, str, str], Principal]:
    """Everybody whom policy knows, made without the help of what is tested."""
    found: dict[tuple[str, str, str], Principal] = {}
    for known in Population(revision, workspace).subjects:
        for kind in _KINDS:
            name = known.name
            key = (known.kind.value.upper(), name, kind.value.upper())
            if name.startswith("type:"):
                if name == f"type:{kind.value}":
                    found[key] = (
                        ANONYMOUS
                        if kind is PrincipalType.ANONYMOUS
                        else Principal(kind, NAMELESS, workspace)
                    )
            elif kind is PrincipalType.ANONYMOUS:
                continue
            elif name.startswith("user:"):
                found[key] = Principal(kind, name.removeprefix("user:"), workspace)
            else:
                found[key] = Principal(kind, NAMELESS, workspace, frozenset({name}))
    return found


@given(contents(), st.sampled_from((*WORKSPACES, "third")), tokens)
def test_who_could_is_what_each_would_be_told(
    content: PolicyContent, workspace: str, came: list[Token]
) -> None:
    revision = built(content)
    everybody = principals(revision, workspace)
    for contract in CONTRACTS:
        rows = list(could(revision, workspace, contract, came, None))
        assert all(row["effect"] == "ALLOW" for row in rows)
        told = {
            (row["kind"], row["subject"], kind): row
            for row in rows
            if row["kind"] != "TOKEN"
            for kind in row["types"]
        }
        decided = {key: revision.access(who, contract) for key, who in everybody.items()}
        assert set(told) == {key for key, access in decided.items() if access.allowed}
        for key, row in told.items():
            rule = decided[key].rule
            assert row.get("rule") == (rule and {"at": rule.ref, "text": rule.text})
        assert [row["subject"] for row in rows if row["kind"] == "TOKEN"] == [
            f"user:{one.subject}" for one in came if allowed(revision, workspace, contract, one)
        ]


@given(contents(), st.sampled_from(WORKSPACES), tokens)
def test_no_token_could_have_run_what_its_caller_lacks_the_role_for(
    content: PolicyContent, workspace: str, came: list[Token]
) -> None:
    revision = built(content)
    contract = replace(CONTRACTS[1], handler=PythonHandler("shop.desk:ship"))
    rows = could(revision, workspace, contract, came, None, "user")
    told = [row["verdict"] for row in rows if row["kind"] == "TOKEN"]
    callers = [caller(workspace, one) for one in came]
    may = [one for one in callers if revision.access(one, contract).allowed]
    for one, verdict in zip(may, told, strict=True):
        assert revision.holds(one, "user") or verdict == "BLOCKED"


def caller(workspace: str, token: Token) -> Principal:
    held = None if token.capabilities is None else frozenset(json.loads(token.capabilities))
    roles = frozenset(json.loads(token.roles))
    return Principal(PrincipalType(token.type), token.subject, workspace, roles, held)


def allowed(revision: PolicyRevision, workspace: str, contract: object, token: Token) -> bool:
    who = caller(workspace, token)
    return revision.access(who, contract).allowed  # type: ignore[arg-type]  # one of CONTRACTS


@given(contents(), st.sampled_from(WORKSPACES), tokens)
def test_about_one_subject_denials_are_told_too(
    content: PolicyContent, workspace: str, came: list[Token]
) -> None:
    revision = built(content)
    for contract in CONTRACTS:
        rows = list(could(revision, workspace, contract, came, "alice"))
        assert {row["subject"] for row in rows} == {"user:alice"}
        for row in rows:
            if row["kind"] == "USER":
                for kind in row["types"]:
                    who = Principal(PrincipalType(kind.lower()), "alice", workspace)
                    access = revision.access(who, contract)
                    assert row["effect"] == ("ALLOW" if access.allowed else "DENY")
        kinds = [kind for row in rows if row["kind"] == "USER" for kind in row["types"]]
        assert sorted(kinds) == ["AGENT", "HUMAN", "SERVICE", "TOOL"]
