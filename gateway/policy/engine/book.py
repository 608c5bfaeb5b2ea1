"""The rules of one revision, linted and compiled, with the engines that decide by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway.policy.engine.enforcer import ReferenceEngine, read_model
from gateway.policy.engine.engine import RuleEngine
from gateway.policy.engine.index import RuleIndex
from gateway.policy.engine.matcher import matcher_functions
from gateway.policy.engine.matching import compile_matcher
from gateway.policy.engine.roles import RoleGraph
from gateway.policy.rules.conditions import Condition
from gateway.policy.rules.models import ACCESS, MODELS, PII, VERDICT, ModelSpec
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import Selector


class Engine(Protocol):
    """Decides the requests of one model."""

    def decide(self, *request: Any) -> tuple[bool, Row | None]:
        """Whether the request is allowed, and the rule that said so; None if none matched.

        Raises:
            Exception: whatever a function of the matcher raised. The caller must then deny.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelText:
    """A model as it was read: the text of its file, and its matcher as Casbin hands it over."""

    spec: ModelSpec
    text: str
    matcher: str

    @classmethod
    def read(cls, spec: ModelSpec, text: str) -> "ModelText":
        """A model that was linted.

        Raises:
            ValueError: Casbin cannot read it.
        """
        return cls(spec, text, read_model(text)["m"])


@dataclass(frozen=True, slots=True)
class Rules:
    """What a revision says: its ``models``, the rules of each in an index (both by the model's
    name), role ``assignments`` in the order of their file and as a graph, and the selectors and
    conditions of all rules by their text."""

    models: Mapping[str, ModelText]
    indexes: Mapping[str, RuleIndex]
    assignments: tuple[Row, ...]
    graph: RoleGraph
    selectors: Mapping[str, Selector]
    conditions: Mapping[str, Condition]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """One revision of the rules, linted and compiled: the engine of each model and its ``rules``.

    ``constants`` are the values that the matchers themselves name, ``by_place`` says whether they
    compare workspaces with nothing else; ``notes`` are what linting found worth saying without
    refusing it.
    """

    access: Engine
    verdict: Engine
    pii: Engine
    rules: Rules
    constants: frozenset[str]
    by_place: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def compiled(cls, rules: Rules, notes: tuple[str, ...]) -> "RuleBook":
        """The book of some linted rules."""
        functions = matcher_functions(rules.selectors, rules.graph)
        matchings = {
            spec.name: compile_matcher(spec, rules.models[spec.name].matcher, functions)
            for spec in MODELS
        }

        def engine(spec: ModelSpec) -> RuleEngine:
            return RuleEngine(spec, matchings[spec.name], rules.indexes[spec.name])

        constants = frozenset().union(*(each.constants for each in matchings.values()))
        by_place = all(each.by_place for each in matchings.values())
        engines = (engine(ACCESS), engine(VERDICT), engine(PII))
        return cls(*engines, rules, constants, by_place, notes)

    def reference(self) -> "RuleBook":
        """The same rules decided by Casbin itself, which takes time for each of them."""
        rules = self.rules
        functions = matcher_functions(rules.selectors, rules.graph)

        def engine(spec: ModelSpec) -> ReferenceEngine:
            used = {name: functions[name] for name in spec.functions - {"g"}}
            rows = sorted(rules.indexes[spec.name].rows, key=lambda row: row.line)
            graph = rules.graph if spec.roles else None
            text = rules.models[spec.name].text
            return ReferenceEngine(text, spec.effect, rows, used, graph)

        return replace(self, access=engine(ACCESS), verdict=engine(VERDICT), pii=engine(PII))

    @property
    def access_rows(self) -> tuple[Row, ...]:
        """The access rules in the order of their file."""
        return self.rules.indexes[ACCESS.name].rows

    @property
    def verdict_rows(self) -> tuple[Row, ...]:
        """The verdict rules by priority, then in the order of their file."""
        return self.rules.indexes[VERDICT.name].rows

    @property
    def pii_rows(self) -> tuple[Row, ...]:
        """The PII rules by priority, then in the order of their file."""
        return self.rules.indexes[PII.name].rows

    @property
    def assignments(self) -> tuple[Row, ...]:
        """The role assignments in the order of their file."""
        return self.rules.assignments

    @property
    def graph(self) -> RoleGraph:
        """Who holds which role."""
        return self.rules.graph

    @property
    def selectors(self) -> Mapping[str, Selector]:
        """The selectors of all rules by their text."""
        return self.rules.selectors

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """The conditions of all verdict rules by their text."""
        return self.rules.conditions

    def tells_apart(self, user: str) -> bool:
        """True if a rule or a matcher names this ``user:...`` itself."""
        access, verdict, pii = self.rules.indexes.values()
        return (
            user in access.subjects
            or user in verdict.subjects
            or user in pii.subjects
            or user in self.constants
        )

    def tells_apart_workspace(self, workspace: str) -> bool:
        """True if a rule, an assignment or a matcher names this workspace, or may tell any of
        them apart."""
        access, verdict, pii = self.rules.indexes.values()
        return (
            not self.by_place
            or workspace in access.workspaces
            or self.rules.graph.names_workspace(workspace)
            or workspace in verdict.workspaces
            or workspace in pii.workspaces
            or workspace in self.constants
        )


def graph_of(assignments: Iterable[Row]) -> RoleGraph:
    """The role assignments of some ``g`` rows as a graph."""
    graph = RoleGraph()
    for row in assignments:
        subject, role, workspace = row.values
        graph.link(subject, role, workspace, row.line)
    return graph
