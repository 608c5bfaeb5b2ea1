"""What lint says of rules is true: what it calls shadowed decides nothing, what it says of a
condition holds for all arguments, and duplicates are found."""

import itertools
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    HttpHandler,
    Kind,
    Meta,
    OperationContract,
    Risk,
)
from gateway.model.decision import Treatment
from gateway.model.principal import Principal, PrincipalType
from gateway.model.types import parse_type
from gateway.policy import PolicyContent, PolicyRevision, advise, build_revision, read_content
from gateway.policy.advice.effort import Effort
from gateway.policy.advice.trials import range_of
from gateway.policy.rules.conditions import Arguments
from gateway.policy.rules.grammar import parse_condition
from tests.properties.amounts import examples

MODELS = {
    name: text
    for name, text in read_content(Path(__file__).parents[2] / "policies").files.items()
    if name.endswith(".conf")
}
SHADOWED = "POLICY_RULE_SHADOWED"


def contract(key: str, auth: AuthLevel, risk: Risk, *tags: str) -> OperationContract:
    meta = Meta(key, "1.0.0", "A title", "A text", key.partition(".")[0], tags=tags)
    handler = HttpHandler("POST", "http://a.internal/x")
    fields = {"a": parse_type("Float"), "b": parse_type("String")}
    return OperationContract(
        meta, Kind.COMMAND, fields, {}, ContractPolicy(auth), "0" * 64, risk=risk, handler=handler
    )


CONTRACTS = (
    contract("a.one", AuthLevel.USER, Risk.LOW, "money"),
    contract("a.two", AuthLevel.ADMIN, Risk.HIGH),
    contract("b.three", AuthLevel.USER, Risk.CRITICAL, "money"),
)
REGISTRY = Registry(CONTRACTS)

WORKSPACES = ("acme", "other")
ROLES = ("admin", "user", "clerk", "anonymous")
WHO = ("*", *ROLES, "user:alice", "type:agent", "type:anonymous")
PRINCIPALS = [
    Principal(kind, subject, workspace, frozenset(roles))
    for kind in (PrincipalType.HUMAN, PrincipalType.AGENT)
    for subject in ("alice", "stranger")
    for workspace in (*WORKSPACES, "third")
    for roles in ((), ("user",), ("admin",), ("clerk",))
] + [Principal(PrincipalType.ANONYMOUS, "anonymous", "")]

