"""What the policy tests share: contracts made in place, and folders of policies to alter."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from gateway.contracts import Registry
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    Kind,
    Meta,
    NamedType,
    OperationContract,
    Risk,
)
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import Issue, ProblemError
from gateway.model.types import parse_type
from gateway.policy import Policies, load_policies

SHIPPED = Path(__file__).parents[3] / "policies"

MakeContract = Callable[..., OperationContract]
MakePrincipal = Callable[..., Principal]
LoadWith = Callable[..., Policies]
IssuesOf = Callable[..., list[Issue]]


@pytest.fixture
def contract() -> MakeContract:
    """Makes an operation contract; only what a test names matters."""

    def make(
        key: str = "shop.order.ship",
        *,
        version: str = "1.0.0",
        risk: Risk = Risk.LOW,
        auth: AuthLevel = AuthLevel.USER,
        tags: Iterable[str] = (),
        capability: str = "shop.core@1.0.0",
        kind: Kind = Kind.COMMAND,
        escalate: bool = False,
        given: Mapping[str, str] | None = None,
        types: Mapping[str, NamedType] | None = None,
    ) -> OperationContract:
        return OperationContract(
            meta=Meta(key, version, "A title", "A text", key.partition(".")[0], tags=tuple(tags)),
            kind=kind,
            input={name: parse_type(text) for name, text in (given or {}).items()},
            output={},
            policy=ContractPolicy(auth=auth, escalate=escalate),
            digest="0" * 64,
            types=types or {},
            capability=capability,
            risk=risk,
        )

    return make


@pytest.fixture
def principal() -> MakePrincipal:
    """Makes a principal of a workspace."""

    def make(
        *roles: str,
        type: str = "human",  # noqa: A002  # the word that policies use
        subject: str = "alice",
        workspace: str = "acme",
        capabilities: Iterable[str] | None = None,
    ) -> Principal:
        granted = None if capabilities is None else frozenset(capabilities)
        return Principal(PrincipalType(type), subject, workspace, frozenset(roles), granted)

    return make


@pytest.fixture
def load_with(tmp_path: Path) -> LoadWith:
    """Loads the shipped policies, some of whose files are given other text (None removes one)."""

    def load(*contracts: OperationContract, **files: str | None) -> Policies:
        folder = tmp_path / "policies"
        shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
        for name, text in files.items():
            path = folder / name.replace("_", ".")
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")
        return load_policies(folder, Registry(contracts))

    return load


@pytest.fixture
def issues_of(load_with: LoadWith) -> IssuesOf:
    """The issues for which policies are refused."""

    def issues(*contracts: OperationContract, **files: str | None) -> list[Issue]:
        with pytest.raises(ProblemError) as refused:
            load_with(*contracts, **files)
        assert refused.value.problem.code == "POLICIES_INVALID"
        return list(refused.value.problem.issues)

    return issues