subjects = st.sampled_from(WHO)
domains = st.sampled_from(("*", *WORKSPACES))
selectors = st.sampled_from(
    ("*", "a.one", "a.two@1.0.0", "a.*", "*.t*", "auth:admin", "tag:money", "risk:high", "c.four?")
)
links = st.lists(
    st.tuples(
        st.sampled_from(("admin", "user", "clerk", "user:alice")), st.sampled_from(ROLES), domains
    ).filter(lambda link: link[0] != link[1]),
    max_size=4,
    unique=True,
)
access_rules = st.lists(
    st.tuples(
        subjects,
        domains,
        selectors,
        st.sampled_from(("call", "*")),
        st.sampled_from(("allow", "deny")),
    ),
    min_size=1,
    max_size=8,
    unique=True,
)
CONDITIONS = ("true", "1 == 1", "false", "a > 1", "a > 3", "a > 1 && b == 'x'", "has(a) && a > 1")
verdict_rules = st.lists(
    st.tuples(
        st.integers(1, 3),
        subjects,
        domains,
        selectors,
        st.sampled_from(("*", "low", "high", "critical")),
        st.sampled_from(CONDITIONS),
        st.sampled_from(("autonomous", "assist", "blocked")),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda rule: rule[:6],
)
_FIELDS = (
    *("*", "input.*", "input.email", "*.email", "output.a.*", "output.*.email"),
    *("class:contact", "class:health"),
)
pii_rules = st.lists(
    st.tuples(
        st.integers(1, 3),
        subjects,
        st.sampled_from(("*", "human", "agent", "anonymous")),
        domains,
        selectors,
        st.sampled_from(_FIELDS),
        st.sampled_from(tuple(Treatment)),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda rule: rule[:6],
)
TERMS = {"assist": "boss, 1, 1h, -"}


def lines(kind: str, rows: list[tuple[object, ...]]) -> str:
    return "".join(f"{kind}, {', '.join(map(str, row))}\n" for row in rows)


def revision(
    access: str = "p, user, *, *, call, allow\n",
    verdict: str = "p, 1, *, *, *, *, true, blocked, -, -, -, -\n",
    pii: str = "p, 1, user, *, *, *, *, mask\n",
) -> PolicyRevision:
    rules = {"access.csv": access, "verdict.csv": verdict, "pii.csv": pii}
    return build_revision(PolicyContent({**MODELS, **rules}), REGISTRY, Path("policies"))


def without_shadowed(before: PolicyRevision) -> PolicyRevision | None:
    """The revision without any rule that lint calls shadowed; None where there is none."""
    files = dict(before.content.files)
    found = [advice.at.split(":") for advice in advise(before) if advice.code == SHADOWED]
    for name, line, _ in found:
        rows = files[name].split("\n")
        rows[int(line) - 1] = ""
        files[name] = "\n".join(rows)
    after = before.content.replaced(files)
    return build_revision(after, REGISTRY, Path("policies")) if found else None


@settings(max_examples=examples(80), deadline=None)
@given(access_rules, links)
def test_without_shadowed_access_rules_the_same_is_allowed(
    rules: list[tuple[object, ...]], roles: list[tuple[object, ...]]
) -> None:
    before = revision(access=lines("p", rules) + lines("g", roles))
    after = without_shadowed(before)
    if after is not None:
        for caller, asked in itertools.product(PRINCIPALS, CONTRACTS):
            assert after.access(caller, asked).allowed is before.access(caller, asked).allowed


ARGUMENTS = [
    ({"a": 2, "b": "x"}, frozenset[str]()),
    ({"a": 5, "b": "y"}, frozenset[str]()),
    ({"a": 0, "b": 1}, frozenset[str]()),
    ({}, frozenset[str]()),
    ({"b": "x"}, frozenset({"a"})),
    ({}, frozenset({"a", "b"})),
]


@settings(max_examples=examples(80), deadline=None)
@given(verdict_rules, links)
def test_without_shadowed_verdict_rules_each_verdict_is_the_same_and_for_the_same_reason(
    rules: list[tuple[object, ...]], roles: list[tuple[object, ...]]
) -> None:
    rows = [(*rule, TERMS.get(str(rule[-1]), "-, -, -, -")) for rule in rules]
    access = "p, user, *, *, call, allow\n" + lines("g", roles)
    before = revision(access, verdict=lines("p", rows))
    after = without_shadowed(before)
    if after is not None:
        for caller, asked, given_ in itertools.product(PRINCIPALS, CONTRACTS, ARGUMENTS):
            one, other = (policy.verdict(caller, asked, *given_) for policy in (before, after))
            assert (one.verdict, one.rules, one.reasons) == (
                other.verdict,
                other.rules,
                other.reasons,
            )


FIELDS = ("input.email", "input.a.b", "output.email", "output.a.email", "output.a.b.email")


@settings(max_examples=examples(80), deadline=None)
@given(pii_rules, links)
def test_without_shadowed_pii_rules_everybody_sees_the_same(
    rules: list[tuple[object, ...]], roles: list[tuple[object, ...]]
) -> None:
    access = "p, user, *, *, call, allow\n" + lines("g", roles)
    before = revision(access, pii=lines("p", rules))
    after = without_shadowed(before)
    if after is not None:
        for caller, asked, name in itertools.product(PRINCIPALS, CONTRACTS, FIELDS):
            shown = (policy.treatment(caller, asked.ref, name) for policy in (before, after))
            assert len(set(shown)) == 1


@settings(max_examples=examples(60), deadline=None)
@given(verdict_rules, pii_rules, st.randoms())
def test_a_rule_that_stands_there_twice_is_found(
    verdicts: list[tuple[object, ...]], treatments: list[tuple[object, ...]], chance: object
) -> None:
    rows = [(*rule, TERMS.get(str(rule[-1]), "-, -, -, -")) for rule in verdicts]
    for name, file in (("verdict", rows), ("pii", treatments)):
        copied = chance.choice(file)  # type: ignore[attr-defined]  # a Random
        text = lines("p", [*file, (9, *copied[1:])])
        told = {
            advice.at.split(":")[1]
            for advice in advise(revision(**{name: text}))
            if advice.code == SHADOWED
        }
        assert str(len(file) + 1) in told


@settings(max_examples=examples(60), deadline=None)
@given(access_rules)
def test_an_access_rule_that_says_what_another_says_is_found(rules: list[tuple[str, ...]]) -> None:
    who, where, what, _, effect = rules[0]
    rest = [rule for rule in rules if rule[:3] != (who, where, what)]
    text = lines("p", [*rest, (who, where, what, "*", effect), (who, where, what, "call", effect)])
    told = {advice.at.split(":")[1] for advice in advise(revision(text)) if advice.code == SHADOWED}
    assert str(len(rest) + 2) in told


numbers = st.sampled_from(("0", "1", "2", "2.5", "-1"))
texts = st.sampled_from(("''", "'x'", "'xy'", "'z'"))
signs = st.sampled_from(("<", "<=", ">", ">=", "==", "!="))
atoms = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(("n", "m")), signs, numbers),
    st.builds("n {} m".format, signs),
    st.builds("{} {} s".format, texts, st.sampled_from(("==", "!="))),
    st.builds("startsWith(s, {})".format, texts),
    st.builds("s in [{}, {}]".format, texts, texts),
    st.sampled_from(("f", "!f", "has(n)", "has(s)", "!has(s)", "true", "false")),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({}) && ({})".format, inner, inner),
        st.builds("({}) || ({})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=4,
)
VALUES = {
    "n": (-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.2, 2.4, 2.5, 3, 4, None),
    "m": (-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.3, 2.5, 7),
    "s": ("", "x", "xa", "xy", "xyz", "z", "zz", "other", None, 1),
    "f": (True, False),
}


@settings(max_examples=examples(200), deadline=None)
@example("n > 10 && n < 5")
@example("n >= 2 || n < 2")
@given(conditions)
def test_what_lint_says_of_a_condition_is_so_for_all_arguments(text: str) -> None:
    condition = parse_condition(text)
    found = range_of(condition, Effort())
    if found is None:
        return
    names = list(condition.reads)
    outcomes = {
        condition.outcome(Arguments(dict(zip(names, values, strict=True))))
        for values in itertools.product(*(VALUES[name] for name in names))
    }
    assert found.holds or True not in outcomes
    assert found.fails_to_hold or False not in outcomes
    if len(names) < 2:  # then the values above reach every case
        assert (found.holds, found.fails_to_hold) == (True in outcomes, False in outcomes)
